import { expect, it } from 'vitest';
import { ask, testDatabase } from './postgres.ts';

it('gives every caller a database of its own with the migrations applied', async () => {
  await using one = await testDatabase();
  await using other = await testDatabase();
  await ask(one.url, "INSERT INTO users (id, email, name) VALUES (gen_random_uuid(), 'a@example.com', 'A')");
  expect(await ask(one.url, 'SELECT name FROM users')).toEqual([{ name: 'A' }]);
  expect(await ask(other.url, 'SELECT name FROM users')).toEqual([]);
});

it('gives an empty database when asked for one, and removes it', async () => {
  const database = await testDatabase({ migrations: false });
  expect(await ask(database.url, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")).toEqual(
    [],
  );
  await database.drop();
  await expect(ask(database.url, 'SELECT 1')).rejects.toMatchObject({ code: '3D000' });
});
