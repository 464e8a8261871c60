import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Config } from '../../config/config.ts';
import type { Datamodel } from '../../data/model/datamodel.ts';
import { readDatamodel } from '../../data/model/read-datamodel.ts';
import { readSchemaFiles } from '../../data/model/schema-files.ts';
import { StartupError } from '../../errors.ts';
import { connectOrCreate } from '../../platform/migrations/connection.ts';
import { deployMigrations } from '../../platform/migrations/deploy.ts';
import { withProjectDatabase } from '../project-database.ts';
import type { Seed, SeedTools } from './define-seed.ts';
import { type ProgressReport, reportProgress } from './progress.ts';
import { createRandom } from './random.ts';
import {
  analyzeTables,
  type Connection,
  emptyTables,
  findStoredModel,
  insertRows,
  linkRows,
  type StoreNeeds,
} from './store.ts';

/** How much to make, and whether what is there may go. */
export interface SeedOptions {
  rows: number;
  force?: boolean;
}

/** Runs `app/seed.ts` in one transaction on the project's database, whose missing migrations are applied first. */
export async function seedProject(config: Config, options: SeedOptions): Promise<void> {
  const seed = await loadSeed(config.root);
  const datamodel = readDatamodel(await readSchemaFiles(config.root));
  await withProjectDatabase(config, async (url) => {
    await deployMigrations({ url, directory: join(config.root, 'prisma', 'migrations') });
    const { client } = await connectOrCreate(url);
    try {
      await client.query('BEGIN');
      await makeRoom(client, datamodel, options);
      await runSeed(seed, client, datamodel, options);
    } finally {
      await client.end();
    }
  });
}

async function loadSeed(root: string): Promise<Seed> {
  const path = join(root, 'app', 'seed.ts');
  if (!existsSync(path)) {
    throw new StartupError('There is no app/seed.ts.', 'Write one that exports defineSeed(…) as its default.');
  }
  const { default: seed } = await importSeed(path);
  if (typeof seed === 'function') return seed as Seed;
  throw new StartupError(
    'app/seed.ts exports no seed.',
    'Write: export default defineSeed(async ({ insert }) => { … });',
  );
}

async function importSeed(path: string): Promise<{ default?: unknown }> {
  try {
    return await import(pathToFileURL(path).href);
  } catch (error) {
    throw new StartupError(`app/seed.ts cannot be loaded: ${(error as Error).message}`, 'Correct it.', {
      cause: error,
    });
  }
}

async function makeRoom(connection: Connection, datamodel: Datamodel, { force }: SeedOptions): Promise<void> {
  if (force) return emptyTables({ connection, datamodel });
  const model = await findStoredModel({ connection, datamodel });
  if (model === undefined) return;
  throw new StartupError(
    `The database is not empty: there are rows of ${model}.`,
    'To delete every row of every model and start over: npx millrace seed --force',
  );
}

async function runSeed(seed: Seed, connection: Connection, datamodel: Datamodel, { rows }: SeedOptions): Promise<void> {
  const start = performance.now();
  const progress = reportProgress('Seeding', rows);
  let count = 0;
  const needs: StoreNeeds = {
    connection,
    datamodel,
    random: createRandom(1),
    now: new Date('2026-01-01T09:00:00Z'),
    stored: (name, stored) => {
      count += stored;
      progress.advance(name, stored);
    },
  };
  await runOrAbort(progress, async () => {
    await seed(createTools(needs, rows));
    await connection.query('COMMIT');
  });
  await analyzeTables(needs);
  const seconds = ((performance.now() - start) / 1_000).toFixed(1);
  progress.stop(`${count.toLocaleString('en')} rows in ${seconds} s`);
}

async function runOrAbort(progress: ProgressReport, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    progress.abort();
    if (error instanceof StartupError) throw error;
    const { message, detail } = error as Error & { detail?: string };
    throw new StartupError(
      `app/seed.ts failed: ${message}${detail ? ` (${detail})` : ''}`,
      `Nothing was stored. ${whereInSeed(error) ?? 'Correct it and run it again.'}`,
      { cause: error },
    );
  }
}

function whereInSeed(error: unknown): string | undefined {
  const place = error instanceof Error ? /app\/seed\.ts:\d+/.exec(error.stack ?? '')?.[0] : undefined;
  return place && `It happened at ${place}.`;
}

function createTools(needs: StoreNeeds, rows: number): SeedTools {
  return {
    rows,
    random: needs.random,
    now: needs.now,
    insert: ((model: string, list: readonly Record<string, unknown>[]) =>
      insertRows(needs, model, list)) as SeedTools['insert'],
    link: (model, relation, pairs) => linkRows(needs, model, relation, pairs),
  };
}
