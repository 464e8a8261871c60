/**
 * The development loop: a change on disk becomes an application, and only a whole one takes the place of the one before.
 *
 * save → sources (schema, rules) → application, which checks them → migration, made and applied → served → types generated
 */
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { watch } from 'chokidar';
import { type Application, createApplication, readSources } from '../../application.ts';
import { type Config, readConfig } from '../../config/config.ts';
import { StartupError } from '../../errors.ts';
import { parseDatabaseUrl } from '../../platform/database-url.ts';
import { upgradeDatabase } from '../../schema-upgrade.ts';
import { type Server, startServer } from '../../server.ts';
import { openTerminal, type Terminal } from './question.ts';
import { createTypeChecker, type TypeChecker } from './types.ts';

/**
 * Milliseconds of silence after which a burst of saved files counts as one change. Editors that put a new file in the
 * place of the old one are heard twice, 100 ms apart.
 */
const settle = 120;

/** Serves the project until a signal comes. */
export async function runDevelopment(root: string): Promise<void> {
  const config = readConfig();
  using terminal = openTerminal();
  const never = new AbortController().signal;
  const server = await startServer(config, {
    progress: say,
    mayLose: (losses) => askToLose(terminal, losses, never),
  });
  const parts: Parts = { root, server, config, terminal, types: createTypeChecker(root, say) };
  const watcher = watch([path.join(root, 'prisma'), path.join(root, 'app')], {
    ignoreInitial: true,
    ignored: (file) => file.includes(`${path.sep}migrations`) || path.basename(file).startsWith('.'),
    awaitWriteFinish: false,
  });
  let isRunning = false;
  let isStale = false;
  let change = new AbortController();
  const followChanges = async () => {
    if (isRunning) return;
    isRunning = true;
    while (isStale) {
      isStale = false;
      await setTimeout(settle);
      if (isStale) continue;
      change = new AbortController();
      await follow(parts, change.signal);
    }
    isRunning = false;
  };
  watcher.on('all', () => {
    isStale = true;
    change.abort();
    void followChanges();
  });
  await new Promise<void>((resolve) => watcher.once('ready', resolve));
  say(`Millrace is up at ${server.url}/graphql (GraphiQL in a browser) and follows prisma/ and app/`);

  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  say('stopping …');
  await watcher.close();
  await server.stop();
  process.exit(0);
}

/** What the loop works with. */
interface Parts {
  root: string;
  server: Server;
  config: Config;
  terminal: Terminal;
  types: TypeChecker;
}

/**
 * Takes one change in. Whatever goes wrong is told, and leaves the server as it was.
 * @param outdated aborted when the next change is there
 */
async function follow({ root, server, config, terminal, types }: Parts, outdated: AbortSignal): Promise<void> {
  let started = performance.now();
  const before = server.application();
  types.cancel();
  try {
    const sources = await readSources(root, loadAnew);
    const { schema } = parseDatabaseUrl(server.databaseUrl);
    const next = createApplication(sources, config.graphql, schema);
    const isSchemaNew = !sameFiles(before, next);
    if (isSchemaNew) {
      const { databaseUrl: url } = server;
      const mayLose = async (losses: readonly string[]) => {
        const asked = performance.now();
        const answer = await askToLose(terminal, losses, outdated);
        started += performance.now() - asked;
        return answer;
      };
      const made = await upgradeDatabase({ url, root, files: next.files, name: 'dev', mayLose });
      if (made) say(`  made and applied prisma/migrations/${made}`);
    }
    await server.replace(next);
    for (const notice of next.notices) if (!before.notices.includes(notice)) say(`  ${notice}`);
    say(`reloaded in ${((performance.now() - started) / 1000).toFixed(1)} s`);
    // In the background: types are for the editor, the server does not need them.
    types.check({ isSchemaNew });
  } catch (error) {
    if (outdated.aborted && error === outdated.reason) return;
    say(`\n✗ ${explain(error)}\n  the API before this change is still up`);
  }
}

/** @NOTE a module that was loaded once stays loaded, with all that it imports; tsx makes a world of its own for each call. */
async function loadAnew(url: string): Promise<unknown> {
  const { tsImport } = await import('tsx/esm/api');
  return tsImport(url, import.meta.url);
}

/** @throws the signal's reason when another save makes the question void: a late "yes" would agree to what is no longer there */
async function askToLose(terminal: Terminal, losses: readonly string[], outdated: AbortSignal): Promise<boolean> {
  outdated.throwIfAborted();
  say(`\nthis change may lose data:\n${losses.map((loss) => `  - ${loss}`).join('\n')}`);
  const question = 'type "yes" to make the change, anything else to leave the database as it is: ';
  const answer = await terminal.ask(question, outdated);
  if (outdated.aborted) say('\nsaved again: the question is withdrawn, nothing was changed');
  outdated.throwIfAborted();
  return answer === 'yes';
}

const sameFiles = (a: Application, b: Application): boolean =>
  a.files.length === b.files.length &&
  a.files.every((f, i) => f.path === b.files[i]!.path && f.content === b.files[i]!.content);

const explain = (error: unknown): string => {
  if (error instanceof StartupError) return `${error.message}\n→ ${error.remedy}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
};

const say = (line: string): void => void process.stdout.write(`${line}\n`);
