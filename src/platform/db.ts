import pg from 'pg';
import { parseDatabaseUrl } from './database-url.ts';
import { translateDatabaseError } from './db-errors.ts';
import { createReadLines } from './read-lines.ts';
import { timeWaited } from './read-paces.ts';
import { readTexts } from './text-query.ts';
import { createTransaction, type LentConnection, type Transaction, type Transactor } from './transaction.ts';

/** A statement: its text, its values, and a name when it is to be prepared once on each connection. */
export interface Query {
  text: string;
  values: readonly unknown[];
  name?: string;
  /** It changes nothing, so that it may share a connection with others. */
  isRead?: boolean;
  /** It changes something and commits by itself; what it yields are texts. */
  isWrite?: boolean;
}

/** Rows as lists of values, in the order of the select list. */
export type Rows = unknown[][];

/** Something statements can be sent to: the pool, or one transaction. */
export interface Queryable {
  /** @throws MillraceError: what PostgreSQL says never reaches the caller in its own words */
  query(query: Query): Promise<Rows>;
  /** Runs several statements of ours, without values. */
  script(text: string): Promise<void>;
}

/** One connection of its own: what is taken on it, an advisory lock for one, lasts until it ends. */
export type Session = Queryable & AsyncDisposable;

/** The application's database. */
export interface Database extends Transactor, AsyncDisposable {
  /** Begins a transaction that the caller ends. It takes a connection with its first statement, and keeps it until then. */
  begin(): Transaction;
  /** Resolves when the database answers. */
  ping(): Promise<void>;
}

/**
 * How many statements are kept prepared on one connection, their characters together, and those of one. PostgreSQL needs a hundred
 * times as much memory for their plans. A connection that knows more is replaced, which frees it on both sides; a longer
 * statement is planned each time.
 */
const maxPrepared = { count: 1000, together: 1_000_000, one: 20_000 };

/** The statements that a connection has prepared. */
interface Prepared {
  names: Set<string>;
  length: number;
}

function remember(known: Prepared, name: string, text: string): void {
  if (known.names.has(name)) return;
  known.names.add(name);
  known.length += text.length;
}

/** Settings of every session. Planned statements are prepared, and the generic plan is made once (saves 20 % of CPU). */
const sessionOptions = (statementTimeout: number): string =>
  [
    'TimeZone=UTC',
    'DateStyle=ISO',
    'IntervalStyle=iso_8601',
    'extra_float_digits=1',
    'jit=off',
    'plan_cache_mode=force_generic_plan',
    // What `%` and `%>` find, however the database is set: the planner asks for no less.
    'pg_trgm.similarity_threshold=0.3',
    'pg_trgm.word_similarity_threshold=0.3',
    // A search may have something to say of every row, and nobody listens.
    'client_min_messages=warning',
    `statement_timeout=${statementTimeout}`,
    'idle_in_transaction_session_timeout=60000',
  ]
    .map((setting) => `-c ${setting}`)
    .join(' ');

/** Fuzzy search is found in whichever schema its extension was put. */
const reachTrigrams = `
  select set_config('search_path', concat_ws(', ', nullif(current_setting('search_path'), ''), quote_ident(nspname)), false)
  from pg_extension e join pg_namespace n on n.oid = extnamespace
  where extname = 'pg_trgm' and nspname <> all (current_schemas(true))`;

/**
 * Opens a pool of connections; none is made before the first query.
 * @param onError told of connections that break while idle, until the pool is closed
 * @param onCommit told after each transaction that was committed
 */
export function openDatabase(
  options: { url: string; size: number; statementTimeout: number },
  { onError, onCommit = () => {} }: { onError: (error: Error) => void; onCommit?: () => void },
): Database {
  const pool = new pg.Pool({
    connectionString: parseDatabaseUrl(options.url).connectionString,
    max: options.size,
    idleTimeoutMillis: 30_000,
    connectionTimeoutMillis: 5000,
    options: sessionOptions(options.statementTimeout),
    application_name: 'millrace',
    pipeline: true,
    // What goes wrong here, the first statement tells.
    onConnect: (client) =>
      client.query(reachTrigrams).then(
        () => {},
        () => {},
      ),
  } as pg.PoolConfig);
  // @NOTE the pool's end does not wait for its connections to close; a server that ends just after it may be the faster.
  pool.on('error', (error: Error & { client?: unknown }) => {
    // @NOTE the driver hangs all of the connection on it, and whoever logs it would tell the key that cancels its statements.
    delete error.client;
    if (!pool.ending) onError(error);
  });
  // @NOTE the pool listens to idle clients only: one that is cut off between two statements would end the process.
  pool.on('connect', (client) => void client.on('error', () => {}));
  const prepared = new WeakMap<pg.PoolClient, Prepared>();

  const run = async (client: pg.PoolClient, { text, values, name }: Query): Promise<Rows> => {
    const isKept = name !== undefined && text.length <= maxPrepared.one;
    const config = { text, values: values as unknown[], rowMode: 'array' as const, ...(isKept ? { name } : {}) };
    const { rows } = await client.query<unknown[]>(config);
    if (isKept) remember(preparedOn(client), name, text);
    return rows;
  };
  const isFull = (client: pg.PoolClient): boolean => {
    const { names, length } = preparedOn(client);
    return names.size > maxPrepared.count || length > maxPrepared.together;
  };
  const byPool = (query: Query & { name: string }): Promise<Rows> =>
    withClient(async (client) => {
      const before = timeWaited();
      const rows = await run(client, query);
      lines.learn(query.name, timeWaited() - before);
      return rows;
    });
  const lines = createReadLines(pool, Math.floor(options.size / 3), byPool, {
    has: (client, name) => preparedOn(client).names.has(name),
    add(client, name, text) {
      remember(preparedOn(client), name, text);
      return !isFull(client);
    },
  });
  /** By a line where one takes it, else by the pool, whose time for it decides about the next. */
  const read = async (query: Query & { name: string }): Promise<Rows> => {
    const sent = lines.send(query);
    if (!sent) return byPool(query);
    return sent.catch((error: unknown) => {
      throw translateDatabaseError(error);
    });
  };
  const write = async ({ text, values, name }: Query): Promise<Rows> => {
    const rows = await withClient(async (client) => {
      if (name === undefined || text.length > maxPrepared.one) return run(client, { text, values });
      const texts = await readTexts(client, { name, text, values });
      remember(preparedOn(client), name, text);
      return texts;
    });
    onCommit();
    return rows;
  };
  const preparedOn = (client: pg.PoolClient) => {
    const known = prepared.get(client) ?? { names: new Set(), length: 0 };
    prepared.set(client, known);
    return known;
  };
  const connect = (): Promise<pg.PoolClient> =>
    pool.connect().catch((error: unknown) => {
      throw translateDatabaseError(error);
    });
  const withClient = async <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    const client = await connect();
    let isBroken = false;
    try {
      return await work(client);
    } catch (error) {
      const translated = translateDatabaseError(error);
      isBroken = translated.code === 'UNAVAILABLE' || translated.code === 'INTERNAL';
      throw translated;
    } finally {
      client.release(isBroken || isFull(client));
    }
  };

  const borrow = async (): Promise<LentConnection> => {
    const client = await connect();
    return {
      query: (query) => run(client, query),
      command: (text) => runScript(client, text),
      giveBack: (isBroken) => client.release(isBroken || isFull(client)),
    };
  };
  const begin = () => createTransaction(borrow, onCommit);

  return {
    query: (query) =>
      mayShare(query) ? read(query) : query.isWrite ? write(query) : withClient((client) => run(client, query)),
    script: async (text) => void (await withClient((client) => runScript(client, text))),
    begin,
    async transaction(work) {
      const tx = begin();
      try {
        const result = await work(tx);
        await tx.commit();
        return result;
      } catch (error) {
        await tx.rollback();
        throw translateDatabaseError(error);
      }
    },
    async ping() {
      await withClient((client) => client.query('select 1'));
    },
    async [Symbol.asyncDispose]() {
      await lines.close();
      await pool.end();
    },
  };
}

const mayShare = (query: Query): query is Query & { name: string } =>
  query.isRead === true && query.name !== undefined && query.text.length <= maxPrepared.one;

/** @returns what the last of its statements did, as PostgreSQL calls it */
async function runScript(client: pg.ClientBase, text: string): Promise<string> {
  const results: pg.QueryResult | pg.QueryResult[] = await client.query(text);
  return [results].flat().at(-1)?.command ?? '';
}

/** Opens one connection of its own; it is closed when it is disposed of, or when it breaks. @throws MillraceError UNAVAILABLE */
export async function openSession(options: { url: string; statementTimeout: number }): Promise<Session> {
  const client = new pg.Client({
    connectionString: parseDatabaseUrl(options.url).connectionString,
    connectionTimeoutMillis: 5000,
    options: sessionOptions(options.statementTimeout),
    application_name: 'millrace log',
    keepAlive: true,
  });
  client.on('error', () => {}); // the next statement tells
  const translated = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw translateDatabaseError(error);
    }
  };
  await translated(() => client.connect());
  return {
    query: ({ text, values, name }) =>
      translated(async () => {
        const config = { text, values: values as unknown[], rowMode: 'array' as const, ...(name ? { name } : {}) };
        return (await client.query<unknown[]>(config)).rows;
      }),
    script: async (text) => void (await translated(() => runScript(client, text))),
    [Symbol.asyncDispose]: async () => {
      await client.end().catch(() => {});
    },
  };
}
