import type { ChangePlan } from '../data/planner/change.ts';
import type { CursorSeal } from '../log/cursor.ts';
import { type LogEntry, tableKey } from '../log/entry.ts';
import type { LogSource } from '../log/log-source.ts';
import type { LogTail } from '../log/tail.ts';
import type { Database } from '../platform/db.ts';
import type { Logger } from '../platform/log.ts';
import type { ChangePlans, PreparedChanges } from './change-plans.ts';
import type { Markers } from './markers.ts';
import type { Images } from './relevance.ts';

/** What is read of the log at once: entries of some tables, and the place up to which there are no others. */
export interface Stretch {
  entries: readonly LogEntry[];
  to: number;
}

/** What everything that is live stands on. */
export interface LiveParts {
  db: Database;
  tail: LogTail;
  seal: CursorSeal;
  plans: ChangePlans;
  markers: Markers;
  images: Images;
  log: Logger;
  /** A stretch of the log behind `after`, from memory where it is there; undefined when the log does not reach back so far. */
  stretch(after: number, to: number, tables: readonly string[]): Promise<Stretch | undefined>;
  /** What was made and deleted of the plan's own rows behind a place, as far as the log knows now. */
  laterRows(plan: PreparedChanges, after: number): Promise<Stretch>;
  /** The rows that went together with these entries, as far as the plan's rules and filter look at them. */
  deletions(plan: ChangePlan, entries: readonly LogEntry[]): Promise<LogEntry[]>;
}

/** What is judged together: small enough for those who follow to take it at once, and for slow ones to hold a part of it. */
const mostEntries = 500;
const mostLength = 256 * 1024;
const mostLater = 10_000;

/** Reads stretches of the log: the newest from the tail, older ones from the source. */
export function createStretches(
  source: LogSource,
  tail: LogTail,
): Pick<LiveParts, 'stretch' | 'deletions' | 'laterRows'> {
  return {
    async stretch(after, to, tables) {
      const recent = tail.recent(after, Math.min(to - after, mostEntries + 1));
      if (recent) {
        const part = firstOf(recent);
        const last = part.length < recent.length ? part.at(-1)!.seq : to;
        return { entries: part.filter((e) => tables.includes(e.table)), to: last };
      }
      const entries = await source.read({ after, to, limit: mostEntries, tables });
      // @NOTE asked after the reading: a segment dropped in between must not go unnoticed.
      const { first } = await source.extent();
      if (first > after + 1) return undefined;
      const part = firstOf(entries);
      return { entries: part, to: part.length < mostEntries && part === entries ? to : part.at(-1)!.seq };
    },
    async laterRows({ table }, after) {
      const to = tail.head.seq;
      const recent = tail.recent(after) ?? (await source.read({ after, to, limit: mostLater, tables: [table] }));
      const entries = recent.filter((e) => e.table === table && (e.kind === 'insert' || e.kind === 'delete'));
      return { entries, to };
    },
    async deletions(plan, entries) {
      const tables = plan.deletedIn.map(tableKey);
      const transactions = new Set(entries.filter((e) => e.old !== null).map((e) => e.transaction));
      if (tables.length === 0 || transactions.size === 0) return [];
      const found: LogEntry[] = [];
      const unknown: string[] = [];
      const reachesBack = tail.recent(entries[0]!.seq - 1, 0) !== undefined;
      for (const transaction of transactions) {
        const recent = reachesBack ? tail.recentDeletions(transaction) : undefined;
        if (recent) found.push(...recent.filter((e) => tables.includes(e.table)));
        else unknown.push(transaction);
      }
      return unknown.length > 0 ? found.concat(await source.deletions(unknown, tables)) : found;
    },
  };
}

/** As many of these entries as are judged together; one at least, if there is one. */
function firstOf(entries: readonly LogEntry[]): readonly LogEntry[] {
  let length = 0;
  for (const [n, entry] of entries.entries()) {
    length += (entry.old?.length ?? 0) + (entry.new?.length ?? 0);
    if (n > 0 && (n === mostEntries || length > mostLength)) return entries.slice(0, n);
  }
  return entries;
}
