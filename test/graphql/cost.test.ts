import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CostConfig } from '../../src/config/config.ts';
import { defineSchema } from '../../src/graphql/define-schema.ts';
import { startBothWays } from '../support/both-ways.ts';
import { type Answer, exampleWithoutAccounts, startServer, type TestServer } from '../support/server.ts';
import { openSocket } from '../support/socket.ts';
import { insertTeam, team } from '../support/team.ts';

const stack = new AsyncDisposableStack();
const costing =
  (cost: CostConfig) => (c: Parameters<NonNullable<Parameters<typeof startServer>[0]>['config'] & {}>[0]) => ({
    ...c,
    graphql: { ...c.graphql, cost },
  });
const byRole = new Map([
  ['poor', 20],
  ['rich', 5_000_000],
]);
const extend = defineSchema(({ queryField, dataField, builder }) => {
  const Thing = builder
    .objectRef<{ name: string }>('Thing')
    .implement({ fields: (t) => ({ name: t.exposeString('name') }) });
  queryField('dear', 'everyone', (t) => t.boolean({ extensions: { cost: 7 }, resolve: () => true }));
  queryField('cheap', 'everyone', (t) => t.boolean({ resolve: () => true }));
  queryField('things', 'everyone', (t) =>
    t.field({ type: [Thing], args: { first: t.arg.int() }, resolve: () => [{ name: 'a' }] }),
  );
  dataField('Task', 'shout', ['title'], (t) => t.string({ resolve: ({ title }) => `${title}!` }));
});

let server: TestServer;
beforeAll(async () => {
  const sources = { ...(await exampleWithoutAccounts()), extend };
  server = stack.use(await startServer({ sources, config: costing({ max: 200_000, byRole, isReported: true }) }));
  await insertTeam(server.databaseUrl);
});
afterAll(() => stack.disposeAsync());

const costOf = async (query: string, variables?: Record<string, unknown>): Promise<unknown> => {
  const answer = (await (await server.as({ role: 'admin' }).post({ query, variables })).json()) as Answer & {
    extensions?: { cost: { requested: number } };
  };
  expect(answer.errors).toBeUndefined();
  return answer.extensions?.cost.requested;
};
const pages = 'query ($first: Int, $last: Int) { tasks(first: $first, last: $last) { nodes { id } } }';
const some = 'query ($a: Boolean! = true, $b: Boolean!)';

describe('what an operation costs', () => {
  it.each<[string, number, string, Record<string, unknown>?]>([
    ['nothing, for what is not read', 0, '{ __typename }'],
    ['1 for one row', 1, `{ task(where: { id: "${team.pond}" }) { id title extra } }`],
    ['1 for each row of a page, and 1 for the page', 11, '{ tasks(first: 10) { nodes { id title } } }'],
    ['a page of the usual size, where none is said', 51, '{ tasks { nodes { id } } }'],
    ['as much in edges', 11, '{ tasks(first: 10) { edges { cursor node { id } } pageInfo { hasNextPage } } }'],
    ['10 for a count', 11, '{ tasks { totalCount } }'],
    [
      'the product of pages within each other',
      451,
      '{ tasks(first: 50) { nodes { assignee { id } comments(first: 3) { nodes { author { id } } } } } }',
    ],
    ['what a variable says', 4, pages, { first: 3 }],
    ['what another variable says', 6, pages, { last: 5 }],
    ['a usual page for a variable that says nothing', 51, pages, { first: null }],
    ['what a variable says by default', 8, 'query ($n: Int = 7) { tasks(first: $n) { nodes { id } } }'],
    ['what it says instead', 3, 'query ($n: Int = 7) { tasks(first: $n) { nodes { id } } }', { n: 2 }],
    [
      'nothing twice that is asked for twice',
      11,
      '{ tasks(first: 10) { nodes { id } } ...F } fragment F on Query { tasks(first: 10) { nodes { id title } } }',
    ],
    [
      'twice under another name',
      22,
      '{ tasks(first: 10) { nodes { id } } b: tasks(first: 10) { nodes { id title } } }',
    ],
    [
      'nothing for what is skipped',
      2,
      `${some} { tasks(first: 1) { nodes { id } totalCount @skip(if: $a) } labels @include(if: $b) { totalCount } }`,
      { b: false },
    ],
    [
      'what is not skipped',
      23,
      `${some} { tasks(first: 1) { nodes { id } totalCount @skip(if: $a) } labels @include(if: $b) { totalCount } }`,
      { a: false, b: true },
    ],
    [
      'what is skipped in one place, and not in another',
      11,
      `${some} { labels @include(if: $b) { totalCount } labels { nodes @skip(if: $a) { id } pageInfo { hasNextPage } totalCount @include(if: $a) } __typename }`,
      { b: false },
    ],
    [
      '10 for what is measured, and 1 for each kind of measure',
      12,
      '{ tasksAggregate { count { _all } max { title } } }',
    ],
    [
      '10 for each row’s related rows that are measured',
      23,
      '{ projects(first: 2) { nodes { tasksAggregate { __typename } } } }',
    ],
    [
      '10 and each group',
      30,
      '{ tasksGroupBy(by: [{ status: true }], first: 5) { keys { status } count { _all } sum { estimate } } }',
    ],
    [
      '10 for a write, with what it answers',
      12,
      `mutation { updateTask(where: { id: "${team.pond}" }, data: { priority: 1 }) { id comments(first: 1) { nodes { id } } } }`,
    ],
    ['what the application says of its field', 8, '{ dear cheap }'],
    ['1 for each item of a list of the application’s', 3, '{ things(first: 3) { name } }'],
    ['1 for a field of the application’s on each row', 21, '{ tasks(first: 10) { nodes { shout } } }'],
    [
      'less than half of it for what the schema tells of itself',
      Math.ceil(0.4 * (1 + 200 * 11)),
      '{ __schema { types { fields { name } } } }',
    ],
  ])('%s', async (_title, cost, query, variables) => {
    expect(await costOf(query, variables)).toBe(cost);
  });

  it('is the same whatever there is to be read, and whoever may read it', async () => {
    const query = '{ tasks(first: 9) { nodes { comments(first: 9) { nodes { id } } } } }';
    const texts = await Promise.all(
      [{ role: 'admin' }, { sub: team.ben }, { sub: team.dora }].map(async (who) =>
        (await server.as(who).post({ query })).text(),
      ),
    );
    const told = texts.map((text) => text.slice(text.indexOf(',"extensions"')));
    expect(new Set(texts).size).toBe(3);
    expect(new Set(told)).toEqual(new Set([',"extensions":{"cost":{"requested":100,"limit":200000}}}']));
  });

  it('stands behind the errors of what was executed too', async () => {
    const answer = await server.stranger.query(
      '{ tasks(first: 1) { nodes { id } } nope: tasks(first: 9999) { nodes { id } } }',
    );
    expect(answer.errors).toHaveLength(1);
    expect(answer).toMatchObject({ extensions: { cost: { requested: 2 + 501, limit: 200_000 } } });
  });

  it('does not grow without end with fragments that double', async () => {
    const chain = Array.from(
      { length: 11 },
      (_, i) => `fragment F${i} on Task { parent { ...F${i + 1} } subtasks(first: 500) { nodes { id } } }`,
    );
    const query = `{ tasks(first: 500) { nodes { ...F0 } } } ${chain.join(' ')} fragment F11 on Task { id }`;
    const answer = await server.as({ role: 'admin' }).query(query);
    expect(answer.errors![0]!.extensions.code).toBe('TOO_LARGE');
  });
});

describe('an operation that costs too much', () => {
  const dear = 'query ($n: Int) { tasks(first: $n) { nodes { id } } }';
  const refusal = (requested: number, limit: number) => ({
    errors: [
      {
        message: `the operation costs ${requested}, and at most ${limit} is allowed; ask for smaller pages`,
        extensions: { code: 'TOO_LARGE' },
      },
    ],
    extensions: { cost: { requested, limit } },
  });

  it('is refused before anything is done', async () => {
    const write = `mutation { updateTask(where: { id: "${team.pond}" }, data: { title: "never" }) { comments(first: 500) { nodes { id } } } }`;
    const response = await server.as({ role: 'poor', sub: team.ann }).post({ query: write });
    expect(response.status).toBe(413);
    expect(await response.json()).toEqual(refusal(511, 20));
    const task = await server.as({ role: 'admin' }).query(`{ task(where: { id: "${team.pond}" }) { title } }`);
    expect(task.data.task.title).not.toBe('never');
  });

  it('is one thing for one role and another for another', async () => {
    const ask = (role: string | undefined, n: number) => server.as({ sub: team.ben, role }).query(dear, { n });
    expect(await ask('poor', 20)).toEqual(refusal(21, 20));
    expect((await ask('poor', 19)).data.tasks.nodes).toHaveLength(3);
    for (const role of ['rich', 'of no limit', undefined]) expect((await ask(role, 500)).errors).toBeUndefined();
  });

  it('is refused on a socket, live or not', async () => {
    await using socket = await openSocket(server, { sub: team.ben, role: 'poor' });
    for (const query of ['{ tasks(first: 40) { nodes { id } } }', 'query @live { tasks(first: 40) { nodes { id } } }'])
      await expect(socket.results(query).next()).rejects.toMatchObject([refusal(41, 20).errors[0]]);
    const small = await socket.results('{ tasks(first: 3) { nodes { id } } }').next();
    expect(small).toMatchObject({ extensions: { cost: { requested: 4, limit: 20 } } });
  });
});

it('is refused and told by the lane as by Yoga, byte for byte', async () => {
  await using both = await startBothWays({
    databaseUrl: server.databaseUrl,
    config: costing({ max: 100, byRole, isReported: true }),
  });
  const ask = (n: number, role?: string) =>
    both.ask({
      as: { sub: team.ben, role },
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: 'query ($n: Int) { tasks(first: $n) { nodes { id body } } }', variables: { n } }),
    });
  for (const [n, role, status] of [
    [5, undefined, 200],
    [5, undefined, 200],
    [5, 'poor', 200],
    [25, 'poor', 413],
    [25, undefined, 200],
    [200, undefined, 413],
    [200, 'rich', 200],
    [-1, 'poor', 200],
    [600, 'rich', 200],
    [600, 'poor', 413],
  ] as const) {
    const { laned, plain } = await ask(n, role);
    expect(laned).toEqual(plain);
    expect(laned.status).toMatch(new RegExp(`^${status} `));
    expect(laned.body).toContain(`"extensions":{"cost":{"requested":${1 + Math.min(Math.max(n, 0), 500)},`);
  }
  expect(both.answered).toBeGreaterThanOrEqual(4);
});

it('is not told where nobody wants to hear of it', async () => {
  await using silent = await startServer({ config: costing({ max: 10, byRole: new Map(), isReported: false }) });
  expect(await silent.stranger.query('{ __typename }')).toEqual({ data: { __typename: 'Query' } });
  const refused = await silent.stranger.query('{ tasks { totalCount } }');
  expect(refused.errors![0]!.extensions.code).toBe('TOO_LARGE');
  expect(refused).not.toHaveProperty('extensions');
});

describe('@skip and @include', () => {
  const query = `query Q($a: Boolean!, $b: Boolean!) {
    tasks(first: 2, orderBy: { title: asc }) {
      nodes {
        id @include(if: $a)
        title @skip(if: $b)
        status @include(if: $a) @skip(if: $b)
        ...Rest @include(if: $a)
        ... @skip(if: $b) { priority project @include(if: $a) { name } }
        ... on Task @include(if: $a) @skip(if: $b) { body }
        parent { title } parent @skip(if: $a) { id }
        always: id
      }
      totalCount @include(if: $a)
      edges @skip(if: $b) { cursor node { ...Rest } }
    }
    labels @skip(if: $a) { totalCount }
    ...Roots @include(if: $b)
  }
  fragment Rest on Task { assignee @skip(if: $b) { name } comments(first: 1) @include(if: $b) { nodes { body @skip(if: $a) author { id } } } }
  fragment Roots on Query { projects @skip(if: $a) { totalCount } labels { nodes { name } } }`;
  const combinations = [true, false].flatMap((a) => [true, false].map((b) => ({ a, b })));

  it.each(combinations)('with %j come to the same by the planner, the executor and a live query', async (variables) => {
    const ann = server.as({ sub: team.ann });
    const { data, errors } = await ann.query(query, variables);
    expect(errors).toBeUndefined();
    const executed = await ann.query(query.replace('$b: Boolean!) {', '$b: Boolean!) { cheap'), variables);
    const { cheap, ...rest } = executed.data;
    expect(cheap).toBe(true);
    expect(JSON.stringify(rest)).toBe(JSON.stringify(data));
    await using socket = await openSocket(server, { sub: team.ann });
    const live = await socket.results(query.replace('$b: Boolean!) {', '$b: Boolean!) @live {'), variables).next();
    expect(live.data).toEqual(data);
    expect(Object.keys(data.tasks.nodes[0]).includes('body')).toBe(variables.a && !variables.b);
  });
});

it.each(['{ ... @defer { tasks { totalCount } } }', '{ tasks { nodes @stream(initialCount: 0) { id } } }'])(
  'says that it does not know %s',
  async (query) => {
    const { errors } = await server.stranger.query(query);
    expect(errors![0]!.message).toMatch(/^Unknown directive "@(defer|stream)"/);
    expect(errors![0]!.extensions.code).toBe('INVALID_INPUT');
  },
);

it('lets development tools ask for the whole schema, by the usual question, within the usual limit', async () => {
  await using server = await startServer();
  const { data, errors } = await server.stranger.query(getIntrospectionQuery());
  expect(errors).toBeUndefined();
  expect(data.__schema.types.length).toBeGreaterThan(100);
});
