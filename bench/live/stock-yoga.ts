// Subscriptions as the documentation of GraphQL Yoga shows them: its pub/sub, and graphql-ws with Yoga's own execution
// (https://the-guild.dev/graphql/yoga-server/docs/features/subscriptions). Events come by Redis.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionArgs } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { createPubSub, createSchema, createYoga } from 'graphql-yoga';
import { createClient } from 'redis';
import { WebSocketServer } from 'ws';
import type { Handed } from './topic.ts';

const pubSub = createPubSub<{ change: [change: unknown] }>();
const yoga = createYoga({
  schema: createSchema({
    typeDefs: `
      type Task { id: ID!, title: String!, status: String!, priority: Int!, estimate: Float, dueAt: String, createdAt: String! }
      type TaskChange { type: String!, cursor: String!, node: Task, changedFields: [String!] }
      type Query { hello: String }
      type Subscription { taskChanges: TaskChange! }`,
    resolvers: {
      Subscription: {
        taskChanges: { subscribe: () => pubSub.subscribe('change'), resolve: (change: unknown) => change },
      },
    },
  }),
  graphiql: false,
  logging: false,
});
const http = createServer(yoga);
const sockets = new WebSocketServer({ server: http, path: '/graphql', perMessageDeflate: false });

type Envelope = ExecutionArgs & {
  rootValue: { execute: (args: unknown) => never; subscribe: (args: unknown) => never };
};
useServer(
  {
    execute: (args: unknown) => (args as Envelope).rootValue.execute(args),
    subscribe: (args: unknown) => (args as Envelope).rootValue.subscribe(args),
    onSubscribe: async (ctx, _id, params) => {
      const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({
        ...ctx,
        req: ctx.extra.request,
        socket: ctx.extra.socket,
        params,
      });
      const args = {
        schema,
        operationName: params.operationName,
        document: parse(params.query),
        variableValues: params.variables,
        contextValue: await contextFactory(),
        rootValue: { execute, subscribe },
      };
      const errors = validate(args.schema, args.document);
      return errors.length > 0 ? errors : args;
    },
  },
  sockets,
);

const redis = createClient({ url: process.argv[2]! });
redis.on('error', () => process.exit(1));
await redis.connect();
await redis.subscribe('stock-yoga' satisfies Handed, (text) => pubSub.publish('change', JSON.parse(text) as unknown));
http.listen(0, '127.0.0.1', () => {
  process.stdout.write(`up at http://127.0.0.1:${(http.address() as AddressInfo).port}\n`);
});
process.once('SIGTERM', () => process.exit(0));
