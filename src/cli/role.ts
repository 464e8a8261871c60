import { Argument, Command } from 'commander';
import { findProject } from './project.ts';

const examples = `
Examples:
  npx millrace role ann@example.com admin
  npx millrace role ann@example.com editor --remove

The first admin is made by this; further ones by \`setRoles\`. Roles count within a second, on every node, for whoever is signed in.`;

/** `millrace role`: gives the account of an address a role, or takes one away. */
export function roleCommand(): Command {
  return new Command('role')
    .summary('give an account a role, or take one away')
    .description('Gives the account of an address a role, such as that of admins. The last admin keeps it.')
    .addArgument(new Argument('<email>', 'the address that signs in'))
    .addArgument(new Argument('<role>', 'the role: one of app/accounts.ts, or admin'))
    .option('-r, --remove', 'takes the role away')
    .addHelpText('after', examples)
    .action(async (email: string, role: string, { remove = false }: { remove?: boolean }) => {
      const root = findProject();
      const { readConfig } = await import('../config/config.ts');
      const { changeRole } = await import('./role/change-role.ts');
      const roles = await changeRole(readConfig(undefined, root), { email, role, remove });
      process.stdout.write(`${email}: ${roles.join(', ') || 'no roles'}\n`);
    });
}
