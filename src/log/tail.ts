import type { Logger } from '../platform/log.ts';
import { type LogEntry, type LogPosition, sizeOf } from './entry.ts';
import type { LogExtent, LogHint, LogSource } from './log-source.ts';

/** What a tail needs; sizes bound its memory. */
export interface TailParts {
  source: LogSource;
  log: Logger;
  maxEntries?: number;
  maxBytes?: number;
}

const pollEvery = 500;
const readSize = 500;

/** Told whenever the log has grown, or has become another one. */
export type TailListener = () => void;

/**
 * One node's view of the log: how far it goes, and its newest entries. Hints make it quick; what they miss is read from the
 * source, at the latest by a poll every half second. Entries come in their order, each once, whatever the hints did.
 */
export class LogTail implements AsyncDisposable {
  private readonly parts: Required<TailParts>;
  private readonly listeners = new Set<TailListener>();
  private ring: LogEntry[] = [];
  private bytes = 0;
  private deletions = new Map<string, LogEntry[]>();
  private position: LogPosition;
  /** Transactions from this one on have all their entries among the newest ones. */
  private whole: bigint;
  private reading: Promise<void> | undefined;
  private rereading: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  private constructor(parts: Required<TailParts>, { epoch, head, nextTransaction }: LogExtent) {
    this.parts = parts;
    this.position = { epoch, seq: head };
    this.whole = BigInt(nextTransaction);
    this.schedule();
  }

  /** Begins at the log's present end. */
  static async open(parts: TailParts): Promise<LogTail> {
    return new LogTail({ maxEntries: 20_000, maxBytes: 32 * 2 ** 20, ...parts }, await parts.source.extent());
  }

  /** The log's present end, as far as this node knows. */
  get head(): LogPosition {
    return this.position;
  }

  /** Calls back after every growth, until the returned function is called. */
  onGrowth(listener: TailListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Entries behind `after`, at most `limit`; undefined when the newest entries do not reach back so far. */
  recent(after: number, limit = Number.MAX_SAFE_INTEGER): readonly LogEntry[] | undefined {
    if (after >= this.position.seq) return [];
    const first = this.ring[0]?.seq;
    if (first === undefined || after + 1 < first) return undefined;
    return this.ring.slice(after + 1 - first, after + 1 - first + limit);
  }

  /** Deletions of a transaction among the newest entries; undefined when it may have begun before them. */
  recentDeletions(transaction: string): readonly LogEntry[] | undefined {
    if (BigInt(transaction) < this.whole) return undefined;
    return this.deletions.get(transaction) ?? [];
  }

  /** Takes a hint: its entries if they are the next ones, else a reason to read. */
  hear(hint: LogHint): void {
    if (this.isStopped) return;
    const { epoch, seq } = this.position;
    if (hint.epoch === epoch && hint.seq <= seq) return;
    if (hint.epoch === epoch && hint.entries && hint.from <= seq + 1 && !this.reading) {
      this.append(hint.entries.filter((entry) => entry.seq > seq));
    } else void this.catchUp();
  }

  /** Reads what is missing, if the source can be asked. */
  async catchUp(): Promise<void> {
    try {
      await this.reach();
    } catch (error) {
      this.parts.log.debug({ err: error }, 'the log could not be read');
    }
  }

  /** Resolves when all is here that was in the log when this was called. @throws MillraceError when the source cannot be asked */
  reach(): Promise<void> {
    if (!this.reading) {
      this.reading = this.readMissing().finally(() => (this.reading = undefined));
      return this.reading;
    }
    // The reading under way may have asked before: another one follows, for all who come meanwhile.
    this.rereading ??= this.reading
      .catch(() => {})
      .then(() => {
        this.rereading = undefined;
        return this.reach();
      });
    return this.rereading;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    await this.rereading?.catch(() => {});
    await this.reading?.catch(() => {});
  }

  private async readMissing(): Promise<void> {
    const { source } = this.parts;
    const extent = await source.extent();
    // A log that is shorter than it was is another one, whatever it says.
    if (extent.epoch !== this.position.epoch || extent.head < this.position.seq) {
      this.forget(extent);
      return;
    }
    while (!this.isStopped && this.position.seq < extent.head) {
      const { entries } = await source.read({ after: this.position.seq, to: extent.head, limit: readSize });
      if (entries[0]?.seq !== this.position.seq + 1) {
        // What is missing was dropped meanwhile: whoever stands before it has to begin anew.
        this.forget(extent);
        return;
      }
      this.append(entries);
    }
  }

  private append(entries: readonly LogEntry[]): void {
    if (entries.length === 0) return;
    for (const entry of entries) {
      this.ring.push(entry);
      this.bytes += sizeOf(entry);
      if (entry.kind === 'delete') {
        const known = this.deletions.get(entry.transaction);
        if (known) known.push(entry);
        else this.deletions.set(entry.transaction, [entry]);
      }
    }
    this.position = { epoch: this.position.epoch, seq: entries.at(-1)!.seq };
    this.trim();
    this.tell();
  }

  /** @NOTE in strides: to cut one entry off the front of a long list each time would cost more than all else. */
  private trim(): void {
    const { maxEntries, maxBytes } = this.parts;
    if (this.ring.length <= maxEntries && this.bytes <= maxBytes) return;
    let dropped = 0;
    while (
      dropped < this.ring.length &&
      (this.ring.length - dropped > maxEntries * 0.9 || this.bytes > maxBytes * 0.9)
    ) {
      const entry = this.ring[dropped]!;
      this.bytes -= sizeOf(entry);
      this.deletions.delete(entry.transaction);
      if (BigInt(entry.transaction) >= this.whole) this.whole = BigInt(entry.transaction) + 1n;
      dropped += 1;
    }
    this.ring = this.ring.slice(dropped);
  }

  private forget({ epoch, head, nextTransaction }: LogExtent): void {
    this.ring = [];
    this.bytes = 0;
    this.deletions.clear();
    this.whole = BigInt(nextTransaction);
    this.position = { epoch, seq: head };
    this.tell();
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }

  private schedule(): void {
    this.timer = setTimeout(() => {
      void this.catchUp().then(() => {
        if (!this.isStopped) this.schedule();
      });
    }, pollEvery);
    this.timer.unref();
  }
}
