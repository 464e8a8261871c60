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
      await client.query(await readFile(path.join(here, 'rows.sql'), 'utf8'));
      await client.query('vacuum analyze');
      await client.query(await readFile(path.join(here, 'policies.sql'), 'utf8'));
    } finally {
      await client.end();
    }
  },
  async describe() {
    return { askers: [{ role: 'member', sub: idOf('user', 42) }], shapes: describeShapes() };
  },
};
