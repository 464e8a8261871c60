import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/platform/db.ts';
import { ask, type TestDatabase, testDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let db: Database;
let commits = 0;
beforeAll(async () => {
  database = await testDatabase({ migrations: false });
  const onCommit = () => {
    commits += 1;
  };
  db = openDatabase({ url: database.url, size: 1, statementTimeout: 5000 }, { onError: () => {}, onCommit });
  await ask(database.url, 'create table words (word text primary key)');
});
afterAll(async () => {
  await db[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await ask(database.url, 'truncate words');
  commits = 0;
});

const insert = (word: string) => ({ text: 'insert into words values ($1)', values: [word] });
const words = async () =>
  (await ask<{ word: string }>(database.url, 'select word from words order by 1')).map(({ word }) => word);
const taken = { code: 'CONFLICT', message: 'another row has these values already' };

describe('a transaction that the caller ends', () => {
  it('takes a connection with its first statement, and says of a commit only when there was one', async () => {
    const idle = db.begin();
    expect(await db.query({ text: 'select 1', values: [] })).toEqual([[1]]);
    await idle.commit();
    expect(commits).toBe(0);
    const tx = db.begin();
    await tx.query(insert('one'));
    expect(await words()).toEqual([]);
    await tx.commit();
    await tx.rollback();
    expect([await words(), commits]).toEqual([['one'], 1]);
  });

  it('leaves nothing when it is undone, and takes no statement afterwards', async () => {
    const tx = db.begin();
    await tx.query(insert('one'));
    const late = tx.query(insert('two')).catch(() => {});
    await tx.rollback();
    await late;
    await expect(tx.query(insert('three'))).rejects.toThrow();
    await expect(tx.commit()).rejects.toThrow();
    expect([await words(), commits]).toEqual([[], 0]);
  });

  it('says at its end that nothing was kept, though nobody minded what had failed', async () => {
    const tx = db.begin();
    await tx.query(insert('one'));
    await tx.query(insert('one')).catch(() => {});
    expect(tx.failure).toMatchObject(taken);
    await expect(tx.commit()).rejects.toMatchObject(taken);
    await tx.rollback();
    await expect(
      db.transaction(async (work) => {
        await work.query(insert('two'));
        await work.query(insert('two')).catch(() => {});
      }),
    ).rejects.toMatchObject(taken);
    expect([await words(), commits]).toEqual([[], 0]);
  });
});

describe('a transaction within another one', () => {
  it('is kept with it, or undone alone', async () => {
    await db.transaction(async (tx) => {
      await tx.transaction(async (inner) => {
        await inner.query(insert('one'));
        await expect(inner.transaction((third) => third.query(insert('one')))).rejects.toMatchObject(taken);
      });
      await expect(
        tx.transaction(async (inner) => {
          await inner.query(insert('two'));
          throw new Error('no more of this');
        }),
      ).rejects.toThrow();
      await tx.query(insert('three'));
    });
    expect([await words(), commits]).toEqual([['one', 'three'], 1]);
  });

  it('is undone with it', async () => {
    const work = db.transaction(async (tx) => {
      await tx.transaction((inner) => inner.query(insert('one')));
      throw new Error('no');
    });
    await expect(work).rejects.toMatchObject({ code: 'INTERNAL' });
    expect([await words(), commits]).toEqual([[], 0]);
  });

  it('undoes everything where two stand side by side and the first takes the second with it', async () => {
    const work = db.transaction(async (tx) => {
      let fail = () => {};
      const first = tx.transaction(async (inner) => {
        await inner.query(insert('one'));
        await new Promise<void>((resolve) => {
          fail = resolve;
        });
        throw new Error('no');
      });
      first.catch(() => {});
      while ((await tx.query({ text: 'select 1 from words', values: [] })).length === 0);
      const second = tx.transaction(async (inner) => {
        await inner.query(insert('two'));
        fail();
        await first.catch(() => {});
      });
      await second;
    });
    await expect(work).rejects.toMatchObject({ code: 'INTERNAL' });
    expect([await words(), commits]).toEqual([[], 0]);
  });
});

it('knows when another transaction came first', async () => {
  const tx = db.begin();
  await tx.query(insert('one'));
  expect(tx.isContended).toBe(false);
  await tx.script(`do $$ begin raise exception 'x' using errcode = '40P01'; end $$`).catch(() => {});
  expect([tx.isContended, tx.failure?.code]).toEqual([true, 'CONFLICT']);
  await tx.rollback();
});
