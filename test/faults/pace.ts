import { setTimeout as sleep } from 'node:timers/promises';

/** Holds all writers together to so many rows a second. */
export class Pace {
  private readonly perSecond: number;
  private due = performance.now();

  constructor(perSecond: number) {
    this.perSecond = perSecond;
  }

  /** Resolves when these rows may be written; what was not used is not saved up for more than a moment. */
  async take(rows: number): Promise<void> {
    const now = performance.now();
    this.due = Math.max(this.due, now - 200) + (rows * 1000) / this.perSecond;
    if (this.due > now) await sleep(this.due - now);
  }
}
