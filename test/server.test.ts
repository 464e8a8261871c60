import { expect, it } from 'vitest';
import { startServer } from './support/server.ts';

it('answers a first query of an empty database', async () => {
  await using server = await startServer();
  const answer = await server.as({ role: 'admin' }).query('{ tasks { nodes { id } totalCount } }');
  expect(answer).toEqual({ data: { tasks: { nodes: [], totalCount: 0 } } });
});
