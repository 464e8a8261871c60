import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { StartupError } from '../errors.ts';
import { findProject } from './project.ts';

const examples = `
Examples:
  npx millrace schema            print it
  npx millrace schema --write    write schema.graphql, to be committed
  npx millrace schema --check    for continuous integration`;

/** `millrace schema`: prints the GraphQL schema without a database, writes `schema.graphql`, or compares it. */
export function schemaCommand(): Command {
  return new Command('schema')
    .summary('print, write or check schema.graphql')
    .description('Prints the GraphQL schema that prisma/ and app/ make. Needs no database.')
    .addOption(new Option('-w, --write', 'write it to schema.graphql').conflicts('check'))
    .addOption(new Option('--check', 'fail unless schema.graphql is what would be written'))
    .addHelpText('after', examples)
    .action(async ({ write, check }: { write?: boolean; check?: boolean }) => {
      const root = findProject();
      const { printApiSchema } = await import('./print-schema.ts');
      const text = `${(await printApiSchema(root)).trimEnd()}\n`;
      if (write) await writeFile(join(root, 'schema.graphql'), text);
      else if (check) await compare(root, text);
      else process.stdout.write(text);
    });
}

async function compare(root: string, expected: string): Promise<void> {
  const committed = await readFile(join(root, 'schema.graphql'), 'utf8').catch(() => undefined);
  if (committed === expected) return;
  throw new StartupError(
    committed === undefined ? 'There is no schema.graphql.' : 'schema.graphql is not what prisma/ and app/ make now.',
    'Write it anew with npx millrace schema --write, and look at the difference.',
  );
}
