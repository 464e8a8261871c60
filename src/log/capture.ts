/**
 * Capture: a trigger on each table of the schema writes every change of a row into the inbox, in the transaction that
 * makes it. Cascades, raw SQL and other programs are captured too.
 */
import type { Datamodel } from '../data/model/datamodel.ts';
import { identifier, literal, tableRef } from '../data/planner/statement.ts';
import type { Database, Queryable } from '../platform/db.ts';
import { tableKey } from './entry.ts';
import { installLock, logTables } from './tables.ts';

/** A table whose changes are captured. */
type Table = { schema: string; name: string };

/**
 * @NOTE the name: triggers of one event fire by name, and this one must come before PostgreSQL's own `RI_…`, which cascade.
 * So a deleted row stands in the log before the rows that go with it.
 */
const rowTrigger = 'Millrace_capture';
const truncateTrigger = 'Millrace_capture_truncate';

/** Bumped whenever the functions below change. */
const version = 3;

/**
 * Besides those of capture, `refuse` is what a write that is one statement takes itself back by (see `data/writes/one-statement.ts`).
 * @NOTE security definer: whoever may write to a table need not know of the log. An update that changes nothing is none: rows
 * are compared byte by byte (`*=`), which any two types allow, and before they are spelled as JSON, which costs the most.
 */
const functions = `
create or replace function millrace.capture() returns trigger language plpgsql security definer set search_path = '' as $body$
begin
  if tg_op = 'UPDATE' then
    if old *= new then return null; end if;
    insert into millrace.event_inbox (relation, operation, old, new)
      values (tg_argv[0], 'U', row_to_json(old), row_to_json(new));
  elsif tg_op = 'INSERT' then
    insert into millrace.event_inbox (relation, operation, new) values (tg_argv[0], 'I', row_to_json(new));
  else
    insert into millrace.event_inbox (relation, operation, old) values (tg_argv[0], 'D', row_to_json(old));
  end if;
  return null;
end $body$;
create or replace function millrace.capture_truncate() returns trigger language plpgsql security definer set search_path = '' as $body$
begin
  insert into millrace.event_inbox (relation, operation) values (tg_argv[0], 'T');
  return null;
end $body$;
create or replace function millrace.refuse() returns text language plpgsql set search_path = '' as $body$
begin
  raise exception using errcode = 'MR001', message = 'the rules do not let this write through';
end $body$;
comment on function millrace.capture() is 'version ${version}';
`;

/** What an installation found and did. */
export interface Installation {
  /** Tables that were not captured until now. */
  captured: string[];
  /** Some of them had been captured before: their changes since may be lost, so a new epoch has begun. */
  wasBroken: boolean;
}

/** Tables whose changes the log holds: of every model that is none of a view's, and the join tables between them. */
export function capturedTables(datamodel: Datamodel): Table[] {
  const tables = new Map<string, Table>();
  for (const model of datamodel.models.values()) {
    if (!model.isView) tables.set(tableKey(model.table), model.table);
    for (const { link } of model.relations) if (link.kind === 'join') tables.set(tableKey(link.table), link.table);
  }
  return [...tables.values()];
}

/**
 * Makes the log's tables and the triggers that are missing; does nothing where all is there. A table that had lost its
 * trigger (it was made anew, say) begins a new epoch, for nobody knows what was missed. A function of an older version is
 * replaced under its triggers, which miss nothing.
 */
export async function installCapture(db: Database, datamodel: Datamodel): Promise<Installation> {
  const tables = capturedTables(datamodel);
  const found = await inspectCapture(db, tables);
  if (found.missing.length === 0 && found.isCurrent) return { captured: [], wasBroken: false };
  return db.transaction(async (tx) => {
    await tx.query({ text: `select pg_advisory_xact_lock(${installLock})`, values: [] });
    const { missing, isCurrent } = await inspectCapture(tx, tables);
    await tx.script(isCurrent ? logTables : logTables + functions);
    const relations = missing.map(tableKey);
    const known = await tx.query({
      text: `select 1 from millrace.event_capture where relation = any($1) limit 1`,
      values: [relations],
    });
    const wasBroken = known.length > 0;
    for (const table of missing) await tx.script(triggersOf(table));
    await tx.query({
      text: 'insert into millrace.event_capture select unnest($1::text[]) on conflict do nothing',
      values: [relations],
    });
    if (wasBroken) await tx.script('update millrace.event_head set epoch = gen_random_uuid()::text');
    return { captured: relations, wasBroken };
  });
}

/** The tables that have no trigger, all of them where there is no log yet; and whether the functions are not older than these. */
export async function inspectCapture(
  db: Queryable,
  tables: readonly Table[],
): Promise<{ missing: Table[]; isCurrent: boolean }> {
  const rows = await db.query({
    text: `select n.nspname || '.' || c.relname from pg_trigger t
      join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
      where t.tgname = $1 and t.tgenabled in ('O', 'A') and t.tgfoid = to_regproc('millrace.capture')`,
    values: [rowTrigger],
  });
  const [described] = await db.query({
    text: `select obj_description(to_regproc('millrace.capture'), 'pg_proc')`,
    values: [],
  });
  const captured = new Set(rows.map(([name]) => name));
  // @NOTE a newer one stays: while nodes are replaced one by one, those of before must not undo what the new ones have made.
  const installed = Number(/\d+$/.exec(String(described?.[0]))?.[0] ?? 0);
  return { missing: tables.filter((table) => !captured.has(tableKey(table))), isCurrent: installed >= version };
}

function triggersOf(table: Table): string {
  const [on, argument] = [tableRef(table), literal(tableKey(table))];
  const [row, truncate] = [identifier(rowTrigger), identifier(truncateTrigger)];
  return `
    drop trigger if exists ${row} on ${on};
    create trigger ${row} after insert or update or delete on ${on}
      for each row execute function millrace.capture(${argument});
    drop trigger if exists ${truncate} on ${on};
    create trigger ${truncate} after truncate on ${on}
      for each statement execute function millrace.capture_truncate(${argument});`;
}
