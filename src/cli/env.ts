import { Command } from 'commander';

/** `millrace env`: prints `.env.example`. */
export function envCommand(): Command {
  return new Command('env')
    .summary('print every setting with its meaning and default')
    .description('Prints every environment variable that Millrace reads, with its meaning and default, as a .env file.')
    .addHelpText('after', '\nExamples:\n  npx millrace env\n  npx millrace env > .env')
    .action(async () => {
      const { printEnvExample } = await import('../config/env-example.ts');
      process.stdout.write(printEnvExample());
    });
}
