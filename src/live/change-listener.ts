import { setTimeout as sleep } from 'node:timers/promises';
import { snapshotSees } from '../log/cursor.ts';
import type { LogPosition } from '../log/entry.ts';
import type { ChangeGroup } from './change-feed.ts';
import type { PlacedFrame } from './frame.ts';
import { hasRoomWithin, patience, type Sink, type Stream } from './sink.ts';

const retryEvery = 200;
/** Of a history that is not known any more. */
const noEpoch = '';
/** Milliseconds for which a client's own frames are kept while its connection is full; later they are judged again. */
const holdFor = 1000;

/** One client's place in a group's changes. */
export class ChangeListener implements Stream {
  readonly group: ChangeGroup;
  private readonly sink: Sink;
  private position: number;
  private snapshot: string | undefined;
  /** Whether a transaction's changes are in the answer that it goes on from. */
  private isKnown: ((transaction: string) => boolean) | undefined;
  /** It has been told everything that the feed has judged, and is handed what comes as it comes. */
  private isCurrent = false;
  private isClosed = false;
  private isCatchingUp = false;
  /** Said before anything else: the history that it was told has ended. */
  private break: PlacedFrame | undefined;
  /** It has not been told yet where it begins. */
  private isUntold = false;

  constructor(group: ChangeGroup, sink: Sink, { seq, snapshot }: Pick<LogPosition, 'seq' | 'snapshot'>) {
    this.group = group;
    this.sink = sink;
    this.position = seq;
    this.snapshot = snapshot;
    this.isKnown = snapshot === undefined ? undefined : snapshotSees(snapshot);
    group.listeners.add(this);
  }

  /** Begins anew, where the feed stands: with a word that says so. */
  begin(checkpoint: PlacedFrame): void {
    this.isUntold = true;
    this.start(checkpoint);
  }

  /** Goes on: with a word first that says what is missing, or with what lies behind its place. */
  start(first?: PlacedFrame): void {
    if (first) this.break = first;
    void this.catchUp();
  }

  /** Takes the frames that the feed has just made. */
  follow(frames: readonly PlacedFrame[]): void {
    if (!this.isCurrent) return;
    const { feed } = this.group;
    const due = this.due(frames);
    if (due.length === 0 || this.send(due)) this.position = Math.max(this.position, feed.position);
    else void this.catchUp();
  }

  /** Something behind its place was not handed to it. */
  fallBehind(): void {
    if (this.position >= this.group.feed.position) return;
    this.isCurrent = false;
    void this.catchUp();
  }

  /** Takes a checkpoint, if there is nothing else to be told. */
  mark(frame: PlacedFrame): void {
    if (this.isCurrent && frame.seq >= this.position && !this.send([frame])) void this.catchUp();
  }

  /** Its history has ended; it goes on from the feed's position. */
  restart(frame: PlacedFrame): void {
    this.break = frame;
    this.isCurrent = false;
    this.snapshot = undefined;
    this.isKnown = undefined;
    void this.catchUp();
  }

  get place(): LogPosition | undefined {
    if (this.break && this.isUntold) return undefined;
    // Who goes on for it is to say that something is missing: it has not been able to.
    const epoch = this.break ? noEpoch : this.group.feed.epoch;
    return { epoch, seq: this.position, snapshot: this.snapshot };
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.isCurrent = false;
    this.group.feed.leave(this);
  }

  /** Sends the client away, to come back and go on. */
  leave(): void {
    if (this.isClosed) return;
    this.close();
    this.sink.leave();
  }

  /** Those of these frames that it has neither been told nor knows from the answer that it goes on from. */
  private due(frames: readonly PlacedFrame[]): readonly PlacedFrame[] {
    const { position, isKnown } = this;
    if (!isKnown && (frames[0]?.seq ?? 0) > position) return frames;
    return frames.filter((f) => f.seq > position && !(f.transaction !== undefined && isKnown?.(f.transaction)));
  }

  /** Sends what the connection takes, and moves on by so much; false when something is left. */
  private send(frames: readonly PlacedFrame[]): boolean {
    const sent = this.sink.send(frames);
    const last = frames[sent - 1];
    if (last) this.position = Math.max(this.position, last.seq);
    if (sent === frames.length) return true;
    this.isCurrent = false;
    return false;
  }

  private async catchUp(): Promise<void> {
    if (this.isCatchingUp) return;
    this.isCatchingUp = true;
    try {
      while (!this.isClosed && !this.isCurrent) await this.step();
    } finally {
      this.isCatchingUp = false;
    }
  }

  private async step(): Promise<void> {
    if (!(await this.hasRoom())) return;
    const { group } = this;
    if (this.break) {
      const first = this.break;
      if (this.sink.send([first]) === 0) return;
      this.break = undefined;
      this.isUntold = false;
      this.position = first.seq;
    }
    if (this.position >= group.floor) {
      if (!this.send(this.due(group.frames))) return;
      this.position = Math.max(this.position, group.feed.position);
      this.isCurrent = true;
      return;
    }
    try {
      await this.replay();
    } catch (error) {
      group.feed.parts.log.debug({ err: error }, 'missed changes could not be read');
      await sleep(retryEvery);
    }
  }

  /** Tells a stretch of what lies between its place and what the group still holds. */
  private async replay(): Promise<void> {
    const { feed } = this.group;
    const replayed = await feed.replays.behind(this.group, this.position);
    if (this.isClosed || this.break) return;
    if (!replayed) {
      this.break = feed.resync('EXPIRED', feed.position);
      return;
    }
    let frames = this.due(replayed.frames);
    while (frames.length > 0 && !this.isClosed && !this.break) {
      const sent = this.sink.send(frames);
      if (sent > 0) this.position = frames[sent - 1]!.seq;
      frames = frames.slice(sent);
      if (frames.length > 0 && !(await hasRoomWithin(this.sink, holdFor))) return;
    }
    if (!this.break && !this.isClosed) this.position = Math.max(this.position, replayed.to);
  }

  /** Waits until the connection takes more; a client that does not read for too long is cut off. */
  private async hasRoom(): Promise<boolean> {
    if (!(await hasRoomWithin(this.sink, patience)) && !this.isClosed) {
      this.sink.cutOff();
      this.close();
    }
    return !this.isClosed;
  }
}
