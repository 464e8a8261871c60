/**
 * The changes of one plan, for all who hear of them.
 *
 * - A *feed* follows the log's tail for one plan and judges each stretch of it once, for all classes together.
 * - A *group* is the listeners of one class: the newest frames they share, kept within a bound.
 * - A *listener* is a place in the log, never a queue: it is handed frames while its connection takes them, and finds what
 *   it has missed in the group's frames or, further back, in the log.
 *
 * Invariants: a group's frames are all there is between its `floor` and the feed's position; a listener is told each frame
 * behind its own position once, in order, whichever way it comes.
 */
import { MillraceError } from '../errors.ts';
import type { LogEntry } from '../log/entry.ts';
import type { ChangeListener } from './change-listener.ts';
import type { PreparedChanges, ViewerClass } from './change-plans.ts';
import type { PlacedFrame } from './frame.ts';
import { framesInSpite } from './judging.ts';
import type { LiveParts } from './live-parts.ts';
import { Replays } from './replays.ts';
import { type JudgedClasses, spellClasses } from './stretch-frames.ts';

/** The listeners of one class. */
export interface ChangeGroup {
  readonly feed: ChangeFeed;
  readonly viewers: ViewerClass;
  readonly listeners: Set<ChangeListener>;
  frames: PlacedFrame[];
  /** Characters in its frames. */
  length: number;
  /** The frames hold everything behind this place. */
  floor: number;
}

const retryEvery = 200;
// @NOTE half of either is more than one stretch comes to: who cannot take all of one at once finds the rest here.
const maxFrames = 1000;
const maxFrameLength = 2 ** 20;

/** Follows the log for one plan; ends with its last listener. */
export class ChangeFeed {
  readonly plan: PreparedChanges;
  readonly parts: LiveParts;
  readonly groups = new Map<string, ChangeGroup>();
  readonly replays = new Replays(this);
  /** The place up to which everything has been judged. */
  position: number;
  epoch: string;
  private isPumping = false;
  private retry: NodeJS.Timeout | undefined;
  /** All groups' classes as PostgreSQL is told of them; made anew when they have changed. */
  private everyone: JudgedClasses | undefined;
  private readonly onEmpty: () => void;

  constructor(plan: PreparedChanges, parts: LiveParts, onEmpty: () => void) {
    this.plan = plan;
    this.parts = parts;
    this.onEmpty = onEmpty;
    ({ seq: this.position, epoch: this.epoch } = parts.tail.head);
  }

  /** The group of a class, made when there is none. */
  group(viewers: ViewerClass): ChangeGroup {
    const known = this.groups.get(viewers.key);
    if (known) return known;
    const made: ChangeGroup = {
      feed: this,
      viewers,
      listeners: new Set(),
      frames: [],
      length: 0,
      floor: this.position,
    };
    this.everyone = undefined;
    this.groups.set(viewers.key, made);
    return made;
  }

  /** Takes a listener out, and its group and the feed with it when nobody is left. */
  leave(listener: ChangeListener): void {
    const { group } = listener;
    group.listeners.delete(listener);
    if (group.listeners.size > 0) return;
    this.groups.delete(group.viewers.key);
    this.everyone = undefined;
    if (this.groups.size > 0) return;
    clearTimeout(this.retry);
    this.onEmpty();
  }

  /** Takes up the log's present history, if another one has begun; whoever listens is told. */
  turn(): void {
    const { seq, epoch } = this.parts.tail.head;
    // A log that is shorter than what has been told of it was restored, and did not say so.
    if (epoch !== this.epoch || seq < this.position) this.restart('RESTARTED');
  }

  /** Goes on as far as the log goes; several calls are one. */
  async pump(): Promise<void> {
    if (this.isPumping) return;
    this.isPumping = true;
    try {
      while (this.groups.size > 0 && this.isBehind()) await this.advance();
    } catch (error) {
      const isAway = error instanceof MillraceError && error.code === 'UNAVAILABLE';
      this.parts.log[isAway ? 'debug' : 'error']({ err: error }, 'changes could not be judged');
      // @NOTE nobody else tells again: the log may not grow for hours.
      clearTimeout(this.retry);
      this.retry = setTimeout(() => void this.pump(), retryEvery).unref();
    } finally {
      this.isPumping = false;
    }
  }

  /** Tells every listener that is up to date where it stands. */
  checkpoint(): void {
    for (const group of this.groups.values()) {
      const frame = this.parts.markers.checkpoint(this.plan, this.epoch, this.position);
      for (const listener of group.listeners) listener.mark(frame);
    }
  }

  /** The server stops: every stream ends, to be resumed elsewhere. */
  leaveAll(): void {
    for (const group of [...this.groups.values()]) for (const listener of [...group.listeners]) listener.leave();
  }

  private isBehind(): boolean {
    const { seq, epoch } = this.parts.tail.head;
    return epoch !== this.epoch || seq !== this.position;
  }

  private async advance(): Promise<void> {
    this.turn();
    const { seq } = this.parts.tail.head;
    const { position, epoch } = this;
    const isOver = () => this.epoch !== epoch || this.position !== position;
    const stretch = await this.parts.stretch(position, seq, this.plan.tables);
    if (isOver()) return;
    if (stretch === undefined) return this.restart('EXPIRED');
    const groups = [...this.groups.values()];
    this.everyone ??= spellClasses(groups.map(({ viewers }) => viewers));
    const told = await this.judge(stretch.entries, groups, this.everyone);
    if (isOver()) return;
    this.position = stretch.to;
    for (const group of this.groups.values()) if (!told.has(group)) passOver(group);
    for (const [group, frames] of told) {
      if (frames.length > 0) append(group, frames);
      for (const listener of group.listeners) listener.follow(frames);
    }
  }

  /** Judges a stretch of the log for these groups: what each of them is told of it. */
  told(stretch: readonly LogEntry[], groups: readonly ChangeGroup[]): Promise<Map<ChangeGroup, PlacedFrame[]>> {
    return this.judge(stretch, groups, spellClasses(groups.map(({ viewers }) => viewers)));
  }

  private async judge(
    stretch: readonly LogEntry[],
    groups: readonly ChangeGroup[],
    classes: JudgedClasses,
  ): Promise<Map<ChangeGroup, PlacedFrame[]>> {
    const isOver = () => groups.every(({ listeners }) => listeners.size === 0);
    const told = await framesInSpite(this.parts, this.plan, this.epoch, stretch, classes, isOver);
    return new Map(groups.map((group, index) => [group, told[index]!]));
  }

  /** What cannot be told is said to be so, and the feed goes on from the log's present end. */
  private restart(reason: 'RESTARTED' | 'EXPIRED'): void {
    ({ seq: this.position, epoch: this.epoch } = this.parts.tail.head);
    const frame = this.resync(reason, this.position);
    for (const group of this.groups.values()) {
      group.frames = [];
      group.length = 0;
      group.floor = this.position;
      for (const listener of group.listeners) listener.restart(frame);
    }
  }

  /** The frame that says that a listener has to read anew what it holds. */
  resync(reason: string, seq: number): PlacedFrame {
    return this.parts.markers.resync(this.plan, this.epoch, seq, reason);
  }
}

/** A group that came while others were judged knows nothing of that stretch: its listeners find it in the log. */
function passOver(group: ChangeGroup): void {
  group.floor = group.feed.position;
  for (const listener of group.listeners) listener.fallBehind();
}

function append(group: ChangeGroup, frames: readonly PlacedFrame[]): void {
  for (const frame of frames) {
    group.frames.push(frame);
    group.length += frame.text.length;
  }
  if (group.frames.length <= maxFrames && group.length <= maxFrameLength) return;
  // @NOTE down to half: to cut one frame off the front each time would copy all the others each time.
  let dropped = 0;
  while (group.frames.length - dropped > maxFrames / 2 || group.length > maxFrameLength / 2) {
    const oldest = group.frames[dropped];
    if (!oldest) break;
    group.floor = oldest.seq;
    group.length -= oldest.text.length;
    dropped += 1;
  }
  group.frames = group.frames.slice(dropped);
}
