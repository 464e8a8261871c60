import type { RedisEndpoint, RedisServers } from '../../config/redis-url.ts';
import { connectRedis, type RedisAccess, type RedisClient } from './redis-client.ts';

/** Knows which server to connect to. */
export interface RedisLocator {
  /** The server to try next. @throws when nobody knows */
  next(): Promise<RedisEndpoint>;
  /** Rejects where the server that was found is not one that reaches every node of the installation. */
  check(client: RedisClient): Promise<void>;
  /** Whether the installation meets elsewhere by now. Never rejects. */
  hasMoved(from: RedisEndpoint): Promise<boolean>;
}

/** Makes the locator for these servers. */
export function createRedisLocator(servers: RedisServers, access: RedisAccess): RedisLocator {
  return servers.kind === 'direct' ? createDirectLocator(servers) : createSentinelLocator(servers, access);
}

/**
 * Takes the nodes in turn, from any of them on. What is published on one node of a cluster is heard on all; and a
 * publisher's messages keep their order since all go by one node.
 */
function createDirectLocator({ nodes }: Extract<RedisServers, { kind: 'direct' }>): RedisLocator {
  const nextNode = inTurn(nodes);
  return {
    async next() {
      return nextNode();
    },
    async check(client) {
      if (nodes.length === 1) return;
      // Several servers that are no cluster would each carry the messages of some nodes only.
      const refusal = await client.sendCommand(['CLUSTER', 'INFO']).then(() => '', String);
      if (/cluster support disabled/i.test(refusal))
        throw new Error('REDIS_URL names several servers that are no cluster');
    },
    hasMoved: async () => false,
  };
}

function createSentinelLocator(
  servers: Extract<RedisServers, { kind: 'sentinel' }>,
  access: RedisAccess,
): RedisLocator {
  const { sentinels, master, sentinelLogin } = servers;
  const nextSentinel = inTurn(sentinels);
  const ask = async (): Promise<RedisEndpoint> => {
    let problem: unknown;
    for (const _ of sentinels) {
      try {
        return await askSentinel(nextSentinel(), { ...access, login: sentinelLogin, database: 0 }, master);
      } catch (error) {
        problem = error;
      }
    }
    throw problem;
  };
  return {
    next: ask,
    async check(client) {
      // A sentinel may name a master that is none any more, or not yet. A user who may not ask is let through.
      const role: unknown = await client.sendCommand(['ROLE']).catch(() => undefined);
      if (Array.isArray(role) && String(role[0]) !== 'master')
        throw new Error(`the sentinels name a ${role[0]} as master`);
    },
    async hasMoved(from) {
      const to = await ask().catch(() => from);
      return to.host !== from.host || to.port !== from.port;
    },
  };
}

async function askSentinel(sentinel: RedisEndpoint, access: RedisAccess, master: string): Promise<RedisEndpoint> {
  const client = await connectRedis(sentinel, access, () => {});
  const timer = setTimeout(() => client.destroy(), 1000);
  try {
    const answer: unknown = await client.sendCommand(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', master]);
    if (!Array.isArray(answer)) throw new Error(`the sentinels know no master named ${master}`);
    return { host: String(answer[0]), port: Number(answer[1]) };
  } finally {
    clearTimeout(timer);
    client.destroy();
  }
}

function inTurn<T>(items: T[]): () => T {
  let next = Math.floor(Math.random() * items.length);
  return () => items[next++ % items.length]!;
}
