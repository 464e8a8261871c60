import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { MillraceError, StartupError } from '../errors.ts';
import { adoptCommand } from './adopt.ts';
import { devCommand } from './dev.ts';
import { envCommand } from './env.ts';
import { keysCommand } from './keys.ts';
import { roleCommand } from './role.ts';
import { rulesCommand } from './rules.ts';
import { schemaCommand } from './schema.ts';
import { searchIndexCommand } from './search-index.ts';
import { seedCommand } from './seed.ts';
import { tokenCommand } from './token.ts';

// @NOTE a command's file imports nothing heavy at its top: what it needs is loaded when it runs, so that --help is quick.
const commands = [
  devCommand,
  seedCommand,
  tokenCommand,
  keysCommand,
  roleCommand,
  schemaCommand,
  rulesCommand,
  searchIndexCommand,
  envCommand,
  adoptCommand,
];

/** Runs one command line, as `process.argv` gives it, and returns the exit code; what goes wrong is told on stderr. */
export async function runCommandLine(argv: string[]): Promise<number> {
  try {
    await millraceCommand().parseAsync(argv);
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    console.error(describeFailure(error));
    return 1;
  }
}

function millraceCommand(): Command {
  const program = new Command('millrace')
    .description('Write a Prisma schema; get a live GraphQL backend.')
    .version(readVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this, or the help of a command')
    .helpCommand(false)
    .showHelpAfterError('(npx millrace --help tells what there is)')
    .exitOverride()
    .addHelpText('after', '\nEach command explains itself: npx millrace seed --help');
  // @NOTE added from outside, a command would not take over how its parent exits and complains.
  for (const create of commands) program.addCommand(create().copyInheritedSettings(program));
  return program;
}

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function describeFailure(error: unknown): string {
  if (error instanceof StartupError) return `millrace: ${error.message}\n  ${error.remedy}`;
  if (error instanceof MillraceError) return `millrace: ${error.message}`;
  const told = error instanceof Error ? error.stack : String(error);
  return `millrace: this should not have happened; please report it with what follows.\n${told}`;
}
