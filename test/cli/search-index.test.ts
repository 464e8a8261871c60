import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { searchIndexSql } from '../../src/cli/search-index/search-index-sql.ts';
import { readDatamodel } from '../../src/data/model/read-datamodel.ts';
import { composeSchema, readSchemaFiles } from '../../src/data/model/schema-files.ts';
import { deployMigrations } from '../../src/platform/migrations/deploy.ts';
import { planMigration, writeMigration } from '../../src/platform/migrations/plan.ts';
import { upgradeDatabase } from '../../src/schema-upgrade.ts';
import { makeProject, millrace } from '../support/command-line.ts';
import { ask, type TestDatabase, testDatabase } from '../support/postgres.ts';
import { startServer, type TestServer } from '../support/server.ts';

const schema = `
model Note {
  id     Int     @id
  title  String  @map("the title") @db.VarChar(100)
  body   String?
  code   String  @db.Char(8)
  secret String
  rank   Int

  @@map("notes")
}

view Excerpt {
  id    Int @unique
  title String
}
`;

let project: ReturnType<typeof makeProject>;
let database: TestDatabase;
let server: TestServer;
let directory: string;
const made: string[] = [];

beforeAll(async () => {
  project = makeProject({
    'prisma/schema.prisma': readFileSync('prisma/schema.prisma', 'utf8'),
    'prisma/app.prisma': schema,
  });
  directory = path.join(project.root, 'prisma', 'migrations');
  database = await testDatabase({ migrations: false });
  const { url } = database;
  const files = await readSchemaFiles(project.root);
  writeMigration(directory, 'init', (await planMigration({ url, schemaFiles: composeSchema(files), directory })).sql);
  for (const args of [
    ['--fields', 'body,title', '--language', 'english'],
    ['--fields', 'secret', '--fuzzy', 'title, body,code,secret'],
  ]) {
    const { code, stdout, stderr } = await millrace(project.root, ['search-index', 'Note', ...args]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    made.push(stdout.match(/^made prisma\/migrations\/(\d{14}_search_notes)\n/)![1]!);
  }
  await deployMigrations({ url, directory });
  await ask(
    url,
    `create view "Excerpt" as select id, "the title" as title from notes;
    insert into notes select i, md5(i::text), md5(i::text) || ' ' || md5((i + 1)::text), left(md5(i::text), 8), md5(i::text), i
      from generate_series(1, 4000) i`,
  );
  // Else the rows stand in a list that an index has for what is new, and is read from end to end.
  await ask(url, 'vacuum analyze notes');
  const rules = {
    Note: { read: true, fields: { secret: { read: (viewer: { id: string | null }) => ({ body: viewer.id ?? '' }) } } },
  };
  server = await startServer({ databaseUrl: url, sources: { files, rules } });
}, 60_000);
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
  project?.remove();
});

/** The indexes that PostgreSQL would use for the statement that this query becomes. */
async function indexesOf(filter: string): Promise<string[]> {
  const { db } = server.server;
  const { query } = db;
  let text = '';
  db.query = (statement) => {
    if (statement.text.includes('"notes"')) text = statement.text;
    return query(statement);
  };
  const { errors } = await server.stranger.query(`{ notes(where: ${filter}) { totalCount } }`);
  db.query = query;
  expect(errors).toBeUndefined();
  const plan = await ask<{ 'QUERY PLAN': string }>(database.url, `explain (generic_plan) ${text}`);
  const told = plan.map((row) => row['QUERY PLAN']).join('\n');
  return [...told.matchAll(/Index Scan (?:using|on) ("[^"]+"|\S+)/g)]
    .map(([, name]) => name!.replaceAll('"', ''))
    .sort();
}

describe('npx millrace search-index', () => {
  it('writes a migration that Prisma and the next start take for one of theirs, and that neither takes back', async () => {
    expect(readdirSync(directory).filter((name) => name.endsWith('_search_notes'))).toEqual(made);
    const { url } = database;
    const files = await readSchemaFiles(project.root);
    expect(await planMigration({ url, schemaFiles: composeSchema(files), directory })).toMatchObject({ empty: true });
    const grown = files.map((f) =>
      f.path.endsWith('app.prisma') ? { ...f, content: `${f.content}\nmodel Tag {\n  id Int @id\n}\n` } : f,
    );
    const mayLose = async () => false;
    const name = await upgradeDatabase({ url, root: project.root, files: grown, name: 'dev', mayLose });
    const sql = readFileSync(path.join(directory, name!, 'migration.sql'), 'utf8');
    expect(sql).toContain('CREATE TABLE "Tag"');
    expect(sql).not.toMatch(/DROP|INDEX "notes/);
    const indexes = await ask<{ indexname: string }>(
      url,
      `select indexname from pg_indexes where tablename = 'notes' order by 1`,
    );
    expect(indexes.map(({ indexname }) => indexname)).toEqual([
      'notes_body_fuzzy',
      'notes_code_fuzzy',
      'notes_pkey',
      'notes_secret_fuzzy',
      'notes_secret_search_simple',
      'notes_the title_body_search_english',
      'notes_the title_fuzzy',
    ]);
  });

  it.each([
    [
      '{ _search: { query: "abc", fields: [title, body], language: english } }',
      ['notes_the title_body_search_english'],
    ],
    [
      '{ _search: { query: "abc", fields: [body, title], language: english }, rank: { gt: 3 } }',
      ['notes_the title_body_search_english'],
    ],
    ['{ title: { similar: { to: "abcdef" } } }', ['notes_the title_fuzzy']],
    ['{ title: { similar: { to: "abcdef", threshold: 0.8 } } }', ['notes_the title_fuzzy']],
    ['{ body: { similar: { to: "abcdef" } } }', ['notes_body_fuzzy']],
    ['{ code: { similar: { to: "abcdef" } } }', ['notes_code_fuzzy']],
    ['{ body: { similar: { to: "abcdef", part: true } } }', ['notes_body_fuzzy']],
    ['{ body: { contains: "abcdef", mode: insensitive } }', ['notes_body_fuzzy']],
    ['{ title: { contains: "abcdef" } }', ['notes_the title_fuzzy']],
    [
      '{ OR: [{ body: { similar: { to: "abcdef" } } }, { _search: { query: "abc", fields: [title, body], language: english } }] }',
      ['notes_body_fuzzy', 'notes_the title_body_search_english'],
    ],
  ])('makes the index that is found by %s', async (filter, expected) => {
    expect(await indexesOf(filter)).toEqual(expected);
  });

  // So the manual says: there is no index of what a row is to one viewer.
  it.each([
    '{ _search: { query: "abc", fields: [title, body], language: german } }',
    '{ _search: { query: "abc", fields: [title], language: english } }',
    '{ _search: { query: "abc", fields: [secret] } }',
    '{ secret: { similar: { to: "abcdef" } } }',
  ])('makes none that is found by %s', async (filter) => {
    expect(await indexesOf(filter)).toEqual([]);
  });

  it('is in no way when it is made again', async () => {
    const sql = readFileSync(path.join(directory, made[0]!, 'migration.sql'), 'utf8');
    await ask(database.url, sql);
    const args = ['search-index', 'Note', '--print', '--fields', 'title,body', '--language', 'english'];
    expect(await millrace(project.root, args)).toEqual({ code: 0, stdout: sql, stderr: '' });
    expect(readdirSync(directory).filter((name) => name.endsWith('_search_notes'))).toEqual(made);
  });

  it('names a model that is there', async () => {
    const { code, stdout, stderr } = await millrace(project.root, ['search-index', 'Nothing', '--fields', 'title']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe('millrace: There is no model Nothing in prisma/.\n  Name one of these: Note, Excerpt.\n');
  });
});

describe('the SQL of the indexes', () => {
  const modelOf = (content: string, name: string) =>
    readDatamodel([
      { path: 'app.prisma', content: `datasource db {\n  provider = "postgresql"\n}\n${content}` },
    ]).models.get(name)!;

  it('names each in as many bytes as PostgreSQL keeps, and none like another', () => {
    const model = modelOf(
      `model Röhre {\n  id Int @id\n  a String @map("${'ä'.repeat(30)}a")\n  b String @map("${'ä'.repeat(30)}b")\n\n  @@map("röhren")\n}`,
      'Röhre',
    );
    const names = [
      ...searchIndexSql(model, { language: 'simple', fuzzy: ['a', 'b'] }).matchAll(/EXISTS "([^"]+)" ON "röhren"/g),
    ].map(([, name]) => name!);
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
  });

  it.each([
    ['Note', { fields: [] }, 'nothing to make an index of', '--fields title'],
    ['Note', { fields: ['title', 'rank'] }, 'no text rank', 'title, body, code, secret'],
    ['Note', { fuzzy: ["title'; --"] }, "no text title'; --", 'title, body, code, secret'],
    ['Excerpt', { fields: ['title'] }, 'is a view', 'Name the model'],
  ])('is not made of %s %j', (name, searches, message, remedy) => {
    const made = () => searchIndexSql(modelOf(schema, name), { language: 'simple', ...searches });
    expect(made).toThrow(
      expect.objectContaining({ message: expect.stringContaining(message), remedy: expect.stringContaining(remedy) }),
    );
  });
});
