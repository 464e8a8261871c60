import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import pg from 'pg';
import type { Config } from '../../src/config/config.ts';
import type { Row } from '../model/world.ts';
import { startSchemaServer } from '../support/schema-server.ts';
import type { Answer, Asker, TestServerOptions } from '../support/server.ts';
import { spell } from './as-graphql.ts';
import type { Outcome, RootField } from './model/apply.ts';
import { prismaSchema, rules, schema, type Writer, writers } from './world.ts';

type Tables = Readonly<Record<string, readonly Row[]>>;

/** A server, and its database held to what the model says of it. */
export interface Arena extends AsyncDisposable {
  databaseUrl: string;
  /** Makes the tables hold these rows and no others. */
  fill(rows: Tables): Promise<void>;
  /** Sends a mutation; says in what its answer, or the database after it, differs from the outcome that is expected. */
  differenceOf(trial: Trial): Promise<string | undefined>;
}

/** A mutation, and what must come of it. */
export interface Trial {
  writer: Writer;
  fields: readonly RootField[];
  isInline: boolean;
  outcome: Outcome;
}

/** In an order in which rows may be filled in; emptied they are in the other. */
const tables = ['User', 'Team', 'Seat', 'Paper', 'Note', 'Topic', '_PaperToTopic', 'Cover', 'Badge'];

const withoutLimits = (config: Config): Config => ({
  ...config,
  graphql: { ...config.graphql, cost: { ...config.graphql.cost, max: Number.MAX_SAFE_INTEGER } },
});

/** Starts a server for the world of writes. @param options another server's start, a database that has the tables */
export async function openArena(
  options: Pick<TestServerOptions, 'start'> & { databaseUrl?: string } = {},
): Promise<Arena> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startSchemaServer({ schema: prismaSchema, rules, config: withoutLimits, ...options }));
  const client = new pg.Client({ connectionString: server.databaseUrl });
  await client.connect();
  stack.defer(() => client.end());
  const askers = new Map<Writer, Asker>(
    writers.map((writer) => [writer, writer.claims ? server.as(writer.claims) : server.stranger]),
  );
  const owned = stack.move();
  return {
    databaseUrl: server.databaseUrl,
    async fill(rows) {
      const emptied = [...tables].reverse().map((table) => `delete from "${table}"`);
      // A user's mentor may come after them.
      const filled = tables.map((table) => filling(table, rows[table] ?? []));
      await client.query(
        `begin; ${emptied.join('; ')}; set local session_replication_role = replica; ${filled.join('; ')}; commit`,
      );
    },
    async differenceOf(trial) {
      const { writer, fields, isInline, outcome } = trial;
      const { query, variables } = spell(schema, fields, isInline);
      const answer = await askers.get(writer)!.query(query, variables);
      return differenceOfAnswer(answer, trial) ?? differenceOfRows(await rowsIn(client), outcome.world.rows);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function differenceOfAnswer({ data, errors }: Answer, { fields, outcome }: Trial): string | undefined {
  const told = errors?.[0];
  const code = told ? told.extensions.code : 'done';
  const isRefusal = /^(FORBIDDEN|NOT_FOUND|CONFLICT|INVALID_INPUT)$/.test(code);
  if (code !== outcome.code && !(outcome.code !== 'done' && outcome.isOpen && isRefusal)) {
    const why = outcome.code === 'done' ? '' : ` (${outcome.why})`;
    return `the model says ${outcome.code}${why}, the engine ${code} ${JSON.stringify(errors ?? data)}`;
  }
  if (outcome.code !== 'done') return undefined;
  const [is, ought] = [fields.map((_, i) => data?.[`f${i}`] as unknown), outcome.answers].map((answers) =>
    canonical(answers!.map((answer, i) => (fields[i]!.verb === 'createMany' ? answer : inAnyOrder(answer)))),
  );
  return is === ought ? undefined : `the model answers ${ought}, the engine ${is}`;
}

/** Rows that were found are answered in the order of their keys; those that were made in that of the data. */
function inAnyOrder(answer: unknown): unknown {
  const { count, nodes } = (answer ?? {}) as { count?: number; nodes?: unknown[] };
  return nodes ? { count, nodes: nodes.map(canonical).sort() } : answer;
}

function differenceOfRows(found: Tables, expected: Tables): string | undefined {
  for (const table of tables) {
    const [is, ought] = [found, expected].map((rows) => (rows[table] ?? []).map(canonical).sort());
    if (is!.join('\n') === ought!.join('\n')) continue;
    const only = (of: string[], but: string[]) => of.filter((row) => !but.includes(row)).join(' ');
    return `of ${table} the model has ${only(ought!, is!)}, the database ${only(is!, ought!)}`;
  }
  return undefined;
}

/** One spelling of equal values. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

async function rowsIn(client: pg.Client): Promise<Tables> {
  const parts = tables.map((table) => `'${table}', (select coalesce(json_agg(t), '[]') from "${table}" t)`);
  const { rows } = await client.query<{ all: Tables }>(`select json_build_object(${parts.join(', ')}) as all`);
  return rows[0]!.all;
}

function filling(table: string, rows: readonly Row[]): string {
  const text = pg.escapeLiteral(JSON.stringify(rows));
  return `insert into "${table}" select * from json_populate_recordset(null::"${table}", ${text})`;
}
