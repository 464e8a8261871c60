/**
 * A live query for all who ask it in the same words and the same class: one answer, run again when something it depends on
 * has changed, and told only when it differs.
 *
 * Invariant: an answer that was told contains every change up to the place that the log's tail had when it was run, for a
 * change is announced after its commit; what came later and matters makes it stale again. So between the first answer and
 * what follows nothing is missing, and nothing has to be asked for in turn.
 */
import { createPatch } from 'rfc6902';
import type { LogEntry } from '../log/entry.ts';
import { Frame } from './frame.ts';
import type { LiveParts } from './live-parts.ts';
import type { QueryListener } from './query-listener.ts';
import { type Images, isRelevant, type Watch } from './relevance.ts';

/** What a group asks the database. */
export interface GroupQuestion {
  /** Runs the query; resolves to the JSON text of `data`. */
  run(): Promise<string>;
  watch: Watch;
  /** Its listeners are told what differs (RFC 6902) instead of the whole, where that is shorter. */
  asPatch: boolean;
}

/** A frame of a group: the answer as a whole, and, for whoever has the one before, what differs. */
export interface Revision {
  number: number;
  whole: Frame;
  patch: Frame | undefined;
}

/** Milliseconds between two runs of one query: a burst of changes is one. */
const restBetween = 50;
const retryAfter = 500;

/** The listeners of one live query, and its newest answer. */
export class QueryGroup {
  readonly listeners = new Set<QueryListener>();
  /** The newest answer; undefined before the first. */
  latest: Revision | undefined;
  private readonly question: GroupQuestion;
  private readonly parts: LiveParts;
  private readonly onEmpty: () => void;
  private data: string | undefined;
  private isStale = true;
  private isRunning = false;
  private lastRun = Number.NEGATIVE_INFINITY;
  private timer: NodeJS.Timeout | undefined;

  constructor(question: GroupQuestion, parts: LiveParts, onEmpty: () => void) {
    this.question = question;
    this.parts = parts;
    this.onEmpty = onEmpty;
  }

  /** Takes a listener in; it is told the newest answer, and the next ones. */
  join(listener: QueryListener): void {
    this.listeners.add(listener);
    if (this.latest && !this.isStale) listener.tell(this.latest);
    this.schedule();
  }

  /** Takes a listener out; the group ends with its last one. */
  leave(listener: QueryListener): void {
    this.listeners.delete(listener);
    if (this.listeners.size > 0) return;
    clearTimeout(this.timer);
    this.onEmpty();
  }

  /** Takes note of entries of the log; undefined when they cannot be told. */
  hear(entries: readonly LogEntry[] | undefined, images: Images): void {
    if (this.isStale && !this.isRunning) return;
    if (entries && !entries.some((entry) => isRelevant(this.question.watch, entry, images))) return;
    this.isStale = true;
    this.schedule();
  }

  private schedule(after = 0): void {
    if (!this.isStale || this.isRunning || this.timer) return;
    const wait = Math.max(after, this.lastRun + restBetween - performance.now());
    if (wait <= 0) void this.run();
    else {
      this.timer = setTimeout(() => {
        this.timer = undefined;
        void this.run();
      }, wait);
    }
  }

  private async run(): Promise<void> {
    this.isRunning = true;
    // @NOTE before it runs: what is announced while it runs may or may not be in the answer, and makes it stale again.
    this.isStale = false;
    this.lastRun = performance.now();
    let failed = false;
    try {
      this.tell(await this.question.run());
    } catch (error) {
      this.parts.log.debug({ err: error }, 'a live query could not be run');
      this.isStale = true;
      failed = true;
      // Whoever has an answer keeps it until there is a new one; whoever has none is told why.
      if (!this.latest) for (const listener of [...this.listeners]) listener.fail(error);
    }
    this.isRunning = false;
    if (this.listeners.size > 0) this.schedule(failed ? retryAfter : 0);
  }

  private tell(data: string): void {
    if (data === this.data) return;
    const number = (this.latest?.number ?? 0) + 1;
    const patch = this.question.asPatch && this.data !== undefined ? patchFrame(this.data, data, number) : undefined;
    const live = this.question.asPatch ? `,"extensions":{"live":{"revision":${number}}}` : '';
    this.data = data;
    this.latest = { number, whole: new Frame(`{"data":${data}${live}}`), patch };
    for (const listener of this.listeners) listener.tell(this.latest);
  }
}

/** What leads from one answer to the next; undefined when the next one itself is shorter. */
function patchFrame(before: string, after: string, number: number): Frame | undefined {
  const patch = JSON.stringify(createPatch(JSON.parse(before), JSON.parse(after)));
  if (patch.length >= after.length) return undefined;
  return new Frame(`{"data":null,"extensions":{"live":{"revision":${number},"patch":${patch}}}}`);
}
