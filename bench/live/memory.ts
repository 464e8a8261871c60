import { setTimeout as sleep } from 'node:timers/promises';
import { type CrowdOptions, gatherCrowd } from './crowd.ts';
import type { PeerProcess } from './peer-process.ts';

/**
 * Kilobytes that V8 keeps for an idle subscriber, when the server has collected its garbage.
 * @NOTE not the resident size: what handshakes have freed stays in the process, takes the next ones in, and hides their cost.
 */
export async function measureMemory(peer: PeerProcess, crowd: Omit<CrowdOptions, 'url'>): Promise<number> {
  const all = { ...crowd, url: peer.url };
  // What the first few cost is paid once: compiled code, plans, caches.
  await using _ = await gatherCrowd({ ...all, count: 300 });
  const before = await keptBy(peer);
  await using __ = await gatherCrowd(all);
  return ((await keptBy(peer)) - before) / crowd.count / 1024;
}

async function keptBy(peer: PeerProcess): Promise<number> {
  await sleep(4000); // timeouts of the handshakes have passed
  await peer.collect();
  await sleep(500);
  return peer.collect();
}
