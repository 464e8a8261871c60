import type { LogEntry, LogPosition } from './entry.ts';

/** What the log holds: from which entry on, and up to which. */
export interface LogExtent {
  epoch: string;
  /** The oldest entry that can still be read; `head + 1` when there is none. */
  first: number;
  /** The newest one; 0 before the first. */
  head: number;
  /** No transaction from this one on (xid8) has entries up to `head`. */
  nextTransaction: string;
}

/** What is read of the log at once: entries, of some tables where those were named, and the place up to which there are no others. */
export interface Stretch {
  entries: readonly LogEntry[];
  to: number;
}

/**
 * Where a node gets the log from. Today it is PostgreSQL's tables, filled by triggers and a sequencer; logical replication
 * can stand in its place, for nothing that reads the log knows more than this.
 *
 * A source promises: entries are numbered without a gap and never change; the changes of one row stand in the order in
 * which they were made; a transaction's cause stands before its effects; an entry can be read once it is announced.
 */
export interface LogSource {
  extent(): Promise<LogExtent>;
  /**
   * Entries behind `after`, up to and with `to`, oldest first, at most `limit` of them and no more than `bytes` together (some
   * megabytes unless said), though at least one if there is one; only of these tables, where named.
   * @param tables as `tableKey` spells them
   */
  read(range: {
    after: number;
    to: number;
    limit: number;
    bytes?: number;
    tables?: readonly string[];
  }): Promise<Stretch>;
  /** Deletions of these tables' rows by these transactions: what is gone together with a row. */
  deletions(transactions: readonly string[], tables: readonly string[]): Promise<LogEntry[]>;
  /** Seconds for which the oldest change that is committed has been waiting to be told; 0 when none waits. */
  lag(): Promise<number>;
  /** The secret that seals cursors, the same on every node. */
  secret(): Promise<string>;
}

/** What is announced when the log has grown; a hint, which may be lost, come late or come twice. */
export interface LogHint extends LogPosition {
  /** The first of the new entries; `seq` is the last. */
  from: number;
  /** The entries themselves, where they are small enough to travel. */
  entries?: readonly LogEntry[];
}
