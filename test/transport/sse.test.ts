import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEventStream } from '../support/event-stream.ts';
import { ask } from '../support/postgres.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer({
    config: (config) => ({ ...config, streams: { ...config.streams, connectionsPerUser: 2 } }),
  });
  await insertTeam(server.databaseUrl);
});
afterAll(() => server[Symbol.asyncDispose]());

const changes = 'subscription { taskChanges { type cursor node { title extra } } }';
const authorization = async (claims: { sub: string; expiresIn?: number }) => ({
  authorization: `Bearer ${await server.server.tokens.mint!(claims)}`,
});
const post = async (query: string, headers: Record<string, string>) =>
  openEventStream(`${server.url}/graphql`, { method: 'POST', body: JSON.stringify({ query }), headers });
const rename = (title: string) =>
  ask(server.databaseUrl, `update tasks set title = '${title}' where id = '${team.pond}'`);

describe('an event stream', () => {
  it('tells changes, each with its cursor as the event’s id', async () => {
    await using stream = await post(changes, await authorization({ sub: team.ann }));
    expect(stream.response.headers.get('content-type')).toContain('text/event-stream');
    const first = await stream.next();
    expect(first).toMatchObject({ event: 'next', data: { data: { taskChanges: { type: 'CHECKPOINT' } } } });
    await rename('One');
    const second = await stream.next();
    expect(second.data.data.taskChanges).toMatchObject({ type: 'UPDATED', node: { title: 'One' } });
    expect(second.id).toBe(second.data.data.taskChanges.cursor);
  });

  it('goes on behind the id that a browser has seen last', async () => {
    const headers = await authorization({ sub: team.ben });
    let id: string;
    {
      await using stream = await post(changes, headers);
      id = (await stream.next()).id!;
    }
    await rename('Two');
    await rename('Three');
    const query = new URLSearchParams({ query: changes });
    await using again = await openEventStream(`${server.url}/graphql?${query}`, {
      headers: { ...headers, 'last-event-id': id },
    });
    for (const title of ['Two', 'Three']) {
      expect((await again.next()).data.data.taskChanges).toMatchObject({ type: 'UPDATED', node: { title } });
    }
  });

  it('carries a live query, and texts with line breaks in them', async () => {
    await using stream = await post(
      'query @live { task(where: { id: "00000000-0000-7000-8000-000000000031" }) { body } }',
      await authorization({ sub: team.ann }),
    );
    await stream.next();
    await ask(server.databaseUrl, `update tasks set body = E'one\\n\\ntwo' where id = '${team.pond}'`);
    expect((await stream.next()).data).toEqual({ data: { task: { body: 'one\n\ntwo' } } });
  });

  it('is refused before it begins, with the status of the error', async () => {
    const cases: [query: string, status: number][] = [
      ['subscription { noSuch }', 400],
      ['subscription { taskChanges(after: "no cursor") { type } }', 400],
    ];
    for (const [query, status] of cases) {
      await using stream = await post(query, await authorization({ sub: team.cleo }));
      expect(stream.response.status).toBe(status);
    }
    await using forged = await post(changes, { authorization: 'Bearer nonsense' });
    expect(forged.response.status).toBe(401);
    await using foreign = await post(changes, {
      ...(await authorization({ sub: team.cleo })),
      origin: 'https://evil.test',
    });
    expect(foreign.response.status).toBe(403);
  });

  it('answers what is not live in events too, and tells who does not ask for events where to go', async () => {
    await using stream = await post('{ tasks { totalCount } }', await authorization({ sub: team.ann }));
    expect((await stream.next()).data).toEqual({ data: { tasks: { totalCount: 3 } } });
    const answer = await server.as({ sub: team.ann }).query(changes);
    expect(answer.errors).toMatchObject([{ extensions: { code: 'INVALID_INPUT' } }]);
  });

  it('ends with its token, and has room for so many of a user', async () => {
    const headers = await authorization({ sub: team.dora, expiresIn: 1 });
    await using stream = await post(changes, headers);
    await stream.next();
    expect((await stream.next()).data.errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
    expect((await stream.next()).event).toBe('complete');
    const lasting = await authorization({ sub: team.dora });
    await using one = await post(changes, lasting);
    await using two = await post(changes, lasting);
    await Promise.all([one.next(), two.next()]);
    await using three = await post(changes, lasting);
    expect(three.response.status).toBe(429);
  });
});
