import { existsSync } from 'node:fs';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { confirm, isCancel } from '@clack/prompts';
import { readConfig } from '../../config/config.ts';
import { readDatamodel } from '../../data/model/read-datamodel.ts';
import { readSchemaFiles, type SchemaFile } from '../../data/model/schema-files.ts';
import { StartupError } from '../../errors.ts';
import { accountsFile, organizationsFile } from '../../modules/auth/plan.ts';
import { documentFile } from '../../modules/documents/collections.ts';
import { adaptPlatformSchema, type ForeignSchema, readForeignSchema } from './convert-schema.ts';
import { explainPart, readForeignFiles } from './foreign-files.ts';

const closedRules = `import { defineRules } from 'millrace/rules';

// Who may read and write which rows. A model that is not named here is closed to all but the admin role.
export default defineRules({});
`;

/** What will be written, and from where; nothing has been changed yet. */
interface Plan {
  root: string;
  foreign: ForeignSchema;
  platformSchema: string;
  models: number;
  /** What is said in other words than in the foreign schema. */
  changes: string[];
  /** The foreign project's migrations, when it has some for PostgreSQL. */
  migrations: string | undefined;
  /** Whether there is an embedded database, which then holds what was there before. */
  isDatabaseMade: boolean;
}

/** Puts the schema at `path` in the example's place, after asking, and says what was done and what comes next. */
export async function adoptSchema(root: string, path: string, { yes }: { yes?: boolean }): Promise<void> {
  const plan = await makePlan(root, resolve(path));
  const write = (text: string) => process.stdout.write(`${text}\n`);
  write(describePlan(plan));
  if (!yes && !(await ask())) {
    write('Nothing was changed.');
    return;
  }
  await carryOut(plan);
  write(describeRest(plan));
}

async function makePlan(root: string, path: string): Promise<Plan> {
  if (`${path}/`.startsWith(`${join(root, 'prisma')}/`)) {
    throw new StartupError(
      `${relative(root, path)} lies in prisma/ already.`,
      'Move it out of the project, and adopt it from there.',
    );
  }
  const read = await readForeignFiles(path);
  try {
    const migrations = await findMigrations(root, read.directory);
    const { database, directory: home } = readConfig(undefined, root);
    const isDatabaseMade = database.kind === 'embedded' && existsSync(join(home, 'postgres', 'data'));
    return { ...(await fitSchema(root, read.files)), root, changes: read.changes, migrations, isDatabaseMade };
  } catch (error) {
    throw await explainPart(error, path, read);
  }
}

/** What an existing schema is not asked to live with: each brings tables. */
const optional = [documentFile, accountsFile, organizationsFile];

async function fitSchema(root: string, files: SchemaFile[]) {
  const foreign = readForeignSchema(files.map(({ content }) => content).join('\n\n'));
  const platformSchema = adaptPlatformSchema(await readFile(join(root, 'prisma', 'schema.prisma'), 'utf8'), foreign);
  const isKept = (path: string) => path.startsWith('prisma/platform/') && !optional.includes(path);
  const platform = (await readSchemaFiles(root)).filter(({ path }) => isKept(path));
  // Read from its own files, so that a mistake is shown where it stands.
  const { models } = readDatamodel([{ path: 'prisma/schema.prisma', content: platformSchema }, ...files, ...platform]);
  return { foreign, platformSchema, models: models.size };
}

async function findMigrations(root: string, directory: string): Promise<string | undefined> {
  const candidates = [join(directory, 'migrations'), join(dirname(directory), 'migrations')];
  for (const candidate of candidates) {
    const lock = await readFile(join(candidate, 'migration_lock.toml'), 'utf8').catch(() => '');
    if (/"postgres(ql)?"/.test(lock) && candidate !== join(root, 'prisma', 'migrations')) return candidate;
  }
  return undefined;
}

function describePlan({ foreign, models, changes, migrations }: Plan): string {
  const { attributes, previewFeatures, generators } = foreign;
  const lines = [
    `prisma/app.prisma      ${models} ${models === 1 ? 'model takes' : 'models take'} the place of what is there`,
    `prisma/migrations      removed${migrations ? `; those of ${migrations} come in their place` : ''}`,
    'app/rules.ts           closed to all but the admin role, until you open it',
    'app/seed.ts, schema.ts removed',
    'app/documents.ts       removed, and its model: docs/documents.md tells how to have documents',
    'app/accounts.ts        removed, and its models: docs/accounts.md tells how to have accounts',
  ];
  const kept = [...attributes.map((line) => line.split(' ')[0]!), ...previewFeatures];
  if (kept.length > 0) lines.push(`prisma/schema.prisma   takes over ${kept.join(', ')}`);
  if (changes.length > 0) lines.push(`in today's words       ${changes.join('; ')}`);
  if (generators.length > 0) lines.push(`left behind            the generators ${generators.join(', ')}`);
  return lines.join('\n');
}

async function ask(): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new StartupError('Nobody is there to ask whether this may be done.', 'Add --yes if it may.');
  }
  const answer = await confirm({ message: 'Go ahead?', initialValue: false });
  return !isCancel(answer) && answer;
}

async function carryOut({ root, foreign, platformSchema, migrations }: Plan): Promise<void> {
  const target = join(root, 'prisma', 'migrations');
  await writeFile(join(root, 'prisma', 'app.prisma'), foreign.models);
  await writeFile(join(root, 'prisma', 'schema.prisma'), platformSchema);
  await writeFile(join(root, 'app', 'rules.ts'), closedRules);
  for (const name of ['seed.ts', 'schema.ts', 'documents.ts', 'accounts.ts'])
    await rm(join(root, 'app', name), { force: true });
  for (const path of optional) await rm(join(root, path), { force: true });
  await rm(target, { recursive: true, force: true });
  if (migrations) await cp(migrations, target, { recursive: true });
}

const onNewDatabase = `
Done. What comes next, with a new database:
  npm start    makes your first migration, applies it, and runs

Or with your existing database:
  export DATABASE_URL=postgresql://…
  mkdir -p prisma/migrations/0_init
  npx prisma migrate diff --from-empty --to-schema prisma --script > prisma/migrations/0_init/migration.sql
  npx prisma migrate resolve --applied 0_init    says that its tables are there already
  npm start
`;

const onOwnMigrations = `
Done. What comes next:
  export DATABASE_URL=postgresql://…    your existing database, if you have one
  npm start                             applies what is missing, and runs
`;

const onMadeDatabase = `
The embedded database still has the tables and rows of the models before. Empty it first, if nobody needs them:
  npx prisma migrate reset
`;

function describeRest({ migrations, isDatabaseMade }: Plan): string {
  const steps = migrations ? onOwnMigrations : onNewDatabase;
  return `${steps}${isDatabaseMade ? onMadeDatabase : ''}
Then say in app/rules.ts who may read and write what (npx prisma generate gives it the types of your models).
Until then only the admin role may:
  npx millrace token --role admin`;
}
