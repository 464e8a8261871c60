import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holdCalls } from '../support/held-calls.ts';
import { holdTable } from '../support/held-table.ts';
import { ask } from '../support/postgres.ts';
import { openRawSocket, type RawSocket } from '../support/raw-socket.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await insertTeam(server.databaseUrl);
});
afterAll(() => server[Symbol.asyncDispose]());

type Claims = Parameters<TestServer['as']>[0] & { expiresIn?: number };
const token = (claims: Claims) => server.server.tokens.mint!(claims);
const dora = { sub: team.dora };
const doraAsAdmin = { sub: team.dora, role: 'admin' };
const renewal = async (claims: Claims, n?: number) => ({
  type: 'ping',
  payload: { authorization: `Bearer ${await token(claims)}`, n },
});
const subscribe = (id: string, query: string, more: object = {}) => ({
  id,
  type: 'subscribe',
  payload: { query, ...more },
});
const changes = 'subscription { taskChanges { type cursor node { title } } }';
const rename = (id: string, title: string) =>
  ask(server.databaseUrl, `update tasks set title = '${title}' where id = '${id}'`);
const change = (title: string) => ({ payload: { data: { taskChanges: { type: 'UPDATED', node: { title } } } } });
const checkpoint = { payload: { data: { taskChanges: { type: 'CHECKPOINT' } } } };

/** What comes until the answer to a ping of this number, and that none of it came after. */
async function untilPong(socket: RawSocket, n: number): Promise<unknown[]> {
  const told: { type: string; payload?: { n?: number } }[] = [];
  do told.push(await socket.next());
  while (told.at(-1)!.type !== 'pong' || told.at(-1)!.payload?.n !== n);
  return told.slice(0, -1);
}

describe('a token that is renewed while a stream of changes is being opened', () => {
  it('holds for it from the answer on, and the stream begins as any', async () => {
    using opening = holdCalls(server.server.live(), 'openChanges');
    using socket = await openRawSocket(server.url, { token: await token(doraAsAdmin) });
    socket.send(subscribe('1', changes));
    await opening.reached();
    socket.send(await renewal(dora, 1));
    // Somebody else's token is looked at behind it: by then the renewal is known.
    const pong = untilPong(socket, 1);
    using other = await openRawSocket(server.url, { token: await token(dora) });
    other.send({ type: 'ping' });
    await other.next();
    opening.letGo();
    await opening.reached(2);
    await rename(team.pond, 'Not for Dora');
    opening.letGo(1);
    const before = await pong;
    if (before.length === 0) expect(await socket.next()).toMatchObject(checkpoint);
    else expect(before).toMatchObject([checkpoint]);
    await rename(team.anvil, 'For Dora');
    expect(await socket.next()).toMatchObject(change('For Dora'));
  });

  it('twice at once leaves it under the last one, and ends nothing', async () => {
    using socket = await openRawSocket(server.url, { token: await token(dora) });
    socket.send(subscribe('1', changes));
    expect(await socket.next()).toMatchObject(checkpoint);
    {
      using opening = holdCalls(server.server.live(), 'openChanges');
      socket.send(await renewal(doraAsAdmin, 1));
      await opening.reached();
      socket.send(await renewal(dora, 2));
      socket.send({ type: 'ping', payload: { n: 3 } });
      await untilPong(socket, 3);
    }
    await rename(team.pond, 'Not for Dora either');
    await rename(team.anvil, 'For Dora twice');
    const told = [];
    do told.push(await socket.next());
    while (told.at(-1).type !== 'next');
    expect(told.at(-1)).toMatchObject(change('For Dora twice'));
  });

  it('is what the client sent last, however long each is looked at', async () => {
    using socket = await openRawSocket(server.url, { token: await token(dora) });
    socket.send(subscribe('1', changes));
    await socket.next();
    {
      using looking = holdCalls(server.server.tokens, 'verify');
      socket.send(await renewal(doraAsAdmin, 1));
      await looking.reached();
      socket.send(await renewal(dora, 2));
      await looking.reached(2);
      looking.letGo(1);
      await untilPong(socket, 2);
      looking.letGo(0);
      await untilPong(socket, 1);
    }
    await rename(team.pond, 'Nor this');
    await rename(team.anvil, 'But this');
    expect(await socket.next()).toMatchObject(change('But this'));
  });

  it('is heard while the first one is looked at', async () => {
    using socket = await openRawSocket(server.url, { init: false });
    {
      using looking = holdCalls(server.server.tokens, 'verify');
      socket.send({
        type: 'connection_init',
        payload: { authorization: `Bearer ${await token(doraAsAdmin)}` },
      });
      await looking.reached();
      socket.send(await renewal(dora, 1));
      socket.send({ type: 'ping', payload: { n: 2 } });
      await untilPong(socket, 2);
    }
    const types = [await socket.next(), await socket.next()].map(({ type }) => type);
    expect(types.sort()).toEqual(['connection_ack', 'pong']);
    socket.send(subscribe('1', '{ tasks { totalCount } }'));
    expect(await socket.next()).toMatchObject({ payload: { data: { tasks: { totalCount: 1 } } } });
  });
});

describe('a token that is renewed', () => {
  it('in time ends none of many operations, though one of them takes long to be opened anew', async () => {
    using socket = await openRawSocket(server.url, { token: await token({ ...dora, expiresIn: 2 }) });
    for (const id of ['1', '2']) {
      socket.send(subscribe(id, changes));
      expect(await socket.next()).toMatchObject({ id, ...checkpoint });
    }
    using opening = holdCalls(server.server.live(), 'openChanges');
    socket.send(await renewal(dora, 1));
    await opening.reached();
    await expect(socket.next(3000)).rejects.toThrow('no message');
    opening[Symbol.dispose]();
    expect((await socket.next()).type).toBe('pong');
  });

  it('does not touch an operation that brought its own', async () => {
    using socket = await openRawSocket(server.url, { token: await token(dora) });
    const own = { extensions: { headers: { authorization: `Bearer ${await token(doraAsAdmin)}` } } };
    socket.send(subscribe('1', changes, own));
    expect(await socket.next()).toMatchObject(checkpoint);
    socket.send(await renewal(dora, 1));
    expect((await socket.next()).type).toBe('pong');
    await rename(team.pond, 'For an admin');
    expect(await socket.next()).toMatchObject(change('For an admin'));
  });

  it('that the operation’s own never was leaves the operation refused, and the socket open', async () => {
    using socket = await openRawSocket(server.url, { token: await token(dora) });
    socket.send(subscribe('1', changes, { extensions: { authorization: 'Bearer nonsense' } }));
    expect(await socket.next()).toMatchObject({
      id: '1',
      type: 'error',
      payload: [{ extensions: { code: 'UNAUTHENTICATED' } }],
    });
    socket.send(subscribe('1', '{ tasks { totalCount } }'));
    expect(await socket.next()).toMatchObject({ type: 'next' });
  });

  it('gives a live query of patches a whole answer first', async () => {
    using socket = await openRawSocket(server.url, { token: await token(doraAsAdmin) });
    socket.send(
      subscribe(
        '1',
        'query @live(patch: true) { tasks(orderBy: [{ createdAt: asc }]) { nodes { id priority title body } } }',
      ),
    );
    expect((await socket.next()).payload.data.tasks.nodes).toHaveLength(4);
    socket.send(await renewal(dora, 1));
    const [told] = await untilPong(socket, 1);
    const whole = (told ?? (await socket.next())) as {
      payload: { data: { tasks: { nodes: object[] } }; extensions: { live: { revision: number } } };
    };
    expect(whole.payload.data.tasks.nodes).toHaveLength(1);
    await ask(server.databaseUrl, `update tasks set priority = 77 where id = '${team.anvil}'`);
    const patched = await socket.next();
    expect(patched.payload).toMatchObject({
      data: null,
      extensions: {
        live: { revision: whole.payload.extensions.live.revision + 1, patch: [{ op: 'replace', value: 77 }] },
      },
    });
  });
});

describe('a token that expires', () => {
  it('while a mutation runs does not keep it from being answered', async () => {
    using socket = await openRawSocket(server.url, { token: await token({ ...doraAsAdmin, expiresIn: 1 }) });
    await using held = await holdTable(server.databaseUrl, 'labels');
    socket.send(
      subscribe('1', `mutation { updateLabel(where: { id: "${team.hot}" }, data: { name: "warm" }) { name } }`),
    );
    await held.reached();
    await expect(socket.next(2000)).rejects.toThrow('no message');
    await held.letGo();
    expect(await socket.next()).toMatchObject({ payload: { data: { updateLabel: { name: 'warm' } } } });
    expect(await socket.next()).toMatchObject({ id: '1', type: 'complete' });
  });

  it('while a stream is being opened ends it', async () => {
    using socket = await openRawSocket(server.url, { token: await token({ ...dora, expiresIn: 1 }) });
    {
      using opening = holdCalls(server.server.live(), 'openChanges');
      socket.send(subscribe('1', changes));
      await opening.reached();
      await expect(socket.next(1700)).rejects.toThrow('no message');
    }
    const told = await socket.next();
    expect(told.type === 'error' ? told : await socket.next()).toMatchObject({
      type: 'error',
      payload: [{ extensions: { code: 'UNAUTHENTICATED' } }],
    });
  });
});
