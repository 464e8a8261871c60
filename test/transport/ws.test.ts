import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../support/postgres.ts';
import { openRawSocket } from '../support/raw-socket.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer({
    config: (config) => ({
      ...config,
      http: { ...config.http, corsOrigins: ['https://friend.test'] },
      streams: {
        ...config.streams,
        origins: ['https://friend.test'],
        initTimeout: 300,
        maxMessageBytes: 20_000,
        connectionsPerUser: 3,
        connectionsPerAddress: 12,
        operationsPerConnection: 4,
        messagesPerSecond: 30,
      },
    }),
  });
  await insertTeam(server.databaseUrl);
});
afterAll(() => server[Symbol.asyncDispose]());

const token = (claims: Parameters<TestServer['as']>[0] & { expiresIn?: number }) => server.server.tokens.mint!(claims);
const subscribe = (id: string, query: string, more: object = {}) => ({
  id,
  type: 'subscribe',
  payload: { query, ...more },
});
const changes = 'subscription { taskChanges { type cursor node { title } } }';
const rename = (title: string) =>
  ask(server.databaseUrl, `update tasks set title = '${title}' where id = '${team.pond}'`);

describe('a socket', () => {
  it('is opened to programs, to pages of our own and of named origins, and to no others', async () => {
    for (const origin of [undefined, server.url, 'https://friend.test']) {
      using socket = await openRawSocket(server.url, { headers: origin ? { origin } : {} });
      expect(socket.socket.readyState).toBe(1);
    }
    for (const origin of ['https://stranger.test', 'null', 'https://friend.test.evil.test']) {
      await expect(openRawSocket(server.url, { headers: { origin } })).rejects.toThrow('403');
    }
  });

  it('is closed when nobody introduces themselves, or speaks before', async () => {
    using silent = await openRawSocket(server.url, { init: false });
    expect(await silent.closed).toMatchObject({ code: 4408 });
    using hasty = await openRawSocket(server.url, { init: false });
    hasty.send(subscribe('1', changes));
    expect(await hasty.closed).toMatchObject({ code: 4401 });
    using wrong = await openRawSocket(server.url, { init: false, protocol: 'graphql-ws' }).catch(() => ({
      closed: { code: 4406 },
      [Symbol.dispose]() {},
    }));
    expect(await wrong.closed).toMatchObject({ code: 4406 });
  });

  it('is closed to a token that is none', async () => {
    using socket = await openRawSocket(server.url, { init: false });
    socket.send({ type: 'connection_init', payload: { authorization: 'Bearer nonsense' } });
    expect(await socket.closed).toMatchObject({ code: 4401 });
  });

  it('outlives an operation that cannot be run', async () => {
    using socket = await openRawSocket(server.url, { token: await token({ sub: team.ann }) });
    const bad: [query: string, code: string][] = [
      ['subscription {', 'INVALID_INPUT'],
      ['subscription { noSuch }', 'INVALID_INPUT'],
      ['subscription { taskChanges(after: "nonsense") { type } }', 'INVALID_INPUT'],
      ['subscription { taskChanges(where: { title: { contains: 1 } }) { type } }', 'INVALID_INPUT'],
      ['subscription { taskChanges { type } projectChanges { type } }', 'INVALID_INPUT'],
      ['subscription ($n: Int!) { taskChanges(where: { priority: { equals: $n } }) { type } }', 'INVALID_INPUT'],
      [`query { ${'a: __typename '.repeat(60)} }`, 'INVALID_INPUT'],
    ];
    for (const [query, code] of bad) {
      socket.send(subscribe('x', query));
      expect(await socket.next()).toMatchObject({ id: 'x', type: 'error', payload: [{ extensions: { code } }] });
    }
    socket.send(subscribe('y', '{ tasks { totalCount } }'));
    expect(await socket.next()).toEqual({ id: 'y', type: 'next', payload: { data: { tasks: { totalCount: 3 } } } });
    expect(await socket.next()).toEqual({ id: 'y', type: 'complete' });
  });

  it('carries queries and mutations too', async () => {
    using socket = await openRawSocket(server.url, { token: await token({ sub: team.ann }) });
    socket.send(
      subscribe('m', `mutation { updateTask(where: { id: "${team.axle}" }, data: { priority: 2 }) { priority } }`),
    );
    expect(await socket.next()).toMatchObject({ payload: { data: { updateTask: { priority: 2 } } } });
  });

  it('tells a stranger nothing of what they may not see', async () => {
    using socket = await openRawSocket(server.url);
    socket.send(subscribe('1', 'subscription { taskChanges { type } }'));
    expect(await socket.next()).toMatchObject({ type: 'next' });
    await rename('Unheard');
    await expect(socket.next(300)).rejects.toThrow('no message');
  });

  it('takes an operation’s own token, as GraphiQL sends it', async () => {
    using socket = await openRawSocket(server.url);
    const extensions = { headers: { Authorization: `Bearer ${await token({ sub: team.ann })}` } };
    socket.send(subscribe('1', '{ tasks { totalCount } }', { extensions }));
    expect(await socket.next()).toMatchObject({ payload: { data: { tasks: { totalCount: 3 } } } });
  });

  it('stops telling when the client has had enough', async () => {
    using socket = await openRawSocket(server.url, { token: await token({ sub: team.ann }) });
    socket.send(subscribe('1', changes));
    await socket.next();
    socket.send({ id: '1', type: 'complete' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await rename('Unheard again');
    await expect(socket.next(300)).rejects.toThrow('no message');
  });

  it('has room for so many operations and messages, and so many sockets of a user', async () => {
    const ann = await token({ sub: team.cleo });
    using socket = await openRawSocket(server.url, { token: ann });
    for (const id of ['1', '2', '3', '4', '5']) socket.send(subscribe(id, changes));
    const answers = await Promise.all([socket.next(), socket.next(), socket.next(), socket.next(), socket.next()]);
    expect(answers.filter((a) => a.type === 'error')).toMatchObject([
      { id: '5', payload: [{ extensions: { code: 'RATE_LIMITED' } }] },
    ]);
    for (let i = 0; i < 40; i += 1) socket.send({ type: 'ping' });
    expect(await socket.closed).toMatchObject({ code: 4429 });
    using _one = await openRawSocket(server.url, { token: ann });
    using _two = await openRawSocket(server.url, { token: ann });
    using _three = await openRawSocket(server.url, { token: ann });
    using four = await openRawSocket(server.url, { init: false });
    four.send({ type: 'connection_init', payload: { authorization: `Bearer ${ann}` } });
    expect(await four.closed).toMatchObject({ code: 4429 });
  });

  it('is closed for messages that are too large, too deep, or none', async () => {
    using large = await openRawSocket(server.url);
    large.send(subscribe('1', `{ a${'b'.repeat(30_000)} }`));
    expect(await large.closed).toMatchObject({ code: 1009 });
    using deep = await openRawSocket(server.url);
    deep.send(
      `{"id":"1","type":"subscribe","payload":{"query":"{ a }","variables":{"a":${'['.repeat(500)}${']'.repeat(500)}}}}`,
    );
    expect(await deep.closed).toMatchObject({ code: 4400 });
    using none = await openRawSocket(server.url);
    none.send('hello');
    expect(await none.closed).toMatchObject({ code: 4400 });
    using named = await openRawSocket(server.url);
    named.send(subscribe('x'.repeat(257), changes));
    expect(await named.closed).toMatchObject({ code: 4400 });
    using turned = await openRawSocket(server.url);
    turned.send({ type: 'connection_ack' });
    expect(await turned.closed).toMatchObject({ code: 4400 });
  });
});

describe('a token on an open socket', () => {
  it('ends what it carried within a second of its expiry', async () => {
    using socket = await openRawSocket(server.url, { token: await token({ sub: team.ann, expiresIn: 1 }) });
    socket.send(subscribe('1', changes));
    await socket.next();
    expect(await socket.next(2500)).toMatchObject({
      id: '1',
      type: 'error',
      payload: [{ message: 'the token has expired', extensions: { code: 'UNAUTHENTICATED' } }],
    });
    await rename('Told to nobody');
    await expect(socket.next(300)).rejects.toThrow('no message');
  });

  it('is renewed by a ping, and what runs goes on without a gap', async () => {
    using socket = await openRawSocket(server.url, { token: await token({ sub: team.ann, expiresIn: 1 }) });
    socket.send(subscribe('1', changes));
    await socket.next();
    socket.send({ type: 'ping', payload: { authorization: `Bearer ${await token({ sub: team.ann })}` } });
    expect((await socket.next()).type).toBe('pong');
    await new Promise((resolve) => setTimeout(resolve, 1700));
    await rename('After the end of the old token');
    expect(await socket.next()).toMatchObject({ payload: { data: { taskChanges: { type: 'UPDATED' } } } });
  });

  it('is not renewed by another user’s', async () => {
    using socket = await openRawSocket(server.url, { token: await token({ sub: team.ann }) });
    socket.send({ type: 'ping', payload: { authorization: `Bearer ${await token({ sub: team.dora })}` } });
    expect(await socket.closed).toMatchObject({ code: 4401 });
  });

  it('with fewer rights takes effect at once', async () => {
    using socket = await openRawSocket(server.url, { token: await token({ sub: team.dora, role: 'admin' }) });
    socket.send(subscribe('1', changes));
    await socket.next();
    socket.send({ type: 'ping', payload: { authorization: `Bearer ${await token({ sub: team.dora })}` } });
    expect((await socket.next()).type).toBe('pong');
    await rename('Not for Dora');
    await ask(server.databaseUrl, `update tasks set title = 'For Dora' where id = '${team.anvil}'`);
    expect(await socket.next()).toMatchObject({ payload: { data: { taskChanges: { node: { title: 'For Dora' } } } } });
  });
});
