import type { ChangePlan } from '../data/planner/change.ts';
import type { CursorSeal } from '../log/cursor.ts';
import { type LogEntry, sizeOf, tableKey } from '../log/entry.ts';
import type { LogSource, Stretch } from '../log/log-source.ts';
import type { LogTail } from '../log/tail.ts';
import type { Database } from '../platform/db.ts';
import type { Logger } from '../platform/log.ts';
import type { ChangePlans, PreparedChanges } from './change-plans.ts';
import type { Markers } from './markers.ts';
import type { Images } from './relevance.ts';

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

/** How often the log is read for what was made and deleted later. */
const laterParts = 10;
const laterAtOnce = 1000;

/** Reads stretches of the log: the newest from the tail, older ones from the source. */
export function createStretches(
  source: LogSource,
  tail: LogTail,
): Pick<LiveParts, 'stretch' | 'deletions' | 'laterRows'> {
  return {
    async stretch(after, to, tables) {
      const recent = tail.recent(after, Math.min(to - after, mostEntries + 1));
      const found = recent
        ? { entries: recent, to }
        : await source.read({ after, to, limit: mostEntries, bytes: mostLength, tables });
      if (!recent) {
        // @NOTE asked after the reading: a segment dropped in between must not go unnoticed.
        const { first } = await source.extent();
        if (first > after + 1) return undefined;
      }
      const part = beginning(found.entries);
      const last = part.length < found.entries.length ? part.at(-1)!.seq : found.to;
      return { entries: recent ? part.filter((e) => tables.includes(e.table)) : part, to: last };
    },
    async laterRows({ table }, after) {
      const to = tail.head.seq;
      const isMadeOrDeleted = (e: LogEntry) => e.table === table && (e.kind === 'insert' || e.kind === 'delete');
      const recent = tail.recent(after);
      if (recent) return { entries: recent.filter(isMadeOrDeleted), to };
      const entries: LogEntry[] = [];
      let place = after;
      for (let parts = 0; place < to && parts < laterParts; parts += 1) {
        const part = await source.read({ after: place, to, limit: laterAtOnce, tables: [table] });
        entries.push(...part.entries.filter(isMadeOrDeleted));
        place = part.to;
      }
      return { entries, to: place };
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

/** The first of these entries, no more than are judged at once; one that is larger than the bound goes alone. */
function beginning(entries: readonly LogEntry[]): readonly LogEntry[] {
  let length = 0;
  const end = entries.findIndex((entry, n) => {
    length += sizeOf(entry);
    return n > 0 && (n === mostEntries || length > mostLength);
  });
  return end < 0 ? entries : entries.slice(0, end);
}
