import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import { print } from 'graphql';
import { readSources, type Sources } from '../../src/application.ts';
import { type Config, readConfig } from '../../src/config/config.ts';
import type { QuickWrites } from '../../src/data/writes/quick-writes.ts';
import type { Lane } from '../../src/graphql/lane.ts';
import { openLog } from '../../src/platform/log.ts';
import { type Server, startServer as start } from '../../src/server.ts';
import { testDatabase } from './postgres.ts';

/** An answer of the API. */
export interface Answer {
  // biome-ignore lint/suspicious/noExplicitAny: a test asks for what it expects; a wrong guess fails the test
  data?: any;
  errors?: {
    message: string;
    path?: (string | number)[];
    extensions: { code: string; fields?: { path: string; message: string }[] };
  }[];
}

/** Somebody who asks. */
export interface Asker {
  query(query: string, variables?: Record<string, unknown>): Promise<Answer>;
  /** Asks by a typed document; an answer with errors is thrown. */
  ask<Result, Variables>(document: TypedDocumentNode<Result, Variables>, variables: Variables): Promise<Result>;
  /** The whole HTTP response. */
  post(body: unknown, headers?: Record<string, string>): Promise<Response>;
}

/** A server of a test's own, on a database of its own. */
export interface TestServer extends AsyncDisposable {
  server: Server;
  url: string;
  databaseUrl: string;
  /** Somebody with these claims: `as({ sub: 'alice' })`, `as({ role: 'admin' })`. */
  as(claims: { sub?: string; role?: string; claims?: Record<string, unknown> }): Asker;
  /** Somebody without a token. */
  stranger: Asker;
}

/** What a test's server differs in. */
export interface TestServerOptions {
  /** Another application than the example's, which is without accounts. */
  sources?: Sources;
  /** Directory of migrations; the example's by default, false for an empty database (then pass `databaseUrl` with tables). */
  migrations?: string | false;
  databaseUrl?: string;
  config?: (config: Config) => Config;
  /** Another lane in front of Yoga, made of the server's own. */
  lane?: (own: Lane) => Lane;
  /** Other quick writes, made of the application's own. */
  quickWrites?: (own: QuickWrites) => QuickWrites;
  /** Another server's start: that of a copy of `src/`. */
  start?: typeof start;
}

/**
 * The example as it is without accounts, whose many fields take their time at every start. Tests that are about them take all of it:
 * see `accounts.ts`.
 */
export async function exampleWithoutAccounts(): Promise<Sources> {
  const { files, ...sources } = await readSources(process.cwd());
  const isKept = ({ path }: { path: string }) => !/^prisma\/platform\/(auth|organizations)\.prisma$/.test(path);
  return { ...sources, accounts: undefined, files: files.filter(isKept) };
}

/** Starts a real server: real PostgreSQL, real sockets. */
export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(path.join(tmpdir(), 'millrace-test-'));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const databaseUrl = options.databaseUrl ?? stack.use(await testDatabase({ migrations: options.migrations })).url;
  const environment = {
    DATABASE_URL: databaseUrl,
    PORT: '0',
    HOST: '127.0.0.1',
    MILLRACE_DIR: directory,
    LOG_LEVEL: 'error',
    // Servers of one test may share a database, as the nodes of an installation do.
    AUTH_SECRET: 'the secret of all servers of tests',
    // Tests compare whole answers; those of costs ask for them.
    REPORT_COST: 'false',
  };
  const config = readConfig(environment, process.cwd());
  const server = stack.use(
    await (options.start ?? start)(options.config?.(config) ?? config, {
      sources: options.sources ?? (await exampleWithoutAccounts()),
      lane: options.lane,
      quickWrites: options.quickWrites,
      migrations: null,
      log: openLog('silent'),
    }),
  );
  const owned = stack.move();
  const asker = (token?: () => Promise<string>): Asker => {
    const post = async (body: unknown, headers: Record<string, string> = {}) =>
      fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(token ? { authorization: `Bearer ${await token()}` } : {}),
          ...headers,
        },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });
    return {
      post,
      query: async (query, variables) => {
        const response = await post({ query, variables });
        const text = await response.text();
        if (text === '')
          throw new Error(`an empty answer, ${response.status} ${JSON.stringify([...response.headers])}`);
        return JSON.parse(text) as Answer;
      },
      async ask<Result, Variables>(document: TypedDocumentNode<Result, Variables>, variables: Variables) {
        const answer = (await (await post({ query: print(document), variables })).json()) as Answer;
        if (answer.errors) throw new Error(JSON.stringify(answer.errors));
        return answer.data as Result;
      },
    };
  };
  return {
    server,
    url: server.url,
    databaseUrl,
    as: (claims) => {
      let token: Promise<string> | undefined;
      return asker(() => (token ??= server.tokens.mint!(claims)));
    },
    stranger: asker(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Starts a server of the whole example, with its accounts. */
export const startWholeServer = async (options: TestServerOptions = {}): Promise<TestServer> =>
  startServer({ sources: await readSources(process.cwd()), ...options });
