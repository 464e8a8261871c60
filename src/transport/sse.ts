/**
 * Live operations as server-sent events, by the distinct connections mode of GraphQL over SSE: `next` events, then `complete`.
 * Each event's id is the cursor behind it, so a browser that connects again goes on where it was (`Last-Event-ID`).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import type { GraphQLError } from 'graphql';
import type { Client } from '../client.ts';
import type { StreamConfig } from '../config/config.ts';
import type { Context } from '../context.ts';
import { invalidInput, MillraceError, statusOf } from '../errors.ts';
import { toClientError } from '../graphql/client-errors.ts';
import type { Exchange, GraphqlEngine, GraphqlRequest } from '../graphql/yoga.ts';
import type { Viewer } from '../viewer.ts';
import { createCensus } from './census.ts';
import { createAddressOf } from './client-address.ts';
import { EventStream } from './event-stream.ts';
import { isAllowedOrigin } from './origins.ts';
import { concerns, type Viewers } from './viewers.ts';

/** Answers requests that ask for events, where the operation is live. */
export interface EventStreams extends Disposable {
  /** Whether a request asks for events rather than for one answer. */
  isAsked(request: IncomingMessage): boolean;
  /** True when it has answered; false when the operation is not live, and any other answer will do. */
  answer(exchange: Exchange, asked: GraphqlRequest): Promise<boolean>;
}

const beatEvery = 15_000;
const expiryEvery = 500;

/** Makes the event streams; disposing of them sends each client away to come back. */
export function createEventStreams(
  config: StreamConfig,
  parts: {
    engine: GraphqlEngine;
    viewers: Viewers;
    contextFor: (viewer: Viewer, client: Client) => Context;
  },
): EventStreams {
  const { engine, viewers, contextFor } = parts;
  const addressOf = createAddressOf(config.trustProxy);
  const addresses = createCensus(config.connectionsPerAddress);
  const users = createCensus(config.connectionsPerUser);
  const streams = new Map<ServerResponse, EventStream>();
  let isOver = false;
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
    if (isOver) throw new MillraceError('UNAVAILABLE', 'the server stops: go on elsewhere');
    // @NOTE what waits behind another answer on its connection is never told when that ends, nor that its client has gone.
    if (!response.socket)
      throw invalidInput('', 'a stream cannot wait behind another answer: open a connection for it');
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

  /** Whoever may not be told any more is told nothing from now on; who may be told other things comes back for them. */
  const review = (open: EventStream): void => {
    const { viewer } = open;
    const known = (now: Viewer) => {
      open.held = undefined;
      if (!isDeepStrictEqual(now, viewer)) open.leave();
    };
    open.held ??= viewers.renew(viewer, known).catch((error: unknown) => {
      open.held = undefined;
      if (error instanceof MillraceError && error.code === 'UNAUTHENTICATED') open.end([toClientError(error)]);
      else open.leave();
    });
  };
  const stopHearing = viewers.onChange((change) => {
    for (const open of streams.values()) if (concerns(change, open.viewer)) review(open);
  });

  return {
    // @NOTE by these methods alone: the answer to HEAD has no body, so its stream would be told to nobody and never end.
    isAsked: ({ method, headers }) =>
      (method === 'GET' || method === 'POST') && (headers.accept?.includes('text/event-stream') ?? false),
    async answer({ request, response, client }, asked) {
      const { origin, 'last-event-id': resumeAfter } = request.headers;
      let asking: Viewer | undefined;
      let seen = viewers.version;
      const contextOf = async () => {
        await viewers.learn(client, (viewer) => {
          asking = viewer;
          seen = viewers.version;
        });
        return contextFor(asking!, client);
      };
      const prepared = await engine.prepare(
        asked,
        contextOf,
        // Nothing is what a browser means by an empty id, and some clients send it.
        typeof resumeAfter === 'string' && resumeAfter !== '' ? resumeAfter : undefined,
      );
      if (prepared.kind === 'executed') return false;
      const readable = origin === undefined ? undefined : readableBy(origin, config.origins);
      if (prepared.kind === 'refused') {
        refuse(response, prepared.errors, readable);
        return true;
      }
      if (!isAllowedOrigin(request, config.origins))
        throw new MillraceError('FORBIDDEN', 'pages of this origin may not ask');
      if (request.socket.destroyed || response.destroyed) return true;
      const who = { address: addressOf(request), viewer: asking! };
      const open = new EventStream(response, who, readable);
      try {
        enter(response, open);
        if (seen !== viewers.version) review(open);
        open.stream = await prepared.operation.open(open);
      } catch (error) {
        // Its token may have expired meanwhile: then it has been told that.
        if (!response.headersSent)
          refuse(response, engine.finish({ errors: [toClientError(error)] }).errors!, readable);
        return true;
      }
      if (!streams.has(response) || response.writableEnded) open.stream.close();
      // @NOTE at once: a stream that goes on from a cursor may have nothing to tell for long, and a browser waits for its headers.
      else open.begin();
      lighten(request);
      return true;
    },
    [Symbol.dispose]() {
      isOver = true;
      stopHearing();
      clearInterval(beating);
      clearInterval(expiring);
      for (const open of streams.values()) open.leave();
    },
  };
}

/** The headers by which a page of another origin may read the answer; with its cookies only where it is named. */
function readableBy(origin: string, allowed: readonly string[]): Record<string, string> | undefined {
  const readable = { 'Access-Control-Allow-Origin': origin, Vary: 'Origin' };
  if (origin !== '*' && allowed.includes(origin)) return { ...readable, 'Access-Control-Allow-Credentials': 'true' };
  return allowed.includes('*') ? readable : undefined;
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
  const { retryAfter } = errors[0]!.extensions;
  const later = typeof retryAfter === 'number' ? { 'Retry-After': String(retryAfter) } : {};
  response.writeHead(status, { ...headers, ...later, 'Content-Type': 'application/json; charset=utf-8' }).end(text);
}
