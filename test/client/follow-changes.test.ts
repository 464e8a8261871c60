import { print } from 'graphql';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, expectTypeOf, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { createEventStreamClient, followChanges, type ResyncReason, renewToken } from '../../client/client.ts';
import { createCursorSeal } from '../../src/log/cursor.ts';
import { graphql } from '../generated/gql/index.ts';
import { ask } from '../support/postgres.ts';
import { openProxy, type TcpProxy } from '../support/proxy.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';
import { numbers, taskChanges, writePriorities } from './task-changes.ts';

let server: TestServer;
let proxy: TcpProxy;
let written = 100;
beforeAll(async () => {
  server = await startServer();
  await insertTeam(server.databaseUrl);
  proxy = await openProxy(server.url);
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const soon = { firstWait: 20, longestWait: 200 };
const mint = (expiresIn = 300) => server.server.tokens.mint!({ sub: team.ann, expiresIn });
const openSocketClient = () =>
  createClient({
    url: `${proxy.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: async () => ({ authorization: `Bearer ${await mint()}` }),
  });

/** A store in memory, and a view of everything that was saved. */
function openStore(first?: string) {
  const saved: string[] = first === undefined ? [] : [first];
  return { saved, load: () => saved.at(-1), save: async (cursor: string) => void saved.push(cursor) };
}

const oldCursor = async (secret?: string) => {
  const [head] = await ask<{ secret: string }>(server.databaseUrl, 'select secret from millrace.event_head');
  return createCursorSeal(secret ?? head!.secret).seal({ epoch: 'before', seq: 1 });
};

describe('following changes', () => {
  it('goes on from run to run, each change once, in order, through cuts and a loop that is slow', async () => {
    const store = openStore();
    const resyncs: unknown[] = [];
    const heard: number[] = [];
    const last = written + 200;
    /** One run of the application, which ends after so many changes. */
    const run = async (most: number) => {
      const client = openSocketClient();
      const follow = {
        ...soon,
        query: taskChanges,
        store,
        onResync: (why: unknown) => void resyncs.push(why),
        limit: 10,
      };
      let count = 0;
      for await (const change of followChanges(client, follow)) {
        if (count === most) break;
        count += 1;
        heard.push(change.node!.priority);
        if (count % 25 === 0) proxy.cut();
        if (count % 15 === 0) await new Promise((resolve) => setTimeout(resolve, 100));
        if (change.node!.priority === last) break;
      }
    };
    const running = run(60);
    await vi.waitFor(() => expect(store.saved).toHaveLength(1), 5000);
    await Promise.all([
      writePriorities(server.databaseUrl, written + 1, last),
      running.then(() => run(70)).then(() => run(999)),
    ]);
    expect(heard).toEqual(numbers(written + 1, last));
    expect(resyncs).toEqual(['STARTED']);
    written = last;
  });

  it('reads anew before it goes on, where the stream has a hole', async () => {
    for (const [cursor, reason] of [
      [await oldCursor(), 'RESTARTED'],
      [await oldCursor('the key of another installation'), 'RESTARTED'],
      [undefined, 'STARTED'],
    ] as const) {
      const order: unknown[] = [];
      const onResync = async (why: ResyncReason | undefined) => {
        written += 1;
        await writePriorities(server.databaseUrl, written, written);
        order.push(why);
      };
      for await (const change of followChanges(openSocketClient(), {
        query: taskChanges,
        store: openStore(cursor),
        onResync,
      })) {
        order.push(change.node?.priority);
        break;
      }
      expect(order).toEqual([reason, written]);
    }
  });

  it('begins again before a hole that could not be mended', async () => {
    const store = openStore(await oldCursor());
    const onResync = () => Promise.reject(new Error('the list could not be read'));
    const changes = followChanges(openSocketClient(), { query: taskChanges, store, onResync });
    await expect(changes.next()).rejects.toThrow('the list could not be read');
    expect(store.saved).toHaveLength(1);
  });

  it('ends by its signal, also while it waits', async () => {
    const controller = new AbortController();
    const onResync = vi.fn();
    const changes = followChanges(openSocketClient(), { query: taskChanges, onResync, signal: controller.signal });
    const next = changes.next();
    await vi.waitFor(() => expect(onResync).toHaveBeenCalledWith('STARTED'), 5000);
    controller.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    await vi.waitFor(() => expect(proxy.open).toBe(0), 5000);
  });

  it('throws what the server refuses, and what was forgotten in the document', async () => {
    const onResync = () => {};
    const misspelt = followChanges(openSocketClient(), { query: 'subscription { tusks }', onResync });
    await expect(misspelt.next()).rejects.toMatchObject({
      name: 'RefusedError',
      errors: [{ extensions: { code: 'INVALID_INPUT' } }],
    });
    const query = 'subscription ($after: String) { taskChanges(after: $after) { cursor } }';
    await expect(followChanges(openSocketClient(), { query, onResync }).next()).rejects.toThrow('select `type`');
  });

  it('goes on under a token that was renewed on the open socket', async () => {
    const connections = proxy.count;
    let socket: unknown;
    const client = createClient({
      url: `${proxy.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: async () => ({ authorization: `Bearer ${await mint(2)}` }),
      on: {
        connected(open) {
          socket = open;
        },
      },
    });
    const onResync = vi.fn();
    const changes = followChanges(client, { query: taskChanges, onResync });
    const next = changes.next();
    await vi.waitFor(() => expect(onResync).toHaveBeenCalledOnce(), 5000);
    expect(renewToken(socket, await mint())).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    written += 1;
    await writePriorities(server.databaseUrl, written, written);
    expect((await next).value?.node?.priority).toBe(written);
    expect(proxy.count).toBe(connections + 1);
    await changes.return();
    await vi.waitFor(() => expect(renewToken(socket, 'x')).toBe(false), 5000);
    expect(renewToken(undefined, 'x')).toBe(false);
  });
});

describe('its types', () => {
  const client = createEventStreamClient({ url: 'http://127.0.0.1:9/graphql' });
  const onResync = () => {};

  it('are those of the document', () => {
    const changes = followChanges(client, { query: taskChanges, variables: { where: {} }, onResync });
    type Change = Awaited<ReturnType<typeof changes.next>>['value'] & object;
    expectTypeOf<Change['type']>().toEqualTypeOf<'CREATED' | 'UPDATED' | 'DELETED' | 'ENTERED' | 'REMOVED'>();
    expectTypeOf<Change['node']>().toEqualTypeOf<{ title: string; priority: number } | null>();
    expectTypeOf<Change['cursor']>().toEqualTypeOf<string>();
    // @ts-expect-error what is not selected is not there
    type Missing = Change['changedFields'];
    expectTypeOf<Missing>();
  });

  it('refuse variables and documents that will not do', () => {
    // @ts-expect-error a filter is an object
    followChanges(client, { query: taskChanges, variables: { where: 1 }, onResync });
    const blind = graphql(/* GraphQL */ `
      subscription BlindChanges($after: String) {
        taskChanges(after: $after) {
          type
        }
      }
    `);
    // @ts-expect-error it selects no cursor
    followChanges(client, { query: blind, onResync });
    const needy = graphql(/* GraphQL */ `
      subscription NeedyChanges($where: TaskWhereInput!, $after: String) {
        taskChanges(where: $where, after: $after) {
          type
          cursor
        }
      }
    `);
    // @ts-expect-error it needs a filter
    followChanges(client, { query: needy, onResync });
    expect(print(needy)).toContain('$where: TaskWhereInput!');
  });
});
