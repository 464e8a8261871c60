import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, type TestDatabase, testDatabase } from '../../support/postgres.ts';
import { copyProject } from '../../support/project-copy.ts';
import type { TemporaryDirectory } from '../../support/temporary-directory.ts';
import { expectNoServer } from '../postgres/holder-process.ts';
import { writeMigrations } from './migrations-directory.ts';

const patience = 120_000;

interface Outcome {
  code: number | null;
  text: string;
}

/** Runs the unmodified command line in `directory`, with nothing of this process's surroundings but what `variables` say. */
function prisma(directory: string, args: string[], variables: Record<string, string> = {}): Promise<Outcome> {
  const child = spawn(process.execPath, [path.resolve('node_modules/prisma/build/index.js'), ...args], {
    cwd: directory,
    env: { PATH: path.dirname(process.execPath), HOME: directory, NO_COLOR: '1', ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => (text += part));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, text })));
}

describe('the Prisma command line, without its downloads', { timeout: patience }, () => {
  let project: TemporaryDirectory;
  let database: TestDatabase;
  let downloads = 0;
  const mirror = createServer((_, response) => {
    downloads++;
    response.writeHead(404).end();
  });
  let run: (...args: string[]) => Promise<Outcome>;

  beforeAll(async () => {
    project = copyProject('a prisma project');
    rmSync(path.join(project.path, 'prisma', 'migrations'), { recursive: true });
    database = await testDatabase({ migrations: false });
    await new Promise<void>((resolve) => mirror.listen(0, '127.0.0.1', resolve));
    const { port } = mirror.address() as AddressInfo;
    const variables = { DATABASE_URL: database.url, PRISMA_ENGINES_MIRROR: `http://127.0.0.1:${port}` };
    run = (...args) => prisma(project.path, args, variables);
  });

  afterAll(async () => {
    mirror.close();
    await database.drop();
    project[Symbol.dispose]();
  });

  const migrations = () => path.join(project.path, 'prisma', 'migrations');
  const appSchema = () => path.join(project.path, 'prisma', 'app.prisma');
  const editSchema = (edit: (text: string) => string) =>
    writeFileSync(appSchema(), edit(readFileSync(appSchema(), 'utf8')));

  it('says its versions, validates, formats and generates', async () => {
    const version = await run('-v');
    expect(version).toMatchObject({ code: 0, text: expect.stringContaining('schema-engine-wasm') });
    // The stand-in names the engine's commit as the package it stands in for does.
    const [, engine] = /schema-engine-wasm (\w{40})/.exec(version.text) ?? [];
    expect(version.text).toMatch(new RegExp(`Default Engines Hash\\s*: ${engine}`));
    expect(await run('validate')).toMatchObject({ code: 0, text: expect.stringContaining('valid') });
    expect(await run('format')).toMatchObject({ code: 0 });
    expect(await run('generate')).toMatchObject({ code: 0 });
    expect(existsSync(path.join(project.path, 'src', 'generated', 'prisma', 'client.ts'))).toBe(true);
  });

  it('makes and applies migrations, functions and triggers among them', async () => {
    expect(await run('migrate', 'dev', '--name', 'init')).toMatchObject({ code: 0 });
    writeMigrations(migrations(), {
      '20990101000000_touch': `CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $f$
        BEGIN
          NEW.name := NEW.name || ';'; -- one; two
          RETURN NEW;
        END $f$;
        CREATE TRIGGER touch BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION touch();
        DO $$ BEGIN PERFORM 1; END $$;`,
    });
    expect(await run('migrate', 'dev')).toMatchObject({ code: 0 });
    await ask(database.url, "INSERT INTO users (id, email, name) VALUES (gen_random_uuid(), 'a@example.com', 'A')");
    expect(await ask(database.url, 'SELECT name FROM users')).toEqual([{ name: 'A;' }]);
    editSchema((text) => text.replace('  estimate ', '  weight Int?\n  estimate '));
    expect(await run('migrate', 'dev', '--name', 'weight')).toMatchObject({ code: 0 });
    const made = readdirSync(migrations()).find((name) => name.endsWith('_weight'));
    expect(readFileSync(path.join(migrations(), made!, 'migration.sql'), 'utf8')).toContain(
      'ADD COLUMN     "weight" INTEGER',
    );
    expect(await run('migrate', 'status')).toMatchObject({ code: 0, text: expect.stringContaining('up to date') });
  });

  it('shows differences, from the migrations and from nothing', async () => {
    editSchema((text) => text.replace('  weight Int?\n', ''));
    const fromMigrations = ['--from-migrations', 'prisma/migrations', '--to-schema', 'prisma', '--script'];
    expect((await run('migrate', 'diff', ...fromMigrations)).text).toContain('DROP COLUMN "weight"');
    const fromNothing = await run('migrate', 'diff', '--from-empty', '--to-schema', 'prisma', '--exit-code');
    expect(fromNothing).toMatchObject({
      code: 2,
      text: expect.stringContaining('Added unique index on columns (email)'),
    });
  });

  it('pulls, pushes and executes', async () => {
    expect((await run('db', 'pull', '--print')).text).toMatch(/model Task \{[\s\S]*weight/);
    const script = path.join(project.path, 'script.sql');
    writeFileSync(
      script,
      'SELECT 1; INSERT INTO users (id, email, name) VALUES (gen_random_uuid(), $q$b;c$q$, $q$B$q$);',
    );
    expect(await run('db', 'execute', '--file', script)).toMatchObject({ code: 0 });
    expect(await ask(database.url, "SELECT name FROM users WHERE email = 'b;c'")).toEqual([{ name: 'B;' }]);
    expect(await run('db', 'push')).toMatchObject({ code: 0 });
    const weights = "SELECT FROM information_schema.columns WHERE column_name = 'weight'";
    expect(await ask(database.url, weights)).toEqual([]);
  });

  it('resets, deploys, names the migration that fails, and resolves it', async () => {
    expect(await run('migrate', 'reset', '--force')).toMatchObject({ code: 0 });
    expect(await ask(database.url, 'SELECT name FROM users')).toEqual([]);
    writeMigrations(migrations(), { '20990102000000_bad': 'CREATE TABLE twice (n int); CREATE TABLE twice (n int);' });
    const failed = await run('migrate', 'deploy');
    expect(failed.code).toBe(1);
    expect(failed.text).toMatch(/P3018[\s\S]*20990102000000_bad failed\. ERROR: relation "twice" already exists/);
    expect(await run('migrate', 'resolve', '--rolled-back', '20990102000000_bad')).toMatchObject({ code: 0 });
    writeMigrations(migrations(), { '20990102000000_bad': 'CREATE TABLE once (n int);' });
    expect(await run('migrate', 'deploy')).toMatchObject({
      code: 0,
      text: expect.stringContaining('20990102000000_bad'),
    });
    expect(await run('migrate', 'status')).toMatchObject({ code: 0 });
  });

  it('says that the server is not there, without the password', async () => {
    const outcome = await prisma(project.path, ['migrate', 'status'], {
      DATABASE_URL: 'postgresql://me:pa55@127.0.0.1:1/x',
    });
    expect(outcome).toMatchObject({
      code: 1,
      text: expect.stringContaining('P1001: nothing answers at 127.0.0.1:1/x'),
    });
    expect(outcome.text).not.toContain('pa55');
  });

  it('has asked nobody for an engine, and has no package that would', () => {
    expect(downloads).toBe(0);
    expect(existsSync('node_modules/@prisma/fetch-engine')).toBe(false);
  });
});

it('starts the embedded server for a command that needs one, and leaves none behind', {
  timeout: patience,
}, async () => {
  using project = copyProject('an embedded project');
  expect(await prisma(project.path, ['validate'])).toMatchObject({ code: 0 });
  expect(existsSync(path.join(project.path, '.millrace'))).toBe(false);
  expect(await prisma(project.path, ['migrate', 'deploy'])).toMatchObject({ code: 0 });
  const status = await prisma(project.path, ['migrate', 'status']);
  expect(status).toMatchObject({ code: 0, text: expect.stringContaining('up to date') });
  expect(status.text).not.toContain(readFileSync(path.join(project.path, '.millrace', 'postgres', 'password'), 'utf8'));
  await expectNoServer(path.join(project.path, '.millrace'));
});
