import { Argument, Command } from 'commander';
import { StartupError } from '../errors.ts';
import { findProject } from './project.ts';

const examples = `
Examples:
  npx millrace keys
  npx millrace keys rotate
  npx millrace keys rotate --discard     when a key or the secret got into wrong hands, or the secret is lost

Keys change by themselves every 90 days. A change refuses no token: the old key verifies until its last one has expired.
With --discard all access tokens end within seconds; who is signed in stays so, since clients get new ones by themselves.`;

/** `millrace keys`: lists the keys that sign the access tokens of accounts, or changes them. */
export function keysCommand(): Command {
  return new Command('keys')
    .summary('list or rotate the keys that sign access tokens')
    .description('Lists the keys that sign the access tokens of accounts, or lets the next one sign, on all nodes.')
    .addArgument(new Argument('[action]', 'what to do').choices(['list', 'rotate']).default('list'))
    .option('-d, --discard', 'with rotate: end all keys, and with them all access tokens')
    .addHelpText('after', examples)
    .action(async (action: string, { discard = false }: { discard?: boolean }) => {
      if (discard && action !== 'rotate') {
        throw new StartupError('Only keys that change can be discarded.', 'Say npx millrace keys rotate --discard.');
      }
      const root = findProject();
      const { readConfig } = await import('../config/config.ts');
      const { withKeys } = await import('./keys/with-keys.ts');
      const lines = await withKeys(readConfig(undefined, root), { discard }, async (keys) => {
        if (action === 'rotate' && !discard) await keys.rotate();
        const records = await keys.list();
        return records.map(({ kid, state, since }) => `${kid}  ${state.padEnd(7)}  since ${since.toISOString()}`);
      });
      process.stdout.write(`${lines.join('\n')}\n`);
    });
}
