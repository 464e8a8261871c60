import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSources } from '../../src/application.ts';
import { type ErrorCode, statusOf } from '../../src/errors.ts';
import { defineSchema } from '../../src/graphql/define-schema.ts';
import { ask } from '../support/postgres.ts';
import { openRawSocket } from '../support/raw-socket.ts';
import { startServer, type TestServer } from '../support/server.ts';
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
  const sources = { ...(await readSources(process.cwd())), extend };
  server = stack.use(await startServer({ sources }));
  await insertTeam(server.databaseUrl);
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

/** One error of one mutation field, and nothing else. */
const refused = (field: string, message: string, extensions: { code: ErrorCode } & Record<string, unknown>): Told => ({
  status: 200,
  body: { data: { [field]: null }, errors: [{ message, path: [field], extensions }] },
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

const goldens: Record<ErrorCode, Golden[]> = {
  UNAUTHENTICATED: [
    {
      title: 'a field for who is signed in, asked by a stranger',
      ask: as(undefined, '{ weather }'),
      told: 'TODO',
    },
    {
      title: 'a token that is none',
      ask: async (on) => tell(await on.stranger.post({ query: '{ weather }' }, { authorization: 'Bearer no.to.ken' })),
      told: 'TODO',
    },
  ],
  FORBIDDEN: [
    {
      title: 'a row that may be seen and not changed',
      ask: as(
        { sub: team.cleo },
        `mutation { updateTask(where: { id: "${team.pond}" }, data: { priority: 1 }) { id } }`,
      ),
      told: 'TODO',
    },
    {
      title: 'a new row deep inside, which may not be made',
      ask: as(
        { sub: team.ben },
        `mutation { updateTask(where: { id: "${team.pond}" }, data: { subtasks: { update: [{ where: { id: "${team.axle}" }, data: {
          comments: { create: [{ body: "mine", authorId: "${team.ben}" }, { body: "hers", authorId: "${team.ann}" }] } } }] } }) { id } }`,
      ),
      told: 'TODO',
    },
    {
      title: 'a field that nobody sets',
      ask: as(ann, `mutation { updateUser(where: { id: "${team.ann}" }, data: { id: "${nobody}" }) { id } }`),
      told: 'TODO',
    },
    {
      title: 'a field that only some set',
      ask: as(
        { sub: team.ben },
        `mutation { updateProject(where: { id: "${team.wheel}" }, data: { budget: "1" }) { id } }`,
      ),
      told: 'TODO',
    },
  ],
  NOT_FOUND: [
    {
      title: 'a row that is hidden',
      ask: as(ann, `mutation { updateTask(where: { id: "${team.anvil}" }, data: { priority: 1 }) { id } }`),
      told: 'TODO',
    },
    {
      title: 'a hidden row that is connected',
      ask: as(
        ann,
        taskOf(
          `{ title: "t", projectId: "${team.wheel}", labels: { connect: [{ id: "${team.urgent}" }, { id: "${team.hot}" }] } }`,
        ),
      ),
      told: 'TODO',
    },
    {
      title: 'a row that is there, and related to another one',
      ask: as(
        ann,
        `mutation { updateTask(where: { id: "${team.axle}" }, data: { comments: { update: [{ where: { id: "${team.remark}" }, data: { body: "x" } }] } }) { id } }`,
      ),
      told: 'TODO',
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
      told: 'TODO',
    },
    {
      title: 'a variable of a wrong type, nested',
      ask: as(ann, 'mutation ($data: CreateTaskInput!) { createTask(data: $data) { id } }', {
        data: { title: 't', projectId: team.wheel, comments: { create: [{ body: 7 }] } },
      }),
      told: 'TODO',
    },
    {
      title: 'a variable in which something required is missing, nested',
      ask: as(ann, 'mutation ($data: CreateTaskInput!) { createTask(data: $data) { id } }', {
        data: { title: 't', projectId: team.wheel, comments: { create: [{ authorId: team.ann }] } },
      }),
      told: 'TODO',
    },
    {
      title: 'a required key that is missing',
      ask: as(ann, taskOf('{ title: "t" }')),
      told: 'TODO',
    },
    {
      title: 'what the write around it sets',
      ask: as(
        ann,
        `mutation { updateTask(where: { id: "${team.pond}" }, data: { comments: { create: [{ body: "b", authorId: "${team.ann}", taskId: "${team.axle}" }] } }) { id } }`,
      ),
      told: 'TODO',
    },
    { title: 'a document that is none', ask: as(ann, '{ tasks { nodes { nope } } }'), told: 'TODO' },
  ],
  CONFLICT: [
    {
      title: 'values that another row has',
      ask: as(ann, `mutation { createLabel(data: { workspaceId: "${team.mill}", name: "urgent" }) { id } }`),
      told: 'TODO',
    },
    {
      title: 'values that another row has, nested',
      ask: as(
        { role: 'admin' },
        `mutation { updateWorkspace(where: { slug: "mill" }, data: { labels: { create: [{ name: "new" }, { name: "urgent" }] } }) { id } }`,
      ),
      told: 'TODO',
    },
    {
      title: 'a row that has been changed meanwhile',
      ask: as(
        ann,
        `mutation { updateTask(where: { id: "${team.pond}" }, ifUnchangedSince: "2026-01-06T00:00:00Z", data: { priority: 1 }) { id } }`,
      ),
      told: 'TODO',
    },
    {
      title: 'a row that others hold on to',
      ask: as({ role: 'admin' }, `mutation { deleteUser(where: { id: "${team.dora}" }) { id } }`),
      told: 'TODO',
    },
  ],
  TOO_LARGE: [
    {
      title: 'more rows than one write may touch',
      ask: as({ role: 'admin' }, 'mutation ($data: [CreateLabelInput!]!) { createLabels(data: $data) { count } }', {
        data: Array.from({ length: 1001 }, (_, i) => ({ workspaceId: team.mill, name: `l${i}` })),
      }),
      told: 'TODO',
    },
    {
      title: 'an answer that is larger than may be sent',
      isStrict: true,
      ask: as(
        { role: 'admin' },
        `mutation { updateTask(where: { id: "${team.pond}" }, data: { body: "${'long '.repeat(500)}" }) { body } }`,
      ),
      told: 'TODO',
    },
    {
      title: 'a document that costs more than is allowed',
      isStrict: true,
      ask: as(ann, '{ tasks(first: 100) { nodes { subtasks { nodes { id } } } } }'),
      told: 'TODO',
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
        return socket.next();
      },
      told: 'TODO',
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
      told: 'TODO',
    },
  ],
  UNAVAILABLE: [
    {
      title: 'a write that takes longer than is allowed',
      isStrict: true,
      ask: (on) =>
        whileTasksAreHeld(() => as(ann, `mutation { deleteTask(where: { id: "${team.axle}" }) { id } }`)(on)),
      told: 'TODO',
    },
    {
      title: 'a read that takes longer than is allowed',
      isStrict: true,
      ask: (on) => whileTasksAreHeld(() => as(ann, '{ tasks { totalCount } }')(on)),
      told: 'TODO',
    },
  ],
  INTERNAL: [
    {
      title: 'a field of the application’s own that throws',
      ask: as(ann, 'mutation { explode }'),
      told: 'TODO',
    },
    {
      title: 'a field of a model that throws, after a write',
      ask: as(ann, `mutation { updateTask(where: { id: "${team.pond}" }, data: { priority: 5 }) { title broken } }`),
      told: 'TODO',
    },
  ],
  PERSISTED_QUERY_NOT_FOUND: [
    {
      title: 'a hash whose text was never sent',
      ask: async (on) =>
        tell(await on.as(ann).post({ extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } } })),
      told: 'TODO',
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
  const texts = tables.map((name) => `(select json_agg(t order by t::text) from ${name} t)`);
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
