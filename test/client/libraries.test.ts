import { ApolloClient, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { subscriptionExchange, Client as UrqlClient } from '@urql/core';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { createEventStreamClient, resuming, type StreamClient } from '../../client/client.ts';
import { cutEvery, openProxy, type TcpProxy } from '../support/proxy.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';
import { numbers, taskChanges, writePriorities } from './task-changes.ts';

let server: TestServer;
let proxy: TcpProxy;
let authorization: string;
let written = 100;
beforeAll(async () => {
  server = await startServer();
  await insertTeam(server.databaseUrl);
  proxy = await openProxy(server.url);
  authorization = `Bearer ${await server.server.tokens.mint!({ sub: team.ann })}`;
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const soon = { firstWait: 20, longestWait: 200 };
const openSocketClient = () =>
  resuming(
    createClient({
      url: `${proxy.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      connectionParams: { authorization },
    }),
    soon,
  );
const openEventClient = () =>
  createEventStreamClient({ url: `${proxy.url}/graphql`, headers: { authorization }, ...soon });

const urqlOver = (client: StreamClient) =>
  new UrqlClient({
    url: `${proxy.url}/graphql`,
    preferGetMethod: false,
    exchanges: [
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({ unsubscribe: client.subscribe({ query, variables }, sink) }),
        }),
      }),
    ],
  });

type Told = { type: string; node: { priority: number } | null } | undefined;
type Listen = (heard: (change: Told) => void, failed: (error: unknown) => void) => () => void;

const libraries: [string, Listen][] = [
  [
    'urql over a WebSocket',
    (heard, failed) =>
      urqlOver(openSocketClient())
        .subscription(taskChanges, {})
        .subscribe(({ data, error }) => (error ? failed(error) : heard(data?.changes))).unsubscribe,
  ],
  [
    'urql over server-sent events',
    (heard, failed) =>
      urqlOver(openEventClient())
        .subscription(taskChanges, {})
        .subscribe(({ data, error }) => (error ? failed(error) : heard(data?.changes))).unsubscribe,
  ],
  [
    'Apollo',
    (heard, failed) => {
      const client = new ApolloClient({ link: new GraphQLWsLink(openSocketClient()), cache: new InMemoryCache() });
      const subscription = client
        .subscribe({ query: taskChanges })
        .subscribe(({ data, error }) => (error ? failed(error) : heard(data?.changes)));
      return () => subscription.unsubscribe();
    },
  ],
];

describe.each(libraries)('%s', (_name, listen) => {
  it('hears of every change once, in order, whatever is cut', async () => {
    const [from, to] = [written + 1, written + 100];
    written = to;
    const told: Told[] = [];
    const errors: unknown[] = [];
    const priorities = () => told.slice(1).map((change) => change?.node?.priority);
    const stop = listen(
      (change) => told.push(change),
      (error) => errors.push(error),
    );
    await vi.waitFor(() => expect(told.map((t) => t?.type)).toEqual(['CHECKPOINT']), 5000);
    const cut = cutEvery(proxy, 20, () => told.length);
    await writePriorities(server.databaseUrl, from, to, cut);
    await vi.waitFor(() => expect(priorities().at(-1)).toBe(to), 10_000);
    expect(priorities()).toEqual(numbers(from, to));
    expect(errors).toEqual([]);
    expect(cut.cuts).toBeGreaterThan(1);
    stop();
  });
});
