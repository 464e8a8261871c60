/** What was done to a row, or to a whole table. */
export type EntryKind = 'insert' | 'update' | 'delete' | 'truncate';

/** One change as the log holds it. Images are the row's JSON text as PostgreSQL writes it; only PostgreSQL reads them exactly. */
export interface LogEntry {
  /** Its place: 1, 2, 3 … without a gap. */
  readonly seq: number;
  /** When the row was changed, by the database's clock: an ISO 8601 text. */
  readonly at: string;
  /** The transaction that changed it (xid8). */
  readonly transaction: string;
  /** `schema.table`, as `tableKey` spells it. */
  readonly table: string;
  readonly kind: EntryKind;
  /** The row before; null for an insert. */
  readonly old: string | null;
  /** The row after; null for a delete. */
  readonly new: string | null;
}

/** A place in a log: which log, and how far. */
export interface LogPosition {
  /** Names one unbroken history; a log whose rows may have been lost begins another one. */
  readonly epoch: string;
  readonly seq: number;
  /**
   * Transactions that are known at this place though the log may hold them later: a snapshot as PostgreSQL writes it
   * (`pg_current_snapshot`). Only a query's place has one.
   */
  readonly snapshot?: string;
}

/** An entry as it travels: in a hint, and in the rows that PostgreSQL returns. */
export type EntryTuple = [
  seq: number,
  at: string,
  transaction: string,
  table: string,
  kind: string,
  before: string | null,
  after: string | null,
];

const kinds: Record<string, EntryKind> = { I: 'insert', U: 'update', D: 'delete', T: 'truncate' };

/** The select list that yields entries from `event_log`, in the order of `EntryTuple`. */
export const entryColumns = (alias: string): string =>
  `${alias}.seq, to_json(${alias}.at)#>>'{}', ${alias}.xid::text, ${alias}.relation, ${alias}.operation, ${alias}.old::text, ${alias}.new::text`;

/** Bytes of an entry, from a row that holds it. @NOTE of a text, whose length PostgreSQL knows without reading the whole. */
export const entryLength = (alias: string): string =>
  `(100 + coalesce(octet_length(${alias}.old::text), 0) + coalesce(octet_length(${alias}.new::text), 0))`;

/** Of rows with their `length` and the sum `together` of those up to each: which fit in the bound, and the first in any case. */
export const isWithin = (bound: string): string => `(together <= ${bound} or together = length)`;

/** Reads an entry that travelled. */
export const toEntry = ([seq, at, transaction, table, kind, before, after]: EntryTuple): LogEntry => ({
  seq: Number(seq),
  at,
  transaction,
  table,
  kind: kinds[kind] ?? 'truncate',
  old: before,
  new: after,
});

/** How the log spells a table. */
export const tableKey = (table: { schema: string; name: string }): string => `${table.schema}.${table.name}`;

/** About how much memory an entry takes, in characters. */
export const sizeOf = (entry: LogEntry): number => 100 + (entry.old?.length ?? 0) + (entry.new?.length ?? 0);
