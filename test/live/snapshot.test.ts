import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';
import { openSocket } from '../support/socket.ts';
import { insertTeam, team } from '../support/team.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await insertTeam(server.databaseUrl);
});
afterAll(() => server[Symbol.asyncDispose]());

const changes = 'subscription ($after: String) { taskChanges(after: $after) { type cursor node { id priority } } }';
const question = '{ changesCursor tasks { nodes { id priority } } }';

/** Raises priorities without pause, some of them in transactions that take their time. */
async function write(isOver: () => boolean, writer: number): Promise<void> {
  const client = new pg.Client({ connectionString: server.databaseUrl });
  await client.connect();
  for (let i = 0; !isOver(); i += 1) {
    const id = [team.pond, team.axle, team.paddle][(i + writer) % 3];
    await client.query('begin');
    await client.query('update tasks set priority = priority + 1 where id = $1', [id]);
    if (i % 5 === writer) await new Promise((resolve) => setTimeout(resolve, 15));
    await client.query(i % 6 === 0 ? 'rollback' : 'commit');
  }
  await client.end();
}

describe('an answer with a cursor, and the changes behind it', () => {
  it('join without a gap and without a repeat, whoever writes meanwhile', async () => {
    let isOver = false;
    const writers = [0, 1, 2].map((writer) => write(() => isOver, writer));
    await using socket = await openSocket(server, { sub: team.ann });
    for (let round = 0; round < 20; round += 1) {
      const { data } = await server.as({ sub: team.ann }).query(question);
      const known = new Map<string, number>(
        data.tasks.nodes.map((n: { id: string; priority: number }) => [n.id, n.priority]),
      );
      const stream = socket.subscribe(changes, { after: data.changesCursor });
      for (let i = 0; i < 12; i += 1) {
        const { type, node } = (await stream.next()).taskChanges;
        expect(type).toBe('UPDATED');
        expect(node.priority).toBe(known.get(node.id)! + 1);
        known.set(node.id, node.priority);
      }
      stream.stop();
    }
    isOver = true;
    await Promise.all(writers);
  });

  it('say nothing of how much has happened', async () => {
    const { data } = await server.stranger.query('{ changesCursor }');
    expect(data.changesCursor).toMatch(/^[\w-]{60,}$/);
    const { data: second } = await server.stranger.query('{ a: changesCursor b: changesCursor }');
    expect(second.a).toBe(second.b);
  });
});
