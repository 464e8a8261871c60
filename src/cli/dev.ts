import { Command } from 'commander';
import { findProject } from './project.ts';

/** `millrace dev`: the server, which follows every saved change of prisma/ and app/. */
export function devCommand(): Command {
  return new Command('dev')
    .summary('serve, and follow every change of prisma/ and app/')
    .description(
      'Serves the API and watches prisma/ and app/. On save it checks the schema and the rules, makes and applies the ' +
        'migration (a step that loses data is explained and waits for your word), and serves the new API from the next ' +
        'request on. While there is a mistake, the last good API stays up.',
    )
    .action(async () => {
      const root = findProject();
      const { runDevelopment } = await import('./dev/loop.ts');
      await runDevelopment(root);
    });
}
