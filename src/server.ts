/** The composition root: what a Millrace consists of, in the order in which it is built and, backwards, taken down. */
import path from 'node:path';
import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import { type Application, createApplication, readSources, type Sources } from './application.ts';
import type { Config } from './config/config.ts';
import type { Context } from './context.ts';
import { createAnswerRoom } from './data/answer-room.ts';
import { isComplete, missingInDatabase } from './data/model/check-database.ts';
import { verdictsFor } from './data/rules/verdicts.ts';
import { suggestViewers } from './data/suggest-viewers.ts';
import { createEngine } from './graphql/yoga.ts';
import { parseDatabaseUrl } from './platform/database-url.ts';
import { type Database, openDatabase } from './platform/db.ts';
import { type Logger, openLog } from './platform/log.ts';
import { deployMigrations } from './platform/migrations/deploy.ts';
import { startEmbeddedPostgres } from './platform/postgres/embedded.ts';
import { openTokens, type Tokens } from './platform/tokens.ts';
import { migrationsOf, requireInDatabase, upgradeDatabase } from './schema-upgrade.ts';
import { authenticate } from './transport/authenticate.ts';
import { createGraphiql } from './transport/graphiql/graphiql.ts';
import { createHealth } from './transport/health.ts';
import { createHttpServer } from './transport/http.ts';
import { closeHttp, listen, urlOf } from './transport/listen.ts';
import { stranger } from './viewer.ts';

/** A running Millrace. */
export interface Server extends AsyncDisposable {
  /** Where it listens, as `http://127.0.0.1:4000`. */
  url: string;
  databaseUrl: string;
  tokens: Tokens;
  db: Database;
  application(): Application;
  /** Serves this application from the next request on. */
  replace(application: Application): void;
  /** Stops taking requests, finishes those under way (for at most 8 s), and takes everything down. */
  stop(): Promise<void>;
}

/** What a test or a command may put in the place of a part, before anything is built on it. */
export interface Overrides {
  sources?: Sources;
  /** Directory of the migrations to apply; `prisma/migrations` of the project by default, null for none. */
  migrations?: string | null;
  log?: Logger;
  /** Told what takes its time at the start. */
  progress?: (line: string) => void;
  /** Asked before a migration that the start makes loses data; unless it is there, nothing is ever lost. */
  mayLose?: (losses: readonly string[]) => Promise<boolean>;
}

/** Starts a server. @throws StartupError for everything that whoever runs it can mend */
export async function startServer(config: Config, overrides: Overrides = {}): Promise<Server> {
  await using stack = new AsyncDisposableStack();
  const log = overrides.log ?? openLog(config.logLevel);
  const { progress = () => {} } = overrides;
  // PostgreSQL starts while the application is made; one that is not needed any more is waited for, so that it can be stopped.
  const starting = openDatabaseUrl(config, stack, progress);
  starting.catch(() => {}); // awaited below
  let application = await makeApplication(config, overrides).catch(async (error: unknown) => {
    await starting.catch(() => {});
    throw error;
  });
  const databaseUrl = await starting;
  application.notices.forEach(progress);
  const [tokens] = await Promise.all([openTokens(config.tokens), migrate(config, overrides, databaseUrl, progress)]);
  const db = stack.use(
    openDatabase({ url: databaseUrl, ...config.pool }, (error) =>
      log.warn({ err: error }, 'a database connection broke'),
    ),
  );
  await requireTables(config, overrides, db, databaseUrl, application);

  const contextOf = async (request: Request): Promise<Context> => {
    const header = request.headers.get('authorization');
    const viewer = header === null ? stranger : await authenticate(header, tokens, config.tokens.adminRole);
    const room = createAnswerRoom(config.graphql.limits.answerBytes);
    return { viewer, verdicts: verdictsFor(viewer, application.rules), db, reads: application.reads, room };
  };
  const { corsOrigins } = config.http;
  const engine = createEngine({
    schema: () => application.schema,
    contextOf,
    config: config.graphql,
    corsOrigins,
    log,
  });
  const health = createHealth(db);
  const graphiql = config.graphql.graphiql
    ? stack.use(graphiqlFor(config, tokens, db, () => application, log))
    : undefined;
  const http = createHttpServer(config.http, { engine, health, graphiql, jwks: () => tokens.jwks(), log });
  await listen(http, config.http);
  stack.defer(() => closeHttp(http));

  const owned = stack.move();
  let stopped: Promise<void> | undefined;
  const stop = () => {
    health.drain();
    stopped ??= owned.disposeAsync();
    return stopped;
  };
  return {
    url: urlOf(http, config.http.host),
    databaseUrl,
    tokens,
    db,
    application: () => application,
    replace(next) {
      application = next;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function makeApplication(config: Config, { sources }: Overrides): Promise<Application> {
  const { database, graphql, root } = config;
  const schema = database.kind === 'external' ? parseDatabaseUrl(database.url).schema : undefined;
  return createApplication(sources ?? (await readSources(root)), graphql, schema);
}

async function openDatabaseUrl(
  config: Config,
  stack: AsyncDisposableStack,
  log: (line: string) => void,
): Promise<string> {
  if (config.database.kind === 'external') return config.database.url;
  const postgres = stack.use(await startEmbeddedPostgres({ directory: config.directory, watch: true, log }));
  return postgres.url();
}

async function migrate(
  config: Config,
  { migrations }: Overrides,
  url: string,
  log: (line: string) => void,
): Promise<void> {
  if (migrations === null) return;
  const directory = migrations ?? migrationsOf(config.root);
  const createDatabase = config.database.kind === 'embedded';
  const applied = await deployMigrations({ url, directory, createDatabase });
  for (const name of applied) log(`applied migration ${name}`);
}

/** On the embedded database of a developer, a schema that is ahead makes its own migration; elsewhere that is said. */
async function requireTables(
  config: Config,
  { progress = () => {}, mayLose = async () => false }: Overrides,
  db: Database,
  url: string,
  { datamodel, files }: Application,
) {
  const mayMigrate = config.environment === 'development' && config.database.kind === 'embedded';
  if (mayMigrate && !isComplete(await missingInDatabase(db, datamodel))) {
    const name = await upgradeDatabase({ url, root: config.root, files, name: 'start', mayLose });
    if (name) progress(`made and applied migration ${name}`);
  }
  await requireInDatabase(db, datamodel);
}

function graphiqlFor(config: Config, tokens: Tokens, db: Database, application: () => Application, log: Logger) {
  const { adminRole } = config.tokens;
  const { mint } = tokens;
  const mayViewAs = config.environment === 'development' && config.database.kind === 'embedded' && mint;
  const graphiql = createGraphiql({
    endpoint: '/graphql',
    title: 'Millrace',
    schema: () => application().schema,
    cacheDirectory: path.join(config.directory, 'cache'),
    viewAs: mayViewAs
      ? {
          mintToken: (sub, role) => mint({ sub, role, expiresIn: 12 * 3600 }),
          suggestions: async () => suggestViewers(db, application().datamodel),
          initial: { role: adminRole, label: 'Admin' },
        }
      : undefined,
    onError: (error) => log.warn({ err: error }, 'GraphiQL'),
  });
  return Object.assign(graphiql, { [Symbol.dispose]: () => graphiql.close() });
}
