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
import type { LogEntry } from '../log/entry.ts';
import type { ChangeListener } from './change-listener.ts';
import type { Judgement, PreparedChanges } from './change-plans.ts';
import { isOwn } from './change-plans.ts';
import { type Classes, type ClassValues, classesOf } from './class-values.ts';
import { PlacedFrame } from './frame.ts';
import type { LiveParts } from './live-parts.ts';

/** The listeners of one class. */
export interface ChangeGroup {
  readonly feed: ChangeFeed;
  /** Its values as JSON: what it is found by, and what PostgreSQL is told of it. */
  readonly key: string;
  readonly listeners: Set<ChangeListener>;
  frames: PlacedFrame[];
  /** Characters in its frames. */
  length: number;
  /** The frames hold everything behind this place. */
  floor: number;
}

const nothing: PlacedFrame[] = [];
const maxFrames = 500;
const maxFrameLength = 2 ** 20;
/** Entries judged in one statement; each for every class. */
const maxJudged = 20_000;

/** Follows the log for one plan; ends with its last listener. */
export class ChangeFeed {
  readonly plan: PreparedChanges;
  readonly parts: LiveParts;
  readonly groups = new Map<string, ChangeGroup>();
  /** The place up to which everything has been judged. */
  position: number;
  epoch: string;
  private isPumping = false;
  /** All groups as PostgreSQL is told of them; made anew when they have changed. */
  private classes: Classes | undefined;
  private readonly onEmpty: () => void;

  constructor(plan: PreparedChanges, parts: LiveParts, onEmpty: () => void) {
    this.plan = plan;
    this.parts = parts;
    this.onEmpty = onEmpty;
    ({ seq: this.position, epoch: this.epoch } = parts.tail.head);
  }

  /** The group of a class, made when there is none. */
  group(values: ClassValues): ChangeGroup {
    const key = JSON.stringify(values);
    const known = this.groups.get(key);
    if (known) return known;
    const made: ChangeGroup = { feed: this, key, listeners: new Set(), frames: [], length: 0, floor: this.position };
    this.groups.set(key, made);
    this.classes = undefined;
    return made;
  }

  /** Takes a listener out, and its group and the feed with it when nobody is left. */
  leave(listener: ChangeListener): void {
    const { group } = listener;
    group.listeners.delete(listener);
    if (group.listeners.size > 0) return;
    this.groups.delete(group.key);
    this.classes = undefined;
    if (this.groups.size === 0) this.onEmpty();
  }

  /** Goes on as far as the log goes; several calls are one. */
  async pump(): Promise<void> {
    if (this.isPumping) return;
    this.isPumping = true;
    try {
      while (this.groups.size > 0 && this.isBehind()) await this.advance();
    } catch (error) {
      // The database is away: the tail tells again when it is back.
      this.parts.log.debug({ err: error }, 'changes could not be judged');
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
  endAll(): void {
    for (const group of [...this.groups.values()]) for (const listener of [...group.listeners]) listener.end();
  }

  private isBehind(): boolean {
    const { seq, epoch } = this.parts.tail.head;
    return epoch !== this.epoch || seq > this.position;
  }

  private async advance(): Promise<void> {
    const { tail } = this.parts;
    const { seq, epoch } = tail.head;
    if (epoch !== this.epoch) return this.restart('RESTARTED');
    const stretch = await this.parts.stretch(this.position, seq, this.plan.tables);
    if (stretch === undefined) return this.restart('EXPIRED');
    const groups = [...this.groups.values()];
    this.classes ??= classesOf(groups.map(({ key }) => key));
    const { classes } = this;
    const perStatement = Math.max(1, Math.floor(maxJudged / groups.length));
    const told = new Map<number, PlacedFrame[]>();
    for (const part of chunksOf(
      stretch.entries.filter((e) => isOwn(this.plan, e)),
      perStatement,
    )) {
      for (const judged of await judgeEntries(this, part, classes)) {
        const frame = this.frame(judged);
        for (const index of judged.classes) {
          const frames = told.get(index);
          if (frames) frames.push(frame);
          else told.set(index, [frame]);
        }
      }
    }
    const truncated = stretch.entries.findLast((e) => isOwn(this.plan, e) && e.kind === 'truncate');
    this.position = stretch.to;
    groups.forEach((group, index) => {
      const frames = told.get(index) ?? nothing;
      const all = truncated ? withTruncation(frames, this.resync('TRUNCATED', truncated.seq)) : frames;
      if (all.length > 0) append(group, all);
      for (const listener of group.listeners) listener.follow(all);
    });
    if (this.classes !== classes) this.passOver(new Set(groups));
  }

  /** Groups that were made while the others' entries were judged read those from the log. */
  private passOver(judged: ReadonlySet<ChangeGroup>): void {
    for (const group of this.groups.values()) {
      if (judged.has(group)) continue;
      group.floor = this.position;
      for (const listener of group.listeners) listener.fallBehind();
    }
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

  /** The frame of what one entry came to. */
  frame({ seq, answer }: Judgement): PlacedFrame {
    const cursor = this.parts.seal.seal({ epoch: this.epoch, seq });
    return new PlacedFrame(seq, cursor, `{"data":${this.parts.plans.withCursor(answer, cursor)}}`);
  }
}

/** Judges entries for classes, together with what their transactions have deleted besides. */
export async function judgeEntries(
  { plan, parts }: ChangeFeed,
  entries: readonly LogEntry[],
  classes: Classes,
): Promise<Judgement[]> {
  const judgeable = entries.filter((e) => e.kind !== 'truncate');
  if (judgeable.length === 0) return [];
  return parts.plans.judge(plan, judgeable, await parts.deletions(plan, judgeable), classes);
}

const withTruncation = (frames: readonly PlacedFrame[], truncation: PlacedFrame): PlacedFrame[] => [
  ...frames.filter((f) => f.seq < truncation.seq),
  truncation,
  ...frames.filter((f) => f.seq > truncation.seq),
];

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

function* chunksOf<T>(list: readonly T[], size: number): Generator<T[]> {
  for (let i = 0; i < list.length; i += size) yield list.slice(i, i + size);
}
