import { array, assert, asyncProperty, nat } from 'fast-check';
import type { GraphQLResolveInfo } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defineSchema, MillraceError } from '../../src/graphql/define-schema.ts';
import { Choices, generateQuery } from '../support/generated-query.ts';
import { ask } from '../support/postgres.ts';
import { type Asked, readCorpus } from '../support/read-corpus.ts';
import { type Answer, exampleWithoutAccounts, startServer, type TestServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';

let server: TestServer;
beforeAll(async () => {
  const sources = await exampleWithoutAccounts();
  // A field that no planner knows sends the whole operation through the executor.
  const extend = defineSchema(({ queryField, dataField }) => {
    queryField('byExecutor', 'everyone', (t) => t.boolean({ resolve: () => true }));
    // What the short way fills in by itself: values, promises, lists, arguments, places; and what only the executor can tell.
    dataField('User', 'initial', ['name'], (t) => t.string({ nullable: true, resolve: ({ name }) => name?.charAt(0) }));
    dataField('User', 'later', ['email'], (t) =>
      t.string({ nullable: true, resolve: async ({ email }) => (await Promise.resolve(email))?.toUpperCase() }),
    );
    dataField('Task', 'steps', ['priority'], (t) =>
      t.intList({ resolve: ({ priority }) => Array.from({ length: (priority ?? 0) % 4 }, (_, i) => i) }),
    );
    dataField('Task', 'times', ['priority'], (t) =>
      t.int({
        args: { by: t.arg.int({ defaultValue: 2, required: true }) },
        resolve: ({ priority }, { by }) => (priority ?? 0) * by,
      }),
    );
    dataField('Comment', 'place', [], (t) =>
      t.string({ resolve: (_row, _args, { viewer }, { path }) => `${viewer.id} at ${placeOf(path)}` }),
    );
    dataField('User', 'odd', ['name', 'email'], (t) =>
      t.string({ nullable: true, resolve: ({ name, email }) => `${name} "] \\" ${email}` }),
    );
    dataField('Project', 'odd', ['name'], (t) => t.string({ nullable: true, resolve: ({ name }) => `[${name}` }));
    dataField('Label', 'touchy', ['name'], (t) =>
      t.string({
        nullable: true,
        resolve: ({ name }) => {
          if (name !== 'urgent') throw new MillraceError('CONFLICT', `not ${name}`);
          return name;
        },
      }),
    );
    dataField('Project', 'needed', ['name'], (t) =>
      t.string({ resolve: ({ name }) => (name === 'New wheel' ? name : (null as never)) }),
    );
  });
  server = await startServer({ sources: { ...sources, extend } });
  await insertTeam(server.databaseUrl);
  await ask(server.databaseUrl, `update users set name = $1 where name = 'Cleo'`, ['" odd":[\\"]" initial":["']);
});
afterAll(() => server[Symbol.asyncDispose]());

const placeOf = ({ prev, key, typename }: GraphQLResolveInfo['path']): string =>
  `${prev ? `${placeOf(prev)}/` : ''}${typename ?? ''}.${key}`;

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

describe.each([
  ['a member', { sub: team.ben }],
  ['an owner', { sub: team.ann }],
  ['an admin', { role: 'admin' }],
] as const)('the short way and the executor answer %s alike', (_who, claims) => {
  it.each(Object.entries(readCorpus))('%s', async (_title, asked) => {
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
  expect(answered).toBeGreaterThan(100);
}, 120_000);

const withOwnFields = {
  'fields of objects in lists and below them': `{ tasks(first: 5) { totalCount edges { cursor node {
    times id steps thrice: times(by: 3) assignee { later initial id } comments { nodes { place body } } } } } }`,
  'one row, and none':
    '{ user(where: { id: "00000000-0000-7000-8000-000000000000" }) { initial } users { nodes { initial } } }',
  'nothing else': '{ comments { nodes { place } } users { nodes { initial } } }',
  'nothing at all of some':
    '{ users { nodes { initial @skip(if: true) } } tasks { nodes { id assignee { initial @include(if: false) } } } }',
  'fragments and names that every object has': `{ users { nodes { ...A constructor: initial toString: id __proto__: name } } }
    fragment A on User { __typename initial ... on User { later } }`,
  'one key for two fields, and one field with two arguments': `{ users { nodes { x: initial } } comments { nodes { x: place } }
    tasks { nodes { y: times(by: 1) subtasks { nodes { y: times(by: 2) } } } } }`,
  'quotes, brackets and what looks like a place': '{ users { nodes { odd name } } projects { nodes { odd } } }',
  'a long name': `{ users { nodes { ${'n'.repeat(62)}: initial } } }`,
  'too long a name': `{ users { nodes { ${'n'.repeat(63)}: initial } } }`,
  'what fails for some': '{ labels { nodes { name touchy } } }',
  'what has no value for some': '{ projects { nodes { name needed } } users { nodes { initial } } }',
};

describe.each([
  ['a member', { sub: team.ben }],
  ['an admin', { role: 'admin' }],
] as const)('fields of the application’s own answer %s alike', (_who, claims) => {
  it.each(Object.entries(withOwnFields))('%s', async (_title, query) => {
    const [raw, other] = await bothWays({ query }, claims);
    expect(JSON.stringify(raw)).toBe(JSON.stringify(other));
    expect(raw.data ?? raw.errors).toBeTruthy();
  });
});

it('really goes two ways', async () => {
  // PostgreSQL's own text has a space where JSON.stringify has none, or a new line between rows.
  const [, , raw] = await bothWays({ query: '{ tasks { nodes { id } } }' }, { role: 'admin' });
  const text = await (
    await server.as({ role: 'admin' }).post(executed({ query: '{ tasks { nodes { id } } }' }))
  ).text();
  expect(raw).not.toBe(JSON.stringify(JSON.parse(raw)));
  const [, , filled] = await bothWays({ query: '{ users { nodes { initial later } } }' }, { role: 'admin' });
  expect(filled).not.toBe(JSON.stringify(JSON.parse(filled)));
  expect(text).toBe(JSON.stringify(JSON.parse(text)));
});
