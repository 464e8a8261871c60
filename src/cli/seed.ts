import { Command, InvalidArgumentError } from 'commander';
import { findProject } from './project.ts';

const examples = `
Examples:
  npx millrace seed
  npx millrace seed --rows 1000000
  npx millrace seed --force      start over: deletes every row first

The rows are those of app/seed.ts, which is yours to change. All of them are stored, or none.`;

/** `millrace seed`: fills the database by `app/seed.ts`. */
export function seedCommand(): Command {
  return new Command('seed')
    .summary('fill the database by app/seed.ts')
    .description('Fills the database (DATABASE_URL, or the embedded one) with the rows that app/seed.ts makes.')
    .option('-n, --rows <number>', 'about how many rows', parseRows, 100_000)
    .option('-f, --force', 'delete every row of every model first')
    .addHelpText('after', examples)
    .action(async (options: { rows: number; force?: boolean }) => {
      const root = findProject();
      const { readConfig } = await import('../config/config.ts');
      const { seedProject } = await import('./seed/seed-project.ts');
      await seedProject(readConfig(undefined, root), options);
    });
}

function parseRows(text: string): number {
  const rows = Number(text.replaceAll('_', ''));
  if (!Number.isInteger(rows) || rows < 1 || rows > 100_000_000)
    throw new InvalidArgumentError('Expected a number of rows.');
  return rows;
}
