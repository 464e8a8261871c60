import type { ChangeFeed, ChangeGroup } from './change-feed.ts';
import type { PlacedFrame } from './frame.ts';

/** What lies behind a place for one group, and how far that goes. */
export interface Replayed {
  frames: readonly PlacedFrame[];
  to: number;
}

interface Waiting {
  group: ChangeGroup;
  after: number;
  resolve: (replayed: Replayed | undefined) => void;
  reject: (error: unknown) => void;
}

/** Whoever waits so little before another one, in entries, begins the stretch for both. */
const near = 500;

/**
 * Tells a feed's listeners what they have missed: one stretch at a time, judged once for all who wait for it. So a thousand
 * clients that come back at once, after a node has fallen, cost little more than one, and leave the pool to others.
 * Whoever has missed least, whoever has missed most and whoever has waited longest are served by turns: the first is soon done,
 * the second catches up with others and then shares their stretches, and nobody waits for ever.
 */
export class Replays {
  private readonly feed: ChangeFeed;
  private waiting: Waiting[] = [];
  private isRunning = false;
  private turn = 0;

  constructor(feed: ChangeFeed) {
    this.feed = feed;
  }

  /** A stretch of what lies behind `after`; undefined when the log does not reach back so far. @throws MillraceError */
  behind(group: ChangeGroup, after: number): Promise<Replayed | undefined> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ group, after, resolve, reject });
      if (!this.isRunning) void this.run();
    });
  }

  private async run(): Promise<void> {
    this.isRunning = true;
    while (this.waiting.length > 0) await this.serve();
    this.isRunning = false;
  }

  /** Serves the one whose turn it is, and all others whose place lies in the same stretch. */
  private async serve(): Promise<void> {
    const { feed } = this;
    this.turn = (this.turn + 1) % 3;
    const places = this.waiting.map(({ after }) => after);
    const first = this.turn === 0 ? places[0]! : this.turn === 1 ? Math.max(...places) : Math.min(...places);
    const from = this.waiting.reduce(
      (lowest, { after }) => (after < lowest && after > first - near ? after : lowest),
      first,
    );
    let served: Waiting[] = [];
    try {
      const stretch = await feed.parts.stretch(from, feed.position, feed.plan.tables);
      served = this.take(({ after }) => after === from || (stretch && after > from && after < stretch.to));
      if (!stretch) {
        for (const { resolve } of served) resolve(undefined);
        return;
      }
      const told = await feed.told(stretch.entries, [...new Set(served.map(({ group }) => group))]);
      for (const { group, after, resolve } of served) {
        const frames = told.get(group)!.filter(({ seq }) => seq > after);
        resolve({ frames, to: Math.max(after, stretch.to) });
      }
    } catch (error) {
      if (served.length === 0) served = this.take(({ after }) => after === from);
      for (const { reject } of served) reject(error);
    }
  }

  private take(isDue: (waiting: Waiting) => boolean | undefined): Waiting[] {
    const due = this.waiting.filter(isDue);
    this.waiting = this.waiting.filter((waiting) => !due.includes(waiting));
    return due;
  }
}
