import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseRedisUrl } from '../../src/config/redis-url.ts';
import { MillraceError } from '../../src/errors.ts';
import { createMemoryRateLimits } from '../../src/platform/rate-limits/memory.ts';
import type { RateLimits, RateRule } from '../../src/platform/rate-limits/rate-limits.ts';
import { createRedisRateLimits } from '../../src/platform/rate-limits/redis.ts';
import { keepLog } from '../support/bus.ts';
import { hasRedis, type RedisServer, startRedis, startRedisCluster } from '../support/redis.ts';

const secret = randomBytes(32);
let redis: RedisServer | undefined;
beforeAll(async () => {
  if (hasRedis) redis = await startRedis();
});
afterAll(() => redis?.[Symbol.asyncDispose]());

const openOn = (url: string, log = keepLog().log, prefix = 'millrace:') =>
  createRedisRateLimits({ ...parseRedisUrl(url)!, prefix, secret }, log);

/** A rule of its own, so that tests share a Redis. */
const ruleOf = (points: number, seconds = 60, blockSeconds?: number): RateRule => ({
  name: `rule ${Math.random()}`,
  points,
  seconds,
  blockSeconds,
});

/** Whether a try was let through; anything but RATE_LIMITED fails the test. */
async function isLet(tried: Promise<void>): Promise<boolean> {
  try {
    await tried;
    return true;
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'RATE_LIMITED') return false;
    throw error;
  }
}

const retryOf = (tried: Promise<void>) =>
  tried.then(
    () => 0,
    (error: MillraceError) => error.details.retryAfter!,
  );

/** Resolves when Redis counts: what one says, the other knows. */
async function together(here: RateLimits, there: RateLimits): Promise<void> {
  const meet = async () => {
    const rule = ruleOf(1);
    await here.take(rule, 'x');
    if (await isLet(there.check(rule, 'x'))) throw new Error('they do not count together');
  };
  await vi.waitFor(meet, { interval: 20, timeout: 8000 });
}

describe.each([
  { title: 'in memory', skip: false, isShared: false },
  { title: 'on Redis (needs redis-server in PATH)', skip: !hasRedis, isShared: true },
])('limits $title', ({ skip, isShared }) => {
  let here: RateLimits;
  let there: RateLimits;
  beforeAll(async () => {
    if (skip) return;
    here = isShared ? openOn(redis!.url) : createMemoryRateLimits({ secret });
    there = isShared ? openOn(redis!.url) : here;
    await together(here, there);
  });
  afterAll(async () => {
    await here?.[Symbol.asyncDispose]();
    await there?.[Symbol.asyncDispose]();
  });

  it.skipIf(skip)('lets through what a rule allows, says when to come back, and lets through again then', async () => {
    const rule = ruleOf(2, 1);
    await here.take(rule, 'ann');
    await there.take(rule, 'ann');
    expect(await retryOf(here.take(rule, 'ann'))).toBe(1);
    expect(await isLet(there.take(rule, 'ben'))).toBe(true);
    await expect.poll(() => isLet(here.check(rule, 'ann')), { interval: 100, timeout: 3000 }).toBe(true);
    expect(await isLet(here.take(rule, 'ann'))).toBe(true);
  });

  it.skipIf(skip)('lets through no more than a rule allows, however many try at once on whichever node', async () => {
    const rule = ruleOf(7);
    const tries = Array.from({ length: 200 }, (_, n) => isLet((n % 2 ? here : there).take(rule, 'ann')));
    expect((await Promise.all(tries)).filter(Boolean)).toHaveLength(7);
  });

  it.skipIf(skip)('counts the rules apart, and nothing for a mere look', async () => {
    const [one, other] = [ruleOf(1), ruleOf(1)];
    for (let n = 0; n < 5; n += 1) await here.check(one, 'ann');
    await here.take(one, 'ann');
    expect(await isLet(here.check(one, 'ann'))).toBe(false);
    expect(await isLet(here.take(other, 'ann'))).toBe(true);
  });

  it.skipIf(skip)('takes several points at once, gives back, and forgets', async () => {
    const rule = ruleOf(5);
    await here.take(rule, 'ann', 4);
    expect(await isLet(here.take(rule, 'ann', 2))).toBe(false);
    await here.reset(rule, 'ann');
    await here.take(rule, 'ann', 5);
    await there.giveBack(rule, 'ann');
    expect(await isLet(here.take(rule, 'ann'))).toBe(true);
    expect(await isLet(here.take(rule, 'ann'))).toBe(false);
  });

  it.skipIf(skip)(
    'blocks for longer than its window where it says so, which further tries do not prolong',
    async () => {
      const rule = ruleOf(1, 1, 100);
      await here.take(rule, 'ann');
      for (let n = 0; n < 3; n += 1) {
        const wait = await retryOf(there.take(rule, 'ann'));
        expect(wait).toBeGreaterThan(90);
        expect(wait).toBeLessThanOrEqual(100);
      }
      await sleep(1100);
      expect(await isLet(here.check(rule, 'ann'))).toBe(false);
    },
  );

  it.skipIf(skip)('takes any text for a key, and takes no two texts for one', async () => {
    const rule = ruleOf(1);
    const keys = ['', '\0', 'a\0', 'a', 'A', '{a}', 'a b', 'a\nb', 'x'.repeat(1_000_000), `${'x'.repeat(999_999)}y`];
    for (const key of keys) expect(await isLet(here.take(rule, key))).toBe(true);
    for (const key of keys) expect(await isLet(here.take(rule, key))).toBe(false);
  });
});

describe('limits in memory', () => {
  it('hold as many keys as they may, and forget the one that was not asked for longest', async () => {
    const limits = createMemoryRateLimits({ secret, maxKeys: 10 });
    const rule = ruleOf(1);
    const other = ruleOf(1);
    await limits.take(rule, 'attacked');
    await limits.take(rule, 'forgotten');
    for (let n = 0; n < 30; n += 1) {
      await limits.take(other, `${n}`);
      expect(await isLet(limits.take(rule, 'attacked'))).toBe(false);
    }
    expect(await isLet(limits.take(rule, 'forgotten'))).toBe(true);
  });
});

describe.skipIf(!hasRedis)('limits whose Redis fails (needs redis-server in PATH)', () => {
  const away = 'Redis is away: this node counts its limits by itself';

  it('leave no address and no e-mail in Redis, and nothing without an end', async () => {
    await using own = await startRedis();
    await using limits = openOn(own.url, undefined, 'mine:');
    const rule = { name: 'sign-in', points: 3, seconds: 60, blockSeconds: 600 };
    const keys = async () => (await own.ask('KEYS *')).match(/mine:\S+/g) ?? [];
    const tryOnce = async () => {
      await isLet(limits.take(rule, 'ann@example.com 203.0.113.9'));
      return keys();
    };
    await expect.poll(tryOnce, { interval: 20 }).toHaveLength(1);
    for (let n = 0; n < 5; n += 1) await tryOnce();
    const [key] = await keys();
    expect(key).toMatch(/^mine:\{limits\}:[\w-]{32}$/);
    expect(await own.ask(`TTL ${key}`)).toMatch(/^:(59\d|600)\r/);
  });

  it('count by themselves from the first moment while it is away, and together when it is there', async () => {
    await using own = await startRedis();
    await own.kill();
    const { log, said } = keepLog();
    await using here = openOn(own.url, log);
    await using there = openOn(own.url);
    const rule = ruleOf(2);
    const tries = await Promise.all(Array.from({ length: 20 }, () => isLet(here.take(rule, 'ann'))));
    expect(tries.filter(Boolean)).toHaveLength(2);
    await expect.poll(() => said('warn')).toEqual([away]);
    await own.restart();
    await together(here, there);
    expect([said('warn'), said('info')]).toEqual([[away], ['Redis is back: limits are counted together']]);
    const again = await Promise.all(Array.from({ length: 20 }, () => isLet(there.take(rule, 'ann'))));
    expect(again.filter(Boolean)).toHaveLength(2);
    await own.kill();
    expect(await isLet(here.take(ruleOf(1), 'ann'))).toBe(true);
  });

  it('wait for a frozen Redis for two seconds at most', async () => {
    await using own = await startRedis();
    await using here = openOn(own.url);
    await using there = openOn(own.url);
    await together(here, there);
    own.freeze();
    const rule = ruleOf(3);
    const begun = performance.now();
    const tries = await Promise.all(Array.from({ length: 20 }, () => isLet(here.take(rule, 'ann'))));
    expect(tries.filter(Boolean)).toHaveLength(3);
    expect(performance.now() - begun).toBeLessThan(3000);
    own.thaw();
    await together(here, there);
  });

  it('count by themselves where the user may not write, and say why once', async () => {
    await using own = await startRedis();
    await own.ask('ACL SETUSER ann on >pw allchannels ~millrace:* +@all -eval');
    await own.ask(
      'ACL SETUSER ben on >pw resetchannels ~millrace:* -@all +eval +get +set +incrby +pttl +expire +del +multi +exec +ping',
    );
    const { log, lines } = keepLog();
    await using mayNot = openOn(own.url.replace('//', '//ann:pw@'), log);
    await using may = openOn(own.url.replace('//', '//ben:pw@'));
    await using other = openOn(own.url);
    await together(may, other);
    const tryOnce = async () => {
      await mayNot.take(ruleOf(1), 'ann');
      return lines[0]?.reason;
    };
    await expect.poll(tryOnce).toMatch(/NOPERM.*eval/);
    expect(lines).toHaveLength(1);
  });

  it('find the node of a cluster that has them, whichever is asked first', async () => {
    await using cluster = await startRedisCluster();
    const nodes = cluster.nodes.map(({ url }) => openOn(url));
    await together(nodes[0]!, nodes[1]!);
    await together(nodes[1]!, nodes[2]!);
    for (const limits of nodes) await limits[Symbol.asyncDispose]();
  });
});
