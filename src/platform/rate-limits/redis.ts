import { setTimeout as sleep } from 'node:timers/promises';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { RedisEndpoint, RedisServers } from '../../config/redis-url.ts';
import type { RedisAccess, RedisClient } from '../bus/redis-client.ts';
import { openRedisLink, type RedisLink } from '../bus/redis-link.ts';
import { createRedisLocator } from '../bus/redis-locator.ts';
import type { Logger } from '../log.ts';
import { countInMemory } from './memory.ts';
import { createRateLimits, limiterPerRule, type RateLimits, type RateRule } from './rate-limits.ts';

/** Where Redis is, what its names begin with, and the secret that all nodes share. */
export interface RedisLimitsOptions extends RedisAccess {
  servers: RedisServers;
  prefix: string;
  secret: Uint8Array;
}

/** Limits on the connection that there is. */
interface Counting {
  link: RedisLink;
  limiterOf: (rule: RateRule) => RateLimiterRedis;
}

/** How often sentinels are asked whether the master is still the one, in milliseconds. */
const followInterval = 5000;

/**
 * Makes limits that all nodes of an installation count together; while Redis is away each node counts by itself, from
 * nothing on. As the bus's, its connection is replaced, never mended.
 */
export function createRedisRateLimits(options: RedisLimitsOptions, log: Pick<Logger, 'warn' | 'info'>): RateLimits {
  // @NOTE one slot of a cluster holds all of it, so that one plain connection, to the node that has it, is enough.
  const prefix = `${options.prefix}{limits}:`;
  const locator = createRedisLocator(options.servers, options);
  const inMemory = countInMemory();
  const stop = new AbortController();
  let open: RedisLink | undefined;
  let counting: Counting | undefined;
  let moved: RedisEndpoint | undefined;
  let isAway = false;

  const prepare = async (client: RedisClient, endpoint: RedisEndpoint): Promise<void> => {
    await locator.check(client);
    try {
      await client.get(prefix);
    } catch (error) {
      moved = whereTo(error, endpoint);
      throw error;
    }
  };

  /** Connects, and counts until the connection breaks: resolves, or rejects, with the reason. */
  const carry = async (): Promise<unknown> => {
    const endpoint = moved ?? (await locator.next());
    moved = undefined;
    const link = await openRedisLink(endpoint, options, () => {});
    if (stop.signal.aborted) link.break(new Error('the limits are closed'));
    open = link;
    const follow = setInterval(async () => {
      if (await locator.hasMoved(endpoint)) link.break(new Error('the sentinels name another master'));
    }, followInterval);
    try {
      const early = await Promise.race([link.broken, prepare(link.client, endpoint)]);
      if (early) return early;
      counting = { link, limiterOf: limitersOn(link.client, prefix) };
      if (isAway) log.info('Redis is back: limits are counted together');
      isAway = false;
      return await link.broken;
    } catch (error) {
      link.break(error as Error);
      throw error;
    } finally {
      clearInterval(follow);
      counting = undefined;
      open = undefined;
    }
  };

  const run = async () => {
    while (!stop.signal.aborted) {
      const reason = await carry().catch((error: unknown) => error);
      if (stop.signal.aborted) return;
      if (moved) continue;
      const { message, code } = reason as NodeJS.ErrnoException;
      if (!isAway) log.warn({ reason: message || code }, 'Redis is away: this node counts its limits by itself');
      isAway = true;
      await sleep(200 + Math.random() * 800, undefined, { signal: stop.signal }).catch(() => {});
    }
  };
  const running = run();

  return createRateLimits(
    options.secret,
    async (rule, mark, act) => {
      const now = counting;
      if (now) {
        try {
          return await act(now.limiterOf(rule));
        } catch (error) {
          if (error instanceof RateLimiterRes) throw error;
          now.link.break(error as Error);
          counting = undefined;
        }
      }
      return await inMemory(rule, mark, act);
    },
    async () => {
      stop.abort();
      open?.break(new Error('the limits are closed'));
      // A connection that is being made cannot be called off: it closes when it is there, and is not waited for.
      await Promise.race([running, sleep(300, undefined, { ref: false })]);
    },
  );
}

function limitersOn(client: RedisClient, prefix: string): Counting['limiterOf'] {
  return limiterPerRule(
    ({ points, seconds, blockSeconds }) =>
      new RateLimiterRedis({
        storeClient: client,
        useRedisPackage: true,
        keyPrefix: prefix.slice(0, -1), // the library puts the colon
        points,
        duration: seconds,
        blockDuration: blockSeconds,
      }),
  );
}

/** The node of a cluster that has what was asked for (`MOVED <slot> <host>:<port>`), if that is what an error says. */
function whereTo(error: unknown, from: RedisEndpoint): RedisEndpoint | undefined {
  const [, host, port] = /^MOVED \d+ (.*):(\d+)$/.exec((error as Error).message) ?? [];
  return port === undefined ? undefined : { host: host || from.host, port: Number(port) };
}
