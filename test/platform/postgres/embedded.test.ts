import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { StartupError } from '../../../src/errors.ts';
import { startEmbeddedPostgres } from '../../../src/platform/postgres/embedded.ts';
import { ask } from '../../support/postgres.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { listens } from './holder-process.ts';

describe('an embedded PostgreSQL', () => {
  it('starts in a path with spaces, durable and in UTC, and tells nobody its password', async () => {
    using place = temporaryDirectory('with some spaces');
    const directory = path.join(place.path, 'a project', '.millrace');
    const told: string[] = [];
    await using postgres = await startEmbeddedPostgres({ directory, log: (line) => told.push(line) });
    const settings = ['fsync', 'synchronous_commit', 'TimeZone', 'jit', 'max_connections', 'listen_addresses'];
    const rows = await ask(
      postgres.url('postgres'),
      'SELECT setting FROM unnest($1::text[]) n, current_setting(n) setting',
      [settings],
    );
    expect(rows.map(({ setting }) => setting)).toEqual(['on', 'on', 'UTC', 'off', '100', '127.0.0.1']);
    expect(postgres.startedHere).toBe(true);
    const password = readFileSync(path.join(directory, 'postgres', 'password'), 'utf8');
    expect(password.length).toBeGreaterThan(20);
    expect(statSync(path.join(directory, 'postgres', 'password')).mode & 0o777).toBe(0o600);
    expect(told.join('\n')).toContain('PostgreSQL');
    expect(told.join('\n')).not.toContain(password);
    expect(readFileSync(path.join(directory, 'postgres', 'server.log'), 'utf8')).not.toContain(password);
  });

  it('lets nobody in without the password', async () => {
    using place = temporaryDirectory();
    await using postgres = await startEmbeddedPostgres({ directory: place.path, durable: false });
    const wrong = new URL(postgres.url('postgres'));
    wrong.password = 'guessed';
    await expect(ask(wrong.toString(), 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });

  it('keeps its rows from one start to the next, and is gone in between', async () => {
    using place = temporaryDirectory();
    const first = await startEmbeddedPostgres({ directory: place.path, durable: false });
    await ask(first.url('postgres'), 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();
    await first.stop();
    expect(await listens(first.port)).toBe(false);
    await using second = await startEmbeddedPostgres({ directory: place.path, durable: false });
    expect(await ask(second.url('postgres'), 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });

  it('is one server for all who start it in one directory, and another in another', async () => {
    using place = temporaryDirectory();
    using elsewhere = temporaryDirectory();
    const start = (directory: string) => startEmbeddedPostgres({ directory, durable: false });
    const [one, two, other] = await Promise.all([start(place.path), start(place.path), start(elsewhere.path)]);
    expect(one.port).toBe(two.port);
    expect([one.startedHere, two.startedHere].sort()).toEqual([false, true]);
    expect(other.port).not.toBe(one.port);
    await one.stop();
    expect(await ask(two.url('postgres'), 'SELECT 1 AS alive')).toEqual([{ alive: 1 }]);
    await two.stop();
    expect(await listens(two.port)).toBe(false);
    expect(await ask(other.url('postgres'), 'SELECT 1 AS alive')).toEqual([{ alive: 1 }]);
    await other.stop();
  });

  it('starts over where an initdb was cut off', async () => {
    using place = temporaryDirectory();
    mkdirSync(path.join(place.path, 'postgres', 'data', 'base'), { recursive: true });
    mkdirSync(path.join(place.path, 'postgres', 'unfinished-abc', 'data'), { recursive: true });
    await using postgres = await startEmbeddedPostgres({ directory: place.path, durable: false });
    expect(await ask(postgres.url('postgres'), 'SELECT 1 AS alive')).toEqual([{ alive: 1 }]);
    expect(readdirSync(path.join(place.path, 'postgres')).filter((name) => name.startsWith('unfinished'))).toEqual([]);
  });

  it.each([
    ['a process that has ended', '4194000'],
    ['a living stranger', String(process.pid)],
    ['nothing', ''],
  ])('starts beside a pid file left for %s', async (_, pid) => {
    using place = temporaryDirectory();
    await (await startEmbeddedPostgres({ directory: place.path, durable: false })).stop();
    const data = path.join(place.path, 'postgres', 'data');
    writeFileSync(
      path.join(data, 'postmaster.pid'),
      pid && `${pid}\n${data}\n1700000000\n5432\n\n127.0.0.1\n\nready   \n`,
    );
    await using postgres = await startEmbeddedPostgres({ directory: place.path, durable: false });
    expect(await ask(postgres.url('postgres'), 'SELECT 1 AS alive')).toEqual([{ alive: 1 }]);
  });

  it.each(['17', '99'])('refuses a cluster of PostgreSQL %s, and says what to do', async (major) => {
    using place = temporaryDirectory();
    await (await startEmbeddedPostgres({ directory: place.path, durable: false })).stop();
    writeFileSync(path.join(place.path, 'postgres', 'data', 'PG_VERSION'), `${major}\n`);
    const error = await startEmbeddedPostgres({ directory: place.path }).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(StartupError);
    expect(error.message).toContain(`was made by PostgreSQL ${major}`);
    expect(error.remedy).toContain('DATABASE_URL');
  });

  it('says when the password file is missing', async () => {
    using place = temporaryDirectory();
    await (await startEmbeddedPostgres({ directory: place.path, durable: false })).stop();
    rmSync(path.join(place.path, 'postgres', 'password'));
    await expect(startEmbeddedPostgres({ directory: place.path })).rejects.toThrow(/password .* is missing/);
  });

  it('tells why PostgreSQL itself would not start', async () => {
    using place = temporaryDirectory();
    await (await startEmbeddedPostgres({ directory: place.path, durable: false })).stop();
    writeFileSync(path.join(place.path, 'postgres', 'data', 'postgresql.auto.conf'), "no_such_setting = 'on'\n");
    const error = await startEmbeddedPostgres({ directory: place.path }).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(StartupError);
    expect(error.message).toMatch(/starting PostgreSQL failed: .*no_such_setting|auto\.conf/);
    expect(error.remedy).toContain('server.log');
  });
});
