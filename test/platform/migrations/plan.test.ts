import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployMigrations } from '../../../src/platform/migrations/deploy.ts';
import { planMigration, writeMigration } from '../../../src/platform/migrations/plan.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../src/platform/postgres/embedded.ts';
import { ask } from '../../support/postgres.ts';
import { type TemporaryDirectory, temporaryDirectory } from '../../support/temporary-directory.ts';

const schema = (models: string) => [
  { path: 'prisma/schema.prisma', content: 'datasource db {\n  provider = "postgresql"\n}\n' },
  { path: 'prisma/app.prisma', content: models },
];
const note = 'model Note {\n  id Int @id\n  text String\n}\n';

// A server of its own: on the run's, other files' shadow databases come and go.
let place: TemporaryDirectory;
let postgres: EmbeddedPostgres;
let databases = 0;

beforeAll(async () => {
  place = temporaryDirectory();
  postgres = await startEmbeddedPostgres({ directory: place.path, durable: false });
});

afterAll(async () => {
  await postgres.stop();
  place[Symbol.dispose]();
});

async function emptyDatabase(): Promise<string> {
  const name = `plan_${++databases}`;
  await ask(postgres.url('postgres'), `CREATE DATABASE ${name}`);
  return postgres.url(name);
}

async function shadowsOn(url: string): Promise<unknown[]> {
  return ask(url, "SELECT datname FROM pg_database WHERE datname LIKE 'prisma_migrate_shadow_db_%'");
}

describe('planning the next migration', () => {
  it('makes the first one out of nothing, writes it, applies it, and then finds nothing to do', async () => {
    const url = await emptyDatabase();
    using place = temporaryDirectory();
    const options = { url, directory: place.path, schemaFiles: schema(note) };
    const plan = await planMigration(options);
    expect(plan).toMatchObject({ warnings: [], unexecutable: [], empty: false });
    expect(plan.sql).toContain('CREATE TABLE "Note"');
    const name = writeMigration(place.path, 'Make the Notes!', plan.sql);
    expect(name).toMatch(/^\d{14}_make_the_notes$/);
    expect(await deployMigrations(options)).toEqual([name]);
    expect(await planMigration(options)).toEqual({ sql: '', warnings: [], unexecutable: [], empty: true });
    expect(await shadowsOn(url)).toEqual([]);
  });

  it('tells which data a step would lose and which step cannot be done, and changes nothing', async () => {
    const url = await emptyDatabase();
    using place = temporaryDirectory();
    const options = { url, directory: place.path, schemaFiles: schema(note) };
    writeMigration(place.path, 'init', (await planMigration(options)).sql);
    await deployMigrations(options);
    await ask(url, `INSERT INTO "Note" VALUES (1, 'precious')`);
    const without = await planMigration({ ...options, schemaFiles: schema('model Note {\n  id Int @id\n}\n') });
    expect(without.warnings).toEqual([expect.stringContaining('column `text` on the `Note` table')]);
    expect(without.sql).toContain('DROP COLUMN "text"');
    const required = await planMigration({ ...options, schemaFiles: schema(note.replace('}', '  size Int\n}')) });
    expect(required.unexecutable).toEqual([expect.stringContaining('required column `size`')]);
    expect(await ask(url, 'SELECT text FROM "Note"')).toEqual([{ text: 'precious' }]);
    expect(readdirSync(place.path).filter((name) => /^\d/.test(name))).toHaveLength(1);
  });

  it('shows a mistake with its file and line, and leaves no shadow database behind', async () => {
    const url = await emptyDatabase();
    using place = temporaryDirectory();
    const schemaFiles = schema('model Note {\n  id Int @id\n  text Sting\n}\n');
    const attempt = planMigration({ url, directory: place.path, schemaFiles });
    await expect(attempt).rejects.toThrow(/"Sting" is neither a built-in type[\s\S]*prisma\/app\.prisma:3/);
    expect(await shadowsOn(url)).toEqual([]);
  });

  it('refuses a database that is not what its migrations made, and drops what killed processes left', async () => {
    const url = await emptyDatabase();
    using place = temporaryDirectory();
    const options = { url, directory: place.path, schemaFiles: schema(note) };
    writeMigration(place.path, 'init', (await planMigration(options)).sql);
    await deployMigrations(options);
    await ask(url, 'CREATE TABLE stray (n int)');
    await ask(url, 'CREATE DATABASE prisma_migrate_shadow_db_1700000000000_forgotten');
    await expect(planMigration(options)).rejects.toThrow(/^the database is not what its migrations made/);
    expect(await shadowsOn(url)).toEqual([]);
  });
});

it('names two migrations of one second in the order in which they were written', () => {
  using place = temporaryDirectory();
  const names = ['b', 'a', ''].map((name) => writeMigration(place.path, name, 'SELECT 1;'));
  expect(names).toEqual([...names].sort());
  expect(names[2]).toMatch(/^\d{14}_change$/);
  const lock = readFileSync(path.join(place.path, 'migration_lock.toml'), 'utf8');
  expect(lock).toBe(readFileSync('prisma/migrations/migration_lock.toml', 'utf8'));
});
