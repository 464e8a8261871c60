import { expect, it } from 'vitest';
import { parseRedisUrl } from '../../src/config/redis-url.ts';
import { startServer } from '../support/server.ts';

const ready = async (url: string) => {
  const response = await fetch(`${url}/ready`);
  return [response.status, await response.json()];
};

it('is ready with every part up', async () => {
  await using server = await startServer();
  const parts = { database: 'up', bus: 'up', log: 'up' };
  expect(await ready(server.url)).toEqual([200, { ready: true, degraded: false, parts }]);
});

it('is ready, but degraded, while Redis is away', async () => {
  const bus = { kind: 'redis' as const, prefix: 'millrace:', ...parseRedisUrl('redis://127.0.0.1:1')! };
  await using server = await startServer({ config: (c) => ({ ...c, bus }) });
  const parts = { database: 'up', bus: 'down', log: 'up' };
  expect(await ready(server.url)).toEqual([200, { ready: true, degraded: true, parts }]);
  expect((await server.stranger.query('{ __typename }')).data).toEqual({ __typename: 'Query' });
});
