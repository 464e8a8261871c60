import { expect, it, vi } from 'vitest';
import { openArena } from './arena.ts';
import { firstDifference, smallest, tell } from './prove.ts';

vi.setConfig({ testTimeout: 24 * 3_600_000, hookTimeout: 240_000 });

const seed = Number(process.env.WRITES_SEED ?? 1);
const runs = Number(process.env.WRITES_RUNS ?? (process.env.CI ? 5000 : 300));
/** A mutation to send alone, after those that made its world. */
const one = process.env.WRITES_ONE === undefined ? undefined : Number(process.env.WRITES_ONE);

it(`random mutations do what the model of the rules does, and nothing else (seed ${seed})`, async () => {
  await using arena = await openArena();
  const started = Date.now();
  const codes: Record<string, number> = {};
  const [from, to] = one === undefined ? [0, runs] : [one, one + 1];
  const finding = await firstDifference(arena, {
    seed,
    from,
    to,
    onTrial: ({ outcome }) => {
      codes[outcome.code] = (codes[outcome.code] ?? 0) + 1;
    },
  });
  process.stdout.write(`writes: ${JSON.stringify(codes)}, seed ${seed}, ${Date.now() - started} ms\n`);
  expect(finding && tell(await smallest(arena, finding), seed)).toBeUndefined();
});
