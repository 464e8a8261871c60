import { ticksOf, ticksOfFamily } from '../cpu.ts';
import { type Crowd, type CrowdOptions, gatherCrowd } from './crowd.ts';
import type { PeerProcess } from './peer-process.ts';
import type { Stage } from './stage.ts';

/** A server with its subscribers, and the way to make it tell them something. */
export interface Scene extends AsyncDisposable {
  name: string;
  peer: PeerProcess;
  crowd: Crowd;
  count: number;
  /** Makes so many events at once; resolves before they are told. */
  fire(events: number): Promise<unknown>;
}

/** What one scene came to in one round, in microseconds of CPU a delivery. */
export interface Delivery {
  server: number;
  database: number;
}

/** Gathers the subscribers of a peer. */
export async function openScene(
  name: string,
  peer: PeerProcess,
  crowd: CrowdOptions,
  fire: Scene['fire'],
  after: AsyncDisposable[] = [],
): Promise<Scene> {
  const gathered = await gatherCrowd(crowd);
  return {
    name,
    peer,
    crowd: gathered,
    count: crowd.count,
    fire,
    async [Symbol.asyncDispose]() {
      await gathered[Symbol.asyncDispose]();
      await peer[Symbol.asyncDispose]();
      for (const part of after) await part[Symbol.asyncDispose]();
    },
  };
}

/** Makes events, `atOnce` of them together, and the next when everybody has heard of those; reads off what that took. */
export async function measureDelivery(
  { peer, crowd, count, fire }: Scene,
  { postmaster }: Pick<Stage, 'postmaster'>,
  { events, atOnce, ticksPerSecond }: { events: number; atOnce: number; ticksPerSecond: number },
): Promise<Delivery> {
  const before = { server: ticksOf(peer.pid), database: ticksOfFamily(postmaster) };
  for (let told = 0; told < events; told += atOnce) {
    await fire(atOnce);
    await crowd.hear(atOnce);
  }
  const perDelivery = (ticks: number) => (ticks / ticksPerSecond / (events * count)) * 1e6;
  return {
    server: perDelivery(ticksOf(peer.pid) - before.server),
    database: perDelivery(ticksOfFamily(postmaster) - before.database),
  };
}
