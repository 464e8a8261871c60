/**
 * Judging that comes to an end: of a stretch that fails again and again, the entry that PostgreSQL cannot judge is found and
 * passed over, and whoever listens is told to read anew. An image that its table's types do not take any more is such a one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../errors.ts';
import type { LogEntry } from '../log/entry.ts';
import type { PreparedChanges } from './change-plans.ts';
import type { PlacedFrame } from './frame.ts';
import type { LiveParts } from './live-parts.ts';
import { framesOf, type JudgedClasses } from './stretch-frames.ts';

/** A stretch is tried again after these times, in milliseconds: a migration may be under way. */
const waits = [200, 400, 800];
/** Entries that are looked for one by one in a stretch; what fails behind them is passed over as a whole. */
const maxFound = 8;

/**
 * The frames of a stretch for these classes, as `framesOf` makes them; RESYNC in the place of what cannot be judged.
 * @param isOver whether nobody listens any more
 * @throws MillraceError UNAVAILABLE, and whatever fails when it is over
 */
export async function framesInSpite(
  parts: LiveParts,
  plan: PreparedChanges,
  epoch: string,
  stretch: readonly LogEntry[],
  classes: JudgedClasses,
  isOver: () => boolean,
): Promise<PlacedFrame[][]> {
  const judge = (entries: readonly LogEntry[]) => framesOf(parts, plan, epoch, entries, classes);
  const endsAll = (error: unknown) =>
    isOver() || stretch.length === 0 || (error instanceof MillraceError && error.code === 'UNAVAILABLE');
  for (const wait of waits) {
    try {
      return await judge(stretch);
    } catch (error) {
      if (endsAll(error)) throw error;
      await sleep(wait, undefined, { ref: false });
    }
  }
  const told: PlacedFrame[][] = classes.list.map(() => []);
  let found = 0;
  const narrow = async (entries: readonly LogEntry[]): Promise<void> => {
    try {
      for (const [index, frames] of (await judge(entries)).entries()) told[index]!.push(...frames);
    } catch (error) {
      if (endsAll(error)) throw error;
      if (entries.length > 1 && found < maxFound) {
        const middle = Math.ceil(entries.length / 2);
        await narrow(entries.slice(0, middle));
        await narrow(entries.slice(middle));
        return;
      }
      found += 1;
      const { seq, table } = entries.at(-1)!;
      parts.log.error(
        { err: error, table, seq, entries: entries.length },
        'changes could not be judged and are passed over',
      );
      const frame = parts.markers.resync(plan, epoch, seq, 'FAILED');
      for (const frames of told) frames.push(frame);
    }
  };
  await narrow(stretch);
  return told;
}
