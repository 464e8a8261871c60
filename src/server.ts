/** The composition root: what a Millrace consists of, in the order in which it is built and, backwards, taken down. */
import path from 'node:path';
import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import { type Application, createApplication, readSources, type Sources } from './application.ts';
import type { Client } from './client.ts';
import type { Config } from './config/config.ts';
import type { Context } from './context.ts';
import { createAnswerRoom } from './data/answer-room.ts';
import { verdictsFor } from './data/rules/verdicts.ts';
import { suggestViewers } from './data/suggest-viewers.ts';
import type { QuickWrites } from './data/writes/quick-writes.ts';
import { createCosts } from './graphql/cost-limit.ts';
import { openIdempotency } from './graphql/idempotency.ts';
import { keepTexts } from './graphql/kept-texts.ts';
import { createLane, type Lane } from './graphql/lane.ts';
import { createPersisted } from './graphql/persisted.ts';
import { createEngine } from './graphql/yoga.ts';
import { createLive, type Live } from './live/live.ts';
import { placeIn } from './log/cursor.ts';
import { openLogNode } from './log/node.ts';
import { maxTokenAge, openAccounts } from './modules/auth/accounts.ts';
import { authRoutes } from './modules/auth/routes.ts';
import { installIndexes } from './modules/documents/indexes.ts';
import type { Bus } from './platform/bus/bus.ts';
import { createInProcessBus } from './platform/bus/in-process.ts';
import { createRedisBus } from './platform/bus/redis.ts';
import { parseDatabaseUrl } from './platform/database-url.ts';
import { type Database, openDatabase } from './platform/db.ts';
import { type Logger, openLog } from './platform/log.ts';
import { openMailing } from './platform/mail/open-mail.ts';
import { startEmbeddedPostgres } from './platform/postgres/embedded.ts';
import { openSecrets } from './platform/secrets.ts';
import { openSigningKeys } from './platform/signing-keys.ts';
import { openTokens, type Tokens } from './platform/tokens.ts';
import { applyMigrations, requireTables } from './schema-upgrade.ts';
import { createAuthenticate } from './transport/authenticate.ts';
import { createAddressOf } from './transport/client-address.ts';
import { devMailRoute } from './transport/dev-mail.ts';
import { createGraphiql } from './transport/graphiql/graphiql.ts';
import { createHealth } from './transport/health.ts';
import { createHttpServer } from './transport/http.ts';
import { HttpClient } from './transport/http-client.ts';
import { listen, urlOf } from './transport/listen.ts';
import { createRoutes } from './transport/routes.ts';
import { createEventStreams } from './transport/sse.ts';
import { createViewers } from './transport/viewers.ts';
import { attachSockets } from './transport/ws.ts';
import { stranger, type Viewer } from './viewer.ts';

/** A running Millrace. */
export interface Server extends AsyncDisposable {
  /** Where it listens, as `http://127.0.0.1:4000`. */
  url: string;
  databaseUrl: string;
  tokens: Tokens;
  db: Database;
  application(): Application;
  /** What is followed now. */
  live(): Live;
  /** Serves this application from the next request on; streams end, and go on in it when their clients come back. */
  replace(application: Application): Promise<void>;
  /** Stops taking requests, finishes those under way (for at most 8 s), and takes everything down. */
  stop(): Promise<void>;
}

/** What a test or a command may put in the place of a part, before anything is built on it. */
export interface Overrides {
  sources?: Sources;
  /** Directory of the migrations to apply; `prisma/migrations` of the project by default, null for none. */
  migrations?: string | null;
  log?: Logger;
  /** Stays open when the server stops: it belongs to whoever made it. */
  bus?: Bus;
  /** Makes another lane of the server's own: one that counts, or is closed. */
  lane?: (own: Lane) => Lane;
  /** Makes other quick writes of the application's own: such as count, or leave everything to the general way. */
  quickWrites?: (own: QuickWrites) => QuickWrites;
  /** Told what takes its time at the start. */
  progress?: (line: string) => void;
  /** Asked before a migration that the start makes loses data; unless it is there, nothing is ever lost. */
  mayLose?: (losses: readonly string[]) => Promise<boolean>;
}

/** Starts a server. @throws StartupError for everything that whoever runs it can mend */
export async function startServer(config: Config, overrides: Overrides = {}): Promise<Server> {
  await using stack = new AsyncDisposableStack();
  const log = overrides.log ?? openLog(config.logLevel);
  const bus = overrides.bus ?? stack.use(openBus(config, log));
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
  await applyMigrations(config, overrides.migrations, databaseUrl, progress);
  let whenWritten = () => {};
  const openPool = (size: number) =>
    openDatabase(
      { url: databaseUrl, ...config.pool, size },
      { onError: (error) => log.warn({ err: error }, 'a database connection broke'), onCommit: () => whenWritten() },
    );
  const db = stack.use(openPool(config.pool.size));
  await requireTables(config, overrides, db, databaseUrl, application);
  // Keys of accounts, in the database, are there where accounts are.
  const secrets = application.accounts && (await openSecrets(config.secrets));
  const keys = secrets && stack.use(await openSigningKeys({ db, secrets, log, maxTokenAge }));
  const tokens = await openTokens(config.tokens, keys);
  const planOf = () => application.accounts!;
  const index = ({ datamodel, documentIndexes }: Application) =>
    installIndexes(db, databaseUrl, datamodel, documentIndexes);
  await index(application);

  const logNode = stack.use(
    await openLogNode({
      db,
      session: { url: databaseUrl, statementTimeout: config.pool.statementTimeout },
      bus,
      retention: config.changeRetention,
      datamodel: application.datamodel,
      log,
    }),
  );
  whenWritten = logNode.wrote;
  const mailing = stack.use(await openMailing(config.mail, db, log));
  // @NOTE what accounts do beside an operation's transaction has connections of its own, made when they are needed: of one pool,
  // operations that hold all connections would each wait for one more.
  const beside = secrets && stack.use(openPool(Math.ceil(config.pool.size / 2)));
  const accounts =
    secrets && keys && beside
      ? stack.use(await openAccounts(config, { db: beside, tokens, keys, secrets, mailing, log }, logNode.tail, planOf))
      : undefined;
  const liveOf = ({ reads }: Application) => createLive({ ...logNode, db, reads, log });
  let live = liveOf(application);
  stack.defer(() => live[Symbol.dispose]());

  const sealPlace = (place: string) => logNode.seal.seal(placeIn(place)!);
  const viewerOf = createAuthenticate(tokens, config.tokens.adminRole, accounts);
  const contextFor = (viewer: Viewer, client: Client): Context => {
    const room = createAnswerRoom(config.graphql.limits.answerBytes);
    const { reads, rules } = application;
    const quickWrites = overrides.quickWrites?.(application.quickWrites) ?? application.quickWrites;
    const verdicts = verdictsFor(viewer, rules);
    return { viewer, client, verdicts, db, reads, quickWrites, room, sealPlace, afterCommit: atOnce, accounts };
  };
  const asking = { schema: () => application.schema, viewerOf, contextFor };
  const costs = createCosts(config.graphql);
  const own = createLane({ ...asking, costs });
  const lane = overrides.lane?.(own) ?? own;
  const persisted = createPersisted(() => application.listed, config.graphql.persisted?.only ?? false);
  stack.use(await keepTexts(path.join(config.directory, 'persisted'), persisted, log));
  const answering = { costs, lane, persisted, live: () => live, config: config.graphql, log };
  const engine = createEngine({
    ...asking,
    ...answering,
    db,
    idempotency: stack.use(await openIdempotency(db)),
    corsOrigins: config.http.corsOrigins,
    statementTimeout: config.pool.statementTimeout,
  });
  const health = createHealth(db, bus, logNode);
  const graphiql = config.graphql.graphiql
    ? stack.use(graphiqlFor(config, tokens, db, () => application, log))
    : undefined;
  const viewers = stack.use(createViewers(viewerOf, accounts));
  const events = createEventStreams(config.streams, { engine, viewers, contextFor });
  const { corsOrigins: origins, secureCookies: secure, trustProxy } = config.http;
  const { publicUrl } = config.accounts;
  const pages = publicUrl === undefined ? origins : [...origins, new URL(publicUrl).origin];
  const clients = { addressOf: createAddressOf(trustProxy), cookies: { secure, origins: pages } };
  const jwks = () => tokens.jwks();
  const routes = createRoutes([
    ...(mailing.outbox ? [devMailRoute(mailing.outbox)] : []),
    ...(accounts ? authRoutes((...sent) => contextFor(stranger, new HttpClient(...sent, clients))) : []),
  ]);
  const http = createHttpServer(config.http, { engine, health, graphiql, routes, events, jwks, clients, log });
  stack.defer(await listen(http, config.http));
  stack.use(events);
  stack.use(attachSockets(http, config.streams, { engine, viewers, contextFor, clients, log }));

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
    live: () => live,
    async replace(next) {
      await index(next);
      await logNode.capture(next.datamodel);
      const before = live;
      application = next;
      live = liveOf(next);
      before[Symbol.dispose]();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

const atOnce = (effect: () => void): void => effect();

function openBus({ bus }: Config, log: Logger): Bus {
  return bus.kind === 'redis' ? createRedisBus(bus, log) : createInProcessBus(log);
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
