import { Command, InvalidArgumentError } from 'commander';
import { parseClaim } from './claims.ts';

const examples = `
Examples:
  npx millrace rules
  npx millrace rules --role moderator --claim team > rules.txt
  npx millrace rules --json

Commit the output, and a diff shows what a change of the rules does. A claim without a value stands for whatever
the token says, and is printed as viewer.claims.<name>.`;

/** What the command is asked for. */
export interface RulesOptions {
  role?: string[];
  claim?: Record<string, unknown>;
  json?: boolean;
}

/** `millrace rules`: prints what every rule comes to, for a review in a diff. */
export function rulesCommand(): Command {
  return new Command('rules')
    .summary('print who may do what, for a review in a diff')
    .description(
      'Prints for every model, action and field what its rule comes to: for a stranger, for somebody signed in, and for ' +
        'each role that is named. Needs no database.',
    )
    .option('-r, --role <role>', 'a role to ask the rules for; may be repeated', collectRole)
    .option('-c, --claim <key[=value]>', 'a claim that those who are signed in have; may be repeated', collectClaim)
    .option('-j, --json', 'print JSON')
    .addHelpText('after', examples)
    .action(async (options: RulesOptions) => {
      const { findProject } = await import('./project.ts');
      const { printRules } = await import('./rules/print-rules.ts');
      process.stdout.write(await printRules(findProject(), options));
    });
}

function collectRole(role: string, roles: string[] = []): string[] {
  if (role === '') throw new InvalidArgumentError('Expected a role.');
  return [...roles.filter((other) => other !== role), role];
}

function collectClaim(text: string, claims: Record<string, unknown> = {}): Record<string, unknown> {
  const at = text.indexOf('=');
  if (at === 0 || text === '') throw new InvalidArgumentError('Expected key or key=value.');
  return at < 0 ? { ...claims, [text]: undefined } : { ...claims, [text.slice(0, at)]: parseClaim(text.slice(at + 1)) };
}
