import { expect, it, vi } from 'vitest';
import { openArena } from './arena.ts';
import { createTally } from './features.ts';
import { findDifferences, smallest, tell } from './prove.ts';
import { schema } from './world.ts';

vi.setConfig({ testTimeout: 24 * 3_600_000, hookTimeout: 240_000 });

const seed = Number(process.env.WRITES_SEED ?? 1);
const runs = Number(process.env.WRITES_RUNS ?? (process.env.CI ? 5000 : 300));
/** How many differences are looked for before it ends. */
const atMost = Number(process.env.WRITES_MOST ?? 1);
/** A mutation to send alone, after those that made its world. */
const one = process.env.WRITES_ONE === undefined ? undefined : Number(process.env.WRITES_ONE);

const isTold = process.env.WRITES_FEATURES !== undefined;
/** Whether a document is one transaction, and so several root fields one mutation. */
const isWhole = true;

it(`random mutations do what the model of the rules does, and nothing else (seed ${seed})`, async () => {
  await using arena = await openArena();
  const started = Date.now();
  const tally = createTally(schema, isWhole);
  const [from, to] = one === undefined ? [0, runs] : [one, one + 1];
  const findings = await findDifferences(arena, {
    seed,
    from,
    to,
    atMost,
    isWhole,
    onTrial: (trial) => tally.count(trial),
  });
  process.stdout.write(`writes: ${tally.total} mutations, seed ${seed}, ${Date.now() - started} ms\n`);
  if (isTold) process.stdout.write(`${tally.print()}\n`);
  const told = await mapInTurn(findings, async (finding) => tell(await smallest(arena, finding), seed));
  expect(told.join('\n\n')).toBe('');
  // Mutations that do little, or of one kind, would prove little.
  if (tally.total >= 2000) expect(tally.missing()).toEqual([]);
});

async function mapInTurn<T, U>(list: readonly T[], f: (item: T) => Promise<U>): Promise<U[]> {
  const results: U[] = [];
  for (const item of list) results.push(await f(item));
  return results;
}
