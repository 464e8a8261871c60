import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { carrying, hear, isUp, keepLog, openRedisBus } from '../support/bus.ts';
import { freePort, hasRedis, startRedis, startRedisCluster, startSentinel } from '../support/redis.ts';

/** Says something until it is heard: a hint may be lost while servers find together. */
async function heardBy(publish: (message: string) => void, heard: string[]): Promise<void> {
  const word = `word ${Math.random()}`;
  const look = () => {
    publish(word);
    return heard.includes(word);
  };
  await expect.poll(look, { interval: 50, timeout: 8000 }).toBe(true);
}

const gone = 'Redis is away: this node does not hear of the others at once';

describe.skipIf(!hasRedis)('a bus whose Redis fails (needs redis-server in PATH)', () => {
  it('hears nothing of an installation with another prefix', async () => {
    await using redis = await startRedis();
    await using mine = openRedisBus(redis.url, undefined, 'mine:');
    await using other = openRedisBus(redis.url, undefined, 'other:');
    const heard = hear(mine, 'a');
    await carrying(mine, other);
    other.publish('a', 'theirs');
    await other.ping();
    mine.publish('a', 'ours');
    await expect.poll(() => heard).toEqual(['ours']);
  });

  it('starts without it, loses what is said meanwhile, and carries when it comes', async () => {
    const port = await freePort();
    const { log, said, lines } = keepLog();
    await using bus = openRedisBus(`redis://:s%40same@127.0.0.1:${port}`, log);
    let gaps = 0;
    bus.onGap(() => (gaps += 1));
    const heard = hear(bus, 'a');
    await expect.poll(() => said('warn')).toEqual([gone]);
    await expect(bus.ping()).rejects.toThrow('away');
    bus.publish('a', 'lost');
    await using _redis = await startRedis(['--requirepass', 's@same'], port);
    await carrying(bus);
    bus.publish('a', 'carried');
    await expect.poll(() => heard).toEqual(['carried']);
    expect([gaps, said('warn'), said('info')]).toEqual([1, [gone], ['Redis is back']]);
    expect(JSON.stringify(lines)).not.toMatch(/s(@|%40)same/);
  });

  it('says once, without the password, that Redis does not let it in', async () => {
    await using redis = await startRedis(['--requirepass', 'right']);
    const { log, said, lines } = keepLog();
    await using bus = openRedisBus(redis.url.replace('//', '//:sesame@'), log);
    await expect.poll(() => said('debug').length, { timeout: 5000 }).toBeGreaterThan(2);
    expect(said('warn')).toEqual([gone]);
    expect(lines[0]!.reason).toMatch(/WRONGPASS/);
    expect(JSON.stringify(lines)).not.toMatch('sesame');
    expect(await isUp(bus)).toBe(false);
  });

  it('carries with the few permissions that the manual names, and is away where it may listen but not speak', async () => {
    await using redis = await startRedis();
    const rights = '+publish +subscribe +unsubscribe +ping';
    await redis.ask(`ACL SETUSER ann on >pw resetchannels &millrace:* -@all ${rights}`);
    await redis.ask('ACL SETUSER ben on >pw allchannels +@all -publish');
    const { log, lines } = keepLog();
    await using may = openRedisBus(redis.url.replace('//', '//ann:pw@'));
    await using mayNot = openRedisBus(redis.url.replace('//', '//ben:pw@'), log);
    await carrying(may);
    await expect.poll(() => lines[0]?.reason).toMatch(/NOPERM.*publish/);
    expect(await isUp(mayNot)).toBe(false);
  });

  it('comes back after kill -9 and a restart, and tells of the gap on both nodes', async () => {
    await using redis = await startRedis();
    const { log, said } = keepLog();
    await using here = openRedisBus(redis.url, log);
    await using there = openRedisBus(redis.url);
    const gaps = { here: 0, there: 0 };
    here.onGap(() => (gaps.here += 1));
    const stop = there.onGap(() => (gaps.there += 1));
    there.onGap(() => {
      throw new Error('a listener of gaps');
    });
    const heard = hear(there, 'a');
    await carrying(here, there);
    expect([gaps, said('warn'), said('info')]).toEqual([{ here: 1, there: 1 }, [], []]);
    await redis.kill();
    await expect.poll(() => isUp(here)).toBe(false);
    here.publish('a', 'lost');
    const late = hear(there, 'b'); // one that listens while it is away
    await redis.restart();
    await carrying(here, there);
    here.publish('a', 'carried');
    here.publish('b', 'too');
    await expect.poll(() => [...heard, ...late]).toEqual(['carried', 'too']);
    expect([gaps, said('warn'), said('info')]).toEqual([{ here: 2, there: 2 }, [gone], ['Redis is back']]);
    stop();
    await redis.kill();
    await redis.restart();
    await expect.poll(() => gaps.here, { timeout: 5000 }).toBe(3);
    await carrying(there);
    expect(gaps.there).toBe(2);
  });

  it('notices within two seconds that Redis is frozen, keeps no heap for it, and connects anew', async () => {
    await using redis = await startRedis();
    const { log, said } = keepLog();
    await using bus = openRedisBus(redis.url, log);
    let gaps = 0;
    bus.onGap(() => (gaps += 1));
    const heard = hear(bus, 'a');
    await carrying(bus);
    redis.freeze();
    const begun = performance.now();
    const large = 'x'.repeat(500_000);
    for (let n = 0; n < 100; n += 1) bus.publish('a', large);
    expect(said('debug').length).toBeGreaterThan(80);
    await expect.poll(() => said('warn'), { timeout: 5000, interval: 10 }).toEqual([gone]);
    expect(performance.now() - begun).toBeLessThan(2000);
    expect(await isUp(bus)).toBe(false);
    redis.thaw();
    await carrying(bus);
    expect([gaps, said('info')]).toEqual([2, ['Redis is back']]);
    await heardBy((word) => bus.publish('a', word), heard);
  });

  it('ends at once while a server that never greets is being tried', async () => {
    const mute = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => mute.once('listening', resolve));
    const bus = openRedisBus(`redis://127.0.0.1:${(mute.address() as { port: number }).port}`);
    await new Promise((resolve) => mute.once('connection', resolve));
    const begun = performance.now();
    await bus[Symbol.asyncDispose]();
    expect(performance.now() - begun).toBeLessThan(1000);
    mute.close();
  });

  it('hears on every node of a cluster what is said on any, and changes nodes when its own dies', async () => {
    await using cluster = await startRedisCluster();
    const [first, second, third] = cluster.nodes.map(({ url }) => url) as [string, string, string];
    await using one = openRedisBus(first);
    await using two = openRedisBus(second);
    const { log, said } = keepLog();
    await using any = openRedisBus(`${third},${first.slice('redis://'.length)}`, log);
    const heard = [hear(one, 'a'), hear(two, 'a'), hear(any, 'a')];
    await carrying(one, two, any);
    for (const bus of [one, two, any]) for (const list of heard) await heardBy((word) => bus.publish('a', word), list);
    const words = Array.from({ length: 1000 }, (_, n) => `${n}`);
    for (const word of words) any.publish('a', word);
    await expect.poll(() => heard[1]!.slice(-1)).toEqual(['999']);
    expect(heard[1]!.filter((word) => !word.startsWith('word'))).toEqual(words);
    // Whichever it is on: one of the two dies.
    await cluster.nodes[2]!.kill();
    await carrying(any);
    await heardBy((word) => any.publish('a', word), heard[1]!);
    await heardBy((word) => two.publish('a', word), heard[2]!);
    expect(said('error')).toEqual([]);
  });

  it('refuses several servers that are no cluster: each would carry the messages of some nodes only', async () => {
    await using one = await startRedis();
    await using two = await startRedis();
    const { log, lines } = keepLog();
    await using bus = openRedisBus(`${one.url},${two.url}`, log);
    await expect.poll(() => lines[0]?.reason).toMatch(/no cluster/);
    expect(await isUp(bus)).toBe(false);
  });

  it('follows the sentinels to the replica that takes over from a dead master', async () => {
    await using master = await startRedis(['--repl-diskless-sync-delay', '0']);
    await using replica = await startRedis(['--replicaof', '127.0.0.1', `${master.port}`]);
    await expect.poll(() => replica.ask('ROLE'), { timeout: 8000 }).toMatch(/connected/);
    await using sentinel = await startSentinel(master);
    const url = `redis+sentinel://127.0.0.1:${await freePort()},127.0.0.1:${sentinel.port}/main`;
    const { log, said } = keepLog();
    await using here = openRedisBus(url, log);
    await using there = openRedisBus(url);
    let gaps = 0;
    here.onGap(() => (gaps += 1));
    const heard = hear(there, 'a');
    await carrying(here, there);
    await heardBy((word) => here.publish('a', word), heard);
    await expect.poll(() => sentinel.ask('SENTINEL REPLICAS main'), { timeout: 8000 }).toMatch(`${replica.port}`);
    await master.kill();
    await expect.poll(() => gaps, { timeout: 15_000 }).toBe(2);
    await heardBy((word) => here.publish('a', word), heard);
    expect(await replica.ask('ROLE')).toMatch(/master/);
    expect([said('warn'), said('info')]).toEqual([[gone], ['Redis is back']]);
  });

  it('leaves a master that lives when the sentinels name another', async () => {
    await using old = await startRedis();
    await using next = await startRedis();
    await using sentinel = await startSentinel(old);
    const { log, lines } = keepLog();
    await using bus = openRedisBus(`redis+sentinel://127.0.0.1:${sentinel.port}/main`, log);
    await carrying(bus);
    await sentinel.ask('SENTINEL REMOVE main');
    await sentinel.ask(`SENTINEL MONITOR main 127.0.0.1 ${next.port} 1`);
    await expect.poll(() => lines[0]?.reason, { timeout: 8000 }).toMatch(/name another master/);
    const heard = hear(bus, 'a');
    await carrying(bus);
    expect(await next.ask('PUBLISH millrace:a hello')).toBe(':1\r\n');
    await expect.poll(() => heard).toEqual(['hello']);
  });
});
