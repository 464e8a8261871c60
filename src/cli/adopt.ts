import { Command } from 'commander';

const examples = `
Examples:
  npx millrace adopt ../shop/prisma/schema.prisma
  npx millrace adopt ../shop/prisma/schema.prisma --yes     without asking

The example's models, migrations, rules and seed give way to your models. Everything of yours is closed to
all but the admin role until app/rules.ts says otherwise.`;

/** `millrace adopt`: puts an existing Prisma schema in the example's place. */
export function adoptCommand(): Command {
  return new Command('adopt')
    .summary('make an existing Prisma schema yours')
    .description(
      'Puts the models of an existing Prisma schema (a file, or a directory of them) in the example’s place.',
    )
    .argument('<schema>', 'a schema.prisma, or a directory of .prisma files')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', examples)
    .action(async (schema: string, options: { yes?: boolean }) => {
      const { findProject } = await import('./project.ts');
      const { adoptSchema } = await import('./adopt/adopt-schema.ts');
      await adoptSchema(findProject(), schema, options);
    });
}
