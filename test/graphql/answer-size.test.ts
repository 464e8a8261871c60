import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../support/postgres.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';

const most = 5000;

let server: TestServer;
beforeAll(async () => {
  server = await startServer({
    config: (c) => ({ ...c, graphql: { ...c.graphql, limits: { ...c.graphql.limits, answerBytes: most } } }),
  });
  await insertTeam(server.databaseUrl);
  await ask(server.databaseUrl, `update tasks set body = repeat('é', 1000) where id = '${team.pond}'`);
});
afterAll(() => server[Symbol.asyncDispose]());

const pond = `task(where: { id: "${team.pond}" }) { body }`;
const times = (count: number, field: string) => Array.from({ length: count }, (_, i) => `a${i}: ${field}`).join(' ');

// Without a bound, one row with a long text, asked for often enough, made a text that JavaScript cannot hold, in a place
// where nothing could catch that: the process ended.
describe('an answer that is larger than may be sent', () => {
  it('is refused, and one that is not is sent whole', async () => {
    const large = await server.as({ role: 'admin' }).post({ query: `{ ${times(3, pond)} }` });
    expect(large.status).toBe(413);
    expect(await large.json()).toEqual({
      errors: [
        {
          message: `the answer is larger than ${most} bytes; ask for smaller pages`,
          extensions: { code: 'TOO_LARGE' },
        },
      ],
    });
    const { data } = await server.as({ role: 'admin' }).query(`{ ${times(2, pond)} }`);
    expect([data.a0.body.length, data.a1.body.length]).toEqual([1000, 1000]);
  });

  it('is refused where a relation leads back to the same row again and again', async () => {
    const query = `{ tasks { nodes { subtasks { nodes { parent { body subtasks { nodes { parent { body } } } } } } } } }`;
    expect((await server.as({ role: 'admin' }).query(query)).errors![0]!.extensions.code).toBe('TOO_LARGE');
  });

  it('is refused of a write, and what was written is taken back', async () => {
    const again = 'subtasks { nodes { parent { body subtasks { nodes { parent { body } } } } } }';
    const write = `mutation { updateTask(where: { id: "${team.pond}" }, data: { title: "Drain it" }) { ${again} } }`;
    expect((await server.as({ role: 'admin' }).query(write)).errors![0]!.extensions.code).toBe('TOO_LARGE');
    const [row] = await ask<{ title: string }>(server.databaseUrl, `select title from tasks where id = '${team.pond}'`);
    expect(row!.title).toBe('Water the millpond');
  });

  it('may not be had in several parts of one request either', async () => {
    const write = `updateTask(where: { id: "${team.pond}" }, data: { priority: 5 }) { body }`;
    const { data, errors } = await server.as({ role: 'admin' }).query(`mutation { ${times(3, write)} }`);
    expect(data).toBe(null);
    expect(errors!.map((e) => [e.path, e.extensions.code])).toEqual([
      [['a2'], 'TOO_LARGE'],
      [['a0'], 'ROLLED_BACK'],
      [['a1'], 'ROLLED_BACK'],
    ]);
    const twice = await server.as({ role: 'admin' }).query(`mutation { ${times(2, write)} }`);
    expect([twice.data.a0.body.length, twice.data.a1.body.length]).toEqual([1000, 1000]);
  });
});
