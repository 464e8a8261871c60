import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CrowdOptions, gatherCrowd } from './crowd.ts';
import type { PeerProcess } from './peer-process.ts';

/**
 * Kilobytes that an idle subscriber keeps a server from giving back, when both sides have collected their garbage. Read off a
 * second crowd: with the first goes what is paid once, compiled code and pools, and what the start has left behind.
 */
export async function measureMemory(peer: PeerProcess, crowd: Omit<CrowdOptions, 'url'>): Promise<number> {
  const all = { ...crowd, url: peer.url };
  await using _ = await gatherCrowd(all);
  const before = await settledSize(peer);
  await using __ = await gatherCrowd(all);
  return ((await settledSize(peer)) - before) / crowd.count;
}

async function settledSize(peer: PeerProcess): Promise<number> {
  for (let n = 0; n < 3; n += 1) {
    await sleep(1500);
    peer.collect();
  }
  await sleep(1500);
  return residentSize(peer.pid);
}

/** Kilobytes of a process in memory, by `/proc/<pid>/status` (proc_pid_status(5)). */
export function residentSize(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}
