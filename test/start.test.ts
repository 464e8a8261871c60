import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { startEmbeddedPostgres } from '../src/platform/postgres/embedded.ts';
import { ask } from './support/postgres.ts';
import { adminToken, askAs, startMain, startProgram, urlIn } from './support/program.ts';
import { copyProject } from './support/project-copy.ts';

const createWorkspace = (slug: string) => `mutation { createWorkspace(data: { name: "W", slug: "${slug}" }) { slug } }`;

/** Processes of PostgreSQL whose data lies below a directory. */
function postgresBelow(directory: string): string[] {
  const { stdout } = spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .filter((line) => line.includes('postgres') && line.includes(directory) && line.includes('-D'));
}

async function untilNone(find: () => unknown[], patience = 10_000): Promise<void> {
  for (let waited = 0; find().length > 0; waited += 100) {
    if (waited > patience) throw new Error(`still there: ${find().join('\n')}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function withBin(copy: { path: string }) {
  symlinkSync(path.resolve('bin'), path.join(copy.path, 'bin'));
  return copy.path;
}

describe('npm start', () => {
  it('serves from an empty directory whose path has spaces, and says where and how to get a token', async () => {
    using project = copyProject('a mill race');
    await using program = startMain(withBin(project));
    const url = await urlIn(program);
    expect(program.output()).toMatch(/GraphiQL/);
    await program.waitFor(/npx millrace token/);
    const answer = await askAs(url, await adminToken(project.path), createWorkspace('first'));
    expect(answer).toEqual({ data: { createWorkspace: { slug: 'first' } } });
  }, 60_000);

  it('loses no committed row to kill -9, and leaves no PostgreSQL behind', async () => {
    using project = copyProject();
    const cwd = withBin(project);
    const first = startMain(cwd);
    const url = await urlIn(first);
    const token = await adminToken(cwd);
    for (let n = 0; n < 20; n += 1) await askAs(url, token, createWorkspace(`w${n}`));
    first.child.kill('SIGKILL');
    await first.ended;
    await untilNone(() => postgresBelow(project.path));
    await using second = startMain(cwd);
    const answer = await askAs(await urlIn(second), token, '{ workspaces { totalCount } }');
    expect(answer).toEqual({ data: { workspaces: { totalCount: 20 } } });
  }, 60_000);

  it('survives the fall of its PostgreSQL, says that it is down, and goes on when it is up again', async () => {
    using project = copyProject();
    await using program = startMain(withBin(project));
    const url = await urlIn(program);
    const token = await adminToken(project.path);
    await askAs(url, token, createWorkspace('before'));
    const pidFile = path.join(project.path, '.millrace', 'postgres', 'data', 'postmaster.pid');
    process.kill(Number(readFileSync(pidFile, 'utf8').split('\n')[0]), 'SIGKILL');
    const ready = async () => (await fetch(`${url}/ready`)).status;
    expect(JSON.stringify(await askAs(url, token, createWorkspace('meanwhile')))).toMatch(/UNAVAILABLE/);
    await program.waitFor(/up again/);
    for (let n = 0; n < 50 && (await ready()) !== 200; n += 1) await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await askAs(url, token, '{ workspaces { nodes { slug } } }')).toEqual({
      data: { workspaces: { nodes: [{ slug: 'before' }] } },
    });
  }, 60_000);

  it('runs in two directories at once', async () => {
    using one = copyProject();
    using two = copyProject();
    await using first = startMain(withBin(one));
    await using second = startMain(withBin(two));
    const [a, b] = await Promise.all([urlIn(first), urlIn(second)]);
    await askAs(a, await adminToken(one.path), createWorkspace('only-here'));
    const answer = await askAs(b, await adminToken(two.path), '{ workspaces { totalCount } }');
    expect(answer).toEqual({ data: { workspaces: { totalCount: 0 } } });
  }, 90_000);

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'finishes what is under way on %s, also when npm gets the signal',
    async (signal) => {
      using project = copyProject();
      await using program = startProgram(['npm', 'start'], project.path, { PORT: '0' });
      const url = await urlIn(program);
      const { stop, url: databaseUrl } = await startEmbeddedPostgres({
        directory: path.join(project.path, '.millrace'),
      });
      const blocker = new pg.Client({ connectionString: databaseUrl() });
      await blocker.connect();
      await blocker.query('begin; lock table tasks in access exclusive mode');
      const answer = askAs(url, undefined, '{ tasks { totalCount } }');
      const waiting = () =>
        ask<{ n: number }>(databaseUrl(), 'select count(*)::int as n from pg_locks where not granted');
      while ((await waiting())[0]!.n === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      program.child.kill(signal);
      await program.waitFor(/stopping/);
      await blocker.query('commit');
      await blocker.end();
      expect(await answer).toEqual({ data: { tasks: { totalCount: 0 } } });
      await program.ended;
      await stop();
      await untilNone(() => postgresBelow(project.path));
    },
    60_000,
  );

  it('makes the migration that a new schema lacks, on the embedded database', async () => {
    using project = copyProject();
    rmSync(path.join(project.path, 'prisma', 'migrations'), { recursive: true });
    writeFileSync(
      path.join(project.path, 'prisma', 'app.prisma'),
      'model Boat {\n  id Int @id @default(autoincrement())\n  name String\n}\n',
    );
    rmSync(path.join(project.path, 'app'), { recursive: true });
    await using program = startMain(withBin(project));
    const url = await urlIn(program);
    const answer = await askAs(
      url,
      await adminToken(project.path),
      'mutation { createBoat(data: { name: "Ark" }) { id name } }',
    );
    expect(answer).toEqual({ data: { createBoat: { id: 1, name: 'Ark' } } });
    const made = readdirSync(path.join(project.path, 'prisma', 'migrations')).filter((name) => name.endsWith('_start'));
    expect(made).toHaveLength(1);
  }, 60_000);
});

describe('what a person sees when something is wrong', () => {
  /** Starts and expects the end: the printed lines. */
  async function failure(cwd: string, settings: Record<string, string> = {}): Promise<string> {
    await using program = startMain(cwd, settings);
    expect(await program.ended).toBe(1);
    const output = program.output();
    expect(output).not.toMatch(/^\s+at .*\(/m);
    expect(output).not.toMatch(/a database connection broke/);
    expect(output).toMatch(/→ /);
    return output;
  }

  it('a port in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    using project = copyProject();
    expect(await failure(project.path, { PORT: String(port) })).toMatch(`port ${port} is in use`);
    await untilNone(() => postgresBelow(project.path));
    other.close();
  }, 60_000);

  it('a database that is not there, without its password', async () => {
    using project = copyProject();
    const output = await failure(project.path, { DATABASE_URL: 'postgresql://ann:hunter2@127.0.0.1:1/shop' });
    expect(output).toMatch(/127\.0\.0\.1:1/);
    expect(output).not.toMatch(/hunter2/);
  }, 60_000);

  it('a DATABASE_URL that is none', async () => {
    using project = copyProject();
    expect(await failure(project.path, { DATABASE_URL: 'mysql://root:hunter2@x/y' })).toMatch(/DATABASE_URL/);
  }, 60_000);

  it('a mistake in the schema, with file and line', async () => {
    using project = copyProject();
    const file = path.join(project.path, 'prisma', 'app.prisma');
    const text = readFileSync(file, 'utf8').replace('estimate   Float?', 'estimate   Flaot?');
    writeFileSync(file, text);
    const line = text.split('\n').findIndex((l) => l.includes('Flaot')) + 1;
    const output = await failure(project.path);
    expect(output).toMatch(`prisma/app.prisma:${line}`);
    expect(output).toMatch(/Flaot/);
  }, 60_000);

  it('a rules file that does not parse, with file and line', async () => {
    using project = copyProject();
    writeFileSync(
      path.join(project.path, 'app', 'rules.ts'),
      "import { defineRules } from 'millrace/rules';\nexport default defineRules({ Task: { read: ( } });\n",
    );
    expect(await failure(project.path)).toMatch(/app\/rules\.ts:2/);
  }, 60_000);

  it('rules for a model that does not exist', async () => {
    using project = copyProject();
    writeFileSync(path.join(project.path, 'app', 'rules.ts'), 'export default { Tusk: { read: true } };\n');
    expect(await failure(project.path)).toMatch(/there is no model Tusk/);
  }, 60_000);

  it('a rule that speaks of a field that does not exist, deep inside a function', async () => {
    using project = copyProject();
    writeFileSync(
      path.join(project.path, 'app', 'rules.ts'),
      'export default { Task: { read: (v) => ({ project: { workspace: { members: { some: { usrId: v.id } } } } }) } };\n',
    );
    expect(await failure(project.path)).toMatch(
      /read:Task\.project\.workspace\.members\.some\.usrId: Member has no field usrId/,
    );
  }, 60_000);

  const mayMount = process.getuid?.() === 0 && spawnSync('mount', ['--version']).status === 0;
  it.skipIf(!mayMount)(
    'a full disk',
    async () => {
      using project = copyProject();
      const full = path.join(project.path, 'full');
      mkdirSync(full);
      if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', full]).status !== 0)
        throw new Error('tmpfs could not be mounted');
      try {
        expect(await failure(project.path, { MILLRACE_DIR: full })).toMatch(/space|room|full/i);
      } finally {
        spawnSync('umount', ['-l', full]);
      }
    },
    60_000,
  );

  it('a schema that is ahead of a database of one’s own', async () => {
    using project = copyProject();
    await using embedded = startMain(withBin(project));
    await urlIn(embedded);
    await using postgres = await startEmbeddedPostgres({ directory: path.join(project.path, '.millrace') });
    const file = path.join(project.path, 'prisma', 'app.prisma');
    writeFileSync(file, `${readFileSync(file, 'utf8')}\nmodel Boat {\n  id Int @id\n}\n`);
    const output = await failure(project.path, { DATABASE_URL: postgres.url() });
    expect(output).toMatch(/has no Boat/);
    expect(output).toMatch(/migrat/);
  }, 90_000);

  it('a view that no migration makes, until one of their own does', async () => {
    using project = copyProject();
    const migrations = path.join(project.path, 'prisma', 'migrations');
    rmSync(migrations, { recursive: true });
    rmSync(path.join(project.path, 'app'), { recursive: true });
    writeFileSync(
      path.join(project.path, 'prisma', 'app.prisma'),
      'model Boat {\n  id Int @id\n}\nview Fleet {\n  boats Int\n}\n',
    );
    const first = await failure(project.path);
    expect(first).toMatch(/made and applied migration \d+_start/);
    expect(first).toMatch('the schema has views that the database does not have: Fleet');
    expect(first).toMatch(/CREATE VIEW/);
    const second = await failure(project.path);
    expect(second).not.toMatch(/made and applied/);

    mkdirSync(path.join(migrations, '99999999999999_views'));
    const sql = 'CREATE VIEW "Fleet" AS SELECT count(*)::int AS boats FROM "Boat";';
    writeFileSync(path.join(migrations, '99999999999999_views', 'migration.sql'), sql);
    await using program = startMain(withBin(project));
    const answer = await askAs(await urlIn(program), await adminToken(project.path), '{ fleets { nodes { boats } } }');
    expect(answer).toEqual({ data: { fleets: { nodes: [{ boats: 0 }] } } });
  }, 120_000);
});
