import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bus, maxMessageBytes } from '../../src/platform/bus/bus.ts';
import { createInProcessBus } from '../../src/platform/bus/in-process.ts';
import { becomes, carrying, hear, isUp, type KeptLog, keepLog, openRedisBus } from '../support/bus.ts';
import { hasRedis, type RedisServer, startRedis } from '../support/redis.ts';

let redis: RedisServer | undefined;
beforeAll(async () => {
  if (hasRedis) redis = await startRedis();
});
afterAll(() => redis?.[Symbol.asyncDispose]());

/** The two nodes of an installation, and what they log. */
interface Nodes extends AsyncDisposable, KeptLog {
  here: Bus;
  there: Bus;
}

/** Both nodes are one where there is but one process. */
const inOneProcess = (kept: KeptLog): [Bus, Bus] => {
  const bus = createInProcessBus(kept.log);
  return [bus, bus];
};
const onRedis = (kept: KeptLog): [Bus, Bus] => [openRedisBus(redis!.url, kept.log), openRedisBus(redis!.url, kept.log)];

describe.each([
  { title: 'in one process', open: inOneProcess, skip: false },
  { title: 'on Redis (needs redis-server in PATH)', open: onRedis, skip: !hasRedis },
])('a bus $title', ({ open, skip }) => {
  const connect = async (): Promise<Nodes> => {
    const kept = keepLog();
    await using stack = new AsyncDisposableStack();
    const [here, there] = open(kept).map((bus) => stack.use(bus)) as [Bus, Bus];
    await carrying(here, there);
    const owned = stack.move();
    return { ...kept, here, there, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  };

  it.skipIf(skip)(
    'carries a message to every listener of its channel, on this node and the others, and to nobody else',
    async () => {
      await using nodes = await connect();
      const { here, there } = nodes;
      const heard = [hear(here, 'a'), hear(here, 'a'), hear(there, 'a')];
      const other = hear(there, 'b');
      await carrying(here, there);
      here.publish('a', 'one');
      there.publish('b', 'two');
      there.publish('a', 'three');
      for (const list of heard) await expect.poll(() => [...list].sort()).toEqual(['one', 'three']);
      await becomes(other, ['two']);
    },
  );

  it.skipIf(skip)('delivers later, never within the call and never within another delivery', async () => {
    await using nodes = await connect();
    const { here } = nodes;
    const steps: string[] = [];
    here.subscribe('a', (message) => {
      steps.push(`begins ${message}`);
      if (message === 'first') here.publish('a', 'second');
      steps.push(`ends ${message}`);
    });
    here.publish('a', 'first');
    steps.push('published');
    await becomes(steps, ['published', 'begins first', 'ends first', 'begins second', 'ends second']);
  });

  it.skipIf(skip)("keeps each publisher's messages in their order, each once", async () => {
    await using nodes = await connect();
    const { here, there } = nodes;
    const heard = hear(there, 'a');
    await carrying(there);
    const messages = (from: string) => Array.from({ length: 3000 }, (_, n) => `${from} ${n}`);
    for (let n = 0; n < 3000; n += 1) {
      here.publish('a', `here ${n}`);
      there.publish('a', `there ${n}`);
      if (n % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(() => heard.length, { timeout: 5000 }).toBe(6000);
    for (const from of ['here', 'there'])
      expect(heard.filter((message) => message.startsWith(`${from} `))).toEqual(messages(from));
  });

  it.skipIf(skip)('alters no message', async () => {
    await using nodes = await connect();
    const { here, there } = nodes;
    const heard = hear(there, 'a');
    await carrying(there);
    const largest = 'é'.repeat(maxMessageBytes / 2);
    const random = fc.sample(fc.string({ unit: 'binary' }), { numRuns: 500, seed: 7 });
    const messages = ['', '\0\r\n$5\r\n', '\uFEFF mark', '\u{1F9EA}', '__proto__', largest, ...random];
    for (const message of messages) here.publish('a', message);
    await becomes(heard, messages);
  });

  it.skipIf(skip)('drops what is too large or no text, says so at the lowest level, and carries the next', async () => {
    await using nodes = await connect();
    const { here, said } = nodes;
    const heard = hear(here, 'a');
    here.publish('a', 'x'.repeat(maxMessageBytes + 1));
    here.publish('a', 'half a pair: \uD83E');
    here.publish('a', 'next');
    await becomes(heard, ['next']);
    expect(said('debug').filter((line) => line === 'a message was dropped')).toHaveLength(2);
  });

  it.skipIf(skip)('tells a listener nothing more once it has stopped, and the others on', async () => {
    await using nodes = await connect();
    const { here } = nodes;
    const heard: string[] = [];
    const listener = (message: string) => void heard.push(message);
    const stops = [here.subscribe('a', listener), here.subscribe('a', listener)];
    here.publish('a', 'both');
    await becomes(heard, ['both', 'both']);
    stops[0]!();
    stops[0]!(); // twice is as good as once
    here.publish('a', 'one');
    await becomes(heard, ['both', 'both', 'one']);
    stops[1]!();
    here.publish('a', 'none');
    const again = hear(here, 'a');
    here.publish('a', 'again');
    await expect.poll(() => again.at(-1)).toBe('again');
    expect(heard).toHaveLength(3);
  });

  it.skipIf(skip)('hears a channel that was left and joined in quick succession', async () => {
    await using nodes = await connect();
    const { here, there } = nodes;
    for (let n = 0; n < 50; n += 1) {
      there.subscribe('a', () => {})();
      if (n % 10 === 0) await there.ping();
    }
    const heard = hear(there, 'a');
    await carrying(there);
    here.publish('a', 'one');
    await becomes(heard, ['one']);
  });

  it.skipIf(skip)('shields every listener from those that throw or reject, and logs what they threw', async () => {
    await using nodes = await connect();
    const { here, lines } = nodes;
    here.subscribe('a', () => {
      throw new Error('thrown');
    });
    here.subscribe('a', async () => {
      throw new Error('rejected');
    });
    const heard = hear(here, 'a');
    here.publish('a', 'one');
    here.publish('a', 'two');
    await becomes(heard, ['one', 'two']);
    const failures = lines.filter(({ level }) => level === 50).map(({ err }) => (err as Error).message);
    expect(failures.sort()).toEqual(['rejected', 'rejected', 'thrown', 'thrown']);
  });

  it.skipIf(skip)('is silent when it is closed, in both directions', async () => {
    const nodes = await connect();
    const { here } = nodes;
    const heard = hear(here, 'a');
    here.publish('a', 'lost');
    await nodes[Symbol.asyncDispose]();
    here.publish('a', 'late');
    here.subscribe('b', () => {})();
    expect(await isUp(here)).toBe(false);
    await becomes(heard, []);
    await nodes[Symbol.asyncDispose]();
  });
});
