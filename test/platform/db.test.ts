import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openDatabase } from '../../src/platform/db.ts';
import { ask, testDatabase } from '../support/postgres.ts';

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
