import type { Queryable } from '../platform/db.ts';
import { type EntryTuple, entryColumns, entryLength, isWithin, type LogEntry, toEntry } from './entry.ts';
import type { LogSource } from './log-source.ts';

const entriesOf = (rows: unknown[][]): LogEntry[] => rows.map((row) => toEntry(row as EntryTuple));

/** Bytes of what is read at once. */
const largestRead = 4 * 2 ** 20;

/** The log in PostgreSQL's tables; see `tables.ts`. */
export function createPostgresLog(db: Queryable): LogSource {
  return {
    async extent() {
      const [row] = await db.query({
        name: 'log_extent',
        text: `select epoch, seq, coalesce((select min(from_seq) from millrace.event_segment), seq + 1),
            pg_snapshot_xmax(pg_current_snapshot())::text
          from millrace.event_head`,
        values: [],
      });
      const [epoch, head, first, nextTransaction] = row as [string, string, string, string];
      return { epoch, head: Number(head), first: Math.min(Number(first), Number(head) + 1), nextTransaction };
    },
    async read({ after, to, limit, bytes = largestRead, tables }) {
      const rows = await db.query({
        name: tables ? 'log_read_of' : 'log_read',
        text: `select ${entryColumns('l')}, l.found from (
            select l.*, count(*) over () as found, sum(l.length) over (order by l.segment, l.seq) as together from (
              select l.*, ${entryLength('l')} as length from millrace.event_log l
              where l.segment >= coalesce((select max(segment) from millrace.event_segment where from_seq <= $1::bigint + 1), 0)
                and l.seq > $1::bigint and l.seq <= $2::bigint ${tables ? 'and l.relation = any($5::text[])' : ''}
              order by l.segment, l.seq limit $3::int
            ) l
          ) l
          where ${isWithin('$4::bigint')} order by l.segment, l.seq`,
        values: [after, to, limit, bytes, ...(tables ? [tables] : [])],
      });
      const entries = entriesOf(rows);
      const found = Number(rows[0]?.[7] ?? 0);
      return { entries, to: found < limit && entries.length === found ? to : entries.at(-1)!.seq };
    },
    async deletions(transactions, tables) {
      const rows = await db.query({
        name: 'log_deletions',
        text: `select ${entryColumns('l')} from millrace.event_log l
          where l.operation = 'D' and l.xid = any($1::xid8[]) and l.relation = any($2::text[])`,
        values: [transactions, tables],
      });
      return entriesOf(rows);
    },
    async lag() {
      const [row] = await db.query({
        name: 'log_lag',
        text: `select coalesce(extract(epoch from clock_timestamp() - at)::float8, 0)
          from (select at from millrace.event_inbox order by id limit 1) oldest`,
        values: [],
      });
      return Math.max(0, Number(row?.[0] ?? 0));
    },
    async secret() {
      const [row] = await db.query({ text: 'select secret from millrace.event_head', values: [] });
      return row![0] as string;
    },
  };
}
