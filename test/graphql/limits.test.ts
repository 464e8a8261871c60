import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, startServer, type TestServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';

let server: TestServer;
let production: TestServer;
beforeAll(async () => {
  server = await startServer();
  production = await startServer({
    config: (c) => ({ ...c, graphql: { ...c.graphql, introspection: false, graphiql: false } }),
  });
  await insertTeam(server.databaseUrl);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await production[Symbol.asyncDispose]();
});
afterEach(async () => {
  expect(await server.stranger.query('{ __typename }')).toEqual({ data: { __typename: 'Query' } });
});

/** The longest that the event loop stood still while this was under way, in milliseconds. */
async function longestStandstill(work: () => Promise<unknown>): Promise<number> {
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 5);
  await work();
  clearInterval(timer);
  return Math.max(longest, performance.now() - last);
}

const many = (count: number, text: (i: number) => string) => Array.from({ length: count }, (_, i) => text(i)).join(' ');
const nested = (count: number, open: string, middle: string, close: string) =>
  open.repeat(count) + middle + close.repeat(count);

// @NOTE far above what each takes, for slow machines; without the limits most of these would take minutes or end the process.
const patience = 8000;

describe('a document', () => {
  it.each<[string, string, string]>([
    ['of hundreds of levels', nested(300, '{a', '', '}'), 'levels deep'],
    ['of seventeen levels', `{ tasks { nodes { ${nested(7, 'parent { parent { ', 'id', '} }')} } } }`, 'levels deep'],
    ['of a hundred aliases', `{ ${many(100, (i) => `a${i}: __typename`)} }`, 'aliases'],
    [
      'whose aliases are in fragments used again and again',
      `{ ${many(20, () => '...F')} } fragment F on Query { a: __typename b: __typename c: __typename }`,
      'aliases',
    ],
    ['of too many words', `{ ${many(3000, () => 'a')} }`, 'token'],
    [
      'of fragments that double at every step',
      `{ ...F0 } ${many(150, (i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`)} fragment F150 on Query { __typename }`,
      'fields',
    ],
    ['of a chain of fragments', `{ ...F0 } ${many(5000, (i) => `fragment F${i} on Query { ...F${i + 1} }`)}`, 'token'],
    [
      'of fragments in a circle',
      '{ ...A } fragment A on Query { ...B } fragment B on Query { ...C } fragment C on Query { ...A }',
      'within itself',
    ],
    [
      'of a fragment that holds itself',
      '{ tasks { nodes { ...A } } } fragment A on Task { parent { ...A } }',
      'within itself',
    ],
    ['with one directive again and again', `{ __typename ${many(250, () => '@include(if: true)')} }`, 'once'],
    ['with directives that are not there', `{ __typename ${many(900, () => '@a')} }`, 'directive'],
    ['with the same field again and again', `{ tasks { nodes { ${many(1900, () => 'id')} } } }`, 'complex'],
    ['with an alias that PostgreSQL would cut', `{ ${'a'.repeat(64)}: __typename }`, '63'],
    [
      'with such an alias deep inside, in a mutation',
      `mutation { createUser(data: { name: "x", email: "x" }) { ${'a'.repeat(64)}: id } }`,
      '63',
    ],
    ['with a list in lists', `{ tasks(where: ${nested(400, '[', '', ']')}) { totalCount } }`, 'TaskWhereInput'],
    ['that is empty', '', 'Unexpected'],
    ['with a NUL', '{ __typename \0 }', 'character'],
    ['of two operations, and no name', 'query A { __typename } query B { __typename }', 'operation'],
    ['of types only', 'type A { a: Int }', ''],
  ])('%s is refused', async (_title, query, words) => {
    let answer: Answer = {};
    const standstill = await longestStandstill(async () => {
      answer = await server.as({ role: 'admin' }).query(query);
    });
    expect(answer.data ?? null).toBeNull();
    expect(answer.errors![0]!.extensions.code).toBe('INVALID_INPUT');
    expect(JSON.stringify(answer.errors)).toContain(words);
    expect(standstill).toBeLessThan(patience);
  });

  it('may name the operation that it means', async () => {
    const query = 'query A { a: __typename } query B { b: __typename }';
    const ask = async (operationName: unknown) => (await server.stranger.post({ query, operationName })).json();
    expect(await ask('B')).toEqual({ data: { b: 'Query' } });
    for (const name of ['C', '', '__proto__', 'toString'])
      expect(await ask(name)).toMatchObject({ errors: [{ extensions: { code: 'INVALID_INPUT' } }] });
  });
});

describe('variables', () => {
  const where = 'query ($v: TaskWhereInput) { tasks(where: $v) { totalCount } }';
  const order = 'query ($v: [TaskOrderByInput!]) { tasks(orderBy: $v) { edges { cursor } } }';
  const list = (count: number, item: string) => `[${Array(count).fill(item).join(',')}]`;

  it.each<[string, string, string, string]>([
    ['ten thousand alternatives', where, `{"OR":${list(10_000, '{"title":{"equals":"x"}}')}}`, 'filter terms'],
    ['fifty thousand alternatives that say nothing', where, `{"OR":${list(50_000, '{}')}}`, 'filter terms'],
    [
      'a thousand conditions',
      where,
      `{"AND":${list(1000, '{"id":{"equals":"00000000-0000-7000-8000-000000000001"}}')}}`,
      'filter terms',
    ],
    ['NOT of NOT, ninety times', where, nested(90, '{"NOT":', '{}', '}'), ''],
    ['NOT of NOT, a thousand times', where, nested(1000, '{"NOT":', '{}', '}'), 'levels deep'],
    [
      'not of not, a thousand times',
      where,
      `{"title":${nested(1000, '{"not":', '{"equals":"x"}', '}')}}`,
      'levels deep',
    ],
    ['a relation of a relation, a thousand times', where, nested(1000, '{"parent":{"is":', '{}', '}}'), 'levels deep'],
    ['a relation of a relation, ninety times', where, nested(90, '{"parent":{"is":', '{}', '}}'), ''],
    [
      'a JSON document a thousand levels deep',
      where,
      `{"extra":{"equals":${nested(1000, '[', '', ']')}}}`,
      'levels deep',
    ],
    ['twenty thousand orders', order, list(20_000, '{"title":"asc"}'), 'filter terms'],
    ['a hundred orders', order, list(100, '{"title":"asc"}'), 'filter terms'],
    [
      'an order through a hundred relations',
      order,
      `[${nested(100, '{"parent":', '{"id":"asc"}', '}')}]`,
      'filter terms',
    ],
    ['a hundred thousand values to be among', where, `{"title":{"in":${list(90_000, '"x"')}}}`, ''],
    ['keys of objects’ own', where, '{"__proto__":{"title":{"equals":"x"}}}', 'not defined'],
    ['a constructor', where, '{"constructor":{"prototype":{}}}', 'not defined'],
  ])('of %s', async (_title, query, variable, words) => {
    let answer: Answer = {};
    const standstill = await longestStandstill(async () => {
      const response = await server
        .as({ role: 'admin' })
        .post(`{"query":${JSON.stringify(query)},"variables":{"v":${variable}}}`);
      expect(response.status).toBeLessThan(500);
      answer = (await response.json()) as Answer;
    });
    if (words === '') expect(answer.errors).toBeUndefined();
    else {
      expect(answer.errors![0]!.extensions.code).toBe('INVALID_INPUT');
      expect(JSON.stringify(answer.errors)).toContain(words);
    }
    expect(standstill).toBeLessThan(patience);
  });

  it('do not reach what all objects share', async () => {
    const query = 'query ($v: JSON) { tasks(where: { extra: { equals: $v } }) { totalCount } }';
    const response = await server
      .as({ role: 'admin' })
      .post(
        `{"query":${JSON.stringify(query)},"variables":{"v":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}}}`,
      );
    expect(((await response.json()) as Answer).data).toEqual({ tasks: { totalCount: 0 } });
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it('keep a document’s __proto__ a key like any other', async () => {
    const admin = server.as({ role: 'admin' });
    const tasks = await admin.query('{ tasks(first: 1) { nodes { id } } }');
    const id = tasks.data.tasks.nodes[0].id as string;
    const write = `mutation ($id: String!, $v: JSON) { updateTask(where: { id: $id }, data: { extra: $v }) { extra } }`;
    const response = await admin.post(
      `{"query":${JSON.stringify(write)},"variables":{"id":"${id}","v":{"__proto__":{"x":1}}}}`,
    );
    expect(await response.text()).toContain('"extra":{"__proto__":{"x":1}}');
  });
});

it('a write does not connect thousands of rows, one after the other in one transaction', async () => {
  const query = `mutation ($labels: [LabelWhereUniqueInput!]!) {
    updateTask(where: { id: "${team.axle}" }, data: { labels: { connect: $labels } }) { labels { totalCount } } }`;
  const admin = server.as({ role: 'admin' });
  const connect = (count: number) => admin.query(query, { labels: Array(count).fill({ id: team.urgent }) });
  expect((await connect(1000)).errors![0]!.extensions.code).toBe('TOO_LARGE');
  expect((await connect(999)).data).toEqual({ updateTask: { labels: { totalCount: 1 } } });
});

describe('pages', () => {
  it.each<[string, string]>([
    ['first: 501', 'at most 500'],
    ['last: 501', 'at most 500'],
    ['first: -1', 'negative'],
    ['first: 1, last: 1', 'not both'],
    ['first: 2147483648', 'Int'],
    ['first: 1.5', 'Int'],
    ['after: "x"', 'cursor'],
    ['after: ""', 'cursor'],
    [`after: "${Buffer.from('["x"]').toString('base64')}"`, 'cursor'],
    [`before: "${'A'.repeat(100_000)}"`, 'cursor'],
  ])('of %s are refused', async (args, words) => {
    const answer = await server.as({ role: 'admin' }).query(`{ tasks(${args}) { nodes { id } } }`);
    expect(answer.errors![0]!.extensions.code).toBe('INVALID_INPUT');
    expect(answer.errors![0]!.message).toContain(words);
  });
});

describe('a server that does not show its schema', () => {
  it.each([
    '{ __schema { types { name } } }',
    '{ __type(name: "User") { name } }',
    '{ a: __type(name: "User") { fields { name } } __typename }',
    'query { ...F } fragment F on Query { __schema { queryType { name } } }',
  ])('%s', async (query) => {
    const text = await (await production.as({ role: 'admin' }).post({ query })).text();
    expect((JSON.parse(text) as Answer).errors![0]!.extensions.code).toBe('INVALID_INPUT');
    expect(text).not.toMatch(/"data"|memberships/);
  });

  it.each([
    '{ taskz { totalCount } }',
    '{ tasks { nodess { id } } }',
    '{ tasks(wher: {}) { totalCount } }',
    '{ tasks(where: { titel: {} }) { totalCount } }',
    '{ tasks { nodes { ... on Tasc { id } } } }',
    'query ($v: TaskWhereInpu) { tasks(where: $v) { totalCount } }',
    '{ tasks(where: { status: { equals: DON } }) { totalCount } }',
  ])('suggests nothing: %s', async (query) => {
    const text = await (await production.stranger.post({ query })).text();
    expect(text).toContain('INVALID_INPUT');
    expect(text).not.toMatch(/did you mean/i);
  });

  it('suggests nothing for variables either', async () => {
    const query = 'query ($v: TaskWhereInput) { tasks(where: $v) { totalCount } }';
    for (const v of [{ titel: {} }, { status: { equals: 'DON' } }]) {
      const text = await (await production.stranger.post({ query, variables: { v } })).text();
      expect(text).not.toMatch(/did you mean/i);
    }
  });
});
