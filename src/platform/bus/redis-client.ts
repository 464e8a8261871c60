import { isIP } from 'node:net';
import type { createClient } from 'redis';
import type { RedisEndpoint, RedisLogin } from '../../config/redis-url.ts';

/** A client of one connection. */
export type RedisClient = ReturnType<typeof createClient>;

/** What a connection needs to know besides its endpoint. */
export interface RedisAccess {
  tls: boolean;
  login: RedisLogin;
  database: number;
}

/** Milliseconds for a connection, and until it has greeted; a frozen server takes the one and fails at the other. */
const patience = { connection: 1500, greeting: 2000 };

/**
 * Connects once. The client does not heal: whatever breaks it is told to `onError`, and it is to be destroyed then.
 * Needs Redis 6 (RESP3), so that one connection may publish, listen and ping.
 */
export async function connectRedis(
  { host, port }: RedisEndpoint,
  { tls, login, database }: RedisAccess,
  onError: (error: Error) => void,
): Promise<RedisClient> {
  const { createClient } = await import('redis'); // at the first need: it takes a third of a second to load
  const shared = { host, port, connectTimeout: patience.connection, reconnectStrategy: false as const };
  const client = createClient({
    ...login,
    database,
    socket: tls ? { ...shared, tls, servername: isIP(host) ? undefined : host } : shared,
    RESP: 3,
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    // A timer for each command would cost more than the command; the heartbeat notices what these would.
    commandOptions: { timeout: 0 },
  }) as RedisClient;
  client.on('error', onError);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    client.destroy();
  }, patience.greeting);
  try {
    await client.connect();
    // @NOTE a client that is destroyed while its socket opens becomes ready all the same.
    if (isLate) throw new Error('late');
    return client;
  } catch (error) {
    client.destroy();
    throw isLate ? new Error(`no greeting from ${host}:${port} within ${patience.greeting} ms`) : error;
  } finally {
    clearTimeout(timer);
  }
}
