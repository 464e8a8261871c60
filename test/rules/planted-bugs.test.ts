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

/** What the rows of these channels find in a world, up to the first leak where one is enough. */
async function leaksOf(world: World, isAsked: (channel: string) => boolean, isOneEnough: boolean): Promise<string[]> {
  const asked = [
    ...reads.map((row) => ({ channel: row.channel, leak: () => leakOfRead(world, row) })),
    ...writes.map((row) => ({ channel: row.channel, leak: () => leakOfWrite(world, row) })),
  ];
  const leaks: string[] = [];
  for (const { channel, leak } of asked) {
    if (!isAsked(channel) || (isOneEnough && leaks.length > 0)) continue;
    const found = await leak();
    if (found) leaks.push(found);
  }
  return leaks;
}

it('nothing is found in a copy of the engine as it is', async () => {
  using copy = await plantInCopy(undefined);
  await using world = await startWorld({ start: copy.start, databaseUrl });
  expect(await leaksOf(world, () => true, false)).toEqual([]);
});

it.each(plants.map((plant) => [plant.mistake, plant.channel, plant] as const))(
  '%s: found by %s',
  async (...[, , plant]) => {
    using copy = await plantInCopy(plant);
    await first.reset();
    await using world = await startWorld({ start: copy.start, databaseUrl });
    const leaks = await leaksOf(world, (channel) => channel === plant.channel, true);
    expect(leaks).toHaveLength(1);
  },
);
