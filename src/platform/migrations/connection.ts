import pg from 'pg';
import { StartupError } from '../../errors.ts';
import { type DatabaseUrl, parseDatabaseUrl, withDatabase } from '../database-url.ts';

/** Milliseconds until a server that does not answer is called unreachable. */
const patience = 5_000;

/** Opens one connection to an existing database; the caller ends it. Throws what `pg` throws. */
export async function openConnection(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: patience,
    application_name: 'millrace migrations',
  });
  client.on('error', () => {}); // a lost connection fails the next query, which tells it better
  try {
    await client.connect();
  } catch (error) {
    // Not awaited: `end` never settles on a connection that was never made.
    void client.end().catch(() => {});
    throw error;
  }
  return client;
}

/** Connects to the database of `url`, made first when it is missing and may be; a failure is a StartupError without the password. */
export async function connectOrCreate(
  url: string,
  mayCreate = true,
): Promise<{ client: pg.Client; target: DatabaseUrl }> {
  const target = parseDatabaseUrl(url);
  try {
    try {
      return { client: await openConnection(target.connectionString), target };
    } catch (error) {
      if (codeOf(error) !== '3D000' || !mayCreate) throw error;
      await createDatabase(target);
      return { client: await openConnection(target.connectionString), target };
    }
  } catch (error) {
    throw error instanceof StartupError ? error : explainConnection(error, target);
  }
}

/** Makes the database of `target`; one that exists by now is as good. */
export async function createDatabase(target: DatabaseUrl): Promise<void> {
  await asAdmin(target, async (client) => {
    try {
      await client.query(`CREATE DATABASE ${client.escapeIdentifier(target.database)}`);
    } catch (error) {
      if (codeOf(error) === '42P04' || codeOf(error) === '23505') return; // another process was faster
      if (codeOf(error) !== '42501') throw error;
      throw new StartupError(
        `the database ${target.place} does not exist, and user ${target.user} may not create it`,
        `Create it as an administrator: CREATE DATABASE ${client.escapeIdentifier(target.database)} OWNER ${client.escapeIdentifier(target.user)}`,
        { cause: error },
      );
    }
  });
}

/** Removes the database of `target`, whoever uses it. */
export async function dropDatabase(target: DatabaseUrl): Promise<void> {
  await asAdmin(target, async (client) => {
    await client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(target.database)} WITH (FORCE)`);
  });
}

async function asAdmin(target: DatabaseUrl, action: (client: pg.Client) => Promise<void>): Promise<void> {
  let client: pg.Client;
  try {
    client = await openConnection(withDatabase(target.connectionString, 'postgres'));
  } catch (error) {
    if (codeOf(error) !== '3D000') throw error;
    client = await openConnection(withDatabase(target.connectionString, 'template1'));
  }
  try {
    await action(client);
  } finally {
    await client.end();
  }
}

/** PostgreSQL's, Node's or OpenSSL's code of an error. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** Why a connection failed, in one line, and what to do. */
export function explainConnection(error: unknown, { place, user, database }: DatabaseUrl): StartupError {
  const code = codeOf(error) ?? '';
  const words = error instanceof Error ? error.message : String(error);
  const say = (message: string, remedy: string) => new StartupError(message, remedy, { cause: error });
  if (code === 'ECONNREFUSED') {
    return say(`nothing answers at ${place}`, 'Start PostgreSQL there, or correct host and port in DATABASE_URL.');
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return say(`the host of ${place} is unknown`, 'Correct the host in DATABASE_URL, or check the name service.');
  }
  if (/^E(TIMEDOUT|HOSTUNREACH|NETUNREACH)$/.test(code) || /timeout/i.test(words)) {
    return say(
      `${place} did not answer within ${patience / 1000} seconds`,
      'Check host and port in DATABASE_URL, and that no firewall is in the way.',
    );
  }
  if (code === '28P01' || /^SASL/.test(words)) {
    return say(`${place} refused the password of user ${user}`, 'Correct user and password in DATABASE_URL.');
  }
  if (code === '28000') {
    return say(`${place} does not let user ${user} in: ${words}`, 'Correct DATABASE_URL, or the server’s pg_hba.conf.');
  }
  if (/does not support SSL/.test(words)) {
    return say(`${place} does not speak TLS`, 'Remove sslmode from DATABASE_URL, or turn TLS on at the server.');
  }
  if (/CERT|SELF_SIGNED|ISSUER|LEAF_SIGNATURE|ERR_TLS|ERR_SSL|EPROTO/.test(code) || /certificate/i.test(words)) {
    return say(
      `the TLS certificate of ${place} is not trusted: ${words}`,
      'Name its authority with sslrootcert=/path/to/ca.pem in DATABASE_URL.',
    );
  }
  if (code === '3D000')
    return say(`the database ${database} does not exist at ${place}`, 'Create it, or correct DATABASE_URL.');
  if (code === '57P03' || code === '53300')
    return say(`${place} takes no connections now: ${words}`, 'Try again shortly.');
  if (code === 'ECONNRESET' || /terminated/.test(words)) {
    return say(
      `${place} closed the connection`,
      'Check that PostgreSQL listens there, and whether it wants TLS (sslmode=require).',
    );
  }
  return say(`cannot use the database at ${place}: ${words}`, 'Check DATABASE_URL and the server’s log.');
}
