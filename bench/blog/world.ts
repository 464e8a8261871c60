import { readFile } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { deployMigrations } from '../../src/platform/migrations/deploy.ts';
import type { World } from '../world.ts';
import { describeShapes, idOf } from './shapes.ts';

const here = import.meta.dirname;

/** People, posts and comments, each under a rule: what the gates are held to. */
export const blog: World = {
  name: 'blog',
  project: here,
  others: ['postgraphile', 'mercurius', 'stock'],
  async furnish(url) {
    await deployMigrations({ url, directory: path.join(here, 'prisma/migrations') });
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      await withoutIndexes(client, async () => {
        await client.query(await readFile(path.join(here, 'rows.sql'), 'utf8'));
      });
      await client.query('vacuum analyze');
      await client.query(await readFile(path.join(here, 'policies.sql'), 'utf8'));
    } finally {
      await client.end();
    }
  },
  async describe() {
    const sub = idOf('user', 42);
    return { askers: [{ role: 'member', sub }], shapes: describeShapes(sub) };
  },
};

/** Takes indexes away but for those of keys, and makes them anew: much sooner done than keeping them up row by row. */
async function withoutIndexes(client: pg.Client, work: () => Promise<void>): Promise<void> {
  const { rows } = await client.query<{ name: string; definition: string }>(
    `select c.oid::regclass::text as name, pg_get_indexdef(c.oid) as definition
     from pg_class c join pg_index i on i.indexrelid = c.oid
     where c.relnamespace = 'public'::regnamespace and not i.indisprimary and c.relname not like '\\_%'`,
  );
  for (const { name } of rows) await client.query(`drop index ${name}`);
  await work();
  for (const { definition } of rows) await client.query(definition);
}
