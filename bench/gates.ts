import { type PeerName, peerTitles } from './peers.ts';
import { type Outcome, othersOf, ratiosOf } from './report.ts';
import type { ShapeName } from './world.ts';

/** CPU a request against the hand-written server, at most: for a member, over 64 connections. */
const cpuGates: Partial<Record<ShapeName, number>> = {
  'by-id': 1.5,
  nested: 1.3,
  flat: 1.2,
  page: 1.3,
  custom: 1.7,
  create: 1.8,
  update: 1.8,
};

/** Requests a second against other peers, at least; but for `groups-all`, which PostgreSQL alone decides. */
const throughputGates: Partial<Record<PeerName, (shape: ShapeName) => number>> = {
  postgraphile: (shape) => ({ page: 1.4, create: 1.5, update: 1.5 })[shape as string] ?? 2.5,
  stock: (shape) => (shape === 'create-nested' ? 2 : 4),
};

/** How far above a gate a run may come out on a busy machine, where medians of ratios still err by some hundredths. */
export const tolerance = 1.15;

/** What a gate says of a run. */
export interface Judgment {
  /** One line: what was measured, the gate, and the verdict. */
  line: string;
  /** The run fails. Throughput never fails one, since it depends on what else the machine does. */
  isMissed: boolean;
}

/** Holds the outcomes to every gate that they have a figure for. */
export function judge(outcomes: readonly Outcome[]): Judgment[] {
  const counted = outcomes.filter(({ role, connections }) => role === 'member' && connections === 64);
  return counted.flatMap((outcome) => othersOf(outcome).flatMap((peer) => judgeOne(outcome, peer)));
}

function judgeOne(outcome: Outcome, peer: PeerName): Judgment[] {
  const { shape } = outcome;
  const ratios = ratiosOf(outcome, peer);
  const against = `${shape} against ${peerTitles[peer]}`;
  const most = peer === 'handwritten' ? cpuGates[shape] : undefined;
  if (most !== undefined) {
    // @NOTE a figure that is missing is no good one.
    const isMissed = !(ratios.cpu <= most * tolerance);
    const verdict = isMissed ? 'MISSED' : ratios.cpu <= most ? 'kept' : 'above the gate, within the tolerance';
    return [{ line: `CPU, ${against}: × ${ratios.cpu.toFixed(2)} of at most ${most}: ${verdict}`, isMissed }];
  }
  const least = shape === 'groups-all' ? undefined : throughputGates[peer]?.(shape);
  if (least === undefined) return [];
  const verdict = ratios.throughput >= least ? 'kept' : 'below the gate';
  const line = `throughput, ${against}: × ${ratios.throughput.toFixed(2)} of at least ${least}: ${verdict}`;
  return [{ line, isMissed: false }];
}
