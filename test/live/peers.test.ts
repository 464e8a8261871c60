import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { begun, type Change, heardUntil, nextChange } from '../support/heard.ts';
import { ask } from '../support/postgres.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { type ChangeStream, openSocket, type SocketClient } from '../support/socket.ts';
import { insertTeam, team } from '../support/team.ts';

// What others are known to do wrong, each by the name under which it was reported.

let server: TestServer;
const sockets: Partial<Record<'ann' | 'ben' | 'dora' | 'admin', SocketClient>> = {};
const sql = (text: string) => ask(server.databaseUrl, text);
const as = (who: keyof typeof sockets) => sockets[who]!;

beforeAll(async () => {
  server = await startServer();
  await insertTeam(server.databaseUrl);
  for (const who of ['ann', 'ben', 'dora'] as const) sockets[who] = await openSocket(server, { sub: team[who] });
  sockets.admin = await openSocket(server, { role: 'admin' });
});
afterAll(async () => {
  for (const socket of Object.values(sockets)) await socket[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

const fields = 'type reason cursor key { id } node { id title priority } previous { id title priority } changedFields';
const tasks = `subscription ($where: TaskWhereInput, $after: String) { taskChanges(where: $where, after: $after) { ${fields} } }`;
const projects = `subscription ($where: ProjectWhereInput) { projectChanges(where: $where) {
  type reason cursor key { id } node { name budget } previous { name budget } changedFields } }`;

const listen = async (who: keyof typeof sockets, query = tasks, variables = {}): Promise<ChangeStream> => {
  const stream = as(who).subscribe(query, variables);
  await begun(stream);
  return stream;
};

// A stream may begin before what was committed before it: each test begins when all of that has been told.
beforeEach(() => settle());

async function settle(): Promise<void> {
  const stream = await listen('admin');
  await heardUntil(stream, await endMark());
  stream.stop();
}

/** Makes a task that stands for "everything before this has been told"; a stream is heard up to it. */
let ends = 0;
async function endMark(project: string = team.wheel): Promise<(change: Change) => boolean> {
  ends += 1;
  const title = `end ${ends}`;
  await sql(
    `insert into tasks (project_id, id, title, updated_at) values ('${project}', gen_random_uuid(), '${title}', now())`,
  );
  return (change) => change.node?.title === title;
}

const newTask = (title: string, at = 'now()') =>
  `insert into tasks (id, project_id, title, created_at, updated_at) values (gen_random_uuid(), '${team.wheel}', '${title}', ${at}, ${at})`;

describe('rows that are committed late (hasura#8632)', () => {
  it('are told though others with later ids and times were committed before them', async () => {
    const stream = await listen('ben');
    const clients = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const client = new pg.Client({ connectionString: server.databaseUrl });
        await client.connect();
        return client;
      }),
    );
    const stragglers = clients.slice(0, 3);
    for (const [n, straggler] of stragglers.entries()) await straggler.query(`begin; ${newTask(`straggler ${n}`)}`);
    await Promise.all(
      clients.slice(3).map(async (client, writer) => {
        for (let n = 0; n < 40; n++) await client.query(newTask(`writer ${writer} ${n}`));
      }),
    );
    for (const straggler of stragglers) await straggler.query('commit');
    const heard = await heardUntil(stream, await endMark());
    await Promise.all(clients.map((client) => client.end()));
    const titles = heard.filter((c) => c.type === 'CREATED').map((c) => c.node.title);
    expect(titles).toHaveLength(5 * 40 + 3);
    expect(new Set(titles).size).toBe(titles.length);
    for (let writer = 0; writer < 5; writer++) {
      const own = titles.filter((title: string) => title.startsWith(`writer ${writer} `));
      expect(own).toEqual(Array.from({ length: 40 }, (_, n) => `writer ${writer} ${n}`));
    }
    expect(titles.filter((title: string) => title.startsWith('straggler'))).toHaveLength(3);
    stream.stop();
  });

  it('are told to one who goes on from a cursor that was given while they were open', async () => {
    const stream = await listen('ben');
    const straggler = new pg.Client({ connectionString: server.databaseUrl });
    await straggler.connect();
    await straggler.query(`begin; ${newTask('late')}`);
    await sql(newTask('early'));
    const { node, cursor } = await nextChange(stream);
    expect(node.title).toBe('early');
    stream.stop();
    await straggler.query('commit');
    await straggler.end();
    const again = as('ben').subscribe(tasks, { after: cursor });
    expect(await nextChange(again)).toMatchObject({ type: 'CREATED', node: { title: 'late' } });
    again.stop();
  });
});

it('rows with the same timestamp are told each (hasura#9528)', async () => {
  const stream = await listen('ben');
  await sql(`begin; insert into tasks (id, project_id, title, created_at, updated_at)
    select gen_random_uuid(), '${team.wheel}', 'tie ' || n, '2026-01-01', '2026-01-01' from generate_series(1, 700) n; commit`);
  const heard = await heardUntil(stream, await endMark());
  expect(heard.map((c) => c.node.title)).toEqual(Array.from({ length: 700 }, (_, n) => `tie ${n + 1}`));
  expect(new Set(heard.map((c) => c.cursor)).size).toBe(700);
  // A place between two of them is a place, too.
  const again = as('ben').subscribe(tasks, { after: heard[349].cursor });
  expect((await nextChange(again)).node.title).toBe('tie 351');
  stream.stop();
  again.stop();
});

it('a burst that no queue would hold loses a slow client nothing (hasura#10860)', async () => {
  const token = await server.server.tokens.mint!({ sub: team.ben });
  const document = tasks.replace('priority }', 'priority body }');
  await using slow = await openPausable(`${server.url.replace('http', 'ws')}/graphql`, token, document);
  await slow.next();
  slow.pause();
  // In numbers small, in bytes more than a node keeps of the log in memory.
  const count = 6000;
  await sql(`insert into tasks (id, project_id, title, body, updated_at)
    select gen_random_uuid(), '${team.wheel}', 'burst ' || n, repeat('x', 6000), now() from generate_series(1, ${count}) n`);
  const quick = await listen('ben');
  await new Promise((resolve) => setTimeout(resolve, 1500));
  // Somebody else is served meanwhile.
  await sql(newTask('meanwhile'));
  expect((await heardUntil(quick, (c) => c.node?.title === 'meanwhile')).length).toBeLessThanOrEqual(count);
  slow.resume();
  let expected = 1;
  while (expected <= count) {
    const change: Change = await slow.next();
    if (change.type === 'CHECKPOINT') continue;
    expect(change).toMatchObject({ type: 'CREATED', node: { title: `burst ${expected}` } });
    expected += 1;
  }
  quick.stop();
}, 120_000);

describe('deletes past the rules (supabase/realtime#1114)', () => {
  it('are told of a row that one may see, and of no other', async () => {
    const [ben, dora] = [await listen('ben'), await listen('dora')];
    await sql(`delete from tasks where id = '${team.paddle}'`);
    const [hers, his] = [await heardUntil(dora, await endMark(team.forge)), await heardUntil(ben, await endMark())];
    expect(his).toMatchObject([{ type: 'DELETED', key: { id: team.paddle }, previous: { title: 'Carve a paddle' } }]);
    expect(hers).toEqual([]);
    for (const stream of [ben, dora]) stream.stop();
  });

  it('are told in a cascade, where the rows that the rule looks at are gone as well', async () => {
    await sql(`
      insert into workspaces (id, name, slug) values ('00000000-0000-7000-8000-000000000101', 'Short', 'short');
      insert into members (workspace_id, user_id, role) values ('00000000-0000-7000-8000-000000000101', '${team.ann}', 'owner');
      insert into projects (id, workspace_id, name, budget) values ('00000000-0000-7000-8000-000000000102', '00000000-0000-7000-8000-000000000101', 'Brief', 7);
      insert into tasks (id, project_id, title, updated_at) values
        ('00000000-0000-7000-8000-000000000103', '00000000-0000-7000-8000-000000000102', 'gone 1', now()),
        ('00000000-0000-7000-8000-000000000104', '00000000-0000-7000-8000-000000000102', 'gone 2', now());`);
    await settle();
    const [ann, filtered, ben] = [
      await listen('ann'),
      await listen('ann', tasks, { where: { project: { is: { budget: { equals: '7' } } } } }),
      await listen('ben'),
    ];
    const project = await listen('ann', projects);
    await sql(`delete from workspaces where slug = 'short'`);
    expect(await nextChange(project)).toMatchObject({ type: 'DELETED', previous: { name: 'Brief', budget: '7.00' } });
    const isEnd = await endMark();
    const gone = (await heardUntil(ann, isEnd)).map((c) => [c.type, c.previous.title]);
    expect(gone.sort()).toEqual([
      ['DELETED', 'gone 1'],
      ['DELETED', 'gone 2'],
    ]);
    expect([(await nextChange(filtered)).type, (await nextChange(filtered)).type]).toEqual(['DELETED', 'DELETED']);
    expect(await heardUntil(ben, isEnd)).toEqual([]);
    for (const stream of [ann, filtered, ben, project]) stream.stop();
  });
});

describe('filters and fields are no oracles', () => {
  const budget = (value: number) => sql(`update projects set budget = ${value} where id = '${team.wheel}'`);
  const rename = (name: string) => sql(`update projects set name = '${name}' where id = '${team.wheel}'`);
  const until = (name: string) => (change: Change) => change.node?.name === name;

  it('a hidden field that changes is no event, and is named nowhere', async () => {
    const [ann, ben] = [await listen('ann', projects), await listen('ben', projects)];
    await budget(1);
    await sql(`update projects set budget = 2, archived = true where id = '${team.wheel}'`);
    await rename('Wheel 1');
    const [hers, his] = [await heardUntil(ann, until('Wheel 1')), await heardUntil(ben, until('Wheel 1'))];
    expect(hers.map((c) => c.changedFields)).toEqual([['budget'], ['budget', 'archived']]);
    expect(his.map((c) => c.changedFields)).toEqual([['archived']]);
    expect(JSON.stringify(his)).not.toMatch(/budget":"|"budget"[\],]/);
    for (const stream of [ann, ben]) stream.stop();
  });

  it.each([
    ['a hidden field', projects, { budget: { gt: '100' } }],
    ['what a hidden field is not', projects, { NOT: [{ budget: { lte: '100' } }] }],
  ])('a filter on %s finds nothing in any of its values', async (_what, query, where) => {
    const [ben, ann] = [await listen('ben', query, { where }), await listen('ann', query, { where })];
    for (const value of [50, 500]) {
      await budget(value);
      await rename(`Wheel ${value}`);
      await budget(1000 - value);
      await rename('Wheel');
    }
    await budget(700);
    await rename('Wheel end');
    expect((await heardUntil(ann, until('Wheel end'))).length).toBeGreaterThan(0);
    expect(ben.waiting).toEqual([]);
    for (const stream of [ben, ann]) stream.stop();
  });

  it('a filter on a hidden related row finds nothing', async () => {
    // Of Dora, the Mill’s people may know nothing: not even that a task of theirs is assigned to her.
    const where = { assignee: { is: { name: { startsWith: 'D' } } } };
    const [ben, admin] = [await listen('ben', tasks, { where }), await listen('admin', tasks, { where })];
    await sql(`update tasks set assignee_id = '${team.dora}' where id = '${team.axle}'`);
    await sql(`update tasks set priority = 77 where id = '${team.axle}'`);
    expect((await nextChange(admin)).type).toBe('ENTERED');
    expect(await nextChange(admin)).toMatchObject({ type: 'UPDATED', node: { priority: 77 } });
    expect(ben.waiting).toEqual([]);
    await sql(`update tasks set assignee_id = null where id = '${team.axle}'`);
    for (const stream of [ben, admin]) stream.stop();
  });

  it('what is sent to one who may not know differs in nothing, whatever a hidden field holds', async () => {
    const sent = async (value: number): Promise<string> => {
      const ben = await listen('ben', projects);
      await sql(`update projects set budget = 0, archived = false, name = 'Same' where id = '${team.wheel}'`);
      await heardUntil(ben, until('Same'));
      await budget(value);
      await sql(`update projects set archived = true where id = '${team.wheel}'`);
      await rename('Same end');
      const heard = await heardUntil(ben, until('Same end'));
      ben.stop();
      return JSON.stringify(heard.map(({ cursor, ...rest }) => [cursor.length, rest]));
    };
    expect(await sent(0)).toBe(await sent(123_456));
  });
});

describe('subscribers share work, and nothing else', () => {
  it('two viewers with one document hear each their own', async () => {
    const [ben, dora] = [await listen('ben'), await listen('dora')];
    await sql(
      `update tasks set title = 'Ours' where id = '${team.axle}'; update tasks set title = 'Theirs' where id = '${team.anvil}'`,
    );
    const [his, hers] = [await heardUntil(ben, await endMark()), await heardUntil(dora, await endMark(team.forge))];
    expect(his.map((c) => c.node.title)).toEqual(['Ours']);
    expect(hers.map((c) => c.node.title)).toEqual(['Theirs']);
    for (const stream of [ben, dora]) stream.stop();
  });

  it('one field rule makes two answers of one change', async () => {
    const [ann, ben] = [await listen('ann', projects), await listen('ben', projects)];
    await sql(`update projects set name = 'Shared', budget = 5 where id = '${team.wheel}'`);
    expect(await nextChange(ann)).toMatchObject({ node: { name: 'Shared', budget: '5.00' } });
    expect(await nextChange(ben)).toMatchObject({ node: { name: 'Shared', budget: null } });
    for (const stream of [ann, ben]) stream.stop();
  });

  it('two variables of one viewer make two streams', async () => {
    const [low, high] = [
      await listen('ben', tasks, { where: { priority: { lt: 10 } } }),
      await listen('ben', tasks, { where: { priority: { lt: 100 } } }),
    ];
    await sql(`update tasks set priority = 50, title = 'Fifty' where id = '${team.axle}'`);
    await sql(`update tasks set priority = 5, title = 'Five' where id = '${team.axle}'`);
    const types = async (stream: ChangeStream) =>
      (await heardUntil(stream, (c) => c.node?.title === 'Five')).map((c) => c.type);
    expect(await types(high)).toEqual(['UPDATED']);
    expect(await types(low)).toEqual([]);
    for (const stream of [low, high]) stream.stop();
  });
});

describe('a permission that changes under a subscription', () => {
  const dismiss = (who: string) =>
    sql(`delete from members where workspace_id = '${team.mill}' and user_id = '${who}'`);
  const admit = (who: string, role = 'editor') =>
    sql(`insert into members (workspace_id, user_id, role) values ('${team.mill}', '${who}', '${role}')
      on conflict (workspace_id, user_id) do update set role = excluded.role`);
  const touch = (title: string) => sql(`update tasks set title = '${title}' where id = '${team.axle}'`);
  beforeEach(async () => void (await admit(team.ben)));

  it('when taken away, nothing more is told; when given, from then on', async () => {
    const [ben, ann] = [await listen('ben'), await listen('ann')];
    await touch('before');
    expect(await nextChange(ben)).toMatchObject({ node: { title: 'before' } });
    await dismiss(team.ben);
    await touch('hidden 1');
    await touch('hidden 2');
    await heardUntil(ann, (c) => c.node?.title === 'hidden 2');
    await admit(team.ben);
    await touch('after');
    // That the sight has changed is told, and not a word of what was not to be seen.
    const between = await heardUntil(ben, (c) => c.node?.title === 'after');
    expect(between.map(({ type, reason, node, key }) => [type, reason, node, key])).toEqual([
      ['RESYNC', 'PERMISSION', null, null],
      ['RESYNC', 'PERMISSION', null, null],
    ]);
    for (const stream of [ben, ann]) stream.stop();
  });

  it('by which a field is shown from then on, and hidden again', async () => {
    const ben = await listen('ben', projects);
    const name = async (value: string) => {
      await sql(`update projects set name = '${value}' where id = '${team.wheel}'`);
      return (await nextChange(ben)).node.budget;
    };
    await sql(`update projects set budget = 42 where id = '${team.wheel}'`);
    expect(await name('one')).toBeNull();
    await admit(team.ben, 'owner');
    expect(await name('two')).toBe('42.00');
    await admit(team.ben, 'viewer');
    expect(await name('three')).toBeNull();
    ben.stop();
  });

  it('by claims holds as the token says, whatever another token says meanwhile', async () => {
    await using once = await openSocket(server, { sub: team.dora, role: 'admin' });
    const [admin, dora] = [once.subscribe(tasks), await listen('dora')];
    await begun(admin);
    await touch('for the role');
    expect(await nextChange(admin)).toMatchObject({ node: { title: 'for the role' } });
    expect(await heardUntil(dora, await endMark(team.forge))).toEqual([]);
    dora.stop();
  });
});

/** A client that can stop reading: a bare WebSocket of the protocol graphql-transport-ws. */
async function openPausable(url: string, token: string, query: string) {
  const { WebSocket } = await import('ws');
  const socket = new WebSocket(url, 'graphql-transport-ws');
  const results: Change[] = [];
  let heard = () => {};
  socket.on('message', (data) => {
    const { type, payload } = JSON.parse(String(data));
    if (type === 'connection_ack') socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query } }));
    if (type === 'next') results.push(Object.values(payload.data)[0]);
    heard();
  });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
  return {
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    async next(): Promise<Change> {
      const deadline = Date.now() + 30_000;
      while (results.length === 0) {
        if (Date.now() > deadline || socket.readyState === WebSocket.CLOSED) throw new Error('nothing came any more');
        await new Promise<void>((resolve) => {
          heard = resolve;
          setTimeout(resolve, 100);
        });
      }
      return results.shift();
    },
    async [Symbol.asyncDispose]() {
      socket.terminate();
    },
  };
}
