import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisServers } from '../../config/redis-url.ts';
import { type Bus, isCarriable } from './bus.ts';
import { type BusLog, createChannels, createListeners } from './listeners.ts';
import type { RedisAccess } from './redis-client.ts';
import { openRedisLink, type RedisLink } from './redis-link.ts';
import { createRedisLocator } from './redis-locator.ts';

/** Where Redis is, and what the names of the channels begin with, so that installations can share one. */
export interface RedisBusOptions extends RedisAccess {
  servers: RedisServers;
  prefix: string;
}

/** How often sentinels are asked whether the master is still the one, in milliseconds. */
const followInterval = 5000;
/** A link that has lived so long was no failure, in milliseconds. */
const wholeLife = 1000;

/** Makes the bus of an installation of several nodes: it connects by itself, now or when Redis comes, and again whenever it went. */
export function createRedisBus(options: RedisBusOptions, log: BusLog): Bus {
  const { prefix, servers } = options;
  const locator = createRedisLocator(servers, options);
  const gaps = createListeners<[]>(log);
  const stop = new AbortController();
  const news = createNews(log);
  /** The connection, from when it is open; and the same one, once it carries messages. */
  let open: RedisLink | undefined;
  let link: RedisLink | undefined;
  let upSince: number | undefined;
  const channels = createChannels(log, {
    opened: (channel) => void open?.subscribe([prefix + channel]),
    closed: (channel) => open?.unsubscribe(prefix + channel),
  });

  const prepare = async (opened: RedisLink) => {
    const names = channels.names().map((channel) => prefix + channel);
    const subscribed = names.length > 0 ? opened.subscribe(names) : undefined;
    await locator.check(opened.client);
    // On a channel that nobody hears: a user who may not publish is found out now, and the reason logged.
    await opened.client.publish(`${prefix}hello`, '');
    await subscribed;
  };

  /** Connects, and carries messages until the connection breaks: resolves, or rejects, with the reason. */
  const carry = async (): Promise<Error> => {
    const endpoint = await locator.next();
    const opened = await openRedisLink(endpoint, options, (message, channel) =>
      channels.deliver(channel.slice(prefix.length), message),
    );
    if (stop.signal.aborted) opened.break(new Error('the bus is closed'));
    open = opened;
    const follow = setInterval(async () => {
      if (await locator.hasMoved(endpoint)) opened.break(new Error('the sentinels name another master'));
    }, followInterval);
    try {
      const early = await Promise.race([opened.broken, prepare(opened)]);
      if (early) return early;
      link = opened;
      upSince = performance.now();
      news.back();
      gaps.call();
      return await opened.broken;
    } catch (error) {
      opened.break(error as Error);
      throw error;
    } finally {
      clearInterval(follow);
      open = undefined;
      link = undefined;
    }
  };

  const run = async () => {
    for (let failures = 0; ; ) {
      const reason = await carry().catch((error: unknown) => error);
      if (stop.signal.aborted) return;
      news.away(reason);
      const lived = upSince === undefined ? 0 : performance.now() - upSince;
      upSince = undefined;
      failures = lived > wholeLife ? 0 : failures + 1;
      const longest = Math.min(1000, 50 * 2 ** failures);
      await sleep(longest * (0.5 + Math.random() / 2), undefined, { signal: stop.signal }).catch(() => {});
      if (stop.signal.aborted) return;
    }
  };
  const running = run();

  return {
    publish(channel, message) {
      if (!link) return;
      if (isCarriable(message) && link.publish(prefix + channel, message)) return;
      log.debug({ channel, length: message.length }, 'a message was dropped');
    },
    subscribe: channels.subscribe,
    onGap: gaps.add,
    async ping() {
      if (!link) throw new Error('Redis is away');
      await link.ping();
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      open?.break(new Error('the bus is closed'));
      // A connection that is being made cannot be called off: it closes when it is there, and is not waited for.
      await Promise.race([running, sleep(300, undefined, { ref: false })]);
    },
  };
}

/** Tells the log once that Redis went, and once that it is back; never more than an error's own words, which hold no password. */
function createNews(log: BusLog) {
  let awaySince: number | undefined;
  return {
    away(reason: unknown) {
      const { message, code } = reason as NodeJS.ErrnoException;
      const because = { reason: message || code };
      if (awaySince !== undefined) return log.debug(because, 'Redis is still away');
      awaySince = performance.now();
      log.warn(because, 'Redis is away: this node does not hear of the others at once');
    },
    back() {
      if (awaySince === undefined) return;
      log.info({ awayFor: Math.round(performance.now() - awaySince) }, 'Redis is back');
      awaySince = undefined;
    },
  };
}
