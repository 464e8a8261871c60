import path from 'node:path';
import { type Application, enumerate } from './application.ts';
import type { Config } from './config/config.ts';
import { missingInDatabase } from './data/model/check-database.ts';
import { composeSchema, type SchemaFile } from './data/model/schema-files.ts';
import { StartupError } from './errors.ts';
import type { Database } from './platform/db.ts';
import { deployMigrations, forgetFailed } from './platform/migrations/deploy.ts';
import { planMigration, writeMigration } from './platform/migrations/plan.ts';

/** Where the migrations of a project are. */
export const migrationsOf = (root: string): string => path.join(root, 'prisma', 'migrations');

/** Who is told what an upgrade does, and asked before it loses data. */
export interface UpgradeWords {
  progress(line: string): void;
  mayLose(losses: readonly string[]): Promise<boolean>;
}

/** What an upgrade is about, and who is asked before it loses data. */
export interface UpgradeOptions {
  url: string;
  root: string;
  files: readonly SchemaFile[];
  /** Last part of the migration's name. */
  name: string;
  /** Asked with a sentence for each loss; true lets it happen. */
  mayLose(losses: readonly string[]): Promise<boolean>;
}

/**
 * Brings the database to the schema: plans the migration, writes it to `prisma/migrations` and applies it.
 * @returns the migration's name; undefined when there was nothing to do
 * @throws StartupError when it cannot be done with the rows that are there, or nobody allowed what it would lose
 */
export async function upgradeDatabase({
  url,
  root,
  files,
  name,
  mayLose,
}: UpgradeOptions): Promise<string | undefined> {
  const directory = migrationsOf(root);
  const plan = await planMigration({ url, schemaFiles: composeSchema(files), directory });
  if (plan.empty) return undefined;
  if (plan.unexecutable.length > 0) {
    throw new StartupError(
      `the schema cannot be reached from the rows that are there:\n${indented(plan.unexecutable)}`,
      'give new required fields a @default, or change the rows first; to rename, see docs/schema.md',
    );
  }
  if (plan.warnings.length > 0 && !(await mayLose(plan.warnings))) {
    throw new StartupError(
      `nobody has agreed to what the change of the schema may lose:\n${indented(plan.warnings)}`,
      '`npm run dev` asks, at its start and at every save of prisma/; or take the change back',
    );
  }
  const made = writeMigration(directory, name, plan.sql);
  try {
    await deployMigrations({ url, directory });
  } catch (error) {
    await forgetFailed({ url, directory }, made);
    if (!(error instanceof StartupError)) throw error;
    throw new StartupError(error.message, 'change the schema or the rows; the migration has been taken back', {
      cause: error,
    });
  }
  return made;
}

/**
 * Applies the migrations that the database does not have yet.
 * @param migrations their directory; the project's own by default, null for none
 */
export async function applyMigrations(
  config: Config,
  migrations: string | null | undefined,
  url: string,
  say: (line: string) => void,
): Promise<void> {
  if (migrations === null) return;
  const directory = migrations ?? migrationsOf(config.root);
  const createDatabase = config.database.kind === 'embedded';
  const applied = await deployMigrations({ url, directory, createDatabase });
  for (const name of applied) say(`applied migration ${name}`);
}

/** On the embedded database of a developer, a schema that is ahead makes its own migration; elsewhere that is said. */
export async function requireTables(
  config: Config,
  { progress = () => {}, mayLose = async () => false }: Partial<UpgradeWords>,
  db: Database,
  url: string,
  { datamodel, files }: Application,
): Promise<void> {
  const missing = await missingInDatabase(db, datamodel);
  if (missing.length === 0) return;
  if (config.environment === 'development' && config.database.kind === 'embedded') {
    const name = await upgradeDatabase({ url, root: config.root, files, name: 'start', mayLose });
    progress(`made and applied migration ${name}`);
    if ((await missingInDatabase(db, datamodel)).length === 0) return;
  }
  throw new StartupError(
    `the schema is ahead of the database, which has no ${enumerate(missing)}`,
    'make a migration with `npx prisma migrate dev` (or `npm run dev`), commit it, and start again; ' +
      'a database that had tables before it had migrations: docs/schema.md',
  );
}

const indented = (sentences: readonly string[]): string => sentences.map((s) => `  - ${s}`).join('\n');
