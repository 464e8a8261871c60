import { isDeepStrictEqual } from 'node:util';
import type { ExecutionResult } from 'graphql';
import {
  type ConnectionInitMessage,
  type Message,
  MessageType,
  type PingMessage,
  parseMessage,
  type SubscribeMessage,
} from 'graphql-ws';
import type { Client, Credentials } from '../client.ts';
import type { StreamConfig } from '../config/config.ts';
import type { Context } from '../context.ts';
import { MillraceError } from '../errors.ts';
import { toClientError } from '../graphql/client-errors.ts';
import { keyIn } from '../graphql/idempotency.ts';
import { isNamed } from '../graphql/persisted.ts';
import type { LiveOperation } from '../graphql/streams.ts';
import type { GraphqlEngine, GraphqlRequest } from '../graphql/yoga.ts';
import type { LogPosition } from '../log/entry.ts';
import type { StateChange } from '../modules/auth/viewer-states.ts';
import type { Logger } from '../platform/log.ts';
import type { Viewer } from '../viewer.ts';
import { expiryOf } from './authenticate.ts';
import { authorizationIn } from './authorization.ts';
import type { Census } from './census.ts';
import { SocketOperation } from './socket-operation.ts';
import { closeCodes, type SocketSession } from './socket-session.ts';
import { concerns, type Viewers } from './viewers.ts';

/** What the protocol is served with. */
export interface ProtocolParts {
  engine: GraphqlEngine;
  viewers: Viewers;
  contextFor: (viewer: Viewer, client: Client) => Context;
  users: Census;
  log: Logger;
}

/** Characters of an operation's id, which stands in each of its messages; clients choose a UUID or a number. */
const longestId = 256;

/** What happens on a socket that is open. */
export interface Protocol {
  /** Takes a message of the client's; never throws for what a client may send. */
  take(session: SocketSession, text: string): Promise<void>;
  /** Something has changed of those who ask: whoever may not be told any more is told nothing from now on. */
  review(session: SocketSession, change: StateChange): void;
}

/**
 * The protocol graphql-transport-ws over our engine; live operations take the short way.
 * @NOTE its messages are the library's, what is kept of a socket is ours: the library's own server keeps some 8 KB for an
 * operation that only waits. See https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
 */
export function createProtocol(config: StreamConfig, parts: ProtocolParts): Protocol {
  const { engine, viewers, contextFor, users, log } = parts;

  const identify = async (session: SocketSession, credentials: Credentials): Promise<void> => {
    session.tokens += 1;
    const turn = session.tokens;
    await viewers.learn(credentials, (viewer) => introduced(session, viewer, turn));
  };

  const introduced = (session: SocketSession, viewer: Viewer, turn: number): void => {
    // One that was sent later has been looked at sooner.
    if (turn < session.newest) return;
    if (session.user !== undefined && session.user !== viewer.id) {
      throw new MillraceError('UNAUTHENTICATED', 'the new token is another user’s');
    }
    if (viewer.id !== undefined && session.user === undefined && session.isOpen) {
      if (!users.enter(viewer.id))
        throw new MillraceError('RATE_LIMITED', `at most ${config.connectionsPerUser} sockets a user`);
      session.user = viewer.id;
    }
    session.newest = turn;
    session.viewer = viewer;
  };

  const introduce = async (session: SocketSession, payload: ConnectionInitMessage['payload']): Promise<void> => {
    if (session.stage !== 'silent') return session.close(closeCodes.tooMany, 'introduce yourself once');
    session.stage = 'introducing';
    clearTimeout(session.silence);
    session.silence = undefined;
    const authorization = authorizationIn(payload);
    const credentials = authorization === undefined ? (session.handshake ?? {}) : { authorization };
    session.handshake = undefined;
    await identify(session, credentials);
    session.stage = 'ready';
    await session.say({ type: MessageType.ConnectionAck });
  };

  const begin = async (session: SocketSession, { id, payload }: SubscribeMessage): Promise<void> => {
    if (session.stage !== 'ready') return session.close(closeCodes.unauthenticated, 'introduce yourself first');
    if (id.length > longestId) return session.close(closeCodes.badRequest, `an id of at most ${longestId} characters`);
    if (session.operation(id)) return session.close(closeCodes.sameId, `there is an operation ${id} already`);
    const own = authorizationIn(payload.extensions);
    const operation = new SocketOperation(session, id, requestIn(payload), own !== undefined);
    const isFull = session.operations.length >= config.operationsPerConnection;
    session.add(operation);
    try {
      if (isFull) {
        const most = `at most ${config.operationsPerConnection} operations at a time on a socket`;
        throw new MillraceError('RATE_LIMITED', most);
      }
      if (own !== undefined) {
        await viewers.learn({ authorization: own }, (viewer) => {
          operation.viewer = viewer;
        });
      }
      while (session.reviewing) await session.reviewing;
      if (operation.isOpen) await run(operation, viewerAt(operation));
    } catch (error) {
      operation.end([toClientError(error)]);
    }
  };

  /** @param from where a live operation goes on that was open already */
  const run = async (operation: SocketOperation, viewer: Viewer, from?: LogPosition): Promise<void> => {
    // The connection's token was looked at when it came; it may have expired since.
    operation.expiresAt = expiryOf(viewer);
    if (operation.expiresAt <= Date.now()) throw new MillraceError('UNAUTHENTICATED', 'the token has expired');
    operation.isPreparing = true;
    const prepared = await engine.prepare(operation.request, async () => contextFor(viewer, operation.session));
    operation.isPreparing = false;
    if (!operation.isOpen) return;
    if (isOutdated(operation, viewer)) return run(operation, viewerAt(operation), from);
    if (prepared.kind === 'refused') return operation.end(prepared.errors);
    if (prepared.kind === 'executed') return answer(operation, await prepared.run(), log);
    const { variables, operationName } = operation.request;
    operation.request = { query: prepared.query, variables, operationName };
    operation.isLive = true;
    const opening = openLive(operation, viewer, prepared.operation, from);
    const settled = opening.catch(() => {}); // thrown below
    operation.opening = settled;
    await opening.finally(() => {
      if (operation.opening === settled) operation.opening = undefined;
      if (operation.held === settled) operation.held = undefined;
    });
  };

  const openLive = async (
    operation: SocketOperation,
    viewer: Viewer,
    live: LiveOperation,
    from: LogPosition | undefined,
  ): Promise<void> => {
    operation.follow(await live.open(operation, from));
    // Renewed meanwhile: what was opened just now is the old token's.
    if (operation.isOpen && isOutdated(operation, viewer)) await reopen(operation);
  };

  /** A live operation goes on under whoever asks now, by what they are permitted. */
  const reopen = async (operation: SocketOperation): Promise<void> => {
    const { stream } = operation;
    stream?.close();
    operation.stream = undefined;
    operation.held = undefined;
    // What looks at it finds who asks now when it has done so.
    if (operation.isPreparing) return;
    try {
      await run(operation, viewerAt(operation), stream?.place);
    } catch (error) {
      operation.end([toClientError(error)]);
    }
  };

  /** Resolves when nothing is told any more of an operation under an older token than its connection's. */
  const renew = async (operation: SocketOperation): Promise<void> => {
    if (operation.hasOwnToken) return;
    // @NOTE what is being opened finds the new token when it is open, and until then may not be told of.
    if (operation.opening) return operation.opening;
    if (operation.isLive) return reopen(operation);
    operation.expiresAt = expiryOf(operation.session.viewer!);
  };

  const review = (session: SocketSession, change: StateChange): void => {
    const { viewer } = session;
    if (viewer && !session.reviewing && concerns(change, viewer)) reviewSession(session, viewer);
    for (const operation of session.operations) {
      const { viewer: own, held } = operation;
      if (own && !held && concerns(change, own)) reviewOperation(operation, own);
    }
  };

  const reviewSession = (session: SocketSession, before: Viewer): void => {
    const shared = session.operations.filter(({ hasOwnToken }) => !hasOwnToken);
    const known = (now: Viewer) => {
      if (session.viewer === before && !isDeepStrictEqual(now, before)) session.viewer = now;
      goOn(session, shared, session.viewer !== before);
    };
    const failed = (error: unknown) => {
      // Another token was shown meanwhile.
      if (session.viewer !== before) return goOn(session, shared, true);
      if (!isEnded(error)) return session.leave();
      for (const operation of session.operations) operation.end([toClientError(error)]);
      refuse(session, error);
    };
    session.reviewing = viewers
      .renew(before, known)
      .catch(failed)
      .finally(() => {
        for (const operation of shared) if (operation.held === session.reviewing) operation.held = undefined;
        session.reviewing = undefined;
      });
    for (const operation of shared) operation.held = session.reviewing;
  };

  const reviewOperation = (operation: SocketOperation, before: Viewer): void => {
    const known = (now: Viewer) => {
      const isOther = !isDeepStrictEqual(now, before);
      if (isOther) operation.viewer = now;
      goOn(operation.session, [operation], isOther);
    };
    operation.held = viewers.renew(before, known).catch((error: unknown) => {
      if (isEnded(error)) operation.end([toClientError(error)]);
      else operation.session.leave();
      operation.held = undefined;
    });
  };

  /** Lets operations be told on: where they are, or under other rights from where they have been told to. */
  const goOn = (session: SocketSession, operations: readonly SocketOperation[], isOther: boolean): void => {
    // @NOTE what the application's own fields tell cannot go on under other rights, nor is it known what it is made of.
    if (isOther && operations.some(({ isOpen, isLive, stream }) => isOpen && stream && !isLive)) {
      session.leave();
      return;
    }
    for (const operation of operations) {
      // @NOTE what is being opened is closed again when it is open, and until then may not be told of.
      operation.held = isOther ? operation.opening : undefined;
      if (isOther && operation.isOpen && operation.isLive && !operation.opening) void reopen(operation);
    }
  };

  const ping = async (session: SocketSession, payload: PingMessage['payload']): Promise<void> => {
    const authorization = authorizationIn(payload);
    if (authorization !== undefined && session.stage !== 'silent') {
      await identify(session, { authorization });
      // @NOTE all at once: the last of many would wait under the old token, until that has expired.
      await Promise.all(session.operations.map(renew));
    }
    await session.say(payload ? { type: MessageType.Pong, payload } : { type: MessageType.Pong });
  };

  const take = async (session: SocketSession, message: Message): Promise<void> => {
    switch (message.type) {
      case MessageType.ConnectionInit:
        return introduce(session, message.payload);
      case MessageType.Ping:
        return ping(session, message.payload);
      case MessageType.Pong:
        return;
      case MessageType.Subscribe:
        return begin(session, message);
      case MessageType.Complete: {
        const operation = session.operation(message.id);
        if (operation) session.forget(operation);
        return;
      }
      default:
        return session.close(closeCodes.badRequest, 'not a message of a client');
    }
  };

  return {
    review,
    async take(session, text) {
      let message: Message;
      try {
        message = parseMessage(text);
      } catch {
        return session.close(closeCodes.badRequest, 'not a message of the protocol');
      }
      try {
        await take(session, message);
      } catch (error) {
        refuse(session, error);
      }
    },
  };
}

/** What a message asks, without the token that it may have brought. */
function requestIn(payload: SubscribeMessage['payload'] & { documentId?: unknown }): GraphqlRequest {
  const { query, variables, operationName, documentId, extensions } = payload;
  const idempotencyKey = keyIn(extensions);
  if (!isNamed(payload) && idempotencyKey === undefined) return { query, variables, operationName };
  const kept = { persistedQuery: extensions?.persistedQuery, idempotencyKey };
  return { query, variables, operationName, documentId, extensions: kept };
}

/** Closes a socket whose token is refused, or on which something of ours has failed. */
function refuse(session: SocketSession, error: unknown): void {
  const { message, extensions } = session.engine.finish({ errors: [toClientError(error)] }).errors![0]!;
  const codes: Record<string, number> = {
    UNAUTHENTICATED: closeCodes.unauthenticated,
    RATE_LIMITED: closeCodes.tooMany,
  };
  session.close(codes[String(extensions.code)] ?? closeCodes.fault, message);
}

/** Who asks by an operation, as far as is known now. */
const viewerAt = ({ viewer, session }: SocketOperation): Viewer => viewer ?? session.viewer!;

/** Whether somebody else asks by now, or the same under another token or other rights. */
const isOutdated = (operation: SocketOperation, viewer: Viewer): boolean => viewerAt(operation) !== viewer;

/** Whether somebody's session or key has ended, and not only what tells of it is out of reach. */
const isEnded = (error: unknown): boolean => error instanceof MillraceError && error.code === 'UNAUTHENTICATED';

/** Tells what the executor has made of an operation: one result, or one after the other, as fast as they are taken. */
async function answer(
  operation: SocketOperation,
  result: AsyncIterable<ExecutionResult> | ExecutionResult,
  log: Logger,
): Promise<void> {
  if (Symbol.asyncIterator in result) {
    const results = result[Symbol.asyncIterator]();
    const stop = async () => {
      try {
        await results.return?.();
      } catch (error) {
        log.error({ err: error }, 'a subscription could not be ended');
      }
    };
    operation.follow({ place: undefined, close: () => void stop() });
    for (let next = await results.next(); !next.done && operation.isOpen; next = await results.next()) {
      await operation.tell(next.value);
    }
  } else await operation.tell(result);
  operation.end([]);
}
