import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildSchema } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { startServer, type TestServer } from '../support/server.ts';

/** What a client sends, in turn; a number waits until so many messages have come. */
type Script = readonly (object | string | Buffer | number)[];

// The library says there what it takes for a fault of its own.
vi.spyOn(console, 'error').mockImplementation(() => {});
vi.spyOn(console, 'warn').mockImplementation(() => {});

let server: TestServer;
let reference: string;
const http = createServer();
beforeAll(async () => {
  server = await startServer({
    config: (config) => ({ ...config, streams: { ...config.streams, initTimeout: 300 } }),
  });
  const schema = buildSchema(
    'type Query { ok: Boolean } type Change { type: String! } type Subscription { taskChanges: Change! }',
  );
  const changes = async function* () {
    yield { taskChanges: { type: 'CHECKPOINT' } };
    await new Promise(() => {});
  };
  useServer(
    { schema, roots: { subscription: { taskChanges: changes } }, connectionInitWaitTimeout: 300 },
    new WebSocketServer({ server: http }),
  );
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  reference = `ws://127.0.0.1:${(http.address() as AddressInfo).port}/graphql`;
});
afterAll(async () => {
  http.closeAllConnections();
  http.close();
  await server[Symbol.asyncDispose]();
});

const ours = () => `${server.url.replace('http', 'ws')}/graphql`;

/** All that a server says to a script, until it closes the socket or answers the last ping. */
async function transcript(url: string, script: Script, protocols: string | string[] = 'graphql-transport-ws') {
  const socket = new WebSocket(url, protocols);
  const told: Record<string, unknown>[] = [];
  let heard = () => {};
  let code: number | string | undefined;
  socket.on('message', (data) => {
    const message = JSON.parse(String(data)) as Record<string, unknown>;
    told.push(message.type === 'error' ? { ...message, payload: 'errors' } : message);
    heard();
  });
  socket.on('close', (closed) => {
    code ??= closed;
    heard();
  });
  socket.on('error', ({ message }) => {
    code ??= message;
  });
  const until = async (isDone: () => boolean) => {
    while (!isDone() && code === undefined) {
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
    }
  };
  await new Promise<void>((resolve) => socket.once('open', resolve).once('close', () => resolve()));
  for (const step of [...script, ping({ last: true })]) {
    if (typeof step === 'number') await until(() => told.length >= step);
    else if (socket.readyState === WebSocket.OPEN) {
      socket.send(typeof step === 'string' || Buffer.isBuffer(step) ? step : JSON.stringify(step));
    }
  }
  const isLast = (message: object | undefined) => JSON.stringify(message) === '{"type":"pong","payload":{"last":true}}';
  await until(() => isLast(told.at(-1)));
  if (isLast(told.at(-1))) told.pop();
  socket.terminate();
  return { told, code };
}

const init = { type: 'connection_init' };
const ping = (payload?: unknown) => ({ type: 'ping', payload });
const subscribe = (id: unknown, query: unknown = 'subscription { taskChanges { type } }', more: object = {}) => ({
  id,
  type: 'subscribe',
  payload: { query, ...more },
});
const complete = (id: unknown) => ({ id, type: 'complete' });
const question = '{ __typename }';

describe('a conversation goes as with the library’s server', () => {
  const scripts: [title: string, script: Script][] = [
    ['introduced', [init, 1]],
    ['introduced with a payload', [{ ...init, payload: { some: 'thing' } }, 1]],
    ['introduced with nothing', [{ ...init, payload: null }, 1]],
    ['introduced with what is none', [{ ...init, payload: 'Bearer' }]],
    ['introduced with a list', [{ ...init, payload: [] }]],
    ['introduced twice', [init, 1, init]],
    ['introduced twice at once', [init, init]],
    ['subscribed before it is introduced', [subscribe('1')]],
    ['completed before it is introduced', [complete('1'), init, 1]],
    ['a ping before it is introduced', [ping(), 1, init, 2]],
    ['never introduced', [1]],
    ['a ping with a payload', [init, 1, ping({ a: { b: [1] } }), 2]],
    ['a ping without one', [init, 1, ping(), 2]],
    ['a ping with nothing', [init, 1, ping(null), 2]],
    ['a ping with an empty one', [init, 1, ping({}), 2]],
    ['a ping with a list', [init, 1, ping([])]],
    ['a ping with a text', [init, 1, ping('x')]],
    ['pongs', [init, 1, { type: 'pong' }, { type: 'pong', payload: { a: 1 } }]],
    ['a pong with a text', [init, 1, { type: 'pong', payload: 'x' }]],
    ['a query', [init, 1, subscribe('1', question), 3]],
    [
      'a query with nothing for what may be left out',
      [init, 1, subscribe('1', question, { variables: null, operationName: null, extensions: null }), 3],
    ],
    [
      'queries by the same id, one after the other',
      [init, 1, subscribe('1', question), 3, subscribe('1', question), 5],
    ],
    ['an id again after an error of validation', [init, 1, subscribe('1', '{ nope }'), 2, subscribe('1', question), 4]],
    ['an operation that is not there', [init, 1, subscribe('1', 'query A { __typename }', { operationName: 'B' }), 2]],
    ['several operations and no name', [init, 1, subscribe('1', 'query A { __typename } query B { __typename }'), 2]],
    ['no operation', [init, 1, subscribe('1', 'fragment F on Query { __typename }'), 2]],
    ['a subscription', [init, 1, subscribe('1'), 2]],
    ['an id that is taken', [init, 1, subscribe('1'), 2, subscribe('1', question)]],
    ['an id that is taken, at once', [init, 1, subscribe('1'), subscribe('1', question)]],
    ['an id that is taken by a query under way', [init, 1, subscribe('1', question), subscribe('1', question)]],
    ['an id again after it was completed', [init, 1, subscribe('1'), 2, complete('1'), subscribe('1'), 3]],
    ['an id that is not known completed', [init, 1, complete('1')]],
    ['an id completed twice', [init, 1, subscribe('1'), 2, complete('1'), complete('1')]],
    ['an id completed that has been answered', [init, 1, subscribe('1', question), 3, complete('1')]],
    ['an id of a prototype’s', [init, 1, subscribe('__proto__', question), 3, subscribe('constructor', question), 5]],
    ['an empty id', [init, 1, subscribe('', question)]],
    ['a number for an id', [init, 1, subscribe(1, question)]],
    ['no id', [init, 1, subscribe(undefined, question)]],
    ['completed without an id', [init, 1, { type: 'complete' }]],
    ['no query', [init, 1, { id: '1', type: 'subscribe', payload: {} }]],
    ['no payload', [init, 1, { id: '1', type: 'subscribe' }]],
    ['variables that are a list', [init, 1, subscribe('1', question, { variables: [] })]],
    ['an operation’s name that is a number', [init, 1, subscribe('1', question, { operationName: 1 })]],
    ['extensions that are a text', [init, 1, subscribe('1', question, { extensions: 'x' })]],
    ['no JSON', [init, 1, '{']],
    ['nothing', [init, 1, '']],
    ['null', [init, 1, 'null']],
    ['a list', [init, 1, '[]']],
    ['a type that is not known', [init, 1, { type: 'start', id: '1' }]],
    ['no type', [init, 1, {}]],
    ['no JSON before it is introduced', ['hello']],
    ['bytes', [Buffer.from('{"type":"connection_init"}'), 1, Buffer.from(JSON.stringify(subscribe('1', question))), 3]],
    ['bytes that are no text', [init, 1, Buffer.from([0xff, 0xfe, 0])]],
    ['said after the socket was closed', [init, 1, init, subscribe('1', question), ping(), 'x']],
  ];
  it.each(scripts)('%s', async (_title, script) => {
    expect(await transcript(ours(), script)).toEqual(await transcript(reference, script));
  });

  // The library closes these by 4500, for a fault of its own.
  it.each(['connection_ack', 'next', 'error'])(
    'but for a %s, which no client says: that is a bad request',
    async (type) => {
      const message = { type, id: '1', payload: type === 'error' ? [{ message: 'x' }] : {} };
      expect((await transcript(reference, [init, 1, message])).code).toBe(4500);
      expect((await transcript(ours(), [init, 1, message])).code).toBe(4400);
    },
  );

  // The library closes by 4500 for this as well.
  it('but for a document that is none: that is an error of the operation, whose id is free again', async () => {
    const script = [init, 1, subscribe('1', '{'), 2, subscribe('1', question), 4];
    expect((await transcript(reference, script)).code).toBe(4500);
    expect((await transcript(ours(), script)).told).toMatchObject([
      { type: 'connection_ack' },
      { id: '1', type: 'error' },
      { id: '1', type: 'next' },
      { id: '1', type: 'complete' },
    ]);
  });

  const offers: [title: string, protocols: string[]][] = [
    ['ours among others', ['graphql-ws', 'graphql-transport-ws']],
    ['ours first', ['graphql-transport-ws', 'graphql-ws']],
    ['another', ['graphql-ws']],
    ['none', []],
  ];
  it.each(offers)('%s is offered', async (_title, protocols) => {
    const script = [init, 1, subscribe('1', question), 3];
    expect(await transcript(ours(), script, protocols)).toEqual(await transcript(reference, script, protocols));
  });
});

it('an id that is taken is told by 4409, whatever its letters', async () => {
  const id = '…'.repeat(200);
  expect((await transcript(ours(), [init, 1, subscribe(id), 2, subscribe(id)])).code).toBe(4409);
});
