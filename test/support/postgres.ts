import { createHash, randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { withDatabase } from '../../src/platform/database-url.ts';
import { deployMigrations } from '../../src/platform/migrations/deploy.ts';
import { readMigrations } from '../../src/platform/migrations/directory.ts';

/** A database of one test file's own. */
export interface TestDatabase extends AsyncDisposable {
  url: string;
  /** Ends every connection to it and removes it. */
  drop(): Promise<void>;
}

/** What a test database starts with. */
export interface TestDatabaseOptions {
  /** The migrations it has; default `prisma/migrations`. False: it is empty. */
  migrations?: string | false;
  /** Name of the database to clone, made of `migrations` when it does not exist; default: one name for each content. */
  template?: string;
}

/** Makes a database as a clone of a template, to which the migrations are applied once in a test run. */
export async function testDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const server = inject('postgresUrl');
  const name = `test_${randomBytes(6).toString('hex')}`;
  const { migrations = 'prisma/migrations' } = options;
  const template = migrations === false ? 'template0' : await ensureTemplate(server, migrations, options.template);
  await ask(server, `CREATE DATABASE ${name} TEMPLATE ${pg.escapeIdentifier(template)}`);
  const drop = async () => {
    await ask(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  };
  return { url: withDatabase(server, name), drop, [Symbol.asyncDispose]: drop };
}

/** Runs statements on a database, on a connection of their own; returns the last one's rows. */
export async function ask<Row extends pg.QueryResultRow>(url: string, sql: string, values?: unknown[]): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const results: pg.QueryResult<Row> | pg.QueryResult<Row>[] = await client.query<Row>(sql, values);
    return Array.isArray(results) ? results.at(-1).rows : results.rows;
  } finally {
    await client.end();
  }
}

async function ensureTemplate(server: string, directory: string, given?: string): Promise<string> {
  const content = JSON.stringify(readMigrations(directory));
  const name = given ?? `template_${createHash('sha256').update(content).digest('hex').slice(0, 16)}`;
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    // Test files run at the same time: one makes the template, the others wait for it.
    await client.query('SELECT pg_advisory_lock(hashtext($1))', [name]);
    const { rows } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
    if (rows.length > 0) return name;
    const unfinished = `${name}_unfinished`;
    await client.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(unfinished)} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${pg.escapeIdentifier(unfinished)}`);
    await deployMigrations({ url: withDatabase(server, unfinished), directory });
    await client.query(`ALTER DATABASE ${pg.escapeIdentifier(unfinished)} RENAME TO ${pg.escapeIdentifier(name)}`);
    return name;
  } finally {
    await client.end();
  }
}
