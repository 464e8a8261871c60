import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';
import { anyHistory } from './histories/history.ts';
import { forHistories, Stage } from './histories/stage.ts';

vi.setConfig({ testTimeout: 900_000, hookTimeout: 60_000 });

// The same histories every time, so that a change that fails here is the cause; to look further, give other numbers.
const numRuns = Number(process.env.HISTORIES ?? (process.env.CI ? 5000 : 500));
const seed = Number(process.env.HISTORIES_SEED ?? 1);
/** A history to play alone, as a failure names it. */
const path = process.env.HISTORIES_PATH;
const atOnce = Number(process.env.HISTORIES_AT_ONCE ?? 24);

let server: TestServer;
let stage: Stage;
beforeAll(async () => {
  server = await startServer({ config: forHistories });
  stage = await Stage.open(server, atOnce);
});
afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

it(`in ${path ?? numRuns} histories (seed ${seed}), each is told what the rules allow, and all of it`, async () => {
  const started = Date.now();
  const failed = path
    ? { index: path, error: undefined }
    : await stage.playAll(fc.sample(anyHistory, { seed, numRuns }));
  if (failed) {
    // Alone, and smaller and smaller; what fails only among others is told as it was.
    const alone = fc.asyncProperty(anyHistory, (history) => stage.play(history));
    await fc.assert(alone, { seed, path: String(failed.index), numRuns: 1, interruptAfterTimeLimit: 30_000 });
    if (failed.error)
      throw new Error(`seed ${seed}, path ${failed.index}: fails among others`, { cause: failed.error });
  }
  const { played, messages, rounds } = stage;
  process.stdout.write(`${played} histories, ${messages} messages, ${rounds} rounds, ${Date.now() - started} ms\n`);
  if (!path) expect(messages).toBeGreaterThan(played);
});
