import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GraphqlRequest } from '../../src/graphql/yoga.ts';
import { type Answer, type Asker, startServer, type TestServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';

const origin = 'https://app.test';
let server: TestServer;
let ben: Asker;
beforeAll(async () => {
  server = await startServer({
    config: (c) => ({
      ...c,
      http: { ...c.http, corsOrigins: [origin] },
      graphql: { ...c.graphql, cost: { max: 1000, byRole: new Map([['poor', 12]]), isReported: true } },
    }),
  });
  await insertTeam(server.databaseUrl);
  ben = server.as({ sub: team.ben });
});
afterAll(() => server[Symbol.asyncDispose]());

const count = '{ tasks { totalCount } }';
const costOf = (requested: number, limit = 1000) => ({ cost: { requested, limit } });
const askAll = async (asker: Asker, asked: (Partial<GraphqlRequest> & Record<string, unknown>)[]): Promise<Answer[]> =>
  (await (await asker.post(asked)).json()) as Answer[];

describe('a list of operations', () => {
  it('is answered in its order as a list, each as if it were alone', async () => {
    const asked = [
      { query: count },
      { query: '{ tasks { nope } }' },
      { query: 'query ($n: Int) { tasks(first: $n) { nodes { title } } }', variables: { n: 2 } },
      { query: 'query A { __typename } query B { b: __typename }', operationName: 'B' },
      { query: '{ task(where: { id: "nothing of the kind" }) { id } }' },
    ];
    const together = await askAll(ben, asked);
    const alone = await Promise.all(asked.map(async (one) => (await ben.post(one)).json()));
    expect(together).toEqual(alone);
    expect(together).toHaveLength(5);
    expect(together[1]!.errors![0]!.extensions.code).toBe('INVALID_INPUT');
  });

  it('does a write before what follows it', async () => {
    const rename = (name: string) => ({
      query: `mutation { updateUser(where: { id: "${team.ben}" }, data: { name: "${name}" }) { name } }`,
    });
    const read = { query: `{ user(where: { id: "${team.ben}" }) { name } }` };
    const answers = await askAll(server.as({ role: 'admin' }), [rename('one'), read, rename('Ben'), read]);
    expect(answers.map(({ data }) => (data.user ?? data.updateUser).name)).toEqual(['one', 'one', 'Ben', 'Ben']);
  });

  it('costs what its operations cost together, and nothing of it is begun when that is too much', async () => {
    const write = { query: 'mutation { createUser(data: { name: "never", email: "never@x" }) { id } }' };
    const poor = server.as({ sub: team.ben, role: 'poor' });
    const response = await poor.post([write, { query: count }]);
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({
      errors: [{ extensions: { code: 'TOO_LARGE' }, message: expect.stringContaining('costs 21') }],
    });
    const made = await server
      .as({ role: 'admin' })
      .query('{ users(where: { name: { equals: "never" } }) { totalCount } }');
    expect(made.data).toEqual({ users: { totalCount: 0 } });
    expect(await askAll(poor, [{ query: count }])).toEqual([
      { data: { tasks: { totalCount: expect.any(Number) } }, extensions: costOf(11, 12) },
    ]);
  });

  it('finds no more by trying many keys at once than one by one: each try is counted', async () => {
    const tries = Array.from({ length: 10 }, (_, i) => ({
      query: `mutation { deleteUser(where: { id: "${i}" }) { id } }`,
    }));
    const response = await server.as({ sub: team.ben, role: 'poor' }).post(tries);
    expect(response.status).toBe(413);
  });

  it('is refused as a whole with a token that is none, or when it is too long, empty, or not of operations', async () => {
    const refused = async (body: unknown, headers: Record<string, string> = {}) => {
      const response = await ben.post(body, headers);
      return [response.status, ((await response.json()) as Answer).errors![0]!.extensions.code];
    };
    const one = { query: '{ __typename }' };
    expect(await refused([one], { authorization: 'Bearer x' })).toEqual([401, 'UNAUTHENTICATED']);
    for (const body of [Array(11).fill(one), [], [one, null], [one, [one]], [one, { query: 1 }], [[]]])
      expect(await refused(body)).toEqual([400, 'INVALID_INPUT']);
    expect(await askAll(ben, Array(10).fill(one))).toHaveLength(10);
  });

  it('says of each operation what is wrong with it', async () => {
    const one = '{ __typename }';
    const answers = await askAll(ben, [
      { query: one, variables: [] as never },
      { query: one, variables: 'x' as never },
      { query: one, operationName: 1 as never },
      { query: one, extensions: [] },
      { query: one, more: 1 },
      { query: 'subscription { taskChanges { id } }' },
      { query: 'query A { __typename }', operationName: 'B' },
      { query: '{' },
      { query: one },
    ]);
    for (const { errors } of answers.slice(0, -1)) expect(errors![0]!.extensions.code).toBe('INVALID_INPUT');
    expect(answers.at(-1)).toEqual({ data: { __typename: 'Query' }, extensions: costOf(0) });
  });

  it('has the headers of any other answer', async () => {
    const headers = { origin, accept: 'application/graphql-response+json' };
    const [list, alone] = await Promise.all([
      ben.post([{ query: count }], headers),
      ben.post({ query: count }, headers),
    ]);
    for (const name of ['content-type', 'access-control-allow-origin', 'vary', 'x-content-type-options'])
      expect(list.headers.get(name), name).toBe(alone.headers.get(name));
    expect((await ben.post([{ query: count }], { accept: 'text/event-stream' })).status).toBe(406);
  });

  it('is refused where lists are not allowed', async () => {
    await using closed = await startServer({ config: (c) => ({ ...c, http: { ...c.http, maxBatch: 0 } }) });
    const response = await closed.stranger.post([{ query: '{ __typename }' }]);
    expect(response.status).toBe(400);
    expect(await closed.stranger.query('{ __typename }')).toEqual({ data: { __typename: 'Query' } });
  });
});

it('a list of operations that take too long ends soon after the first of them', async () => {
  await using slow = await startServer({
    databaseUrl: server.databaseUrl,
    config: (c) => ({ ...c, pool: { ...c.pool, statementTimeout: 500 } }),
  });
  const write = { query: `mutation { updateUser(where: { id: "${team.ben}" }, data: { name: "late" }) { name } }` };
  const client = new pg.Client({ connectionString: server.databaseUrl });
  await client.connect();
  try {
    await client.query('begin; lock table tasks in access exclusive mode');
    const start = performance.now();
    const answers = await askAll(slow.as({ role: 'admin' }), [
      ...Array.from({ length: 8 }, () => ({ query: count })),
      write,
    ]);
    expect(performance.now() - start).toBeLessThan(2500);
    expect(answers.map((answer) => answer.errors?.[0]?.extensions.code)).toEqual(answers.map(() => 'UNAVAILABLE'));
    expect(answers).toHaveLength(9);
  } finally {
    await client.end();
  }
  const { data } = await ben.query(`{ user(where: { id: "${team.ben}" }) { name } }`);
  expect(data.user.name).not.toBe('late');
});
