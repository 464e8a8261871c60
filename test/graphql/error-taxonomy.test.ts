import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ErrorCode, statusOf } from '../../src/errors.ts';
import { defineSchema } from '../../src/graphql/define-schema.ts';
import { ask } from '../support/postgres.ts';
import { openRawSocket } from '../support/raw-socket.ts';
import { exampleWithoutAccounts, startServer, type TestServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';

const stack = new AsyncDisposableStack();
let server: TestServer;
/** The same on the same database, with little room and little patience. */
let strict: TestServer;
beforeAll(async () => {
  const extend = defineSchema(({ queryField, mutationField, dataField }) => {
    queryField('weather', 'signed-in', (t) => t.string({ resolve: () => 'fine' }));
    mutationField('explode', 'everyone', (t) =>
      t.string({
        resolve: () => {
          throw new TypeError(`secret: select * from accounts where token = 'hush'`);
        },
      }),
    );
    dataField('Task', 'broken', ['title'], (t) =>
      t.string({ resolve: ({ title }) => Promise.reject(new Error(`secret of ${title}`)) }),
    );
  });
  const sources = { ...(await exampleWithoutAccounts()), extend };
  server = stack.use(await startServer({ sources }));
  await insertTeam(server.databaseUrl);
  // A table of the database's owner, of which the API knows nothing.
  const ledger = `create table secret_ledger (hush uuid references users (id)); insert into secret_ledger values ('${team.dora}')`;
  await ask(server.databaseUrl, ledger);
  strict = stack.use(
    await startServer({
      sources,
      databaseUrl: server.databaseUrl,
      config: (c) => ({
        ...c,
        pool: { ...c.pool, statementTimeout: 300 },
        streams: { ...c.streams, operationsPerConnection: 1, connectionsPerUser: 1 },
        graphql: {
          ...c.graphql,
          cost: { ...c.graphql.cost, max: 50 },
          limits: { ...c.graphql.limits, answerBytes: 2000 },
        },
      }),
    }),
  );
});
afterAll(() => stack.disposeAsync());

/** What a client is told: the status, and the whole answer but the places in the document. */
interface Told {
  status: number;
  retryAfter?: string;
  // biome-ignore lint/suspicious/noExplicitAny: it is compared whole
  body: any;
}

const ann = { sub: team.ann };
const nobody = '00000000-0000-7000-8000-0000000000ff';

async function tell(response: Response): Promise<Told> {
  const text = (await response.text()).replaceAll(/"locations":\[[^\]]*\],?/g, '');
  const retryAfter = response.headers.get('retry-after');
  return { status: response.status, body: JSON.parse(text), ...(retryAfter !== null && { retryAfter }) };
}

/** Asks as somebody, and tells everything of the answer. */
const as =
  (claims: Parameters<TestServer['as']>[0] | undefined, query: string, variables?: Record<string, unknown>) =>
  async (on: TestServer): Promise<Told> =>
    tell(await (claims ? on.as(claims) : on.stranger).post({ query, variables }));

/** One error of one field, and nothing else. */
const refused = (field: string, message: string, extensions: { code: ErrorCode } & Record<string, unknown>): Told => ({
  status: 200,
  // Of a mutation nothing is left when one of its fields has failed.
  body: {
    data: /^(?:create|update|upsert|delete|explode)/.test(field) ? null : { [field]: null },
    errors: [{ message, path: [field], extensions }],
  },
});
/** A request of which nothing was done. */
const turnedDown = (message: string, extensions: { code: ErrorCode } & Record<string, unknown>): Told => ({
  status: statusOf[extensions.code],
  body: { errors: [{ message, extensions }] },
});

/** Does something while a table cannot be reached. */
async function whileTasksAreHeld<T>(work: () => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: server.databaseUrl });
  await client.connect();
  try {
    await client.query('begin; lock table tasks in access exclusive mode');
    return await work();
  } finally {
    await client.end();
  }
}

/** How one error comes about, and what is told of it. */
interface Golden {
  title: string;
  ask(on: TestServer): Promise<unknown>;
  isStrict?: true;
  told: unknown;
}

const taskOf = (data: string) => `mutation { createTask(data: ${data}) { id } }`;

const taken = 'another row has these values already';
const tooMany = 'one write may touch at most 1000 rows';

/** @NOTE a code that has no entry here is refused by the compiler, and by the last but one test. */
const goldens: Record<ErrorCode, Golden[]> = {
  ROLLED_BACK: [
    {
      title: 'fields beside one that is refused, whether they were done already or not',
      ask: as(
        ann,
        `mutation { before: createTask(data: { title: "b", projectId: "${team.wheel}" }) { id }
          wrong: deleteTask(where: { id: "${nobody}" }) { id }
          after: createTask(data: { title: "a", projectId: "${team.wheel}" }) { id } }`,
      ),
      told: {
        status: 200,
        body: {
          data: null,
          errors: [
            {
              message: 'there is no such Task',
              path: ['wrong'],
              extensions: { code: 'NOT_FOUND', fields: [{ path: 'where', message: 'names no row' }] },
            },
            ...['before', 'after'].map((field) => ({
              message: 'nothing of it was kept, for wrong failed',
              path: [field],
              extensions: { code: 'ROLLED_BACK' },
            })),
          ],
        },
      },
    },
  ],
  UNAUTHENTICATED: [
    {
      title: 'a field for who is signed in, asked by a stranger',
      ask: as(undefined, '{ weather }'),
      told: refused('weather', 'sign in to do this', { code: 'UNAUTHENTICATED' }),
    },
    {
      title: 'a token that is none',
      ask: async (on) => tell(await on.stranger.post({ query: '{ weather }' }, { authorization: 'Bearer no.to.ken' })),
      told: turnedDown('The token is malformed.', { code: 'UNAUTHENTICATED' }),
    },
  ],
  FORBIDDEN: [
    {
      title: 'a row that may be seen and not changed',
      ask: as(
        { sub: team.cleo },
        `mutation { updateTask(where: { id: "${team.pond}" }, data: { priority: 1 }) { id } }`,
      ),
      told: refused('updateTask', 'not allowed', {
        code: 'FORBIDDEN',
        fields: [{ path: 'where', message: 'not allowed' }],
      }),
    },
    {
      title: 'a new row deep inside, which may not be made',
      ask: as(
        { sub: team.ben },
        `mutation { updateTask(where: { id: "${team.pond}" }, data: { subtasks: { update: [{ where: { id: "${team.axle}" }, data: {
          comments: { create: [{ body: "mine", authorId: "${team.ben}" }, { body: "hers", authorId: "${team.ann}" }] } } }] } }) { id } }`,
      ),
      told: refused('updateTask', 'not allowed', {
        code: 'FORBIDDEN',
        fields: [{ path: 'data.subtasks.update.0.data.comments.create.1', message: 'not allowed' }],
      }),
    },
    {
      title: 'a field that nobody sets',
      ask: as(ann, `mutation { updateUser(where: { id: "${team.ann}" }, data: { id: "${nobody}" }) { id } }`),
      told: refused('updateUser', 'not allowed to set data.id', {
        code: 'FORBIDDEN',
        fields: [{ path: 'data.id', message: 'may not be set' }],
      }),
    },
    {
      title: 'a field that only some set',
      ask: as(
        { sub: team.ben },
        `mutation { updateProject(where: { id: "${team.wheel}" }, data: { budget: "1" }) { id } }`,
      ),
      told: refused('updateProject', 'not allowed', {
        code: 'FORBIDDEN',
        fields: [{ path: 'data', message: 'not allowed' }],
      }),
    },
  ],
  NOT_FOUND: [
    {
      title: 'a row that is hidden',
      ask: as(ann, `mutation { updateTask(where: { id: "${team.anvil}" }, data: { priority: 1 }) { id } }`),
      told: refused('updateTask', 'there is no such Task', {
        code: 'NOT_FOUND',
        fields: [{ path: 'where', message: 'names no row' }],
      }),
    },
    {
      title: 'a hidden row that is connected',
      ask: as(
        ann,
        taskOf(
          `{ title: "t", projectId: "${team.wheel}", labels: { connect: [{ id: "${team.urgent}" }, { id: "${team.hot}" }] } }`,
        ),
      ),
      told: refused('createTask', 'there is no such Label', {
        code: 'NOT_FOUND',
        fields: [{ path: 'data.labels.connect.1', message: 'names no row' }],
      }),
    },
    {
      title: 'a row that is there, and related to another one',
      ask: as(
        ann,
        `mutation { updateTask(where: { id: "${team.axle}" }, data: { comments: { update: [{ where: { id: "${team.remark}" }, data: { body: "x" } }] } }) { id } }`,
      ),
      told: refused('updateTask', 'there is no such Comment', {
        code: 'NOT_FOUND',
        fields: [{ path: 'data.comments.update.0.where', message: 'names no row' }],
      }),
    },
  ],
  INVALID_INPUT: [
    {
      title: 'values that their columns do not take, at several depths',
      ask: as(
        ann,
        taskOf(
          `{ title: "t", projectId: "${team.wheel}", subtasks: { create: [{ title: "ok", projectId: "${team.wheel}" }, { title: "${'x'.repeat(301)}", projectId: "${team.wheel}" }] } }`,
        ),
      ),
      told: refused('createTask', 'data.subtasks.create.1.title: must be at most 300 characters long', {
        code: 'INVALID_INPUT',
        fields: [{ path: 'data.subtasks.create.1.title', message: 'must be at most 300 characters long' }],
      }),
    },
    {
      title: 'a variable of a wrong type, nested',
      ask: as(ann, 'mutation ($data: CreateTaskInput!) { createTask(data: $data) { id } }', {
        data: { title: 't', projectId: team.wheel, comments: { create: [{ body: 7 }] } },
      }),
      told: turnedDown(
        'Variable "$data" got invalid value 7 at "data.comments.create[0].body"; String cannot represent a non string value: 7',
        {
          code: 'INVALID_INPUT',
          fields: [{ path: 'data.comments.create.0.body', message: 'String cannot represent a non string value: 7' }],
        },
      ),
    },
    {
      title: 'a variable in which something required is missing, nested',
      ask: as(ann, 'mutation ($data: CreateTaskInput!) { createTask(data: $data) { id } }', {
        data: { title: 't', projectId: team.wheel, comments: { create: [{ authorId: team.ann }] } },
      }),
      told: turnedDown(
        `Variable "$data" got invalid value { authorId: "${team.ann}" } at "data.comments.create[0]"; Field "body" of required type "String!" was not provided.`,
        {
          code: 'INVALID_INPUT',
          fields: [
            {
              path: 'data.comments.create.0.body',
              message: 'Field "body" of required type "String!" was not provided.',
            },
          ],
        },
      ),
    },
    {
      title: 'a required key that is missing',
      ask: as(ann, taskOf('{ title: "t" }')),
      told: refused('createTask', 'data.projectId: is required', {
        code: 'INVALID_INPUT',
        fields: [{ path: 'data.projectId', message: 'is required' }],
      }),
    },
    {
      title: 'what the write around it sets',
      ask: as(
        ann,
        `mutation { updateTask(where: { id: "${team.pond}" }, data: { comments: { create: [{ body: "b", authorId: "${team.ann}", taskId: "${team.axle}" }] } }) { id } }`,
      ),
      told: refused('updateTask', 'data.comments.create.0.taskId: is set by the write around it', {
        code: 'INVALID_INPUT',
        fields: [{ path: 'data.comments.create.0.taskId', message: 'is set by the write around it' }],
      }),
    },
    {
      title: 'a document that is none',
      ask: as(ann, '{ tasks { nodes { nope } } }'),
      told: { ...turnedDown('Cannot query field "nope" on type "Task".', { code: 'INVALID_INPUT' }), status: 200 },
    },
  ],
  CONFLICT: [
    {
      title: 'values that another row has',
      ask: as(ann, `mutation { createLabel(data: { workspaceId: "${team.mill}", name: "urgent" }) { id } }`),
      told: refused('createLabel', taken, {
        code: 'CONFLICT',
        fields: [
          { path: 'data.workspaceId', message: taken },
          { path: 'data.name', message: taken },
        ],
      }),
    },
    {
      title: 'values that another row has, nested',
      ask: as(
        { role: 'admin' },
        `mutation { updateWorkspace(where: { slug: "mill" }, data: { labels: { create: [{ name: "new" }, { name: "urgent" }] } }) { id } }`,
      ),
      told: refused('updateWorkspace', taken, {
        code: 'CONFLICT',
        fields: [
          { path: 'data.labels.create.1.workspaceId', message: taken },
          { path: 'data.labels.create.1.name', message: taken },
        ],
      }),
    },
    {
      title: 'a row that has been changed meanwhile',
      ask: as(
        ann,
        `mutation { updateTask(where: { id: "${team.pond}" }, ifUnchangedSince: "2026-01-06T00:00:00Z", data: { priority: 1 }) { id } }`,
      ),
      told: refused('updateTask', 'the row has been changed meanwhile', {
        code: 'CONFLICT',
        fields: [{ path: 'ifUnchangedSince', message: 'is not current' }],
        current: { updatedAt: '2026-01-07T00:00:00+00:00' },
      }),
    },
    {
      title: 'a row that others hold on to',
      ask: as({ role: 'admin' }, `mutation { deleteUser(where: { id: "${team.dora}" }) { id } }`),
      told: refused('deleteUser', 'rows depend on each other here', { code: 'CONFLICT' }),
    },
  ],
  TOO_LARGE: [
    {
      title: 'more rows than one write may touch',
      ask: as(
        { role: 'admin' },
        'mutation ($data: UpdateWorkspaceInput!) { updateWorkspace(where: { slug: "mill" }, data: $data) { id } }',
        { data: { labels: { createMany: { data: Array.from({ length: 1000 }, (_, i) => ({ name: `l${i}` })) } } } },
      ),
      told: refused('updateWorkspace', tooMany, {
        code: 'TOO_LARGE',
        fields: [{ path: 'data.labels.createMany.data.0', message: tooMany }],
      }),
    },
    {
      title: 'an answer that is larger than may be sent',
      isStrict: true,
      ask: as(
        { role: 'admin' },
        `mutation { updateTask(where: { id: "${team.pond}" }, data: { body: "${'long '.repeat(500)}" }) { body } }`,
      ),
      told: refused('updateTask', 'the answer is larger than 2000 bytes; ask for smaller pages', { code: 'TOO_LARGE' }),
    },
    {
      title: 'a document that costs more than is allowed',
      isStrict: true,
      ask: as(ann, '{ tasks(first: 100) { nodes { subtasks { nodes { id } } } } }'),
      told: turnedDown('the operation costs 5201, and at most 50 is allowed; ask for smaller pages', {
        code: 'TOO_LARGE',
      }),
    },
  ],
  RATE_LIMITED: [
    {
      title: 'more operations than a socket may have',
      isStrict: true,
      async ask(on) {
        using socket = await openRawSocket(on.url, { token: await on.server.tokens.mint!(ann) });
        for (const id of ['1', '2'])
          socket.send({ id, type: 'subscribe', payload: { query: 'subscription { taskChanges { type } }' } });
        for (;;) {
          const message = await socket.next(20_000);
          if (message.type === 'error') return message;
        }
      },
      told: {
        id: '2',
        type: 'error',
        payload: [{ message: 'at most 1 operations at a time on a socket', extensions: { code: 'RATE_LIMITED' } }],
      },
    },
    {
      title: 'more streams than a user may have',
      isStrict: true,
      async ask(on) {
        const open = () =>
          on
            .as({ sub: team.ben })
            .post({ query: 'subscription { taskChanges { type } }' }, { accept: 'text/event-stream' });
        const first = await open();
        const told = await tell(await open());
        await first.body!.cancel();
        return told;
      },
      told: {
        ...turnedDown('there are too many streams already', { code: 'RATE_LIMITED', retryAfter: 10 }),
        retryAfter: '10',
      },
    },
  ],
  UNAVAILABLE: [
    {
      title: 'a write that takes longer than is allowed',
      isStrict: true,
      ask: (on) =>
        whileTasksAreHeld(() => as(ann, `mutation { deleteTask(where: { id: "${team.axle}" }) { id } }`)(on)),
      told: {
        ...turnedDown('the request took longer than is allowed', { code: 'UNAVAILABLE', retryAfter: 1 }),
        retryAfter: '1',
      },
    },
    {
      title: 'a read that takes longer than is allowed',
      isStrict: true,
      ask: (on) => whileTasksAreHeld(() => as(ann, '{ tasks { totalCount } }')(on)),
      told: {
        ...turnedDown('the request took longer than is allowed', { code: 'UNAVAILABLE', retryAfter: 1 }),
        retryAfter: '1',
      },
    },
  ],
  INTERNAL: [
    {
      title: 'a field of the application’s own that throws',
      ask: as(ann, 'mutation { explode }'),
      told: refused('explode', 'something went wrong', { code: 'INTERNAL' }),
    },
    {
      title: 'a field of a model that throws',
      ask: as(ann, `{ task(where: { id: "${team.pond}" }) { title broken } }`),
      told: {
        status: 200,
        body: {
          data: { task: { title: 'Water the millpond', broken: null } },
          errors: [{ message: 'something went wrong', path: ['task', 'broken'], extensions: { code: 'INTERNAL' } }],
        },
      },
    },
  ],
  PERSISTED_QUERY_NOT_FOUND: [
    {
      title: 'a hash whose text was never sent',
      ask: async (on) =>
        tell(await on.as(ann).post({ extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } } })),
      told: { ...turnedDown('PersistedQueryNotFound', { code: 'PERSISTED_QUERY_NOT_FOUND' }), status: 200 },
    },
  ],
};

describe.each(Object.entries(goldens))('%s', (_code, cases) => {
  it.each(cases.map((golden) => [golden.title, golden] as const))('%s', async (_title, golden) => {
    const before = await stored();
    expect(await golden.ask(golden.isStrict ? strict : server)).toEqual(golden.told);
    expect(await stored()).toBe(before);
  });
});

/** Everything that could have been written. */
const stored = async () => {
  const tables = ['users', 'workspaces', 'projects', 'tasks', 'labels', 'comments', 'members'];
  const texts = tables.map((name) => `(select json_agg(t order by t::text) from ${name} t) as ${name}`);
  return JSON.stringify(await ask(server.databaseUrl, `select ${texts.join(', ')}`));
};

it('has a golden answer for every code', () => {
  expect(Object.keys(goldens).sort()).toEqual(Object.keys(statusOf).sort());
  for (const [code, cases] of Object.entries(goldens)) {
    expect(cases.length, code).toBeGreaterThan(0);
    for (const { title, told } of cases) expect(JSON.stringify(told), title).toContain(`"code":"${code}"`);
  }
});

it('tells of a hidden row to the byte what it tells of one that is not there', async () => {
  const asked: ((id: string) => string)[] = [
    (id) => `mutation { updateTask(where: { id: "${id}" }, data: { priority: 1 }) { id } }`,
    (id) => `mutation { deleteTask(where: { id: "${id}" }) { id } }`,
    (id) =>
      `mutation { updateTask(where: { id: "${id}" }, ifUnchangedSince: "2000-01-01T00:00:00Z", data: { priority: 1 }) { id } }`,
    (id) => taskOf(`{ title: "t", projectId: "${team.wheel}", parentId: "${id}" }`),
    (id) => taskOf(`{ title: "t", projectId: "${team.wheel}", parent: { connect: { id: "${id}" } } }`),
    (id) =>
      `mutation { updateTask(where: { id: "${team.pond}" }, data: { subtasks: { connect: [{ id: "${id}" }] } }) { id } }`,
    (id) =>
      `mutation { updateTask(where: { id: "${team.pond}" }, data: { subtasks: { disconnect: [{ id: "${id}" }] } }) { id } }`,
    (id) =>
      `mutation { updateTask(where: { id: "${team.pond}" }, data: { subtasks: { update: [{ where: { id: "${id}" }, data: { subtasks: { deleteMany: [{}] } } }] } }) { id } }`,
  ];
  for (const query of asked) {
    const [hidden, missing] = await Promise.all(
      [team.anvil, nobody].map(async (id) => {
        const response = await server.as(ann).post({ query: query(id) });
        return `${response.status} ${await response.text()}`;
      }),
    );
    expect(hidden, query('…')).toBe(missing);
    expect(hidden).toContain('"NOT_FOUND"');
  }
});
