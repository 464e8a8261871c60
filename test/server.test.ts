import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { createApplication, readSources } from '../src/application.ts';
import { readConfig } from '../src/config/config.ts';
import { startServer } from './support/server.ts';

it('answers a first query of an empty database', async () => {
  await using server = await startServer();
  const answer = await server.as({ role: 'admin' }).query('{ tasks { nodes { id } totalCount } }');
  expect(answer).toEqual({ data: { tasks: { nodes: [], totalCount: 0 } } });
});

it('lets another application take the place of the first, on the connections that the first has used', async () => {
  await using server = await startServer();
  const admin = server.as({ role: 'admin' });
  // With `__type` the executor asks; the short way around it would try a second time, and so hide that the first failed.
  const ask = (list: string) => admin.query(`{ ${list} { totalCount } __type(name: "Task") { name } }`);
  const none = { totalCount: 0 };
  expect(await ask('tasks')).toEqual({ data: { tasks: none, __type: { name: 'Task' } } });
  const { graphql } = readConfig({}, process.cwd());
  await server.server.replace(createApplication(await readSources(process.cwd()), graphql));
  expect(await ask('users')).toEqual({ data: { users: none, __type: { name: 'Task' } } });
});

it('does not wait at its end for a connection on which nothing was ever asked', async () => {
  await using server = await startServer();
  const unused = connect(Number(new URL(server.url).port), '127.0.0.1');
  unused.on('error', () => {});
  await once(unused, 'connect');
  const begun = performance.now();
  await server.server.stop();
  expect(performance.now() - begun).toBeLessThan(6000);
  expect(unused.destroyed || (await once(unused, 'close'))).toBeTruthy();
});
