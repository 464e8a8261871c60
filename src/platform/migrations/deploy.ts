import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import path from 'node:path';
import type pg from 'pg';
import { StartupError } from '../../errors.ts';
import { codeOf, connectOrCreate, explainConnection } from './connection.ts';
import { checksumOf, type Migration, matchesChecksum, readMigrations } from './directory.ts';
import { describeRefusal } from './refusal.ts';

/** Which database, and where its migrations lie. */
export interface DeployOptions {
  url: string;
  /** Usually prisma/migrations. */
  directory: string;
  /** False: a database that is not there is a mistake, and not made. Default true. */
  createDatabase?: boolean;
}

/** The advisory lock that Prisma takes too: one migrates, the others wait. */
const lockNumber = 72707369;

/**
 * Applies what is missing, as `prisma migrate deploy` does and with the same table, and returns the names applied; the
 * database is made when missing. Several processes may call it at once. Every failure is a StartupError.
 */
export async function deployMigrations({ url, directory, createDatabase }: DeployOptions): Promise<string[]> {
  const migrations = readMigrations(directory);
  const { client, target } = await connectOrCreate(url, createDatabase);
  try {
    await requireVersion(client);
    await takeLock(client, target.place);
    return await applyMissing(client, target.schema, migrations);
  } catch (error) {
    throw error instanceof StartupError ? error : explainConnection(error, target);
  } finally {
    await client.end().catch(() => {}); // ends the lock too
  }
}

/** Forgets a migration that failed, so that it can be written anew. PostgreSQL has taken back what it had done. */
export async function forgetFailed({ url, directory }: DeployOptions, name: string): Promise<void> {
  rmSync(path.join(directory, name), { recursive: true, force: true });
  const { client, target } = await connectOrCreate(url, false);
  try {
    const table = `${client.escapeIdentifier(target.schema ?? 'public')}._prisma_migrations`;
    await client.query(`DELETE FROM ${table} WHERE migration_name = $1 AND finished_at IS NULL`, [name]);
  } finally {
    await client.end().catch(() => {});
  }
}

async function applyMissing(client: pg.Client, schema: string | undefined, migrations: Migration[]): Promise<string[]> {
  const table = `${client.escapeIdentifier(schema ?? 'public')}._prisma_migrations`;
  if (schema) {
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${client.escapeIdentifier(schema)}`);
    await client.query(`SET search_path TO ${client.escapeIdentifier(schema)}`);
  }
  const exists = await client.query('SELECT to_regclass($1) IS NOT NULL AS known', [table]);
  if (!exists.rows[0].known) {
    if (migrations.length === 0) return [];
    await requireEmpty(client, schema ?? 'public', migrations);
    await client.query(createTable(table));
  }
  const applied = await readApplied(client, table, migrations);
  const missing = migrations.filter(({ name }) => !applied.has(name));
  for (const migration of missing) await applyMigration(client, table, schema, migration);
  return missing.map(({ name }) => name);
}

async function readApplied(client: pg.Client, table: string, migrations: Migration[]): Promise<Set<string>> {
  const { rows } = await client.query<{ name: string; checksum: string; finished: boolean; logs: string | null }>(
    `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished, logs
     FROM ${table} WHERE rolled_back_at IS NULL ORDER BY started_at`,
  );
  for (const { name, checksum, finished, logs } of rows) {
    if (!finished) {
      const reason = logs?.trim().split('\n')[0];
      throw new StartupError(
        `the migration ${name} failed earlier${reason ? ` (${reason})` : ', or was cut off'}`,
        `Correct it, then say what became of it: npx prisma migrate resolve --rolled-back ${name} (or --applied ${name}).`,
      );
    }
    const migration = migrations.find((candidate) => candidate.name === name);
    if (migration && !matchesChecksum(migration.sql, checksum)) {
      throw new StartupError(
        `the migration ${name} was changed after it had been applied`,
        'Restore its migration.sql and put the change in a new migration; on a database you can lose: npx prisma migrate reset.',
      );
    }
  }
  return new Set(rows.map(({ name }) => name));
}

async function applyMigration(client: pg.Client, table: string, schema: string | undefined, { name, sql }: Migration) {
  const id = randomUUID();
  await client.query(`INSERT INTO ${table} (id, checksum, migration_name) VALUES ($1, $2, $3)`, [
    id,
    checksumOf(sql),
    name,
  ]);
  try {
    // One simple query, as Prisma sends it: functions and DO blocks stay whole, and without a COMMIT of its own it is
    // one transaction.
    await client.query(sql);
  } catch (error) {
    const reason = describeRefusal(error, sql);
    await client.query('ROLLBACK').catch(() => {});
    await client.query(`UPDATE ${table} SET logs = $2 WHERE id = $1`, [id, reason]).catch(() => {});
    throw new StartupError(
      `the migration ${name} failed: ${reason}`,
      `Correct it, then: npx prisma migrate resolve --rolled-back ${name}, and start again.`,
      { cause: error },
    );
  }
  // A migration written by pg_dump empties the search path, and may leave its transaction open.
  await client.query('COMMIT');
  await client.query('RESET ALL');
  if (schema) await client.query(`SET search_path TO ${client.escapeIdentifier(schema)}`);
  await client.query(`UPDATE ${table} SET finished_at = now(), applied_steps_count = 1 WHERE id = $1`, [id]);
}

async function requireVersion(client: pg.Client): Promise<void> {
  const { rows } = await client.query("SELECT current_setting('server_version') AS version");
  if (Number.parseInt(rows[0].version, 10) >= 14) return;
  throw new StartupError(`the server is PostgreSQL ${rows[0].version}`, 'Millrace needs PostgreSQL 14 or newer.');
}

async function takeLock(client: pg.Client, place: string): Promise<void> {
  try {
    await client.query("SET lock_timeout = '5min'");
    await client.query('SELECT pg_advisory_lock($1)', [lockNumber]);
    await client.query('RESET lock_timeout');
  } catch (error) {
    if (codeOf(error) !== '55P03') throw error;
    throw new StartupError(`another process has been migrating ${place} for five minutes`, 'Let it end, or end it.');
  }
}

/** Tables that no migration made would make the first one fail half-way through, or worse, succeed beside them. */
async function requireEmpty(client: pg.Client, schema: string, migrations: Migration[]): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm')
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
     ORDER BY 1 LIMIT 1`,
    [schema],
  );
  if (!rows[0]) return;
  throw new StartupError(
    `the database already has tables (${rows[0].name} …), but no record of the migrations that made them`,
    `If they are what the first migration makes: npx prisma migrate resolve --applied ${migrations[0]?.name}. Else name an empty database.`,
  );
}

function createTable(table: string): string {
  return `CREATE TABLE IF NOT EXISTS ${table} (
    id VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum VARCHAR(64) NOT NULL,
    finished_at TIMESTAMPTZ,
    migration_name VARCHAR(255) NOT NULL,
    logs TEXT,
    rolled_back_at TIMESTAMPTZ,
    started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count INTEGER NOT NULL DEFAULT 0
  )`;
}
