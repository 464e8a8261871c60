import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Database, openDatabase } from '../../src/platform/db.ts';
import { ask, type TestDatabase, testDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await testDatabase({ migrations: false });
  db = openDatabase({ url: database.url, size: 1, statementTimeout: 10_000 }, { onError: () => {} });
});
afterAll(async () => {
  await db[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

/** A statement of about this many characters. */
const statement = (name: string, length: number) => ({
  name,
  text: `select '${name}' as "${name}" -- ${'x'.repeat(length)}`,
  values: [],
});
const prepared = async () => {
  const [row] = await db.query({
    text: 'select count(*)::int, pg_backend_pid() from pg_prepared_statements',
    values: [],
  });
  return { count: row![0] as number, connection: row![1] as number };
};

// What PostgreSQL keeps of a statement takes a hundred times its text: a thousand long ones took the whole memory.
describe('what is kept prepared on a connection', () => {
  it('is what is asked again', async () => {
    for (let i = 0; i < 3; i += 1) expect(await db.query(statement('short', 100))).toEqual([['short']]);
    expect((await prepared()).count).toBe(1);
  });

  it('is no statement that is very long', async () => {
    const before = await prepared();
    expect(await db.query(statement('long', 20_001))).toEqual([['long']]);
    expect(await prepared()).toEqual(before);
  });

  it('is not more than a million characters of all together', async () => {
    const before = await prepared();
    for (let i = 0; i < 70; i += 1) await db.query(statement(`s${i}`, 15_000));
    const after = await prepared();
    expect(after.connection).not.toBe(before.connection);
    expect(after.count).toBeLessThan(10);
  });
});

it('survives the loss of a connection that is lent out while no statement is under way', async () => {
  await using database = await testDatabase({ migrations: false });
  const { url } = database;
  await using db = openDatabase({ url, size: 2, statementTimeout: 5000 }, { onError: () => {} });
  const work = db.transaction(async (tx) => {
    const [row] = await tx.query({ text: 'select pg_backend_pid()', values: [] });
    await ask(url, 'select pg_terminate_backend($1)', [row![0]]);
    await sleep(200); // here the process ended
    await tx.query({ text: 'select 1', values: [] });
  });
  await expect(work).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(await db.query({ text: 'select 1', values: [] })).toEqual([[1]]);
});

it('tells of a connection that breaks while idle, and nothing of what is kept of it', async () => {
  const told: Error[] = [];
  const { url } = database;
  await using db = openDatabase({ url, size: 2, statementTimeout: 5000 }, { onError: (error) => told.push(error) });
  const [row] = await db.query({ text: 'select pg_backend_pid()', values: [] });
  await ask(url, 'select pg_terminate_backend($1)', [row![0]]);
  await vi.waitFor(() => expect(told).toHaveLength(1));
  expect(told[0]!.message).toContain('terminating connection');
  // As the log would write it: the key cancels whatever runs on a connection.
  expect(Object.keys(told[0]!)).not.toContain('client');
  expect(inspect(told[0], { depth: 5 })).not.toMatch(/secretKey|password|connectionParameters/);
});
