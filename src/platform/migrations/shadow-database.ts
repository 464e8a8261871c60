/** The databases in which the schema engine replays migrations to see what they make. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { type DatabaseUrl, withDatabase } from '../database-url.ts';
import { openConnection } from './connection.ts';

const prefix = 'prisma_migrate_shadow_db_';
/** Milliseconds after which one that nobody uses belongs to a process that was killed. */
const life = 10 * 60_000;

/** Makes an empty one beside `target`, and drops those that killed processes left. */
export async function createShadow(target: DatabaseUrl): Promise<DatabaseUrl> {
  const database = `${prefix}${Date.now()}_${randomUUID()}`;
  await beside(target, async (client) => {
    await dropForgotten(client);
    await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`);
  });
  return { ...target, database, connectionString: withDatabase(target.connectionString, database) };
}

/** Drops what `createShadow` made. */
export async function dropShadows(target: DatabaseUrl, shadows: DatabaseUrl[]): Promise<void> {
  if (shadows.length === 0) return;
  await beside(target, async (client) => {
    for (const { database } of shadows) {
      await client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(database)} WITH (FORCE)`);
    }
  });
}

async function dropForgotten(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT datname AS name FROM pg_database d
     WHERE datname ~ ('^' || $1 || '[0-9]+_') AND split_part(substr(datname, length($1) + 1), '_', 1)::numeric < $2
       AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid)`,
    [prefix, Date.now() - life],
  );
  for (const { name } of rows) {
    // Another process may be dropping it as well, or may not be allowed to; neither hinders the work at hand.
    await client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(name)}`).catch(() => {});
  }
}

async function beside(target: DatabaseUrl, action: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = await openConnection(target.connectionString);
  try {
    await action(client);
  } finally {
    await client.end();
  }
}
