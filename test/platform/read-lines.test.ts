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

it('quick reads do not wait behind slow ones that have come down the same lines', async () => {
  const wait = (n: number, seconds: number) =>
    read(`slow${n}`, `select ${n}::text from pg_sleep($1::float8)`, String(seconds));
  for (let i = 0; i < 20; i += 1) await Promise.all([whoAnswers(0), wait(1, 0), wait(2, 0)]);
  await becomeQuick(() => whoAnswers(0));
  const start = performance.now();
  const took = async (answer: Promise<unknown>) => {
    await answer;
    return performance.now() - start;
  };
  const slow = [1, 2].map((n) => took(wait(n, 2)));
  const sentWithThem = Array.from({ length: 10 }, (_, n) => took(whoAnswers(n)));
  await sleep(100);
  const sentLater = Array.from({ length: 10 }, (_, n) => took(whoAnswers(n)));
  for (const took of await Promise.all([...sentWithThem, ...sentLater])) expect(took).toBeLessThan(1500);
  for (const took of await Promise.all(slow)) expect(took).toBeGreaterThan(1900);
});

it('statements that take too long do so at once, not one after the other', async () => {
  const impatient = openDatabase({ url: database.url, size: 9, statementTimeout: 800 }, { onError: () => {} });
  const wait = (n: number, seconds: number) =>
    impatient.query({
      name: `late${n}`,
      text: `select ${n}::text from pg_sleep($1::float8)`,
      values: [String(seconds)],
      isRead: true,
    });
  const names = [0, 1, 2, 3, 4, 5];
  for (let i = 0; i < 20; i += 1) await Promise.all(names.map((n) => wait(n, 0)));
  await sleep(100);
  const start = performance.now();
  const outcomes = await Promise.allSettled(names.map((n) => wait(n, 5)));
  expect(performance.now() - start).toBeLessThan(2200);
  for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { code: 'UNAVAILABLE' } });
  await impatient[Symbol.asyncDispose]();
});

describe('no answer ever reaches another read', () => {
  // Each asks for what it alone asks for, and the answer says on which connection it was made.
  const echo = (n: number) => read(`echo${n % 7}`, `select $1::text, pg_backend_pid()::text, '${n % 7}'`, String(n));
  const failing = (n: number) => read('failing', 'select (1 / $1::int)::text', n);

  it('while readers, writers, errors and slow ones are mixed, and connections are cut off', async () => {
    await ask(database.url, 'create table if not exists marks (n bigint primary key)');
    const until = performance.now() + 4000;
    const told = { right: 0, cut: 0, divided: 0, written: 0 };
    let asked = 0;
    const another = () => {
      asked += 1;
      return asked;
    };
    const unavailable = (error: unknown) => {
      expect(error).toMatchObject({ code: 'UNAVAILABLE' });
      told.cut += 1;
    };
    const reader = async () => {
      while (performance.now() < until) {
        const n = another();
        await echo(n).then((rows) => {
          expect(rows).toEqual([[String(n), expect.any(String), String(n % 7)]]);
          told.right += 1;
        }, unavailable);
      }
    };
    const divider = async () => {
      while (performance.now() < until) {
        const by = another() % 2;
        await failing(by).then(
          (rows) => expect([by, rows]).toEqual([1, [['1']]]),
          (error: { code: string }) => {
            if (error.code !== 'INVALID_INPUT') return unavailable(error);
            expect(by).toBe(0);
            told.divided += 1;
          },
        );
      }
    };
    const slow = async () => {
      for (let n = 0; performance.now() < until; n += 1) {
        const text = `select $1::text, ${n}::text from pg_sleep($1::float8)`;
        for (const seconds of ['0', '0', '0.3'])
          await read(`slow at times ${n}`, text, seconds).then(
            (rows) => expect(rows).toEqual([[seconds, String(n)]]),
            unavailable,
          );
      }
    };
    const writer = async () => {
      while (performance.now() < until) {
        const n = another();
        await db
          .transaction(async (tx) => {
            await tx.query({ text: 'insert into marks values ($1)', values: [n] });
            expect(
              await tx.query({ name: 'mark', text: 'select n::text from marks where n = $1', values: [n] }),
            ).toEqual([[String(n)]]);
          })
          .then(() => {
            told.written += 1;
          }, unavailable);
      }
    };
    const cutter = async () => {
      while (performance.now() < until) {
        await sleep(150);
        const one = `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and application_name = 'millrace' order by random() limit 1`;
        await ask(database.url, one);
      }
    };
    const many = (count: number, one: () => Promise<void>) => Array.from({ length: count }, one);
    await Promise.all([...many(48, reader), ...many(4, divider), ...many(2, slow), ...many(3, writer), cutter()]);
    expect(told.right).toBeGreaterThan(500);
    for (const times of Object.values(told)) expect(times).toBeGreaterThan(0);
    expect(await echo(1)).toEqual([['1', expect.any(String), '1']]);
  }, 20_000);
});

it('a database that is closed finishes the reads under way', async () => {
  const closing = openDatabase({ url: database.url, size: 6, statementTimeout: 10_000 }, { onError: () => {} });
  const text = 'select $1::text';
  const one = (n: number) => closing.query({ name: 'one', text, values: [String(n)], isRead: true });
  await becomeQuick(() => one(0));
  const answers = Promise.all(Array.from({ length: 20 }, (_, n) => one(n)));
  await closing[Symbol.asyncDispose]();
  expect((await answers).length).toBe(20);
});
