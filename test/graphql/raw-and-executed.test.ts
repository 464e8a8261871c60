import { array, assert, asyncProperty, nat } from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSources } from '../../src/application.ts';
import { defineSchema } from '../../src/graphql/define-schema.ts';
import { Choices, generateQuery } from '../support/generated-query.ts';
import { type Answer, startServer, type TestServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';

let server: TestServer;
beforeAll(async () => {
  const sources = await readSources(process.cwd());
  // A field that no planner knows sends the whole operation through the executor.
  const extend = defineSchema(({ queryField }) => {
    queryField('byExecutor', 'everyone', (t) => t.boolean({ resolve: () => true }));
  });
  server = await startServer({ sources: { ...sources, extend } });
  await insertTeam(server.databaseUrl);
});
afterAll(() => server[Symbol.asyncDispose]());

interface Asked {
  query: string;
  variables?: Record<string, unknown>;
  operationName?: string;
}

/** The same operation with one field more, the last of its root, so that places in the document stay as they are. */
const executed = ({ query, ...rest }: Asked): Asked => {
  const end = query.search(/\}\s*(fragment [\s\S]*)?$/);
  return { ...rest, query: `${query.slice(0, end)} byExecutor ${query.slice(end)}` };
};

/** Asks both ways; the executed answer without its extra field. */
async function bothWays(asked: Asked, claims: Parameters<TestServer['as']>[0]): Promise<[Answer, Answer, string]> {
  const asker = server.as(claims);
  const text = await (await asker.post(asked)).text();
  const other = (await (await asker.post(executed(asked))).json()) as Answer;
  if (other.data) {
    expect(other.data.byExecutor).toBe(true);
    delete other.data.byExecutor;
  }
  return [JSON.parse(text) as Answer, other, text];
}

const corpus: Record<string, Asked> = {
  plain: { query: '{ tasks { nodes { id title status priority estimate extra dueAt createdAt } totalCount } }' },
  aliases: { query: '{ b: tasks(first: 1) { x: nodes { z: title a: id } } a: user(where: { id: "nope" }) { id } }' },
  'merged fields': {
    query:
      '{ tasks { nodes { id } } tasks { nodes { title } totalCount } tasks { nodes { project { id } project { name } } } }',
  },
  typenames: {
    query:
      '{ __typename t: __typename tasks { __typename edges { __typename node { __typename project { __typename } } } pageInfo { __typename } } }',
  },
  'nothing left': {
    query: 'query ($no: Boolean!) { tasks @include(if: $no) { totalCount } }',
    variables: { no: false },
  },
  'nothing left below': {
    query: 'query ($no: Boolean!) { tasks { nodes { id @include(if: $no) } } }',
    variables: { no: false },
  },
  directives: {
    query:
      'query ($yes: Boolean!, $no: Boolean!) { tasks { nodes { id @skip(if: $yes) title @include(if: $yes) ... @include(if: $no) { body } ... @skip(if: $no) { status } } } }',
    variables: { yes: true, no: false },
  },
  fragments: {
    query:
      '{ tasks { nodes { ...T ...T ... on Task { labels { nodes { ...L } } } } } } fragment T on Task { id subtasks { nodes { ...S } } } fragment S on Task { title } fragment L on Label { name color }',
  },
  variables: {
    query:
      'query ($first: Int = 2, $where: TaskWhereInput, $order: [TaskOrderByInput!]) { tasks(first: $first, where: $where, orderBy: $order) { edges { cursor node { title } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }',
    variables: {
      where: { priority: { gte: 1 } },
      order: [{ dueAt: { sort: 'asc', nulls: 'first' } }, { title: 'desc' }],
    },
  },
  'a null variable': {
    query: 'query ($w: TaskWhereInput, $n: Int) { tasks(where: $w, first: $n) { totalCount } }',
    variables: { w: null, n: null },
  },
  'a missing variable': { query: 'query ($n: Int!) { tasks(first: $n) { totalCount } }', variables: {} },
  'a variable of the wrong type': {
    query: 'query ($n: Int!) { tasks(first: $n) { totalCount } }',
    variables: { n: 'x' },
  },
  'a variable that is not defined': { query: '{ tasks(first: $n) { totalCount } }' },
  'an unknown field': { query: '{ tasks { nodes { nope } } }' },
  'a page that is too large': { query: '{ tasks(first: 100000) { totalCount } users { totalCount } }' },
  'a page from both ends': { query: '{ a: tasks(first: 1, last: 1) { totalCount } }' },
  'no key': { query: '{ t: task(where: {}) { id } }' },
  'a bad key': { query: '{ t: task(where: { id: "x" }) { id } }' },
  'a bad cursor deep inside': { query: '{ projects { nodes { tasks(after: "x") { totalCount } } } }' },
  'a bad order': { query: '{ tasks(orderBy: [{ id: asc, title: asc }]) { totalCount } }' },
  'two faults': { query: '{ a: tasks(first: -1) { totalCount } b: task(where: {}) { id } c: users { totalCount } }' },
  'a row that is hidden': { query: `{ task(where: { id: "${team.anvil}" }) { id } }` },
  'an order by name': { query: 'query A { tasks { totalCount } } ', operationName: 'A' },
  'the wrong operation': { query: 'query A { tasks { totalCount } }', operationName: 'B' },
  'names of objects’ own': {
    query: '{ constructor: tasks { toString: totalCount __proto__: nodes { valueOf: id hasOwnProperty: title } } }',
  },
  'an alias that is too long': { query: `{ ${'a'.repeat(64)}: tasks { totalCount } }` },
  'a text beyond ASCII': { query: '{ tasks(where: { title: { contains: "🌊\\u0000ß" } }) { totalCount } }' },
};

describe.each([
  ['a member', { sub: team.ben }],
  ['an owner', { sub: team.ann }],
  ['an admin', { role: 'admin' }],
] as const)('the short way and the executor answer %s alike', (_who, claims) => {
  it.each(Object.entries(corpus))('%s', async (_title, asked) => {
    const [raw, other] = await bothWays(asked, claims);
    expect(raw).toEqual(other);
    expect(JSON.stringify(raw)).toBe(JSON.stringify(other));
  });
});

it('answers generated queries alike, errors and all', async () => {
  const { schema } = server.server.application();
  let answered = 0;
  await assert(
    asyncProperty(array(nat(10_000), { minLength: 20, maxLength: 120, size: 'max' }), async (numbers) => {
      const query = generateQuery(schema, new Choices(numbers));
      const [raw, other] = await bothWays({ query }, { sub: team.ann });
      answered += raw.data ? 1 : 0;
      expect(JSON.stringify(raw), query).toBe(JSON.stringify(other));
    }),
    { numRuns: 200, seed: 20_261_122 },
  );
  expect(answered).toBeGreaterThan(120);
}, 120_000);

it('really goes two ways', async () => {
  // PostgreSQL's own text has a space where JSON.stringify has none, or a new line between rows.
  const [, , raw] = await bothWays({ query: '{ tasks { nodes { id } } }' }, { role: 'admin' });
  const text = await (
    await server.as({ role: 'admin' }).post(executed({ query: '{ tasks { nodes { id } } }' }))
  ).text();
  expect(raw).not.toBe(JSON.stringify(JSON.parse(raw)));
  expect(text).toBe(JSON.stringify(JSON.parse(text)));
});
