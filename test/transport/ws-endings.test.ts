import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { defineSchema } from '../../src/graphql/define-schema.ts';
import { type HeldCalls, holdCalls } from '../support/held-calls.ts';
import { holdTable } from '../support/held-table.ts';
import { ask } from '../support/postgres.ts';
import { openRawSocket, type RawSocket } from '../support/raw-socket.ts';
import { exampleWithoutAccounts, startServer, type TestServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';

const most = 3;
let server: TestServer;
let endings = 0;
beforeAll(async () => {
  const extend = defineSchema(({ builder }) => {
    const stubborn = {
      next: async () => ({ done: false as const, value: 'on and on' }),
      return: async () => {
        endings += 1;
        throw new Error('I do not end');
      },
    };
    builder.subscriptionField('stubborn', (t) =>
      t.string({
        subscribe: () => ({ [Symbol.asyncIterator]: () => stubborn }),
        resolve: (value) => value as string,
      }),
    );
  });
  server = await startServer({
    sources: { ...(await exampleWithoutAccounts()), extend },
    config: (config) => ({
      ...config,
      streams: { ...config.streams, connectionsPerUser: most, connectionsPerAddress: most },
    }),
  });
  await insertTeam(server.databaseUrl);
});
afterAll(() => server[Symbol.asyncDispose]());

const token = (claims: Parameters<TestServer['as']>[0]) => server.server.tokens.mint!(claims);
const subscribe = (id: string, query: string, more: object = {}) => ({
  id,
  type: 'subscribe',
  payload: { query, ...more },
});
const changes = 'subscription { taskChanges { type } }';
const init = async () => ({
  type: 'connection_init',
  payload: { authorization: `Bearer ${await token({ sub: team.ann })}` },
});

/** As many sockets of one user and address as there may be, and one more that is refused. */
async function fillUp(): Promise<void> {
  const sockets: RawSocket[] = [];
  try {
    const ann = await token({ sub: team.ann });
    for (let n = 0; n < most; n += 1) {
      const open = () => openRawSocket(server.url, { init: false });
      // Until the server has noticed that those before are gone.
      const socket = await vi.waitFor(open, { timeout: 3000, interval: 10 });
      sockets.push(socket);
      socket.send({ type: 'connection_init', payload: { authorization: `Bearer ${ann}` } });
      expect(await socket.next()).toEqual({ type: 'connection_ack' });
    }
    await expect(openRawSocket(server.url)).rejects.toThrow('429');
  } finally {
    for (const socket of sockets) socket[Symbol.dispose]();
  }
}

describe('sockets that end leave room for others', () => {
  const stages: [title: string, hold: () => HeldCalls, speak: (socket: RawSocket) => Promise<void>][] = [
    [
      'while their token is looked at',
      () => holdCalls(server.server.tokens, 'verify'),
      async (socket) => socket.send(await init()),
    ],
    [
      'while an operation’s own token is looked at',
      () => holdCalls(server.server.tokens, 'verify'),
      async (socket) => {
        socket.send({ type: 'connection_init' });
        await socket.next();
        socket.send(subscribe('1', changes, { extensions: (await init()).payload }));
      },
    ],
    [
      'while a stream is opened',
      () => holdCalls(server.server.live(), 'openChanges'),
      async (socket) => {
        socket.send(await init());
        await socket.next();
        socket.send(subscribe('1', changes));
      },
    ],
    [
      'while the token of a stream that is opened is renewed',
      () => holdCalls(server.server.live(), 'openChanges'),
      async (socket) => {
        socket.send(await init());
        await socket.next();
        socket.send(subscribe('1', changes));
        socket.send({ ...(await init()), type: 'ping' });
      },
    ],
    [
      'while a stranger’s becomes a user’s',
      () => holdCalls(server.server.tokens, 'verify'),
      async (socket) => {
        socket.send({ type: 'connection_init' });
        await socket.next();
        socket.send({ ...(await init()), type: 'ping' });
      },
    ],
  ];
  it.each(stages)('%s', async (_title, hold, speak) => {
    for (const isLetGoFirst of [false, true]) {
      {
        using held = hold();
        const sockets: RawSocket[] = [];
        for (let n = 0; n < most; n += 1) {
          const socket = await vi.waitFor(() => openRawSocket(server.url, { init: false }), { timeout: 3000 });
          sockets.push(socket);
          await speak(socket);
          await held.reached(n + 1);
        }
        if (isLetGoFirst) held[Symbol.dispose]();
        for (const socket of sockets) socket.socket.terminate();
      }
      await fillUp();
    }
  });

  it('when they are refused before they open: they are not held open', async () => {
    const { hostname, port } = new URL(server.url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const key = Buffer.alloc(16).toString('base64');
    socket.write(
      `GET /elsewhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    );
    let text = '';
    socket.on('data', (chunk) => (text += String(chunk)));
    const closed = new Promise<void>((resolve) => socket.on('error', () => {}).on('close', () => resolve()));
    await new Promise((resolve) => socket.once('end', resolve));
    expect(text).toContain('404');
    // Who is there still takes what is sent; who is not answers that.
    const sending = setInterval(() => socket.write('x'), 10);
    await closed.finally(() => clearInterval(sending));
  });
});

describe('what a client leaves behind', () => {
  it('a subscription of the application’s own that does not end itself is not asked any more, and harms nobody', async () => {
    using socket = await openRawSocket(server.url, { token: await token({ role: 'admin' }) });
    socket.send(subscribe('1', 'subscription { stubborn }'));
    expect(await socket.next()).toMatchObject({ payload: { data: { stubborn: 'on and on' } } });
    socket.send({ id: '1', type: 'complete' });
    await vi.waitFor(() => expect(endings).toBeGreaterThan(0));
    socket.send({ type: 'ping', payload: { n: 1 } });
    for (let told = await socket.next(); told.type !== 'pong'; ) told = await socket.next();
  });

  it('a mutation is done, though nobody is there to be answered', async () => {
    await using held = await holdTable(server.databaseUrl, 'labels');
    {
      using socket = await openRawSocket(server.url, { token: await token({ role: 'admin' }) });
      socket.send(
        subscribe('1', `mutation { updateLabel(where: { id: "${team.hot}" }, data: { name: "cold" }) { name } }`),
      );
      await held.reached();
    }
    await fillUp();
    await held.letGo();
    const name = async () => (await ask(server.databaseUrl, `select name from labels where id = '${team.hot}'`))[0];
    await vi.waitFor(async () => expect(await name()).toEqual({ name: 'cold' }));
  });
});

describe('what is being opened', () => {
  it.each([
    ['changes', changes],
    ['a live query', 'query @live { tasks { totalCount } }'],
  ])('when another application is served is opened there: %s', async (_title, query) => {
    using socket = await openRawSocket(server.url, { token: await token({ sub: team.ann }) });
    const live = server.server.live();
    using opening = query === changes ? holdCalls(live, 'openChanges') : undefined;
    if (opening) {
      socket.send(subscribe('1', query));
      await opening.reached();
    } else {
      socket.send(subscribe('1', query));
      await socket.next();
    }
    await server.server.replace(server.server.application());
    opening?.[Symbol.dispose]();
    expect(await socket.closed).toMatchObject({ code: 1012 });
  });

  it('when the server stops is closed with the others', async () => {
    await using other = await startServer({ databaseUrl: server.databaseUrl });
    using socket = await openRawSocket(other.url, { token: await other.server.tokens.mint!({ sub: team.ann }) });
    const opening = holdCalls(other.server.live(), 'openChanges');
    socket.send(subscribe('1', changes));
    await opening.reached();
    const stopped = other.server.stop();
    expect(await socket.closed).toMatchObject({ code: 1001 });
    await stopped;
    opening[Symbol.dispose]();
  });
});
