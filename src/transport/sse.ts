/**
 * Live operations as server-sent events, by the distinct connections mode of GraphQL over SSE: `next` events, then `complete`.
 * Each event's id is the cursor behind it, so a browser that connects again goes on where it was (`Last-Event-ID`).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GraphQLError } from 'graphql';
import type { StreamConfig } from '../config/config.ts';
import type { Context } from '../context.ts';
import { MillraceError, statusOf } from '../errors.ts';
import { toClientError } from '../graphql/client-errors.ts';
import type { GraphqlEngine, GraphqlRequest } from '../graphql/yoga.ts';
import type { Viewer } from '../viewer.ts';
import { expiryOf } from './authenticate.ts';
import { createCensus } from './census.ts';
import { EventStream } from './event-stream.ts';
import { addressOf, isAllowedOrigin } from './origins.ts';

/** Answers requests that ask for events, where the operation is live. */
export interface EventStreams extends Disposable {
  /** Whether a request asks for events rather than for one answer. */
  isAsked(request: IncomingMessage): boolean;
  /** True when it has answered; false when the operation is not live, and any other answer will do. */
  answer(request: IncomingMessage, response: ServerResponse, asked: GraphqlRequest): Promise<boolean>;
}

const beatEvery = 15_000;
const expiryEvery = 500;

/** Makes the event streams; disposing of them sends each client away to come back. */
export function createEventStreams(
  config: StreamConfig,
  parts: {
    engine: GraphqlEngine;
    viewerOf: (authorization: string | undefined) => Promise<Viewer>;
    contextFor: (viewer: Viewer) => Context;
  },
): EventStreams {
  const { engine, viewerOf, contextFor } = parts;
  const addresses = createCensus(config.connectionsPerAddress);
  const users = createCensus(config.connectionsPerUser);
  const streams = new Map<ServerResponse, EventStream>();
  const beating = setInterval(() => {
    for (const open of streams.values()) open.beat();
  }, beatEvery).unref();
  const expired = toClientError(new MillraceError('UNAUTHENTICATED', 'the token has expired'));
  const expiring = setInterval(() => {
    const now = Date.now();
    for (const open of streams.values()) if (open.expiresAt <= now) open.end([expired]);
  }, expiryEvery).unref();

  /** @throws RATE_LIMITED */
  const enter = (response: ServerResponse, open: EventStream): void => {
    const { address, user } = open;
    if (!addresses.hasRoom(address) || (user !== undefined && !users.hasRoom(user))) {
      throw new MillraceError('RATE_LIMITED', 'there are too many streams already', { retryAfter: 10 });
    }
    addresses.enter(address);
    if (user !== undefined) users.enter(user);
    streams.set(response, open);
    response.on('close', leave);
  };
  function leave(this: ServerResponse): void {
    const { address, user, stream } = streams.get(this)!;
    streams.delete(this);
    stream?.close();
    addresses.leave(address);
    if (user !== undefined) users.leave(user);
  }

  return {
    isAsked: ({ headers }) => headers.accept?.includes('text/event-stream') ?? false,
    async answer(request, response, asked) {
      const { authorization, origin, 'last-event-id': resumeAfter } = request.headers;
      const viewing = viewerOf(authorization);
      const prepared = await engine.prepare(
        asked,
        async () => contextFor(await viewing),
        typeof resumeAfter === 'string' ? resumeAfter : undefined,
      );
      if (prepared.kind === 'executed') return false;
      const isNamed = origin !== undefined && (config.origins.includes('*') || config.origins.includes(origin));
      const readable = isNamed ? { 'Access-Control-Allow-Origin': origin, Vary: 'Origin' } : undefined;
      if (prepared.kind === 'refused') {
        refuse(response, prepared.errors, readable);
        return true;
      }
      if (!isAllowedOrigin(request, config.origins))
        throw new MillraceError('FORBIDDEN', 'pages of this origin may not ask');
      const viewer = await viewing;
      if (response.destroyed) return true;
      const who = { address: addressOf(request, config.trustProxy), user: viewer.id, expiresAt: expiryOf(viewer) };
      const open = new EventStream(response, who, readable);
      enter(response, open);
      try {
        open.stream = await prepared.operation.open(open);
      } catch (error) {
        refuse(response, engine.finish({ errors: [toClientError(error)] }).errors!, readable);
        return true;
      }
      if (!streams.has(response)) open.stream.close();
      // @NOTE at once: a stream that goes on from a cursor may have nothing to tell for long, and a browser waits for its headers.
      else open.begin();
      lighten(request);
      return true;
    },
    [Symbol.dispose]() {
      clearInterval(beating);
      clearInterval(expiring);
      for (const open of streams.values()) open.leave();
    },
  };
}

/** Drops what was asked, a token among it: Node keeps a request for as long as its answer. */
function lighten(request: IncomingMessage & { body?: unknown }): void {
  request.rawHeaders = [];
  request.headers = {};
  request.body = undefined;
}

function refuse(
  response: ServerResponse,
  errors: readonly GraphQLError[],
  headers: Readonly<Record<string, string>> = {},
): void {
  const status = statusOf[errors[0]!.extensions.code as keyof typeof statusOf] ?? 400;
  const text = JSON.stringify({ errors });
  response.writeHead(status, { ...headers, 'Content-Type': 'application/json; charset=utf-8' }).end(text);
}
