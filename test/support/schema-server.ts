import { readFile } from 'node:fs/promises';
import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import { composeSchema } from '../../src/data/model/schema-files.ts';
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
  /** Another server's start: that of a copy of `src/`. */
  start?: TestServerOptions['start'];
  /** A database that has the tables and rows already; it is left as it is. */
  databaseUrl?: string;
}

/** Starts a real server for a schema that stands in the test, on a database of its own with that schema's tables. */
export async function startSchemaServer(options: SchemaServerOptions): Promise<TestServer> {
  const { schema, rules, extend, rows, config, start } = options;
  await using stack = new AsyncDisposableStack();
  const platform = { path: 'prisma/schema.prisma', content: await readFile('prisma/schema.prisma', 'utf8') };
  const files = [platform, { path: 'prisma/app.prisma', content: schema }];
  const databaseUrl = options.databaseUrl ?? stack.use(await testDatabase({ migrations: false })).url;
  if (!options.databaseUrl) {
    const directory = stack.use(temporaryDirectory());
    const schemaFiles = composeSchema(files);
    const { sql } = await planMigration({ url: databaseUrl, schemaFiles, directory: directory.path });
    await ask(databaseUrl, sql + (rows ?? ''));
  }
  const server = stack.use(await startServer({ databaseUrl, sources: { files, rules, extend }, config, start }));
  const owned = stack.move();
  return { ...server, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
