import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { plantInCopy } from '../support/planted-copy.ts';
import { leakOfRead, leakOfWrite } from './channels/check.ts';
import { plants } from './channels/plants.ts';
import { reads } from './channels/reads.ts';
import { startWorld, type World } from './channels/world.ts';
import { writes } from './channels/writes.ts';

vi.setConfig({ testTimeout: 60_000 });

let databaseUrl: string;
let first: World;
beforeAll(async () => {
  first = await startWorld();
  databaseUrl = first.server.databaseUrl;
});
afterAll(() => first[Symbol.asyncDispose]());

/** What each row of these channels finds in a world. */
async function leaksOf(world: World, isAsked: (channel: string) => boolean): Promise<(string | undefined)[]> {
  const leaks: (string | undefined)[] = [];
  for (const row of reads) if (isAsked(row.channel)) leaks.push(await leakOfRead(world, row));
  for (const row of writes) if (isAsked(row.channel)) leaks.push(await leakOfWrite(world, row));
  return leaks;
}

it('nothing is found in a copy of the engine as it is', async () => {
  using copy = await plantInCopy(undefined);
  await using world = await startWorld({ start: copy.start, databaseUrl });
  const leaks = await leaksOf(world, () => true);
  expect(leaks).toHaveLength(reads.length + writes.length);
  expect(leaks.filter(Boolean)).toEqual([]);
});

it.each(plants.map((plant) => [plant.mistake, plant.channel, plant] as const))('%s: found by %s', async (...[, , plant]) => {
  using copy = await plantInCopy(plant);
  await first.reset();
  await using world = await startWorld({ start: copy.start, databaseUrl });
  const leaks = await leaksOf(world, (channel) => channel === plant.channel);
  expect(leaks.filter(Boolean)).not.toEqual([]);
});
