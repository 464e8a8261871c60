import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ask } from '../support/postgres.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { auditTables } from './histories/audit.ts';
import { Barrier } from './histories/barrier.ts';
import { anyHistory, type History } from './histories/history.ts';
import { Lane } from './histories/lane.ts';

vi.setConfig({ testTimeout: 900_000, hookTimeout: 60_000 });

// The same histories every time, so that a change that fails here is the cause; to look further, give other numbers.
const numRuns = Number(process.env.HISTORIES ?? (process.env.CI ? 5000 : 500));
const seed = Number(process.env.HISTORIES_SEED ?? 1);
/** A history to play alone, as a failure names it. */
const path = process.env.HISTORIES_PATH;
const atOnce = Number(process.env.HISTORIES_AT_ONCE ?? 24);

let server: TestServer;
let barrier: Barrier;
let lanes: Lane[];
let played = 0;
beforeAll(async () => {
  server = await startServer({
    // More connections are no quicker on two cores, and each of them prepares every statement.
    config: (config) => ({
      ...config,
      pool: { ...config.pool, size: 3 },
      streams: { ...config.streams, messagesPerSecond: 100_000 },
    }),
  });
  await ask(server.databaseUrl, auditTables);
  barrier = await Barrier.open(server);
  lanes = [];
  for (let n = 0; n < atOnce; n++) lanes.push(await Lane.open(server, barrier, n));
});
afterAll(async () => {
  for (const lane of lanes ?? []) await lane[Symbol.asyncDispose]();
  await barrier?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

const play = (lane: Lane, history: History) => {
  played += 1;
  return lane.play(history, String(played).padStart(8, '0'));
};

/** Plays histories in all lanes; returns the number of one that failed, with its error. */
async function playAll(histories: readonly History[]): Promise<{ index: number; error: unknown } | undefined> {
  let next = 0;
  let failed: { index: number; error: unknown } | undefined;
  await Promise.all(
    lanes.map(async (lane) => {
      while (next < histories.length && !failed) {
        const index = next++;
        await play(lane, histories[index]!).catch((error: unknown) => (failed ??= { index, error }));
      }
    }),
  );
  return failed;
}

it(`in ${path ?? numRuns} histories (seed ${seed}), each is told what the rules allow, and all of it`, async () => {
  const started = Date.now();
  const failed = path ? { index: path, error: undefined } : await playAll(fc.sample(anyHistory, { seed, numRuns }));
  if (failed) {
    // Alone, and smaller and smaller; what fails only among others is told as it was.
    const alone = fc.asyncProperty(anyHistory, (history) => play(lanes[0]!, history));
    await fc.assert(alone, { seed, path: String(failed.index), numRuns: 1, interruptAfterTimeLimit: 30_000 });
    if (failed.error)
      throw new Error(`seed ${seed}, path ${failed.index}: fails among others`, { cause: failed.error });
  }
  const messages = lanes.reduce((sum, lane) => sum + lane.messages, 0);
  process.stdout.write(
    `${played} histories, ${messages} messages, ${barrier.rounds} rounds, ${Date.now() - started} ms\n`,
  );
  if (!path) expect(messages).toBeGreaterThan(played);
});
