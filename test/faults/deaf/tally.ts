import { kinds } from './topic.ts';

/** Holds the events that one client is told to the numbers that they have: each once, in order. */
export class Tally {
  lost = 0;
  /** Told again, or behind a later one. */
  disordered = 0;
  count = 0;
  /** The highest number that was told. */
  newest = 0;
  private readonly step: number;
  private readonly last: number[];

  /**
   * @param isByKind events of different kinds come by different operations, which know no order among each other
   * @param begun the number of the last event before those that are due
   */
  constructor({ isByKind = false, begun = 0 }: { isByKind?: boolean; begun?: number } = {}) {
    this.step = isByKind ? kinds : 1;
    this.last = Array.from({ length: this.step }, (_, kind) => begun + ((kind - this.step) % this.step));
  }

  take(number: number): void {
    const kind = number % this.step;
    const due = this.last[kind]! + this.step;
    this.count += 1;
    if (number < due) {
      this.disordered += 1;
      return;
    }
    this.lost += (number - due) / this.step;
    this.last[kind] = number;
    this.newest = Math.max(this.newest, number);
  }

  /** Counts what should have come up to this number, and has not. */
  finish(number: number): void {
    this.last.forEach((last, kind) => {
      const final = number - ((number - kind) % this.step);
      this.lost += Math.max(0, (final - last) / this.step);
    });
  }
}
