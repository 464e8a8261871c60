import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { plantInCopy } from '../support/planted-copy.ts';
import { type Arena, openArena } from './arena.ts';
import { plants } from './plants.ts';
import { findDifferences } from './prove.ts';

vi.setConfig({ testTimeout: 240_000 });

/** So many mutations are sent at most to find one mistake. */
const most = Number(process.env.WRITES_PLANT_RUNS ?? 800);

let first: Arena;
beforeAll(async () => {
  first = await openArena();
});
afterAll(() => first[Symbol.asyncDispose]());

it('a copy of the engine as it is does what the model does', async () => {
  using copy = await plantInCopy(undefined);
  await using arena = await openArena({ start: copy.start, databaseUrl: first.databaseUrl });
  expect(await findDifferences(arena, { seed: 11, from: 0, to: 50 })).toEqual([]);
});

it.each(plants.map((plant) => [plant.mistake, plant] as const))('%s: found', async (mistake, plant) => {
  using copy = await plantInCopy(plant);
  await using arena = await openArena({ start: copy.start, databaseUrl: first.databaseUrl });
  let sent = 0;
  const findings = await findDifferences(arena, {
    seed: 12,
    from: 0,
    to: most * 40,
    wanted: plant.outcome,
    isSent: ({ fields }) => plant.words.test(JSON.stringify(fields)) && sent++ < most,
  });
  if (process.env.WRITES_FEATURES) process.stdout.write(`${mistake}: after ${sent}\n`);
  expect(findings, `${sent} mutations`).toHaveLength(1);
});
