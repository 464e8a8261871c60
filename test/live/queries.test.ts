import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../support/postgres.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { openSocket } from '../support/socket.ts';
import { insertTeam, team } from '../support/team.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await insertTeam(server.databaseUrl);
});
afterAll(() => server[Symbol.asyncDispose]());

const sql = (text: string) => ask(server.databaseUrl, text);
const runs = () => server.server.live().queries.runs;
const quiet = () => new Promise((resolve) => setTimeout(resolve, 400));

describe('a live query', () => {
  it('answers at once, and again when something it depends on has changed', async () => {
    await using socket = await openSocket(server, { sub: team.ann });
    const tasks = socket.subscribe('query @live { tasks(orderBy: { title: asc }) { nodes { title } totalCount } }');
    const first = await tasks.next();
    expect(first.tasks.totalCount).toBe(3);
    await sql(`update tasks set title = 'Bless the axle' where id = '${team.axle}'`);
    expect((await tasks.next()).tasks.nodes[0]).toEqual({ title: 'Bless the axle' });
  });

  it('costs one run for all who ask the same, and none for a change of anything else', async () => {
    await using ann = await openSocket(server, { sub: team.ann });
    const document = `query @live { task(where: { id: "${team.pond}" }) { title priority comments { nodes { body } } } }`;
    const streams = Array.from({ length: 20 }, () => ann.subscribe(document));
    for (const stream of streams) expect((await stream.next()).task.title).toBe('Water the millpond');
    const before = runs();
    await sql(`update tasks set priority = priority + 1 where id = '${team.axle}'`);
    await sql(`update tasks set body = 'long' where id = '${team.pond}'`);
    await sql(`update labels set color = '#000000' where id = '${team.urgent}'`);
    await sql(
      `insert into comments (id, task_id, author_id, body) values (gen_random_uuid(), '${team.anvil}', '${team.dora}', 'hush')`,
    );
    await quiet();
    expect(runs()).toBe(before);
    await sql(
      `insert into comments (id, task_id, author_id, body) values (gen_random_uuid(), '${team.pond}', '${team.ann}', 'It rains.')`,
    );
    for (const stream of streams) expect((await stream.next()).task.comments.nodes).toHaveLength(2);
    expect(runs()).toBe(before + 1);
  });

  it('tells what differs, when asked to', async () => {
    await using socket = await openSocket(server, { sub: team.ann });
    const results = socket.results(
      'query @live(patch: true) { tasks(orderBy: { id: asc }) { nodes { id title body status } } }',
    );
    expect(await results.next()).toMatchObject({ extensions: { live: { revision: 1 } } });
    await sql(`update tasks set title = 'Carve an oar' where id = '${team.paddle}'`);
    expect(await results.next()).toEqual({
      data: null,
      extensions: {
        live: { revision: 2, patch: [{ op: 'replace', path: '/tasks/nodes/2/title', value: 'Carve an oar' }] },
      },
    });
  });

  it('says nothing when its answer stays the same', async () => {
    await using socket = await openSocket(server, { sub: team.cleo });
    const tasks = socket.subscribe('query @live { tasks(where: { priority: { gt: 100 } }) { totalCount } }');
    expect(await tasks.next()).toEqual({ tasks: { totalCount: 0 } });
    await sql(`update tasks set priority = 50 where id = '${team.pond}'`);
    await quiet();
    expect(tasks.waiting).toEqual([]);
  });

  it('shows what a viewer is let into, and no more what they are put out of', async () => {
    await using socket = await openSocket(server, { sub: team.dora });
    const tasks = socket.subscribe('query @live { tasks(orderBy: { title: asc }) { nodes { title } } }');
    const titles = async () => (await tasks.next()).tasks.nodes.map((n: { title: string }) => n.title);
    expect(await titles()).toEqual(['Cast the anvil']);
    await sql(`insert into members (workspace_id, user_id, role) values ('${team.mill}', '${team.dora}', 'viewer')`);
    expect(await titles()).toHaveLength(4);
    await sql(`delete from members where workspace_id = '${team.mill}' and user_id = '${team.dora}'`);
    expect(await titles()).toEqual(['Cast the anvil']);
  });

  it('of more than the data API is refused, as is one that the viewer may not ask', async () => {
    await using socket = await openSocket(server, { sub: team.dora });
    await expect(socket.subscribe('query @live { __schema { types { name } } }').next()).rejects.toMatchObject([
      { extensions: { code: 'INVALID_INPUT' } },
    ]);
    await expect(socket.subscribe('query @live { tasks(first: -1) { totalCount } }').next()).rejects.toMatchObject([
      { extensions: { code: 'INVALID_INPUT' } },
    ]);
    expect((await socket.subscribe('{ tasks { totalCount } }').next()).tasks.totalCount).toBe(1);
  });
});

describe('viewers with rules of their own', () => {
  it('are answered by one statement, each with what they may see', async () => {
    const people = [team.ann, team.ben, team.cleo];
    const sockets = await Promise.all(people.map((sub) => openSocket(server, { sub })));
    const streams = sockets.map((socket) =>
      socket.subscribe('query @live { users(orderBy: { name: asc }) { nodes { name email } } }'),
    );
    for (const stream of streams) await stream.next();
    await quiet();
    const before = runs();
    await sql(`update users set name = 'Benjamin', email = 'benjamin@mill.test' where id = '${team.ben}'`);
    const answers = await Promise.all(streams.map((stream) => stream.next()));
    expect(answers.map((a) => a.users.nodes[1])).toEqual([
      { name: 'Benjamin', email: null },
      { name: 'Benjamin', email: 'benjamin@mill.test' },
      { name: 'Benjamin', email: null },
    ]);
    expect(runs()).toBe(before + 1);
    await Promise.all(sockets.map((socket) => socket[Symbol.asyncDispose]()));
  });
});
