import { GraphQLError } from 'graphql';
import type { QueryGroup, Revision } from './query-group.ts';
import { hasRoomWithin, patience, type Sink, type Stream } from './sink.ts';

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

  /** Ends the stream with the error that says why. */
  fail(error: unknown): void {
    if (this.isClosed) return;
    this.close();
    const originalError = error instanceof Error ? error : new Error(String(error));
    this.sink.end([new GraphQLError(originalError.message, { originalError })]);
  }

  /** Sends the client away, to come back and ask again. */
  leave(): void {
    if (this.isClosed) return;
    this.close();
    this.sink.leave();
  }

  private async waitForRoom(): Promise<void> {
    this.isWaiting = true;
    const isInTime = await hasRoomWithin(this.sink, patience);
    this.isWaiting = false;
    if (this.isClosed) return;
    if (!isInTime) {
      this.sink.cutOff();
      this.close();
    } else if (this.group.latest) this.tell(this.group.latest);
  }
}
