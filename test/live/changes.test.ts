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
});
