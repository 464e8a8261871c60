import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../support/postgres.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { type ChangeStream, openSocket } from '../support/socket.ts';
import { insertTeam, team } from '../support/team.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await insertTeam(server.databaseUrl);
});
afterAll(() => server[Symbol.asyncDispose]());

const document = `subscription ($where: TaskWhereInput, $after: String) {
  taskChanges(where: $where, after: $after) { type reason cursor key { id } node { title priority project { name } } previous { title } changedFields }
}`;

const sql = (text: string) => ask(server.databaseUrl, text);
const begin = async (stream: ChangeStream) =>
  expect(await stream.next()).toMatchObject({ taskChanges: { type: 'CHECKPOINT' } });

describe('the changes of a model', () => {
  it('are told with what was before, what is now, and which fields differ', async () => {
    await using socket = await openSocket(server, { sub: team.ann });
    const changes = socket.subscribe(document);
    await begin(changes);
    await sql(`update tasks set title = 'Drain the millpond' where id = '${team.pond}'`);
    expect(await changes.next()).toMatchObject({
      taskChanges: {
        type: 'UPDATED',
        key: { id: team.pond },
        node: { title: 'Drain the millpond', project: { name: 'New wheel' } },
        previous: { title: 'Water the millpond' },
        changedFields: ['title'],
      },
    });
  });

  it('are told to the admin, whose rule looks at no table at all', async () => {
    await using socket = await openSocket(server, { role: 'admin' });
    const changes = socket.subscribe(document);
    await begin(changes);
    await sql(`update tasks set priority = 7 where id = '${team.anvil}'`);
    expect(await changes.next()).toMatchObject({ taskChanges: { type: 'UPDATED', changedFields: ['priority'] } });
  });
});

describe('a viewer who is let in or put out by another row', () => {
  it('is told that their sight has changed, and others are not', async () => {
    await using dora = await openSocket(server, { sub: team.dora });
    await using ann = await openSocket(server, { sub: team.ann });
    const [hers, anns] = [dora.subscribe(document), ann.subscribe(document)];
    await begin(hers);
    await begin(anns);
    await sql(`insert into members (workspace_id, user_id, role) values ('${team.mill}', '${team.dora}', 'viewer')`);
    expect(await hers.next()).toMatchObject({ taskChanges: { type: 'RESYNC', reason: 'PERMISSION', node: null } });
    await sql(`update tasks set title = 'Dam the millpond' where id = '${team.pond}'`);
    expect(await hers.next()).toMatchObject({ taskChanges: { type: 'UPDATED', node: { title: 'Dam the millpond' } } });
    await sql(`delete from members where workspace_id = '${team.mill}' and user_id = '${team.dora}'`);
    expect(await hers.next()).toMatchObject({ taskChanges: { type: 'RESYNC', reason: 'PERMISSION' } });
    await sql(`update tasks set title = 'Empty the millpond' where id = '${team.pond}'`);
    expect(await anns.next()).toMatchObject({ taskChanges: { node: { title: 'Dam the millpond' } } });
    expect(await anns.next()).toMatchObject({ taskChanges: { node: { title: 'Empty the millpond' } } });
    expect([hers.waiting, anns.waiting]).toEqual([[], []]);
  });

  it('is not told of what happens where they have no part', async () => {
    await using ann = await openSocket(server, { sub: team.ann });
    const streams = [
      ann.subscribe(document),
      ann.subscribe('subscription { userChanges { type reason node { name } } }'),
    ];
    for (const stream of streams) await stream.next();
    await sql(`insert into users (id, email, name) values ('${team.remark}', 'eve@smithy.test', 'Eve')`);
    await sql(
      `insert into members (workspace_id, user_id, role) values ('${team.smithy}', '${team.remark}', 'viewer')`,
    );
    await sql(
      `insert into projects (id, workspace_id, name) values (gen_random_uuid(), '${team.smithy}', 'Third forge')`,
    );
    await sql(`update members set role = 'editor' where user_id = '${team.cleo}'`);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(streams.map((s) => s.waiting)).toEqual([[], []]);
    await sql(`insert into members (workspace_id, user_id, role) values ('${team.mill}', '${team.remark}', 'viewer')`);
    expect(await streams[1]!.next()).toMatchObject({ userChanges: { type: 'RESYNC', reason: 'PERMISSION' } });
    expect(streams[0]!.waiting).toEqual([]);
  });

  it('hears of the rows that went together with what let them in', async () => {
    await using dora = await openSocket(server, { sub: team.dora });
    const changes = dora.subscribe(document);
    await begin(changes);
    await sql(`delete from workspaces where id = '${team.smithy}'`);
    const told = [await changes.next()];
    while (told.at(-1).taskChanges.type !== 'DELETED') told.push(await changes.next());
    expect(told.at(-1).taskChanges).toMatchObject({ key: { id: team.anvil }, previous: { title: 'Cast the anvil' } });
  });
});
