import { afterAll, beforeAll, expect, it } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());

it.each([
  ['{ where: { dueAt: { lt: "x" } } }', { where: { dueAt: { lt: 'x' } } }, 'where.dueAt.lt', /must be a date and time/],
  ['an Int that is none', { where: { priority: { gt: 2 ** 40 } } }, 'where.priority.gt', /32-bit/],
  ['a field that is not there', { where: { nope: 1 } }, 'where', /"nope"/],
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
