import { readFile } from 'node:fs/promises';
import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import { composeSchema, type SchemaFile } from '../../src/data/model/schema-files.ts';
import type { RuleSet } from '../../src/data/rules/rule-set.ts';
import type { SchemaExtension } from '../../src/graphql/schema.ts';
import { planMigration } from '../../src/platform/migrations/plan.ts';
import { ask, testDatabase } from './postgres.ts';
import { startServer, type TestServer, type TestServerOptions } from './server.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** What a server of a test's own schema is made of. */
export interface SchemaServerOptions {
  /** Models in Prisma's words; datasource and generators may be among them. */
  schema: string;
  rules: RuleSet;
  extend?: SchemaExtension;
  /** SQL that fills the tables. */
  rows?: string;
  config?: TestServerOptions['config'];
  quickWrites?: TestServerOptions['quickWrites'];
  /** Another server's start: that of a copy of `src/`. */
  start?: TestServerOptions['start'];
  /** A database that has the tables and rows already; it is left as it is. */
  databaseUrl?: string;
}

/** A database with the tables of a schema, and the files that describe it. */
export interface SchemaDatabase extends AsyncDisposable {
  url: string;
  files: readonly SchemaFile[];
}

/** Makes a database with the tables of a schema that stands in the test, and the rows that `rows` puts there. */
export async function createSchemaDatabase(schema: string, rows = ''): Promise<SchemaDatabase> {
  await using stack = new AsyncDisposableStack();
  const { url } = stack.use(await testDatabase({ migrations: false }));
  await using directory = temporaryDirectory();
  const files = await filesOf(schema);
  const { sql } = await planMigration({ url, schemaFiles: composeSchema(files), directory: directory.path });
  await ask(url, sql + rows);
  const owned = stack.move();
  return { url, files, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** A schema that stands in the test, as files of a project. */
async function filesOf(schema: string): Promise<readonly SchemaFile[]> {
  const platform = { path: 'prisma/schema.prisma', content: await readFile('prisma/schema.prisma', 'utf8') };
  return [platform, { path: 'prisma/app.prisma', content: schema }];
}

/** Starts a real server for a schema that stands in the test, on a database of its own with that schema's tables. */
export async function startSchemaServer(options: SchemaServerOptions): Promise<TestServer> {
  const { schema, rules, extend, rows, config, quickWrites, start } = options;
  await using stack = new AsyncDisposableStack();
  const given = options.databaseUrl;
  const { url, files } = given
    ? { url: given, files: await filesOf(schema) }
    : stack.use(await createSchemaDatabase(schema, rows));
  const server = stack.use(
    await startServer({ databaseUrl: url, sources: { files, rules, extend }, config, quickWrites, start }),
  );
  const owned = stack.move();
  return { ...server, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
