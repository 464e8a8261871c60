import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Database, openDatabase } from '../../src/platform/db.ts';
import { ask, type TestDatabase, testDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await testDatabase({ migrations: false });
  db = openDatabase({ url: database.url, size: 6, statementTimeout: 10_000 }, { onError: () => {} });
});
afterAll(async () => {
  await db[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const read = (name: string, text: string, ...values: unknown[]) => db.query({ name, text, values, isRead: true });

const whoAnswers = (n: number) => read('who', 'select $1::text, pg_backend_pid()::text', String(n));

/** Asked by the pool until it has been quick, and then until the lines are there. */
async function becomeQuick(ask: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < 20; i += 1) await ask();
  await sleep(100);
}

describe('quick reads', () => {
  it('share a third of the connections, and each gets its own answer', async () => {
    // @NOTE tried again: on a busy machine nothing may be quick for a while.
    await vi.waitFor(async () => {
      await becomeQuick(() => whoAnswers(0));
      const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => whoAnswers(n)));
      expect(answers.map(([row]) => row![0])).toEqual(Array.from({ length: 40 }, (_, n) => String(n)));
      expect(new Set(answers.map(([row]) => row![1])).size).toBe(2);
    }, 20_000);
  });

  it('that fail do so alone', async () => {
    const divide = (by: number) => read('divide', 'select (12 / $1::int)::text', by);
    await becomeQuick(() => divide(3));
    const outcomes = await Promise.allSettled([3, 0, 4, 0, 6].map(divide));
    expect(outcomes.map((o) => (o.status === 'fulfilled' ? o.value : (o.reason as { code: string }).code))).toEqual([
      [['4']],
      'INVALID_INPUT',
      [['3']],
      'INVALID_INPUT',
      [['2']],
    ]);
  });

  it('answer null as null, and rows in their order', async () => {
    const count = () => read('count', `select nullif(i, 2)::text from generate_series(1, 3) i order by i`);
    await becomeQuick(count);
    expect(await count()).toEqual([['1'], [null], ['3']]);
  });

  it('go back to the pool once they are slow, so that nothing waits behind them', async () => {
    const wait = (seconds: number) =>
      read('wait', 'select pg_backend_pid()::text from pg_sleep($1::float8)', String(seconds));
    await becomeQuick(() => wait(0));
    await wait(0.2);
    const answers = await Promise.all([wait(0.3), wait(0.3), wait(0.3), wait(0.3)]);
    expect(new Set(answers.map(([row]) => row![0])).size).toBe(4);
  });

  it('do not keep more statements on a line than on any connection', async () => {
    const asked = (i: number) => read(`kept${i}`, `select '${'x'.repeat(15_000)}', '${i}'`);
    for (let i = 0; i < 150; i += 1) for (let again = 0; again < 3; again += 1) await asked(i);
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => read('held', 'select count(*)::text from pg_prepared_statements')),
    );
    for (const [row] of answers) expect(Number(row![0])).toBeLessThan(80);
  });

  it('whose line is cut off are told so, and the next ones are answered', async () => {
    await becomeQuick(() => whoAnswers(0));
    const [row] = (await whoAnswers(0)) as [[string, string]];
    await ask(database.url, 'select pg_terminate_backend($1)', [Number(row[1])]);
    const cut = await Promise.allSettled(Array.from({ length: 8 }, (_, n) => whoAnswers(n)));
    for (const outcome of cut)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'UNAVAILABLE' });
    await sleep(100);
    expect((await whoAnswers(7))[0]![0]).toBe('7');
  });
});

it('a database that is closed finishes the reads under way', async () => {
  const closing = openDatabase({ url: database.url, size: 6, statementTimeout: 10_000 }, { onError: () => {} });
  const text = 'select $1::text from pg_sleep(0.002)';
  const one = (n: number) => closing.query({ name: 'one', text, values: [String(n)], isRead: true });
  await becomeQuick(() => one(0));
  const answers = Promise.all(Array.from({ length: 20 }, (_, n) => one(n)));
  await sleep(5);
  await closing[Symbol.asyncDispose]();
  expect((await answers).length).toBe(20);
});
