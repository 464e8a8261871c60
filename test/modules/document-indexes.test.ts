import { expect, it } from 'vitest';
import type { Sources } from '../../src/application.ts';
import { composeSchema, readSchemaFiles } from '../../src/data/model/schema-files.ts';
import type { CollectionSet } from '../../src/modules/documents/collections.ts';
import { planMigration } from '../../src/platform/migrations/plan.ts';
import { ask, testDatabase } from '../support/postgres.ts';
import { startServer, type TestServer } from '../support/server.ts';

const hostile = `it's "x", {y}\\ `;
const collections: CollectionSet = {
  notes: { read: true, create: true, indexes: [['rank'], ['deep', hostile, '0'], { path: ['tags'], contains: true }] },
  others: { read: true, indexes: [['rank']] },
};

const sourcesWith = async (set: CollectionSet): Promise<Sources> => ({
  files: await readSchemaFiles(process.cwd()),
  rules: {},
  collections: set,
});

const names = async (url: string) =>
  (
    await ask<{ name: string; definition: string }>(
      url,
      `select indexname as name, indexdef as definition from pg_indexes where tablename = 'documents' order by 2`,
    )
  ).map(({ name }) => name);

/** What PostgreSQL does for the statement that the server makes of a query. */
async function planOf(server: TestServer, query: string, variables: Record<string, unknown>): Promise<string> {
  const { db } = server.server;
  const sent: { text: string; values: readonly unknown[] }[] = [];
  const spied = db.query;
  db.query = (given) => {
    sent.push(given);
    return spied(given);
  };
  const answer = await server.stranger.query(query, variables);
  db.query = spied;
  expect(answer.errors).toBeUndefined();
  const { text, values } = sent.findLast((s) => s.text.includes('documents'))!;
  const rows = await db.query({ text: `explain (format text) ${text}`, values });
  return rows.map(([line]) => line).join('\n');
}

it('makes what is declared, once for all collections, keeps it over a start, and drops what nobody declares any more', async () => {
  await using database = await testDatabase();
  const { url } = database;
  const before = await names(url);
  await using first = await startServer({ databaseUrl: url, sources: await sourcesWith(collections) });
  expect(await names(url)).toHaveLength(before.length + 3);
  await ask(url, 'create index mine on documents (version)');
  const oids = () => ask(url, `select oid from pg_class where relname like 'millrace_path_%' order by 1`);
  const made = await oids();
  await using second = await startServer({ databaseUrl: url, sources: await sourcesWith(collections) });
  expect(await oids()).toEqual(made);
  await using third = await startServer({
    databaseUrl: url,
    sources: await sourcesWith({ notes: { indexes: [['rank']] } }),
  });
  const after = await names(url);
  expect(after).toEqual(expect.arrayContaining([...before, 'mine', expect.stringMatching(/^millrace_path_/)]));
  expect(after).toHaveLength(before.length + 2);
  expect([first, second, third]).toHaveLength(3);
});

it('lets several nodes start at once, and builds anew what was not built to its end', async () => {
  await using database = await testDatabase();
  const { url } = database;
  const sources = await sourcesWith(collections);
  // So much that they are built beside reads and writes.
  await ask(
    url,
    `insert into documents (collection, id, data, updated_at)
      select 'notes', n::text, jsonb_build_object('rank', n, 'text', repeat('x', 500)), now() from generate_series(1, 16000) n`,
  );
  const nodes = await Promise.all([1, 2, 3].map(() => startServer({ databaseUrl: url, sources })));
  for (const node of nodes) await node[Symbol.asyncDispose]();
  const ours = (await names(url)).filter((name) => name.startsWith('millrace_path_'));
  expect(ours).toHaveLength(3);
  await ask(url, `update pg_index set indisvalid = false where indexrelid = '${ours[0]}'::regclass`);
  await using _again = await startServer({ databaseUrl: url, sources });
  const valid = await ask(
    url,
    `select indisvalid from pg_index where indexrelid::regclass::text like 'millrace_path_%'`,
  );
  expect(valid).toEqual(Array(3).fill({ indisvalid: true }));
});

it('is not in the way of Prisma: nothing is to be migrated', async () => {
  await using database = await testDatabase();
  const sources = await sourcesWith(collections);
  await using _server = await startServer({ databaseUrl: database.url, sources });
  const plan = await planMigration({
    url: database.url,
    schemaFiles: composeSchema(sources.files),
    directory: 'prisma/migrations',
  });
  expect(plan).toMatchObject({ empty: true, warnings: [] });
});

it('is found by the planner’s filters and orders', async () => {
  await using server = await startServer({ sources: await sourcesWith(collections) });
  await ask(
    server.databaseUrl,
    `insert into documents (collection, id, data, updated_at)
      select case when n % 2 = 0 then 'notes' else 'others' end, 'n' || n,
        jsonb_build_object('rank', n, 'tags', jsonb_build_array('t' || n % 500), 'deep', jsonb_build_object($$${hostile}$$, jsonb_build_array(n))), now()
      from generate_series(1, 20000) n;
    analyze documents;`,
  );
  const query = `query($where: DocumentWhereInput, $orderBy: [DocumentOrderByInput!]) {
    documents(where: $where, orderBy: $orderBy, first: 5) { nodes { id } } }`;
  const by = (data: object, orderBy?: object) =>
    planOf(server, query, { where: { collection: { equals: 'notes' }, data }, ...(orderBy ? { orderBy } : {}) });
  for (const path of [['rank'], ['deep', hostile, '0']]) {
    expect(await by({ path, equals: 42 })).toMatch(/Index.* millrace_path_\w+[\s\S]*Index Cond: .*nullif/i);
    expect(await by({ path, gt: 42, lt: 50 })).toMatch(/Index.* millrace_path_\w+/);
    expect(await by({ path, equals: null })).toMatch(/Index.* millrace_path_\w+/);
    const ordered = await by({ path: ['tags'], not: 0 }, { data: { path, sort: 'asc' } });
    expect(ordered).toMatch(/Index.* using millrace_path_\w+/);
    expect(ordered).not.toContain('Sort');
  }
  expect(await by({ path: ['tags'], array_contains: ['t4'] })).toMatch(/Bitmap Index Scan on millrace_path_\w+/);
  expect(await by({ path: ['other'], equals: 42 })).not.toContain('millrace_path_');
}, 30_000);

it('tells what is wrong when there are values that have no room in an index, at the start and in a write', async () => {
  await using database = await testDatabase();
  const sources = await sourcesWith({ notes: { create: true, read: true, indexes: [['big']] } });
  {
    await using server = await startServer({ databaseUrl: database.url, sources });
    const big = Array.from({ length: 4000 }, (_, i) => String.fromCharCode(0x4e00 + ((i * 7919) % 20_000))).join('');
    const query = 'mutation($data: JSON!) { createDocument(data: { collection: "notes", data: $data }) { id } }';
    const { errors } = await server.stranger.query(query, { data: { big } });
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_INPUT', fields: [{ path: 'data' }] });
    expect(JSON.stringify(errors)).not.toMatch(/btree|index row|millrace_path/);
    await ask(database.url, `drop index ${(await names(database.url)).find((n) => n.startsWith('millrace_path_'))}`);
    await ask(
      database.url,
      `insert into documents (collection, id, data, updated_at) values ('notes', 'n', jsonb_build_object('big', '${big}'), now())`,
    );
  }
  await expect(startServer({ databaseUrl: database.url, sources })).rejects.toThrow(/cannot be built/);
});
