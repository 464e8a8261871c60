import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Change, heardUntil } from '../support/heard.ts';
import { ask } from '../support/postgres.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { type ChangeStream, openSocket, type SocketClient } from '../support/socket.ts';
import { insertTeam, team } from '../support/team.ts';

// Viewer × change × what is told × words that must not be told.

const claims = {
  'a stranger': undefined,
  'somebody without a workspace': { sub: '00000000-0000-7000-8000-000000000999' },
  'somebody whose id is no UUID': { sub: 'ann' },
  'another workspace’s owner': { sub: team.dora },
  'a reader': { sub: team.cleo },
  'an editor': { sub: team.ben },
  'the owner': { sub: team.ann },
  'an admin': { role: 'admin' },
} as const;
type Who = keyof typeof claims;

const common = 'type reason cursor changedFields';
const documents = {
  Task: `subscription { taskChanges { ${common} key { id } node { title extra assignee { name email } project { name budget } } previous { title extra } } }`,
  Project: `subscription { projectChanges { ${common} key { id } node { name budget } previous { name budget } } }`,
  User: `subscription { userChanges { ${common} key { id } node { name email } previous { name email } } }`,
  Member: `subscription { memberChanges { ${common} key { workspaceId userId } node { role user { name email } } previous { role } } }`,
  Label: `subscription { labelChanges { ${common} key { id } node { name } previous { name } } }`,
  Comment: `subscription { commentChanges { ${common} key { id } node { body author { name email } task { title } } previous { body } } }`,
  Workspace: `subscription { workspaceChanges { ${common} key { id } node { name slug } previous { name } } }`,
} as const;
type ModelName = keyof typeof documents;

let server: TestServer;
let marker: ChangeStream;
const sockets = new Map<Who, SocketClient>();
const streams = new Map<string, ChangeStream>();
const places = Object.keys(claims).flatMap((who) =>
  Object.keys(documents).map((model) => [who as Who, model as ModelName] as const),
);

beforeAll(async () => {
  server = await startServer();
  await insertTeam(server.databaseUrl);
  for (const who of Object.keys(claims) as Who[]) sockets.set(who, await openSocket(server, claims[who]));
  for (const [who, model] of places) {
    const stream = sockets.get(who)!.subscribe(documents[model]);
    await stream.next(20_000);
    streams.set(`${who} ${model}`, stream);
  }
  marker = sockets.get('an admin')!.subscribe('subscription { labelChanges { type node { name } } }');
});
afterAll(async () => {
  for (const socket of sockets.values()) await socket[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

let marks = 0;
/** Everything that each has been told by now. */
async function settle(): Promise<void> {
  marks += 1;
  const name = `mark ${marks}`;
  // Whoever sees all sees the mark on each model; what is theirs comes before it on every stream of the plan.
  await ask(server.databaseUrl, `update labels set name = '${name}' where id = '${team.hot}'`);
  await heardUntil(marker, (change: Change) => change.node?.name === name);
  let quiet = 0;
  let before = -1;
  while (quiet < 3) {
    await new Promise((resolve) => setTimeout(resolve, 60));
    const now = [...streams.values()].reduce((sum, { waiting }) => sum + waiting.length, 0);
    quiet = now === before ? quiet + 1 : 0;
    before = now;
  }
}

beforeEach(async () => {
  await settle();
  for (const stream of streams.values()) stream.waiting.length = 0;
});

const told = (who: Who, model: ModelName): Change[] =>
  streams
    .get(`${who} ${model}`)!
    .waiting.map((result) => Object.values((result as { data: object }).data)[0] as Change)
    .filter((change) => change.type !== 'CHECKPOINT');

const outside: Who[] = [
  'a stranger',
  'somebody without a workspace',
  'somebody whose id is no UUID',
  'another workspace’s owner',
];
const members: Who[] = ['a reader', 'an editor', 'the owner'];

/** What each hears of a change: a text of its type, reason and fields, for groups of viewers; nothing for all others. */
interface Row {
  sql: string;
  model: ModelName;
  heard: [who: Who[], what: string, has?: string[]][];
  /** Words that only these may be told, of this change on any stream. */
  secret?: Record<string, Who[]>;
  /** Whose sight of the model's rows it changes as a whole. */
  turned?: Who[];
}

const all = [...members, 'an admin'] as Who[];
const rows: Record<string, Row> = {
  'a task is retitled': {
    sql: `update tasks set title = 'Dam the brook' where id = '${team.pond}'`,
    model: 'Task',
    heard: [[all, 'UPDATED title', ['Dam the brook', 'Water the millpond']]],
    secret: { brook: all, 'ben@mill': ['an editor', 'an admin'] },
  },
  'a task is moved to another workspace': {
    sql: `update tasks set project_id = '${team.forge}', title = 'Carve for them' where id = '${team.paddle}'`,
    model: 'Task',
    heard: [
      [members, 'REMOVED HIDDEN'],
      [['another workspace’s owner'], 'ENTERED', ['Carve for them']],
      [['an admin'], 'UPDATED projectId title'],
    ],
    secret: { 'for them': ['another workspace’s owner', 'an admin'] },
  },
  'a task is moved back': {
    sql: `update tasks set project_id = '${team.wheel}', title = 'Carve again' where id = '${team.paddle}'`,
    model: 'Task',
    heard: [
      [members, 'ENTERED', ['Carve again']],
      [['another workspace’s owner'], 'REMOVED HIDDEN'],
      [['an admin'], 'UPDATED projectId title'],
    ],
    secret: { 'Carve again': all, 'for them': ['an admin'] },
  },
  'a budget is changed': {
    sql: `update projects set budget = 777.70 where id = '${team.wheel}'`,
    model: 'Project',
    heard: [[['the owner', 'an admin'], 'UPDATED budget', ['777.70', '1234.50']]],
    secret: { '777.7': ['the owner', 'an admin'], '1234.5': ['the owner', 'an admin'] },
  },
  'a budget and a name are changed': {
    sql: `update projects set budget = 888.80, name = 'Newer wheel' where id = '${team.wheel}'`,
    model: 'Project',
    heard: [
      [['the owner', 'an admin'], 'UPDATED budget name', ['888.80']],
      [['a reader', 'an editor'], 'UPDATED name', ['Newer wheel']],
    ],
    secret: { '888.8': ['the owner', 'an admin'], '777.7': ['the owner', 'an admin'] },
  },
  'an address is changed': {
    sql: `update users set email = 'new@mill.test' where id = '${team.ben}'`,
    model: 'User',
    heard: [[['an editor', 'an admin'], 'UPDATED email', ['new@mill.test']]],
    secret: { 'new@mill': ['an editor', 'an admin'], 'ben@mill': ['an editor', 'an admin'] },
  },
  'a name is changed': {
    sql: `update users set name = 'Bennett' where id = '${team.ben}'`,
    model: 'User',
    heard: [[all, 'UPDATED name', ['Bennett']]],
    secret: { Bennett: all, 'new@mill': ['an editor', 'an admin'] },
  },
  'a comment is made': {
    sql: `insert into comments (id, task_id, author_id, body) values (gen_random_uuid(), '${team.pond}', '${team.ben}', 'It rains.')`,
    model: 'Comment',
    heard: [[all, 'CREATED', ['It rains.']]],
    secret: { rains: all, 'new@mill': ['an editor', 'an admin'] },
  },
  'a member is dismissed': {
    sql: `delete from members where user_id = '${team.cleo}'`,
    turned: ['a reader'],
    model: 'Member',
    // Her own place was what let her see the others': that is told instead.
    heard: [[['an editor', 'the owner', 'an admin'], 'DELETED', ['"role":"VIEWER"']]],
    secret: {},
  },
  'what one is told no more': {
    sql: `update tasks set title = 'Behind her back' where id = '${team.pond}'`,
    model: 'Task',
    heard: [[['an editor', 'the owner', 'an admin'], 'UPDATED title']],
    secret: { Behind: ['an editor', 'the owner', 'an admin'] },
  },
  'a workspace goes with all that is in it': {
    sql: `delete from workspaces where id = '${team.mill}'`,
    model: 'Workspace',
    heard: [[['an editor', 'the owner', 'an admin'], 'DELETED', ['The Mill']]],
    secret: { Behind: ['an editor', 'the owner', 'an admin'], '888.8': ['the owner', 'an admin'] },
  },
};

describe.each(Object.entries(rows))('%s', (_title, { sql, model, heard, secret = {}, turned = [] }) => {
  it('is told to whom it concerns, in their words', async () => {
    await ask(server.databaseUrl, sql);
    await settle();
    const expected = new Map(heard.flatMap(([who, what, has]) => who.map((one) => [one, { what, has }] as const)));
    for (const who of Object.keys(claims) as Who[]) {
      const everything = told(who, model);
      const changes = everything.filter(({ reason }) => reason !== 'PERMISSION');
      expect([who, everything.length > changes.length]).toEqual([who, turned.includes(who)]);
      const texts = changes.map(({ type, reason, changedFields }) =>
        [type, reason, ...(changedFields ?? []).toSorted()].filter(Boolean).join(' '),
      );
      expect([who, ...texts]).toEqual(expected.has(who) ? [who, expected.get(who)!.what] : [who]);
      for (const word of expected.get(who)?.has ?? []) expect(JSON.stringify(changes)).toContain(word);
    }
    for (const [who, other] of places) {
      const text = JSON.stringify(told(who, other));
      for (const [word, may] of Object.entries(secret))
        if (!may.includes(who)) expect(`${who}: ${text}`).not.toContain(word);
      if (outside.includes(who) && who !== 'another workspace’s owner') expect(`${who}: ${text}`).toBe(`${who}: []`);
    }
  });
});
