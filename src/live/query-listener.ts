import { setTimeout as sleep } from 'node:timers/promises';
import { GraphQLError } from 'graphql';
import type { QueryGroup, Revision } from './query-group.ts';
import { patience, type Sink, type Stream } from './sink.ts';

/** One client of a live query: it is told the newest answer, and may miss those between while its connection is full. */
export class QueryListener implements Stream {
  readonly place = undefined;
  private readonly group: QueryGroup;
  private readonly sink: Sink;
  private told = 0;
  private isWaiting = false;
  private isClosed = false;

  constructor(group: QueryGroup, sink: Sink) {
    this.group = group;
    this.sink = sink;
  }

  /** Tells a revision now, or the newest one when there is room again. */
  tell(revision: Revision): void {
    if (this.isClosed || this.isWaiting || revision.number === this.told) return;
    const { number, patch, whole } = revision;
    const frame = patch && number === this.told + 1 ? patch : whole;
    if (this.sink.send([frame]) === 1) this.told = number;
    else void this.waitForRoom();
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.group.leave(this);
  }

  /** Ends the stream from this side, in order or with the error that says why. */
  end(error?: unknown): void {
    if (this.isClosed) return;
    this.close();
    if (error === undefined) {
      this.sink.end();
      return;
    }
    const originalError = error instanceof Error ? error : new Error(String(error));
    this.sink.end([new GraphQLError(originalError.message, { originalError })]);
  }

  private async waitForRoom(): Promise<void> {
    this.isWaiting = true;
    const isInTime = await Promise.race([this.sink.drained().then(() => true), sleep(patience, false, { ref: false })]);
    this.isWaiting = false;
    if (this.isClosed) return;
    if (!isInTime) {
      this.sink.cutOff();
      this.close();
    } else if (this.group.latest) this.tell(this.group.latest);
  }
}
