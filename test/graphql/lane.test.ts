import { readdirSync } from 'node:fs';
import { serverAudits } from 'graphql-http';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeShapes } from '../../bench/tracker/shapes.ts';
import { createApplication } from '../../src/application.ts';
import { defineSchema } from '../../src/graphql/define-schema.ts';
import { hashOf } from '../../src/graphql/listed-operations.ts';
import type { Viewer } from '../../src/viewer.ts';
import { type BothWays, startBothWays, type WireRequest } from '../support/both-ways.ts';
import { documentedQueries } from '../support/documents.ts';
import { ask, type TestDatabase, testDatabase } from '../support/postgres.ts';
import { readCorpus } from '../support/read-corpus.ts';
import { exampleWithoutAccounts } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';

const origins = ['https://app.test', 'https://other.test'];
const json = { 'content-type': 'application/json' };
const count = '{ tasks { totalCount } }';
const ben = { sub: team.ben };
const extensionsOf = (query: string) => ({ persistedQuery: { version: 1, sha256Hash: hashOf(query) } });
const wanting = (type: string): WireRequest => ({ headers: { accept: `application/${type}` } });

const post = (body: object, rest: WireRequest = {}): WireRequest => ({
  as: ben,
  ...rest,
  headers: { ...json, ...rest.headers },
  body: JSON.stringify(body),
});
const get = (parameters: Record<string, string>, rest: WireRequest = {}): WireRequest => ({
  as: ben,
  ...rest,
  method: rest.method ?? 'GET',
  path: `/graphql?${new URLSearchParams(parameters)}`,
});

let database: TestDatabase;
let servers: BothWays;
beforeAll(async () => {
  database = await testDatabase();
  await ask(database.url, 'create extension if not exists pg_trgm');
  await insertTeam(database.url);
  // @NOTE without it two fields that search fail at once, and either may be the one that is told.
  await ask(database.url, 'create extension if not exists pg_trgm');
  const { rules, ...sources } = await exampleWithoutAccounts();
  const extend = defineSchema(({ queryField }) => {
    queryField('ofOnesOwn', 'everyone', (t) => t.boolean({ resolve: () => true }));
  });
  const closedToGuests = { ...rules, Label: { ...rules.Label, read: ({ role }: Viewer) => role !== 'guest' } };
  servers = await startBothWays({
    databaseUrl: database.url,
    sources: { ...sources, extend, rules: closedToGuests as typeof rules },
    config: (c) => ({
      ...c,
      http: { ...c.http, corsOrigins: origins },
      graphql: { ...c.graphql, cost: { ...c.graphql.cost, isReported: true } },
    }),
  });
});
afterAll(async () => {
  await servers[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

/** Asks twice, so that the second answer can be the lane's; whether it was. */
async function sameTwice(asked: WireRequest, both = servers): Promise<boolean> {
  const first = await both.ask(asked);
  expect(first.laned).toEqual(first.plain);
  const { answered, planned } = both;
  const second = await both.ask(asked);
  expect(second.laned).toEqual(second.plain);
  expect(second.plain).toEqual(first.plain);
  const isInLane = both.answered > answered;
  // Whatever Yoga answers by the planner is the lane's the next time, and nothing else is.
  if (!isLeftToYoga(asked)) expect(isInLane).toBe(both.planned > planned);
  return isInLane;
}

/** Planned, and yet nothing that anybody asks again and again. */
const isLeftToYoga = ({ headers = {}, body = '' }: WireRequest): boolean =>
  body.length > 20_000 || 'access-control-request-headers' in headers;

const oneWrite = `mutation { updateTask(where: { id: "${team.pond}" }, data: { priority: 5 }) { title } }`;
const isAsked = (query: string): boolean => !/^(subscription|mutation)\b|@live/.test(query);
const documented = readdirSync('docs')
  .filter((name) => name.endsWith('.md') && name !== 'custom-fields.md')
  .flatMap((page) => documentedQueries(`docs/${page}`).map((found) => ({ page, ...found })))
  .filter(({ query }) => isAsked(query));

describe.each([
  ['a member', ben],
  ['an owner', { sub: team.ann }],
  ['an admin', { role: 'admin' }],
  ['a stranger', undefined],
])('is not to be told from Yoga by %s', (_who, as) => {
  it.each(Object.entries(readCorpus))('who reads %s', async (_title, body) => {
    await sameTwice(post(body, { as }));
  });

  it.each(documented.map((found) => [`docs/${found.page} line ${found.line}`, found.query]))(
    'who reads %s',
    async (_title, query) => void (await sameTwice(post({ query }, { as }))),
  );

  it('who reads what is measured', async () => {
    for (const { query, variables } of describeShapes([team.pond, team.anvil])) {
      for (const v of variables) {
        const isInLane = await sameTwice(post({ query, variables: v }, { as }));
        // More rows than a page may have are refused to everybody.
        expect(isInLane).toBe(v.first === undefined);
      }
    }
  });
});

it('is not to be told from Yoga where nobody wants to hear of costs', async () => {
  // As the tests' servers are unless they say otherwise.
  await using silent = await startBothWays({ databaseUrl: database.url });
  for (const body of Object.values(readCorpus).slice(0, 40)) await sameTwice(post(body), silent);
  const { laned } = await silent.ask(post({ query: count }));
  expect(laned.body).not.toContain('"cost"');
  expect((await servers.ask(post({ query: count }))).laned.body).toContain('"cost":{"requested":11,');
});

it('answers most of these', () => {
  expect(servers.answered).toBeGreaterThan(150);
  expect(documented.length).toBeGreaterThan(10);
});

it('is not to be told from Yoga by the audits of GraphQL over HTTP', async () => {
  const asked: WireRequest[] = [];
  const record = async (url: string | URL, init: RequestInit = {}) => {
    const { method = 'GET', body } = init;
    const headers = Object.fromEntries(new Headers(init.headers));
    const { pathname, search } = new URL(url);
    asked.push({ method, path: `${pathname}${search}`, headers, body: body as string | undefined });
    return fetch(url, init);
  };
  for (const audit of serverAudits({ url: () => `${servers.plain.url}/graphql`, fetchFn: record })) await audit.fn();
  expect(asked.length).toBeGreaterThan(60);
  for (const one of asked) await sameTwice(one);
  for (const one of asked)
    await sameTwice({ ...one, as: ben, body: one.body?.replaceAll('__typename', 'tasks { totalCount }') });
});

describe('is not to be told from Yoga by', () => {
  const named = 'query A { tasks { totalCount } } query B { users { totalCount } }';
  const filtered =
    'query ($where: TaskWhereInput, $first: Int! = 2) { tasks(where: $where, first: $first) { totalCount } }';
  const accepts = [
    'application/json',
    'application/graphql-response+json',
    'application/graphql-response+json; charset=utf-8, application/json; charset=utf-8',
    'application/json;charset=latin1',
    'APPLICATION/JSON',
    'application/*',
    '*/*',
    '*/*;q=0.1, text/plain',
    'text/plain',
    'text/html',
    'text/event-stream',
    'text/event-stream, application/json',
    'multipart/mixed',
    'multipart/mixed, application/json',
    '',
    ',',
  ];
  const from = (origin: string) => ({ headers: { origin } });
  const cases: [string, WireRequest, boolean][] = [
    ['a body', post({ query: count }), true],
    ['an address', get({ query: count }), true],
    ['an address with variables', get({ query: filtered, variables: '{"where":{"priority":{"gt":1}}}' }), true],
    ['an address with empty parameters', get({ query: count, variables: '', operationName: '', extensions: '' }), true],
    ['an address with extensions', get({ query: count, extensions: '{}' }), true],
    ['an address with a list of extensions', get({ query: count, extensions: '[]' }), false],
    ['an address with a text as extensions', get({ query: count, extensions: '"x"' }), false],
    ['an address with a list of variables', get({ query: count, variables: '[]' }), false],
    [
      'an address with a place in it',
      { ...get({ query: count }), path: `/graphql?query=${encodeURIComponent(count)}#x` },
      true,
    ],
    ['a body behind an address', { ...post({ query: count }), path: '/graphql?query={users{totalCount}}' }, true],
    ['the name of an operation', post({ query: named, operationName: 'B' }), true],
    ['the name of another', post({ query: named, operationName: 'A' }), true],
    ['the name of none', post({ query: named, operationName: 'C' }), false],
    ['no name where there are two', post({ query: named }), false],
    ['no name where there are two, said so', post({ query: named, operationName: null }), false],
    ['an empty name', post({ query: count, operationName: '' }), false],
    ['a number for a name', post({ query: count, operationName: 1 }), false],
    ['extensions', post({ query: count, extensions: { clientLibrary: { name: 'x' } } }), true],
    ['a list of extensions', post({ query: count, extensions: [] }), false],
    ['a parameter that nobody knows', post({ query: count, nope: 1 }), false],
    ['one that is null', post({ query: count, nope: null, variables: null }), true],
    ['a list of variables', post({ query: count, variables: [] }), false],
    ['variables that nobody asked for', post({ query: count, variables: { x: 1 } }), true],
    ['variables', post({ query: filtered, variables: { where: { title: { contains: 'a' } }, first: 1 } }), true],
    ['a bad variable', post({ query: filtered, variables: { where: { title: { contains: 7 } } } }), false],
    ['a variable that may not be null', post({ query: filtered, variables: { first: null } }), false],
    ['a variable that the planner refuses', post({ query: filtered, variables: { first: -1 } }), false],
    ['a list of requests', { ...post({}), body: JSON.stringify([{ query: count }]) }, false],
    ['introspection', post({ query: '{ __schema { queryType { name } } }' }), false],
    ['introspection beside a read', post({ query: '{ tasks { totalCount } __type(name: "Task") { name } }' }), false],
    ['a live query that is asked once', post({ query: 'query @live { tasks { totalCount } }' }), true],
    ['a subscription', post({ query: 'subscription { taskChanges { cursor } }' }), false],
    ['a write of one row', post({ query: oneWrite }), true],
    ['a write of one row in an address, when it is known', get({ query: oneWrite }), false],
    ['a write under a key', post({ query: oneWrite }, { headers: { 'idempotency-key': 'once' } }), false],
    ['a write that is refused', post({ query: oneWrite }, { as: { sub: team.dora } }), false],
    ['two writes', post({ query: `${oneWrite.slice(0, -1)} again: ${oneWrite.slice('mutation { '.length)}` }), false],
    ['a write in an address', get({ query: `mutation { deleteTask(where: { id: "${team.pond}" }) { id } }` }), false],
    ['a document of no sense', post({ query: '{ tasks { nope } }' }), false],
    ['a document that does not end', post({ query: '{ tasks {' }), false],
    [
      'a document that is too deep',
      post({ query: `${'{ tasks { nodes { parent'.repeat(1)}${' { parent'.repeat(30)} { id }${' }'.repeat(33)}` }),
      false,
    ],
    ['a long document', post({ query: `${count} # ${'x'.repeat(20_000)}` }), false],
    ['a stranger', post({ query: count }, { as: undefined }), true],
    ['a stranger who asks for nothing', post({ query: '{ __typename }' }, { as: undefined }), true],
    ['somebody who is nobody', post({ query: count }, { as: { sub: 'x' } }), true],
    ['a token that is none', post({ query: count }, { headers: { authorization: 'Bearer x' } }), false],
    ['no bearer', post({ query: count }, { headers: { authorization: 'Basic x' } }), false],
    ['an empty authorization', post({ query: count }, { headers: { authorization: '' } }), false],
    ['two authorizations', post({ query: count }, { headers: { authorization: ['Bearer x', 'Bearer y'] } }), false],
    ['an origin that may', post({ query: count }, from(origins[0]!)), true],
    ['another that may', post({ query: count }, from(origins[1]!)), true],
    ['an origin that may not', post({ query: count }, from('https://evil.test')), true],
    ['an origin that is none', post({ query: count }, from('null')), true],
    ['an address from an origin', get({ query: count }, from(origins[0]!)), true],
    ['a question before', { ...post({ query: count }, from(origins[0]!)), method: 'OPTIONS' }, false],
    [
      'what belongs to one',
      post({ query: count }, { headers: { 'access-control-request-headers': 'x', origin: origins[0]! } }),
      false,
    ],
    ['HEAD', get({ query: count }, { method: 'HEAD' }), false],
    ['PUT', { ...post({ query: count }), method: 'PUT' }, false],
    ['a form', post({ query: count }, { headers: { 'content-type': 'application/x-www-form-urlencoded' } }), false],
    ['plain text', post({ query: count }, { headers: { 'content-type': 'text/plain' } }), false],
    [
      'a type with its charset',
      post({ query: count }, { headers: { 'content-type': 'application/json; charset=utf-8' } }),
      true,
    ],
    ['a type in capitals', post({ query: count }, { headers: { 'content-type': 'Application/JSON' } }), true],
  ];
  it.each(cases)('%s', async (_title, asked, isInLane) => {
    expect(await sameTwice(asked)).toBe(isInLane);
  });

  it.each(accepts)('Accept: %s', async (accept) => {
    for (const query of [count, '{ tasks { nope } }']) {
      await sameTwice(post({ query }, { headers: { accept } }));
      await sameTwice(get({ query }, { headers: { accept } }));
    }
  });
});

describe('is not to be told from Yoga where a document is named by', () => {
  const query = 'query ($first: Int) { tasks(first: $first) { nodes { title } } }';
  const variables = { first: 2 };
  const inAddress = JSON.stringify(variables);
  const sha256 = hashOf(query);
  const extensions = extensionsOf(query);
  const named = { extensions: JSON.stringify(extensions) };
  const unknown = extensionsOf('{ nobody }');
  const writing = `mutation Named { updateTask(where: { id: "${team.pond}" }, data: { priority: 5 }) { title } }`;
  const cases: [string, WireRequest, boolean][] = [
    ['its hash in a body', post({ variables, extensions }), true],
    ['its hash, beside nothing', post({ query: null, variables, extensions }), true],
    ['its hash, beside an empty text', post({ query: '', variables, extensions }), true],
    ['its hash, beside its text', post({ query, variables, extensions }), true],
    ['its hash, beside another text', post({ query: count, variables, extensions }), false],
    ['its hash in an address', get({ ...named, variables: inAddress }), true],
    ['its hash in an address, beside its text', get({ ...named, query, variables: inAddress }), true],
    ['its hash in an address, by a stranger', get({ ...named, variables: inAddress }, { as: undefined }), true],
    ['an identifier in a body', post({ documentId: `sha256:${sha256}`, variables }), true],
    ['an identifier without its kind', post({ documentId: sha256, variables }), true],
    ['an identifier in an address', get({ documentId: `sha256:${sha256}`, variables: inAddress }), true],
    ['an empty identifier in an address', get({ documentId: '', ...named, variables: inAddress }), true],
    ['an empty identifier in a body', post({ documentId: '', variables }), false],
    ['a number for an identifier', post({ documentId: 7, variables }), false],
    ['an identifier, beside what nobody knows', post({ documentId: sha256, variables, nope: 1 }), false],
    ['an identifier, with a bad variable', get({ documentId: sha256, variables: '{"first":-1}' }), false],
    ['an identifier, with a name of no operation', get({ documentId: sha256, operationName: 'X' }), false],
    ['an identifier, with a token that is none', get(named, { headers: { authorization: 'Bearer x' } }), false],
    ['an identifier, from an origin that may', get(named, { headers: { origin: origins[0]! } }), true],
    ['an unknown hash in a body', post({ extensions: unknown }), false],
    ['an unknown hash in an address', get({ extensions: JSON.stringify(unknown) }), false],
    ['an unknown hash, as GraphQL says it', post({ extensions: unknown }, wanting('graphql-response+json')), false],
    ['an unknown hash, from an origin', post({ extensions: unknown }, { headers: { origin: origins[0]! } }), false],
    ['an unknown hash, by a form', post({ extensions: unknown }, { headers: { 'content-type': 'text/plain' } }), false],
    ['another version', post({ extensions: { persistedQuery: { version: 2, sha256Hash: sha256 } } }), false],
    ['a text for all of it', post({ extensions: { persistedQuery: 'x' } }), false],
    ['a hash in capitals', post({ documentId: `sha256:${sha256.toUpperCase()}` }), false],
    ['the hash of a write', post({ query: writing, extensions: extensionsOf(writing) }), true],
    ['the hash of a write in an address', get({ extensions: JSON.stringify(extensionsOf(writing)) }), false],
    ['the hash of no sense', post({ query: '{ nope }', extensions: extensionsOf('{ nope }') }), false],
    ['the hash of what made none', post({ extensions: extensionsOf('{ nope }') }), false],
  ];
  beforeAll(async () => void (await servers.ask(post({ query, variables, extensions }))));

  it.each(cases)('%s', async (_title, asked, isInLane) => {
    expect(await sameTwice(asked)).toBe(isInLane);
  });

  it('its hash, when the answer is known', async () => {
    const asked = get({ ...named, variables: inAddress });
    const { laned } = await servers.ask(asked);
    const etag = laned.headers.find((h) => h.startsWith('etag: '))!.slice('etag: '.length);
    for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, '*', '"other"']) {
      const again = { ...asked, headers: { 'if-none-match': tag } };
      expect(await sameTwice(again)).toBe(true);
      const { laned: answer } = await servers.ask(again);
      expect(answer.status).toBe(tag === '"other"' ? '200 OK' : '304 Not Modified');
    }
  });
});

it('gives each request its own answer, whoever asks and whatever with, at once', async () => {
  const query = `query ($tool: String, $n: Int) {
    tasks(first: $n, where: { OR: [{ extra: { equals: { tools: [$tool] } } }, { title: { equals: $tool } }] }) { nodes { title } }
  }`;
  const askers = [ben, { sub: team.dora }, { role: 'admin' }, { sub: team.ann }];
  const variables = ['bucket', 'rope', 'Cast the anvil', undefined, null, 'Carve a paddle'];
  const asked = Array.from({ length: 120 }, (_, i) =>
    post({ query, variables: { tool: variables[i % 6], n: (i % 3) + 1 } }, { as: askers[i % askers.length]! }),
  );
  await servers.ask(asked[0]!);
  const { answered } = servers;
  const answers = await Promise.all(asked.map((one) => servers.ask(one)));
  for (const { laned, plain } of answers) expect(laned).toEqual(plain);
  expect(new Set(answers.map(({ laned }) => laned.body.replace(/,"extensions".*/, ''))).size).toBe(4);
  expect(servers.answered - answered).toBe(asked.length);
});

it('leaves to Yoga whoever is refused, and what other variables make the executor’s', async () => {
  const labels = '{ labels { totalCount } }';
  expect(await sameTwice(post({ query: labels }))).toBe(true);
  expect(await sameTwice(post({ query: labels }, { as: { ...ben, role: 'guest' } }))).toBe(false);
  const query = `query ($own: Boolean!) { tasks { totalCount } ...Own } fragment Own on Query { ofOnesOwn @include(if: $own) }`;
  expect(await sameTwice(post({ query, variables: { own: false } }))).toBe(true);
  expect(await sameTwice(post({ query, variables: { own: true } }))).toBe(false);
});

it('answers with long texts of any letters', async () => {
  await ask(database.url, `update tasks set body = repeat('é🌊 ', 4000) where id = '${team.paddle}'`);
  for (const first of [1, 2, 3]) {
    const query = 'query ($first: Int) { tasks(first: $first, orderBy: { title: desc }) { nodes { title body } } }';
    expect(await sameTwice(post({ query, variables: { first } }))).toBe(true);
  }
  expect((await servers.ask(post({ query: '{ tasks { nodes { body } } }' }))).laned.body.length).toBeGreaterThan(
    25_000,
  );
});

it('knows when a token has expired', async () => {
  const asked = post({ query: count }, { as: { ...ben, expiresIn: 1 } });
  expect(await sameTwice(asked)).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 6200));
  const { laned, plain } = await servers.ask(asked);
  expect(laned).toEqual(plain);
  expect(laned.status).toBe('401 Unauthorized');
  expect(laned.headers.join().toLowerCase()).toContain('www-authenticate: bearer');
}, 20_000);

it('refuses an answer that is too large as Yoga does', async () => {
  await using both = await startBothWays({
    databaseUrl: database.url,
    config: (c) => ({ ...c, graphql: { ...c.graphql, limits: { ...c.graphql.limits, answerBytes: 200 } } }),
  });
  const query = 'query ($n: Int) { tasks(first: $n) { nodes { id title } } }';
  expect(await sameTwice(post({ query, variables: { n: 1 } }), both)).toBe(true);
  expect(await sameTwice(post({ query, variables: { n: 3 } }), both)).toBe(false);
});

it('tells of a database that takes too long as Yoga does, and does not wait for it twice', async () => {
  const statementTimeout = 400;
  await using both = await startBothWays({
    databaseUrl: database.url,
    config: (c) => ({ ...c, pool: { ...c.pool, statementTimeout } }),
  });
  expect(await sameTwice(post({ query: count }), both)).toBe(true);
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    await client.query('begin; lock table tasks in access exclusive mode');
    const start = performance.now();
    expect(await sameTwice(post({ query: count }), both)).toBe(false);
    // Two servers, two requests each.
    expect(performance.now() - start).toBeLessThan(5.5 * statementTimeout);
  } finally {
    await client.end();
  }
  expect(await sameTwice(post({ query: count }), both)).toBe(true);
});

it('serves an application that is replaced at once', async () => {
  await using both = await startBothWays({ databaseUrl: database.url });
  const { files, rules } = await exampleWithoutAccounts();
  const replace = async (changed: Partial<Parameters<typeof createApplication>[0]>) => {
    for (const { server } of [both.laned, both.plain]) {
      const limits = { tokens: 1000, depth: 10, aliases: 10, pageSize: 50, maxPageSize: 500, answerBytes: 100_000 };
      await server.replace(createApplication({ files, rules, ...changed }, { limits, planCacheSize: 100 }));
    }
  };
  const asked = post({ query: '{ tasks { nodes { title } } }' });
  expect(await sameTwice(asked, both)).toBe(true);
  const { answered } = both;
  await replace({ rules: { ...rules, Task: { ...rules.Task, read: false } } as typeof rules });
  expect((await both.ask(asked)).laned.body).toContain('FORBIDDEN');
  expect(await sameTwice(asked, both)).toBe(false);
  const withoutTitle = files.map((f) => ({ ...f, content: f.content.replace(/^ {2}title .*$/gm, '') }));
  await replace({ files: withoutTitle, rules: { ...rules, Task: { ...rules.Task, values: {} } } as typeof rules });
  expect((await both.ask(asked)).laned.body).toContain('Cannot query field');
  expect(await sameTwice(asked, both)).toBe(false);
  expect(both.answered).toBe(answered);
  await replace({});
  expect(await sameTwice(asked, both)).toBe(true);
});
