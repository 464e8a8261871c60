import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../support/postgres.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());

it.each([
  ['{ where: { dueAt: { lt: "x" } } }', { where: { dueAt: { lt: 'x' } } }, 'where.dueAt.lt', /must be a date and time/],
  ['an Int that is none', { where: { priority: { gt: 2 ** 40 } } }, 'where.priority.gt', /32-bit/],
  ['a field that is not there', { where: { nope: 1 } }, 'where.nope', /"nope"/],
])('names the input that is wrong in a variable: %s', async (_title, variables, path, message) => {
  const { errors } = await server.stranger.query(
    'query ($where: TaskWhereInput) { tasks(where: $where) { totalCount } }',
    variables,
  );
  expect(errors).toHaveLength(1);
  expect(errors![0]!.extensions.code).toBe('INVALID_INPUT');
  expect(errors![0]!.extensions.fields).toEqual([{ path, message: expect.stringMatching(message) }]);
});

it('names a variable that is missing', async () => {
  const { errors } = await server.stranger.query(
    'query ($where: TaskWhereUniqueInput!) { task(where: $where) { id } }',
  );
  expect(errors![0]!.extensions.fields![0]!.path).toBe('where');
});

it('says where in the document a value stands that is wrong', async () => {
  const answer = await server.stranger.post({ query: '{ tasks(where: { dueAt: { lt: "x" } }) { totalCount } }' });
  const { errors } = (await answer.json()) as {
    errors: { message: string; locations: unknown[]; extensions: object }[];
  };
  expect(errors[0]).toMatchObject({ locations: [{ line: 1, column: 31 }], extensions: { code: 'INVALID_INPUT' } });
  expect(errors[0]!.message).toMatch(/DateTime.*must be a date and time/);
});

describe('a variable inside a JSON document that is written out', () => {
  const admin = () => server.as({ role: 'admin' });
  const found = async (query: string, variables: Record<string, unknown>) =>
    (await admin().query(query, variables)).data.tasks.nodes.map((task: { id: string }) => task.id);

  beforeAll(async () => {
    await insertTeam(server.databaseUrl);
    await ask(server.databaseUrl, `update tasks set extra = '{"tools": ["rope"]}' where id = '${team.axle}'`);
  });

  it('is each request’s own, whoever asked the same document before', async () => {
    const query = 'query ($tool: String) { tasks(where: { extra: { equals: { tools: [$tool] } } }) { nodes { id } } }';
    expect(await found(query, { tool: 'bucket' })).toEqual([team.pond]);
    expect(await found(query, { tool: 'rope' })).toEqual([team.axle]);
    expect(await found(query, {})).toEqual([]);
  });

  it('may stand in a list, and in one of a filter', async () => {
    const query =
      'query ($tool: JSON) { tasks(where: { OR: [{ extra: { path: ["tools"], array_contains: [$tool] } }] }) { nodes { id } } }';
    expect(await found(query, { tool: 'bucket' })).toEqual([team.pond]);
    expect(await found(query, { tool: 'rope' })).toEqual([team.axle]);
  });
});

it('takes a variable that is not given for none, also when every object inherits something of its name', async () => {
  const query = `query ($constructor: String, $toString: Int) {
    tasks(first: $toString, where: { title: { contains: $constructor } }) { totalCount } }`;
  const plain = query.replaceAll('constructor', 'text').replaceAll('toString', 'count');
  const [odd, usual] = await Promise.all([query, plain].map((q) => server.as({ role: 'admin' }).query(q)));
  expect(odd!.data ?? odd!.errors![0]!.message).toEqual(usual!.data ?? usual!.errors![0]!.message);
  const given = { constructor: 'pond', toString: 5 };
  expect((await server.as({ role: 'admin' }).query(query, given)).data.tasks.totalCount).toBe(1);
});
