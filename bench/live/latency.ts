import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../statistics.ts';
import type { Board } from './board.ts';
import type { Crowd } from './crowd.ts';

/** Milliseconds from a commit's return at whoever made it to the message's arrival at a client. */
export interface Latency {
  p50: number;
  p99: number;
  /** Events a second that were really made. */
  rate: number;
}

/** Makes events at an even rate, each in a transaction of its own, and waits for each at the crowd's first client. */
export async function measureLatency(
  board: Board,
  crowd: Crowd,
  { rate, events, from }: { rate: number; events: number; from: number },
): Promise<Latency> {
  const now = () => performance.timeOrigin + performance.now();
  const committed = new Map<number, number>();
  const pending: Promise<void>[] = [];
  await crowd.arrivals();
  const start = performance.now();
  for (let n = 0; n < events; n += 1) {
    const due = start + (n * 1000) / rate - performance.now();
    if (due > 1) await sleep(due);
    pending.push(board.change(from + n).then(() => void committed.set(from + n, now())));
  }
  await Promise.all(pending);
  const duration = performance.now() - start;
  await crowd.hear(events);
  const arrivals = await crowd.arrivals();
  const times = [...committed].map(([number, at]) => arrivals.get(number)! - at).sort((a, b) => a - b);
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99), rate: (events / duration) * 1000 };
}
