import { readFileSync } from 'node:fs';
import { type PrismaClient, prismaClientFor } from '../support/prisma-client.ts';
import { startSchemaServer } from '../support/schema-server.ts';
import type { TestServer } from '../support/server.ts';
import type { ReadRules } from './as-prisma.ts';
import { fillTables } from './random-rows.ts';

/** A schema whose tables are full of rows that tie, served under rules, with Prisma Client beside it. */
export interface World extends AsyncDisposable {
  server: TestServer;
  client: PrismaClient;
  /** In an order in which required rows come before those that need them. */
  models: readonly string[];
  rules: ReadRules;
}

/** Of the torture schema, in an order in which required rows come before those that need them. */
const tortureModels = [
  'Specimen',
  'Lists',
  'Defaults',
  'Country',
  'Region',
  'City',
  'Tram',
  'Data',
  'users',
  'News',
  'Favourite',
  'Query',
  'Node',
  'NodeEdge',
  'Event',
  'Session',
  'File',
  'Date',
  'Time',
  'PriceList',
  'Price',
  'Setting',
];

/** The same rule for both sides, with relations, negation and nulls in it. */
const tortureRules: ReadRules = {
  users: { OR: [{ type: null }, { NOT: { x: { lt: 0 } } }, { staff: { some: {} } }] },
  News: { author: { is: { NOT: { full_name: 'a' } } } },
  Data: { id: { not: 3 } },
  City: { population: { not: 0 } },
  Region: { cities: { none: { population: 1 } } },
  Favourite: { OR: [{ stars: null }, { stars: { gte: 0 } }] },
  Query: { OR: [{ parentId: null }, { parent: { type: { not: 'ab' } } }] },
  Node: { user: { isNot: { x: 1 } } },
};

/** The schema that tries everything. */
export function openTorture(name: string, seed: number): Promise<World> {
  // Lists of these come back to Prisma Client as one text, which it cannot read.
  const unread = /^ +(?:citexts|xmls|bits|inets|oids|moneys|times) .*\n/gm;
  const schema = readFileSync('test/schemas/torture/schema.prisma', 'utf8').replaceAll(unread, '');
  const views = readFileSync('test/schemas/torture/views.sql', 'utf8');
  return open({ name, schema, views, models: tortureModels, rules: tortureRules, seed });
}

/** The models of the example. */
export function openExample(name: string, seed: number): Promise<World> {
  const schema = readFileSync('prisma/app.prisma', 'utf8');
  const models = ['User', 'Workspace', 'Member', 'Project', 'Task', 'Label', 'Comment'];
  const rules: ReadRules = {
    Task: { OR: [{ priority: { gte: 0 } }, { assignee: { is: null } }] },
    Project: { NOT: { archived: true } },
    Comment: { task: { is: { status: { not: 'DONE' } } } },
  };
  return open({ name, schema, views: '', models, rules, seed });
}

async function open(of: {
  name: string;
  schema: string;
  views: string;
  models: readonly string[];
  rules: ReadRules;
  seed: number;
}): Promise<World> {
  const { name, schema, views, models, rules, seed } = of;
  const readRules = Object.fromEntries(models.map((model) => [model, { read: rules[model] ?? true }]));
  const server = await startSchemaServer({ schema, rules: readRules, rows: views });
  const client = await prismaClientFor(name, schema, server.databaseUrl);
  await fillTables(client, server.server.application().datamodel, models, { rows: 20, seed });
  return {
    server,
    client,
    models,
    rules,
    async [Symbol.asyncDispose]() {
      await client.disconnect();
      await server[Symbol.asyncDispose]();
    },
  };
}
