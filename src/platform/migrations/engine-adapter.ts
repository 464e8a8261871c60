import { PrismaPg } from '@prisma/adapter-pg';
import {
  type ColumnType,
  ColumnTypeEnum,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
  type SqlQuery,
} from '@prisma/driver-adapter-utils';
import pg from 'pg';
import { type DatabaseUrl, parseDatabaseUrl } from '../database-url.ts';
import { createShadow, dropShadows } from './shadow-database.ts';

/** Connections for one run of the schema engine; disposing closes them and drops the shadow database. */
export interface EngineConnections extends AsyncDisposable {
  factory: SqlMigrationAwareDriverAdapterFactory;
}

/** Prepares connections to `url` (none for work on files alone); `shadowUrl` names a shadow database that exists. */
export function engineConnections(url?: string, shadowUrl?: string): EngineConnections {
  const ends: (() => Promise<void>)[] = [];
  const shadows: DatabaseUrl[] = [];
  const open = async (target: DatabaseUrl) => {
    const pool = new pg.Pool({
      connectionString: target.connectionString,
      // The engine's advisory lock belongs to a session: all it does must be in that one.
      max: 1,
      idleTimeoutMillis: 0,
      connectionTimeoutMillis: 5_000,
      application_name: 'prisma schema engine',
    });
    pool.on('error', () => {}); // a lost connection fails the next query, which tells it better
    let ended: Promise<void> | undefined;
    const end = () => (ended ??= pool.end());
    ends.push(end);
    return migrationAdapter(pool, target.schema, end);
  };
  const connectToShadowDb = async () => {
    if (shadowUrl) return open(parseDatabaseUrl(shadowUrl));
    const shadow = await createShadow(parseDatabaseUrl(url ?? ''));
    shadows.push(shadow);
    return open(shadow);
  };
  return {
    factory: {
      provider: 'postgres',
      adapterName: '@prisma/adapter-pg',
      connect: async () => (url ? open(parseDatabaseUrl(url)) : offlineAdapter()),
      connectToShadowDb,
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.allSettled(ends.map((end) => end()));
      // What the engine did is done, whatever becomes of its scratch paper: the next run removes what stays.
      if (url) await dropShadows(parseDatabaseUrl(url), shadows).catch(() => {});
    },
  };
}

const charType = 18;
const textType = 25;

/** What the adapter keeps to itself and migrations need. */
interface AdapterInternals {
  performIO(query: SqlQuery): Promise<pg.QueryArrayResult>;
  onError(error: unknown): never;
}

/** Prisma's adapter, with what introspection and migration scripts need of it and it does not do. */
async function migrationAdapter(pool: pg.Pool, schema: string | undefined, end: () => Promise<void>) {
  const adapter = await new PrismaPg(pool, schema ? { schema } : undefined).connect();
  const internals = adapter as unknown as AdapterInternals;
  const performIO = internals.performIO.bind(adapter);
  const queryRaw = adapter.queryRaw.bind(adapter);
  let charColumns: number[] = [];
  return Object.assign(adapter, {
    // PostgreSQL's own catalogues are full of its one-byte "char", which the adapter does not know.
    performIO: async (query: SqlQuery) => {
      const result = await performIO(query);
      charColumns = result.fields.flatMap((field, index) => (field.dataTypeID === charType ? [index] : []));
      for (const index of charColumns) result.fields[index]!.dataTypeID = textType;
      return result;
    },
    queryRaw: async (query: SqlQuery) => {
      // The engine asks one thing after another, so `charColumns` is this query's.
      const answer = await queryRaw(query);
      const columnTypes: ColumnType[] = [...answer.columnTypes];
      for (const index of charColumns) columnTypes[index] = ColumnTypeEnum.Character;
      return { ...answer, columnTypes };
    },
    // @NOTE the adapter's own splits at every semicolon, also within functions, DO blocks and strings.
    executeScript: async (script: string) => {
      await pool.query(script).catch((error) => internals.onError(error));
    },
    dispose: end,
  });
}

/** Comparing schema files needs no database, but the engine asks one for its version first. */
function offlineAdapter(): SqlDriverAdapter {
  const refuse = async () => {
    throw new Error('no database was named');
  };
  return {
    provider: 'postgres',
    adapterName: 'offline',
    queryRaw: async () => ({
      columnNames: ['version', 'numeric_version'],
      columnTypes: [ColumnTypeEnum.Text, ColumnTypeEnum.Int32],
      rows: [['PostgreSQL 18.0', 180000]],
    }),
    executeRaw: async () => 0,
    executeScript: async () => {},
    getConnectionInfo: () => ({ schemaName: 'public', supportsRelationJoins: true }),
    startTransaction: refuse,
    dispose: async () => {},
  };
}
