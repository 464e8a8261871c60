/** What a stretch of the log comes to for classes of viewers: the frames that each of them is told, in order. */

import { type Classes, classesOf } from '../data/class-values.ts';
import type { LogEntry } from '../log/entry.ts';
import type { PreparedChanges, ViewerClass } from './change-plans.ts';
import { PlacedFrame } from './frame.ts';
import type { LiveParts } from './live-parts.ts';
import { isRelevant } from './relevance.ts';

/** Judgements of one statement: entries times classes. */
const maxJudged = 20_000;

/** Classes that are judged together. */
export interface JudgedClasses {
  list: readonly ViewerClass[];
  spelt: Classes;
}

/** Spells classes for PostgreSQL. */
export const spellClasses = (list: readonly ViewerClass[]): JudgedClasses => ({
  list,
  spelt: classesOf(list.map(({ key }) => key)),
});

/** Judges a stretch's entries for all classes together; the lists of frames stand in the order of the classes. */
export async function framesOf(
  parts: LiveParts,
  plan: PreparedChanges,
  epoch: string,
  entries: readonly LogEntry[],
  { list: classes, spelt }: JudgedClasses,
): Promise<PlacedFrame[][]> {
  const told: PlacedFrame[][] = classes.map(() => []);
  const own = entries.filter((e) => e.table === plan.table);
  const rows = own.filter((e) => e.kind !== 'truncate');
  for (const part of chunksOf(rows, Math.max(1, Math.floor(maxJudged / classes.length)))) {
    const transactions = new Map(part.map((e) => [e.seq, e.transaction]));
    for (const { seq, classes: heard, answer } of await parts.plans.judge(
      plan,
      part,
      await parts.deletions(plan, part),
      spelt,
    )) {
      const cursor = parts.seal.seal({ epoch, seq });
      const transaction = transactions.get(seq);
      const frame = new PlacedFrame(seq, cursor, `{"data":${parts.plans.withCursor(answer, cursor)}}`, transaction);
      for (const index of heard) told[index]!.push(frame);
    }
  }
  const holes = await holesIn(parts, plan, entries, classes);
  const truncated = own.findLast((e) => e.kind === 'truncate');
  return told.map((frames, index) => {
    const hole = truncated && truncated.seq >= (holes.get(index) ?? 0) ? truncated.seq : holes.get(index);
    if (hole === undefined) return frames;
    const resync = parts.markers.resync(plan, epoch, hole, hole === truncated?.seq ? 'TRUNCATED' : 'PERMISSION');
    return [...frames.filter((f) => f.seq < hole), resync, ...frames.filter((f) => f.seq > hole)];
  });
}

/** The classes that see other rows than before because of what happened elsewhere, and the last entry that did it. */
async function holesIn(
  parts: LiveParts,
  plan: PreparedChanges,
  entries: readonly LogEntry[],
  classes: readonly ViewerClass[],
): Promise<Map<number, number>> {
  const holes = new Map<number, number>();
  const note = (index: number, seq: number) => holes.set(index, Math.max(holes.get(index) ?? 0, seq));
  for (const [i, sight] of plan.sights.entries()) {
    const others = entries.filter((e) => e.table === sight.table);
    if (others.length === 0) continue;
    const concerned = classes.flatMap((c, index) =>
      others.some((e) => isRelevant(c.watch, e, parts.images)) ? [index] : [],
    );
    if (concerned.length === 0) continue;
    const truncated = others.findLast((e) => e.kind === 'truncate');
    if (truncated) for (const index of concerned) note(index, truncated.seq);
    const rows = others.filter((e) => e.kind !== 'truncate');
    for (const part of chunksOf(rows, Math.max(1, Math.floor(maxJudged / concerned.length)))) {
      const values = concerned.map((index) => classes[index]!.sightValues[i]!);
      const later = await parts.laterRows(plan, part[0]!.seq);
      for (const [n, seq] of await parts.plans.judgeSight(sight, part, later, values)) note(concerned[n]!, seq);
    }
  }
  return holes;
}

function* chunksOf<T>(list: readonly T[], size: number): Generator<T[]> {
  for (let i = 0; i < list.length; i += size) yield list.slice(i, i + size);
}
