import { StartupError } from '../errors.ts';

/** A connection string taken apart: what `pg` understands, and what Prisma adds to it. */
export interface DatabaseUrl {
  /** For `pg`, without Prisma's own parameters. */
  connectionString: string;
  database: string;
  user: string;
  /** Prisma's `?schema=`; undefined when the server's search path decides, which means `public`. */
  schema: string | undefined;
  /** Host, port and database for messages: no user, no password. */
  place: string;
}

const prismaOnly = [
  'schema',
  'connection_limit',
  'pool_timeout',
  'pgbouncer',
  'connect_timeout',
  'socket_timeout',
  'statement_cache_size',
  'sslaccept',
  'sslidentity',
  'sslpassword',
];

/** Reads a connection string; a StartupError says what is wrong with it and shows nothing of it. */
export function parseDatabaseUrl(text: string): DatabaseUrl {
  let url: URL;
  try {
    url = new URL(text);
    if (!/^postgres(ql)?:$/.test(url.protocol)) throw new Error('another protocol');
    decodeURIComponent(`${url.pathname}${url.username}${url.password}`);
  } catch {
    throw new StartupError(
      'DATABASE_URL is not a PostgreSQL connection string',
      'Write it as postgresql://user:password@host:5432/database, with special characters in the password percent-encoded.',
    );
  }
  const schema = url.searchParams.get('schema') ?? undefined;
  for (const name of prismaOnly) url.searchParams.delete(name);
  // @NOTE without this, `pg` reads sslmode=require as verify-full; the words should mean what they mean to libpq.
  if (url.searchParams.has('sslmode') && url.searchParams.get('sslmode') !== 'no-verify') {
    url.searchParams.set('uselibpqcompat', 'true');
  }
  const user = decodeURIComponent(url.username);
  const database = decodeURIComponent(url.pathname.slice(1)) || user || 'postgres';
  const host = url.hostname || url.searchParams.get('host') || 'localhost';
  url.pathname = `/${encodeURIComponent(database)}`;
  return {
    connectionString: url.toString(),
    database,
    user,
    schema,
    place: `${host}:${url.port || '5432'}/${database}`,
  };
}

/** The same server and user with another database. */
export function withDatabase(connectionString: string, database: string): string {
  const url = new URL(connectionString);
  url.pathname = `/${encodeURIComponent(database)}`;
  return url.toString();
}
