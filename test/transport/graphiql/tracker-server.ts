import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { useServer } from 'graphql-ws/use/ws';
import { createSchema, createYoga } from 'graphql-yoga';
import { type WebSocket, WebSocketServer } from 'ws';
import { createGraphiql, type GraphiqlOptions } from '../../../src/transport/graphiql/graphiql.ts';
import { trackerSdl } from './schemas.ts';

/** A running server with GraphiQL in front of GraphQL Yoga, and what arrived at the endpoint. */
export interface TrackerServer extends AsyncDisposable {
  /** `http://localhost:…`, without the path. */
  origin: string;
  /** The requests Yoga got. */
  arrived: { method: string; authorization: string | undefined; headers: IncomingMessage['headers'] }[];
  /** What those who opened WebSockets said of themselves. */
  opened: Record<string, unknown>[];
  /** Tokens that WebSockets are refused for, once each. */
  refused: Set<string>;
}

const person = (id: string, name: string) => ({ id, name, createdAt: '2026-01-05T08:00:00.000Z' });
const people = [person('u1', 'Ada Lovelace'), person('u2', 'Grace Hopper'), person('u3', 'Edsger Dijkstra')];
const project = { id: 'p1', name: 'Mill wheel', archived: false, createdAt: '2026-01-05T08:00:00.000Z' };
const titles = ['Measure the fall of the water', 'Cut the paddles', 'Grease the axle', 'Write to the miller'];

function page<T>(nodes: T[]) {
  const pageInfo = { hasNextPage: false, hasPreviousPage: false, startCursor: 'a', endCursor: 'z' };
  return {
    nodes,
    edges: nodes.map((node, index) => ({ node, cursor: String(index) })),
    pageInfo,
    totalCount: nodes.length,
  };
}

function tasks() {
  return titles.map((title, index) => ({
    id: `t${index + 1}`,
    title,
    body: '',
    status: ['TODO', 'DOING', 'DONE'][index % 3],
    priority: index,
    createdAt: `2026-02-0${index + 1}T09:30:00.000Z`,
    updatedAt: `2026-02-0${index + 1}T09:30:00.000Z`,
    project,
    assignee: people[index % 3],
    subtasks: () => page([]),
    labels: () => page([{ id: 'l1', name: 'wood', color: 'brown' }]),
    comments: () =>
      page([
        {
          id: `c${index}`,
          body: 'Oak, not elm.',
          createdAt: '2026-02-09T10:00:00.000Z',
          author: people[(index + 1) % 3],
        },
      ]),
  }));
}

/** Starts it on a free port of this machine; `options` are those of GraphiQL, `host` the address to listen on. */
export async function startTracker(options: Partial<GraphiqlOptions> = {}, host = 'localhost'): Promise<TrackerServer> {
  const arrived: TrackerServer['arrived'] = [];
  const opened: TrackerServer['opened'] = [];
  const refused: TrackerServer['refused'] = new Set();
  const schema = createSchema<{ req: IncomingMessage }>({
    typeDefs: trackerSdl,
    resolvers: {
      Query: {
        tasks: () => page(tasks()),
        viewer: (_root, _args, { req }) => req.headers.authorization ?? 'nobody',
      },
      Subscription: {
        ticks: {
          async *subscribe(_root: unknown, { count }: { count: number }) {
            for (let tick = 1; tick <= count; tick += 1) yield { ticks: tick };
          },
        },
      },
    },
  });
  const yoga = createYoga({ schema, graphiql: false, logging: false });
  const graphiql = createGraphiql({ endpoint: '/graphql', title: 'Millrace', schema: () => schema, ...options });
  const server = createServer((request, response) => {
    if (graphiql.handle(request, response)) return;
    const { method = '', headers } = request;
    arrived.push({ method, authorization: headers.authorization, headers });
    yoga(request, response);
  });
  const sockets = new WebSocketServer({ server, path: '/graphql' });
  const onConnect = ({ connectionParams, extra }: { connectionParams?: object; extra: { socket: WebSocket } }) => {
    const said = { ...connectionParams } as Record<string, unknown>;
    opened.push(said);
    if (refused.delete(String(said.Authorization))) extra.socket.close(4401, 'an old token');
  };
  useServer({ schema, onConnect }, sockets);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    arrived,
    opened,
    refused,
    async [Symbol.asyncDispose]() {
      graphiql.close();
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
