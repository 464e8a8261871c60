import { mkdirSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { StartupError } from '../../../src/errors.ts';
import { withDatabase } from '../../../src/platform/database-url.ts';
import { deployMigrations } from '../../../src/platform/migrations/deploy.ts';
import { ask, testDatabase } from '../../support/postgres.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { writeMigrations } from './migrations-directory.ts';

const failureOf = async (url: string, directory: string): Promise<StartupError> => {
  const failure = await deployMigrations({ url, directory }).catch((error) => error);
  expect(failure).toBeInstanceOf(StartupError);
  expect(failure.message).not.toContain('\n');
  return failure;
};

const functionSql = `CREATE FUNCTION shout(word text) RETURNS text LANGUAGE plpgsql AS $body$
BEGIN
  -- a semicolon; in a comment
  RETURN upper(word) || ';';
END $body$;
DO $$ BEGIN PERFORM shout('x'); END $$;`;

describe('deploying migrations', () => {
  it('applies what is missing in order, functions and DO blocks included, and nothing twice', async () => {
    await using database = await testDatabase({ migrations: false });
    using place = temporaryDirectory();
    writeMigrations(place.path, { '2_shout': functionSql, '1_words': 'CREATE TABLE words (word text)' });
    const options = { url: database.url, directory: place.path };
    expect(await deployMigrations(options)).toEqual(['1_words', '2_shout']);
    expect(await deployMigrations(options)).toEqual([]);
    writeMigrations(place.path, { '3_more': "INSERT INTO words VALUES (shout('more'))" });
    expect(await deployMigrations(options)).toEqual(['3_more']);
    expect(await ask(database.url, 'SELECT word FROM words')).toEqual([{ word: 'MORE;' }]);
  });

  it('makes the database when it is missing', async () => {
    using place = temporaryDirectory();
    writeMigrations(place.path, { '1_words': 'CREATE TABLE words (word text)' });
    const server = inject('postgresUrl');
    const url = withDatabase(server, 'made "by" deploy');
    try {
      expect(await deployMigrations({ url, directory: place.path })).toEqual(['1_words']);
      expect(await ask(url, 'SELECT word FROM words')).toEqual([]);
    } finally {
      await ask(server, 'DROP DATABASE IF EXISTS "made ""by"" deploy" WITH (FORCE)');
    }
  });

  it('is done once when several processes start at the same time', async () => {
    await using database = await testDatabase({ migrations: false });
    using place = temporaryDirectory();
    writeMigrations(place.path, { '1_words': 'CREATE TABLE words (word text)', '2_wait': 'SELECT pg_sleep(0.2)' });
    const deploy = () => deployMigrations({ url: database.url, directory: place.path });
    const done = await Promise.all([deploy(), deploy(), deploy()]);
    expect(done.flat().sort()).toEqual(['1_words', '2_wait']);
  });

  it('stands a migration that empties the search path or leaves its transaction open', async () => {
    await using database = await testDatabase({ migrations: false });
    using place = temporaryDirectory();
    writeMigrations(place.path, {
      '1_dump': "SELECT pg_catalog.set_config('search_path', '', false); BEGIN; CREATE TABLE public.dumped (n int);",
      '2_next': 'INSERT INTO dumped VALUES (1)',
    });
    expect(await deployMigrations({ url: database.url, directory: place.path })).toHaveLength(2);
    expect(await ask(database.url, 'SELECT n FROM dumped')).toEqual([{ n: 1 }]);
  });

  it("works in the schema that the connection string names, Prisma's other parameters ignored", async () => {
    await using database = await testDatabase({ migrations: false });
    using place = temporaryDirectory();
    writeMigrations(place.path, { '1_words': 'CREATE TABLE words (word text)' });
    await deployMigrations({ url: `${database.url}?schema=Other&connection_limit=3`, directory: place.path });
    expect(await ask(database.url, 'SELECT word FROM "Other".words')).toEqual([]);
  });
});

describe('a migration that cannot be applied', () => {
  it('is named with the line and the reason, leaves nothing half-done, and hinders the next start until resolved', async () => {
    await using database = await testDatabase({ migrations: false });
    using place = temporaryDirectory();
    writeMigrations(place.path, {
      '1_good': 'CREATE TABLE good (n int)',
      '2_bad': 'CREATE TABLE half (n int);\nINSERT INTO good VALUES (1);\nSELECT nonsense FROM good;',
    });
    const failure = await failureOf(database.url, place.path);
    expect(failure.message).toBe(
      'the migration 2_bad failed: column "nonsense" does not exist at line 3: SELECT nonsense FROM good',
    );
    expect(failure.remedy).toContain('npx prisma migrate resolve --rolled-back 2_bad');
    const tables = "SELECT to_regclass('good') IS NOT NULL AS good, to_regclass('half') IS NULL AS undone";
    expect(await ask(database.url, tables)).toEqual([{ good: true, undone: true }]);
    const second = await failureOf(database.url, place.path);
    expect(second.message).toContain('the migration 2_bad failed earlier (column "nonsense" does not exist');
  });

  it('is refused when it was changed after it had been applied, line endings aside', async () => {
    await using database = await testDatabase({ migrations: false });
    using place = temporaryDirectory();
    writeMigrations(place.path, { '1_words': 'CREATE TABLE words (\n  word text\n)' });
    await deployMigrations({ url: database.url, directory: place.path });
    writeMigrations(place.path, { '1_words': 'CREATE TABLE words (\r\n  word text\r\n)' });
    expect(await deployMigrations({ url: database.url, directory: place.path })).toEqual([]);
    writeMigrations(place.path, { '1_words': 'CREATE TABLE words (word text, length int)' });
    expect((await failureOf(database.url, place.path)).message).toContain('1_words was changed after');
  });

  it('is refused on tables that no migration made', async () => {
    await using database = await testDatabase({ migrations: false });
    using place = temporaryDirectory();
    await ask(database.url, 'CREATE TABLE theirs (n int)');
    writeMigrations(place.path, { '1_words': 'CREATE TABLE words (word text)' });
    const failure = await failureOf(database.url, place.path);
    expect(failure.message).toContain('already has tables (theirs …)');
    expect(failure.remedy).toContain('migrate resolve --applied 1_words');
  });

  it('is named when its file is missing', async () => {
    await using database = await testDatabase({ migrations: false });
    using place = temporaryDirectory();
    mkdirSync(path.join(place.path, '1_empty'));
    expect((await failureOf(database.url, place.path)).message).toContain('1_empty has no migration.sql');
  });
});

describe('a database that cannot be reached', () => {
  const secret = 'pa55word';

  async function withServer(onConnection: (socket: net.Socket) => void, use: (port: number) => Promise<void>) {
    const server = net.createServer(onConnection);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      await use((server.address() as AddressInfo).port);
    } finally {
      server.close();
    }
  }

  it.each([
    ['no server', 'postgresql://me:pa55word@127.0.0.1:1/x', /^nothing answers at 127\.0\.0\.1:1\/x$/],
    [
      'an unknown host',
      'postgresql://me:pa55word@no-such-host.invalid/x',
      /^the host of no-such-host\.invalid:5432\/x/,
    ],
    ['another protocol', 'mysql://me:pa55word@127.0.0.1/x', /^DATABASE_URL is not a PostgreSQL connection string$/],
    ['no address at all', 'pa55word', /^DATABASE_URL is not a PostgreSQL connection string$/],
  ])('is told in one line: %s', async (_, url, message) => {
    using place = temporaryDirectory();
    const failure = await failureOf(url, place.path);
    expect(failure.message).toMatch(message);
    expect(`${failure.message} ${failure.remedy}`).not.toContain(secret);
  });

  it('is told when the password is wrong or missing', async () => {
    using place = temporaryDirectory();
    const url = new URL(inject('postgresUrl'));
    for (const password of [secret, '']) {
      url.password = password;
      const failure = await failureOf(url.toString(), place.path);
      expect(failure.message).toMatch(/refused the password of user postgres$/);
    }
  });

  it('is told when the server does not speak TLS', async () => {
    using place = temporaryDirectory();
    const failure = await failureOf(`${inject('postgresUrl')}?sslmode=require`, place.path);
    expect(failure.message).toMatch(/does not speak TLS$/);
  });

  it('is told when nothing is said within five seconds', async () => {
    using place = temporaryDirectory();
    const sockets: net.Socket[] = [];
    await withServer(
      (socket) => sockets.push(socket),
      async (port) => {
        const failure = await failureOf(`postgresql://me:${secret}@127.0.0.1:${port}/x`, place.path);
        expect(failure.message).toMatch(/did not answer within 5 seconds$/);
        for (const socket of sockets) socket.destroy();
      },
    );
  });

  it('is told when something else listens there', async () => {
    using place = temporaryDirectory();
    await withServer(
      (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
      async (port) => {
        const failure = await failureOf(`postgresql://me:${secret}@127.0.0.1:${port}/x`, place.path);
        expect(failure.message).toContain(`127.0.0.1:${port}/x`);
        expect(failure.message).not.toContain(secret);
      },
    );
  });

  it('is told when the user may not make it', async () => {
    using place = temporaryDirectory();
    const server = inject('postgresUrl');
    await ask(server, `CREATE ROLE modest LOGIN PASSWORD '${secret}'`);
    try {
      const url = new URL(withDatabase(server, 'never_made'));
      url.username = 'modest';
      url.password = secret;
      const failure = await failureOf(url.toString(), place.path);
      expect(failure.message).toMatch(/never_made does not exist, and user modest may not create it$/);
    } finally {
      await ask(server, 'DROP ROLE modest');
    }
  });
});

it('leaves a record that Prisma reads as its own', async () => {
  await using database = await testDatabase({ migrations: false });
  using place = temporaryDirectory();
  writeMigrations(place.path, { '1_words': 'CREATE TABLE words (word text)' });
  writeFileSync(path.join(place.path, 'migration_lock.toml'), 'provider = "postgresql"\n');
  await deployMigrations({ url: database.url, directory: place.path });
  const rows = await ask(
    database.url,
    'SELECT migration_name, applied_steps_count, finished_at >= started_at AS finished, rolled_back_at FROM _prisma_migrations',
  );
  expect(rows).toEqual([{ migration_name: '1_words', applied_steps_count: 1, finished: true, rolled_back_at: null }]);
});
