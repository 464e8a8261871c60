import { readConfig } from './config/config.ts';
import { StartupError } from './errors.ts';
import { boundGarbage } from './platform/heap.ts';
import { startServer } from './server.ts';

/** Prints what whoever started the server has to know. */
const say = (line: string): void => void process.stdout.write(`${line}\n`);

boundGarbage();
try {
  const config = readConfig();
  const server = await startServer(config, { progress: (line) => say(`  ${line}`) });
  say(`Millrace is up at ${server.url}/graphql${config.graphql.graphiql ? ' (GraphiQL in a browser)' : ''}`);
  if (server.tokens.mint) say('A token for the admin role: npx millrace token --role admin');
  let since: number | undefined;
  const stop = (): void => {
    // @NOTE Ctrl-C reaches this process twice, from the terminal and from npm; only a later one means "at once".
    if (since !== undefined && performance.now() - since > 1000) process.exit(130);
    if (since !== undefined) return;
    since = performance.now();
    say('stopping …');
    server.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
} catch (error) {
  if (!(error instanceof StartupError)) throw error;
  process.stderr.write(`${error.message}\n→ ${error.remedy}\n`);
  process.exit(1);
}
