/**
 * The log's tables, in a PostgreSQL schema of their own, out of Prisma's sight.
 *
 * - `event_inbox` takes what the triggers write, in the writing transaction; `id` is drawn while the row's lock is held,
 *   so the changes of one row stand in their order, whenever their transactions commit.
 * - `event_head` is one row: the epoch, the last `seq` given out, the segment that is written to, the secret of cursors.
 * - `event_log` is what was committed, in the order in which it is told; a partition a segment, so that what is old is
 *   dropped and never deleted row by row.
 * - `event_segment` knows where each segment begins.
 * - `event_capture` knows which tables have had their triggers, so that one that has lost them is told from a new one.
 */

/** Makes what is missing of the log's tables; running it again changes nothing. One transaction, under `installLock`. */
export const logTables = `
create schema if not exists millrace;

create table if not exists millrace.event_inbox (
  id bigint generated always as identity primary key,
  xid xid8 not null default pg_current_xact_id(),
  at timestamptz not null default clock_timestamp(),
  relation text not null,
  operation text not null,
  old json,
  new json
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

create table if not exists millrace.event_capture (
  relation text primary key
);

create table if not exists millrace.event_head (
  only_row boolean primary key default true check (only_row),
  epoch text not null default gen_random_uuid()::text,
  seq bigint not null default 0,
  segment int not null default 1,
  secret text not null default replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''),
  origin text not null default ''
) with (fillfactor = 50);
insert into millrace.event_head default values on conflict do nothing;

create table if not exists millrace.event_segment (
  segment int primary key,
  from_seq bigint not null,
  started_at timestamptz not null default now()
);
insert into millrace.event_segment (segment, from_seq) values (1, 1) on conflict do nothing;

create table if not exists millrace.event_log (
  segment int not null,
  seq bigint not null,
  at timestamptz not null,
  xid xid8 not null,
  relation text not null,
  operation text not null,
  old json,
  new json,
  primary key (segment, seq)
) partition by list (segment);
create index if not exists event_log_deleted on millrace.event_log (xid) where operation = 'D';
create table if not exists millrace.event_log_1 partition of millrace.event_log for values in (1);
`;

/** The advisory lock of whoever installs the log. */
export const installLock = 7_270_001;
/** The advisory lock of the one node that moves the inbox into the log. */
export const sequencerLock = 7_270_002;
