import { print } from 'graphql';
import { type ClientOptions, createClient, type SubscribePayload } from 'graphql-ws';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { createEventStreamClient } from '../../client/event-stream.ts';
import { type ResumingOptions, resuming } from '../../client/resuming.ts';
import type { StreamClient } from '../../client/stream-client.ts';
import { createCursorSeal } from '../../src/log/cursor.ts';
import { ask } from '../support/postgres.ts';
import { cutEvery, openProxy, type TcpProxy } from '../support/proxy.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';
import { numbers, taskChanges, writePriorities } from './task-changes.ts';

let server: TestServer;
let proxy: TcpProxy;
let written = 100;
beforeAll(async () => {
  server = await startServer();
  await insertTeam(server.databaseUrl);
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  proxy = await openProxy(server.url);
  return () => proxy[Symbol.asyncDispose]();
});

const query = print(taskChanges);
const soon = { firstWait: 20, longestWait: 200 };
const authorization = async (at = server) => `Bearer ${await at.server.tokens.mint!({ sub: team.ann })}`;

function openSocketClient(options: Partial<ClientOptions> = {}) {
  return createClient({
    url: `${proxy.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: async () => ({ authorization: await authorization() }),
    ...options,
  });
}

const openEventClient = () =>
  createEventStreamClient({
    url: `${proxy.url}/graphql`,
    headers: async () => ({ authorization: await authorization() }),
    ...soon,
  });

type Told = { type: string; reason: string | null; cursor: string; node: { priority: number } | null };

/** What one subscription is told. */
function listen(client: StreamClient, payload: SubscribePayload = { query }) {
  const told: Told[] = [];
  const ends: unknown[] = [];
  const stop = client.subscribe<{ changes: Told }>(payload, {
    next: (result) => void told.push(result.data?.changes as Told),
    error: (error) => void ends.push(error),
    complete: () => void ends.push('complete'),
  });
  const priorities = () => told.filter((t) => t.type === 'UPDATED').map((t) => t.node!.priority);
  return { told, ends, stop, priorities };
}

const clients: [string, () => StreamClient][] = [
  ['graphql-ws', () => resuming(openSocketClient(), soon)],
  [
    'graphql-ws that tries again by itself',
    () =>
      resuming(
        openSocketClient({
          retryAttempts: 100,
          shouldRetry: () => true,
          retryWait: () => new Promise((r) => setTimeout(r, 30)),
        }),
        soon,
      ),
  ],
  ['server-sent events', openEventClient],
  ['server-sent events, resumed by their cursors', () => resuming(openEventClient(), soon)],
];

describe.each(clients)('a stream over %s', (name, open) => {
  it('tells every change once, in order, whatever is cut', async () => {
    const [from, to] = [written + 1, written + 300];
    written = to;
    const { told, ends, stop, priorities } = listen(open());
    await vi.waitFor(() => expect(told.map((t) => t.type)).toEqual(['CHECKPOINT']), 5000);
    const cut = cutEvery(proxy, 40, () => told.length);
    await writePriorities(server.databaseUrl, from, to, cut);
    await vi.waitFor(() => expect(priorities().at(-1)).toBe(to), 15_000);
    expect(priorities()).toEqual(numbers(from, to));
    expect(cut.cuts).toBeGreaterThan(1);
    expect(proxy.count).toBeGreaterThan(cut.cuts);
    stop();
    expect(ends).toEqual(['complete']);
    // Node's fetch opens a connection in the place of one that was aborted, and keeps it idle.
    await vi.waitFor(() => expect(proxy.open).toBe(name.startsWith('graphql-ws') ? 0 : 1), 5000);
  });

  it('goes on at the next server, without gap or repeat', async () => {
    const before = await startServer({ databaseUrl: server.databaseUrl });
    proxy.lead(before.url);
    const [from, to] = [written + 1, written + 60];
    written = to;
    const tokens = vi
      .spyOn(server.server.tokens, 'mint')
      .mockImplementation((claims) => before.server.tokens.mint!(claims));
    const { told, ends, stop, priorities } = listen(open());
    await vi.waitFor(() => expect(told).toHaveLength(1), 5000);
    await writePriorities(server.databaseUrl, from, from + 29);
    await vi.waitFor(() => expect(priorities().length).toBeGreaterThan(10), 5000);
    tokens.mockRestore();
    proxy.lead(server.url);
    await Promise.all([before[Symbol.asyncDispose](), writePriorities(server.databaseUrl, from + 30, to)]);
    await vi.waitFor(() => expect(priorities().at(-1)).toBe(to), 15_000);
    expect(priorities()).toEqual(numbers(from, to));
    expect(ends).toEqual([]);
    stop();
  });
});

describe('resuming', () => {
  it('begins after the cursor that it is given', async () => {
    const first = listen(resuming(openSocketClient(), soon));
    await vi.waitFor(() => expect(first.told).toHaveLength(1), 5000);
    first.stop();
    written += 1;
    await writePriorities(server.databaseUrl, written, written);
    const client = resuming(openSocketClient(), { ...soon, afterVariable: 'since' });
    const since = { query: query.replaceAll('$after', '$since'), variables: { since: first.told[0]!.cursor } };
    const second = listen(client, since);
    await vi.waitFor(() => expect(second.priorities()).toEqual([written]), 5000);
    proxy.cut();
    written += 1;
    await writePriorities(server.databaseUrl, written, written);
    await vi.waitFor(() => expect(second.priorities()).toEqual([written - 1, written]), 5000);
    expect(since.variables).toEqual({ since: first.told[0]!.cursor });
    second.stop();
  });

  it('tells of each cut, and waits longer with each failure in a row, but not for ever', async () => {
    const waits: number[] = [];
    const options: ResumingOptions = {
      firstWait: 20,
      longestWait: 100,
      attempts: 6,
      onCut: (_, wait) => waits.push(wait),
    };
    const { told, ends } = listen(resuming(openSocketClient(), options));
    await vi.waitFor(() => expect(told).toHaveLength(1), 5000);
    proxy.lead('http://127.0.0.1:9');
    proxy.cut();
    await vi.waitFor(() => expect(ends).toHaveLength(1), 5000);
    expect(waits).toHaveLength(6);
    [20, 40, 80, 100, 100, 100].forEach((most, index) => {
      expect(waits[index]).toBeGreaterThanOrEqual(most / 2);
      expect(waits[index]).toBeLessThanOrEqual(most);
    });
    expect(ends).not.toContain('complete');
  });

  it('does not repeat what the server refuses', async () => {
    const client = resuming(openSocketClient(), soon);
    const bad = listen(client, { query: query.replace('priority', 'prio') });
    const refused = listen(client, { query, variables: { after: 'nonsense' } });
    const unknown = listen(
      resuming(openSocketClient({ connectionParams: { authorization: 'Bearer nonsense' } }), soon),
    );
    const code = (errors: unknown) => (errors as { extensions: { code: string } }[])[0]!.extensions.code;
    await vi.waitFor(() => expect([bad, refused, unknown].map((s) => s.ends.length)).toEqual([1, 1, 1]), 5000);
    expect([code(bad.ends[0]), code(refused.ends[0])]).toEqual(['INVALID_INPUT', 'INVALID_INPUT']);
    expect(unknown.ends[0]).toMatchObject({ code: 4401 });
    expect(proxy.count).toBe(2);
  });

  it('goes on with a new token when the old one has expired', async () => {
    let minted = 0;
    const connectionParams = async () => {
      minted += 1;
      const expiresIn = minted === 1 ? 1 : 60;
      return { authorization: `Bearer ${await server.server.tokens.mint!({ sub: team.ann, expiresIn })}` };
    };
    const { told, ends, priorities, stop } = listen(resuming(openSocketClient({ connectionParams }), soon));
    await vi.waitFor(() => expect(told).toHaveLength(1), 5000);
    await vi.waitFor(() => expect(minted).toBe(2), 5000);
    written += 1;
    await writePriorities(server.databaseUrl, written, written);
    await vi.waitFor(() => expect(priorities()).toEqual([written]), 5000);
    expect(ends).toEqual([]);
    stop();
  });

  it('hands on that what is held must be read anew, and goes on from there', async () => {
    const { told, stop, priorities } = listen(resuming(openSocketClient(), soon), {
      query,
      variables: { after: await endedCursor() },
    });
    await vi.waitFor(() => expect(told.map((t) => [t.type, t.reason])).toEqual([['RESYNC', 'RESTARTED']]), 5000);
    proxy.cut();
    written += 1;
    await writePriorities(server.databaseUrl, written, written);
    await vi.waitFor(() => expect(priorities()).toEqual([written]), 5000);
    stop();
  });

  it('says once what keeps a stream from being resumed, and leaves it as it is', async () => {
    const warnings: string[] = [];
    const client = resuming(openSocketClient(), { ...soon, warn: (message) => warnings.push(message) });
    const blind = query.replace(/\bcursor\b/, '');
    const [first, second] = [listen(client, { query: blind }), listen(client, { query: blind })];
    const undeclared = listen(client, { query: 'subscription { changes: taskChanges { type cursor } }' });
    await vi.waitFor(() => expect([first, second, undeclared].map((s) => s.told.length)).toEqual([1, 1, 1]), 5000);
    proxy.cut();
    await vi.waitFor(() => expect([first, second, undeclared].map((s) => s.ends.length)).toEqual([1, 1, 1]), 5000);
    expect(warnings).toHaveLength(2);
    expect(warnings.find((w) => w.includes('select `cursor`'))).toContain('subscription TaskChanges');
    expect(warnings.find((w) => w.includes('declare `$after: String`'))).toBeDefined();
  });

  it('never sends a query or a mutation twice', async () => {
    const sent: string[] = [];
    const cutting: StreamClient = {
      subscribe({ query }, sink) {
        sent.push(query);
        queueMicrotask(() => sink.error({ code: 1006, reason: '' }));
        return () => {};
      },
    };
    const client = resuming(cutting, { firstWait: 5, attempts: 2 });
    const streams = ['{ a }', 'mutation { a }', 'query @live { a }'].map((query) => listen(client, { query }));
    await vi.waitFor(() => expect(streams.map((s) => s.ends.length)).toEqual([1, 1, 1]), 5000);
    expect(sent.sort()).toEqual(['mutation { a }', ...Array(3).fill('query @live { a }'), '{ a }']);
  });

  it('drops what it has passed on already, but never a RESYNC', () => {
    const message = (type: string, cursor: string) => ({
      data: { changes: { type, cursor, reason: null, node: null } },
    });
    const repeating: StreamClient = {
      subscribe(_payload, sink) {
        const results = [
          message('CREATED', 'a'),
          message('UPDATED', 'b'),
          message('CREATED', 'a'),
          message('RESYNC', 'b'),
        ];
        for (const result of results) sink.next(result as never);
        return () => {};
      },
    };
    expect(listen(resuming(repeating)).told.map((t) => t.type)).toEqual(['CREATED', 'UPDATED', 'RESYNC']);
  });

  it('iterates as graphql-ws does, and can be left while it waits', async () => {
    const results = resuming(openSocketClient(), soon).iterate<{ changes: Told }>({ query });
    expect((await results.next()).value?.data?.changes.type).toBe('CHECKPOINT');
    const waiting = results.next();
    await results.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
    await vi.waitFor(() => expect(proxy.open).toBe(0), 5000);
  });
});

/** A cursor of this installation's, in a history that has ended. */
async function endedCursor(): Promise<string> {
  const [head] = await ask<{ secret: string }>(server.databaseUrl, 'select secret from millrace.event_head');
  return createCursorSeal(head!.secret).seal({ epoch: 'before', seq: 1 });
}
