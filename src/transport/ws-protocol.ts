import { type ExecutionArgs, type ExecutionResult, type GraphQLError, parse } from 'graphql';
import { makeServer, type Context as ProtocolContext, type Server, type SubscribePayload } from 'graphql-ws';
import type { StreamConfig } from '../config/config.ts';
import type { Context } from '../context.ts';
import { MillraceError } from '../errors.ts';
import { toClientError } from '../graphql/client-errors.ts';
import type { GraphqlEngine, GraphqlRequest } from '../graphql/yoga.ts';
import type { LogPosition } from '../log/entry.ts';
import { expiryOf } from './authenticate.ts';
import { authorizationIn } from './authorization.ts';
import type { Census } from './census.ts';
import { closeCodes, type SocketSession } from './socket-session.ts';

/** What the protocol's library keeps for us of each connection. */
export interface Extra {
  session: SocketSession;
}

type Params = Record<string, unknown> | undefined;
type Connection = ProtocolContext<Params, Extra>;
type Started = ExecutionArgs & { start(): unknown };

/** What the protocol is served with. */
export interface ProtocolParts {
  engine: GraphqlEngine;
  contextOf: (authorization: string | null) => Promise<Context>;
  users: Census;
}

/** The protocol graphql-transport-ws over our engine; live operations take the short way. */
export function createProtocol(config: StreamConfig, parts: ProtocolParts): Server<Extra> {
  const { engine, contextOf, users } = parts;
  // @NOTE stands for every live operation: the library only has to know that it is one that lasts.
  const lasting = { document: parse('subscription { live }'), contextValue: undefined, rootValue: undefined };

  const identify = async (session: SocketSession, authorization: string | null): Promise<void> => {
    const context = contextOf(authorization);
    const { viewer } = await context;
    if (session.user !== undefined && session.user !== viewer.id) {
      throw new MillraceError('UNAUTHENTICATED', 'the new token is another user’s');
    }
    if (viewer.id !== undefined && session.user === undefined) {
      if (!users.enter(viewer.id))
        throw new MillraceError('RATE_LIMITED', `at most ${config.connectionsPerUser} sockets a user`);
      session.user = viewer.id;
    }
    session.context = context;
  };
  const refuse = (session: SocketSession, error: unknown): void => {
    const { message, extensions } = engine.finish({ errors: [toClientError(error)] }).errors![0]!;
    const codes: Record<string, number> = {
      UNAUTHENTICATED: closeCodes.unauthenticated,
      RATE_LIMITED: closeCodes.tooMany,
    };
    session.close(codes[String(extensions.code)] ?? closeCodes.fault, message);
  };
  const openLive = async (
    session: SocketSession,
    id: string,
    request: SubscribePayload,
  ): Promise<Started | readonly GraphQLError[]> => {
    const own = authorizationIn(request.extensions);
    const context = own === undefined ? session.context! : contextOf(own);
    // The connection's token was looked at when it came; it may have expired since.
    if (expiryOf((await context).viewer) <= Date.now())
      throw new MillraceError('UNAUTHENTICATED', 'the token has expired');
    const prepared = await engine.prepare(request as GraphqlRequest, () => context);
    if (prepared.kind === 'refused') return prepared.errors;
    if (prepared.kind === 'executed') return { ...prepared.args, start: prepared.run } as unknown as Started;
    const { sink, quiet } = session.openSink(id);
    const stream = await prepared.operation.open(sink);
    const expiresAt = expiryOf((await context).viewer);
    session.operations.set(id, { request, hasOwnToken: own !== undefined, expiresAt, sink, stream });
    return { ...lasting, start: () => quiet } as unknown as Started;
  };
  /** The connection has a new token: what runs on it goes on under what that permits. */
  const renew = async (session: SocketSession): Promise<void> => {
    for (const [id, operation] of session.operations) {
      if (operation.hasOwnToken) continue;
      const prepared = await engine.prepare(operation.request as GraphqlRequest, () => session.context!);
      if (session.operations.get(id) !== operation) continue;
      if (prepared.kind !== 'live') {
        operation.sink.end(prepared.kind === 'refused' ? prepared.errors : []);
        continue;
      }
      const place: LogPosition | undefined = operation.stream.place;
      operation.stream.close();
      operation.stream = await prepared.operation.open(operation.sink, place);
      operation.expiresAt = expiryOf((await session.context!).viewer);
    }
  };

  return makeServer<Params, Extra>({
    connectionInitWaitTimeout: config.initTimeout,
    async onConnect(connection: Connection) {
      const { session } = connection.extra;
      const authorization = authorizationIn(connection.connectionParams) ?? session.header;
      // Nobody needs the token any more; the library would keep it as long as the socket.
      (connection as { connectionParams: Params }).connectionParams = undefined;
      try {
        await identify(session, authorization);
        return true;
      } catch (error) {
        refuse(session, error);
        return false;
      }
    },
    async onPing({ extra: { session }, acknowledged }: Connection, payload) {
      const authorization = authorizationIn(payload);
      if (authorization === undefined || !acknowledged) return;
      try {
        await identify(session, authorization);
        await renew(session);
      } catch (error) {
        refuse(session, error);
      }
    },
    async onSubscribe({ extra: { session }, subscriptions }: Connection, id, payload) {
      if (Object.keys(subscriptions).length > config.operationsPerConnection) {
        const most = `at most ${config.operationsPerConnection} operations at a time on a socket`;
        return [toClientError(new MillraceError('RATE_LIMITED', most))];
      }
      try {
        return (await openLive(session, id, payload)) as ExecutionArgs | readonly GraphQLError[];
      } catch (error) {
        return [toClientError(error)];
      }
    },
    execute: start,
    subscribe: start,
    onNext: (_context, _id, _payload, _args, result) => engine.finish(result as ExecutionResult) as never,
    onError: (_context, _id, _payload, errors) =>
      engine.finish({ errors: errors as GraphQLError[] }).errors!.map((error) => error.toJSON()),
  });
}

async function start(args: unknown): Promise<never> {
  try {
    return (await (args as Started).start()) as never;
  } catch (error) {
    return { errors: [toClientError(error)] } as never;
  }
}
