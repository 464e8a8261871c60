import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leakOfRead, leakOfWrite } from './channels/check.ts';
import { reads } from './channels/reads.ts';
import { startWorld, type World } from './channels/world.ts';
import { writes } from './channels/writes.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

describe('what may not be seen is not told by', () => {
  it.each(reads.map((row) => [row.channel, row.as, row.query, row] as const))('%s: %s asks %s', async (...[, , , row]) => {
    expect(await leakOfRead(world, row)).toBeUndefined();
  });
});

describe('what may not be seen or done is not told or done by', () => {
  it.each(writes.map((row) => [row.channel, row.as, row.write, row] as const))(
    '%s: %s writes %s',
    async (...[, , , row]) => {
      expect(await leakOfWrite(world, row)).toBeUndefined();
    },
  );
});
