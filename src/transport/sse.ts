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
import type { Frame } from '../live/frame.ts';
import type { Sink, Stream } from '../live/sink.ts';
import { expiryOf } from './authenticate.ts';
import { type Census, createCensus } from './census.ts';
import { Outgoing } from './connection.ts';
import { addressOf, isAllowedOrigin } from './origins.ts';

/** Answers requests that ask for events, where the operation is live. */
export interface EventStreams extends Disposable {
  /** Whether a request asks for events rather than for one answer. */
  isAsked(request: IncomingMessage): boolean;
  /** True when it has answered; false when the operation is not live, and any other answer will do. */
  answer(request: IncomingMessage, response: ServerResponse, asked: GraphqlRequest): Promise<boolean>;
}

interface Open {
  response: ServerResponse;
  sink: Sink;
  expiresAt: number;
}

/** Characters that are written in one go, at most, beyond one event. */
const largestWrite = 64 * 1024;
const beatEvery = 15_000;
const expiryEvery = 500;

/** Makes the event streams; disposing of them sends each client away to come back. */
export function createEventStreams(
  config: StreamConfig,
  parts: { engine: GraphqlEngine; contextOf: (authorization: string | null) => Promise<Context> },
): EventStreams {
  const { engine, contextOf } = parts;
  const addresses = createCensus(config.connectionsPerAddress);
  const users = createCensus(config.connectionsPerUser);
  const streams = new Set<Open>();
  const beating = setInterval(() => {
    // A comment keeps proxies from closing what is silent.
    for (const { response } of streams) if (response.writableLength === 0) response.write(':\n\n');
  }, beatEvery).unref();
  const expired = toClientError(new MillraceError('UNAUTHENTICATED', 'the token has expired'));
  const expiring = setInterval(() => {
    const now = Date.now();
    for (const { sink, expiresAt } of streams) if (expiresAt <= now) sink.end([expired]);
  }, expiryEvery).unref();

  return {
    isAsked: ({ headers }) => headers.accept?.includes('text/event-stream') ?? false,
    async answer(request, response, asked) {
      const context = contextOf(request.headers.authorization ?? null);
      const resumeAfter = request.headers['last-event-id'];
      const prepared = await engine.prepare(
        asked,
        () => context,
        typeof resumeAfter === 'string' ? resumeAfter : undefined,
      );
      if (prepared.kind === 'executed') return false;
      const { origin } = request.headers;
      if (origin !== undefined && (config.origins.includes('*') || config.origins.includes(origin))) {
        response.setHeader('Access-Control-Allow-Origin', origin).setHeader('Vary', 'Origin');
      }
      if (prepared.kind === 'refused') {
        refuse(response, prepared.errors);
        return true;
      }
      if (!isAllowedOrigin(request, config.origins))
        throw new MillraceError('FORBIDDEN', 'pages of this origin may not ask');
      const { viewer } = await context;
      const leave = enter([addresses, addressOf(request, config.trustProxy)], [users, viewer.id]);
      let stream: Stream | undefined;
      const { sink, begin } = openSink(request, response, () => {
        stream?.close();
        streams.delete(open);
        leave();
      });
      const open: Open = { response, sink, expiresAt: expiryOf(viewer) };
      try {
        stream = await prepared.operation.open(sink);
      } catch (error) {
        leave();
        refuse(response, engine.finish({ errors: [toClientError(error)] }).errors!);
        return true;
      }
      // @NOTE at once: a stream that goes on from a cursor may have nothing to tell for long, and a browser waits for its headers.
      begin();
      response.flushHeaders();
      if (response.destroyed) stream.close();
      else streams.add(open);
      return true;
    },
    [Symbol.dispose]() {
      clearInterval(beating);
      clearInterval(expiring);
      for (const { sink } of streams) sink.leave();
    },
  };
}

/** Counts a stream under each name that there is; returns how to take it out again. @throws RATE_LIMITED */
function enter(...places: [census: Census, name: string | undefined][]): () => void {
  const entered: [Census, string][] = [];
  const leave = () => {
    for (const [census, name] of entered.splice(0)) census.leave(name);
  };
  for (const [census, name] of places) {
    if (name === undefined) continue;
    if (!census.enter(name)) {
      leave();
      throw new MillraceError('RATE_LIMITED', 'there are too many streams already', { retryAfter: 10 });
    }
    entered.push([census, name]);
  }
  return leave;
}

function openSink(
  request: IncomingMessage,
  response: ServerResponse,
  onClose: () => void,
): { sink: Sink; begin: () => void } {
  const outgoing = new Outgoing(request.socket, response);
  const begin = () => {
    if (response.headersSent) return;
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-cache, no-transform',
      'X-Accel-Buffering': 'no',
    });
    request.socket.setTimeout(0);
    request.socket.setNoDelay(true);
  };
  response.once('close', onClose);
  const sink: Sink = {
    send(frames) {
      begin();
      if (response.destroyed) return frames.length;
      let sent = 0;
      while (sent < frames.length && outgoing.hasRoom()) {
        let text = '';
        do text += eventOf(frames[sent++]!);
        while (sent < frames.length && text.length < largestWrite);
        response.write(text, 'latin1');
      }
      return sent;
    },
    drained: () => outgoing.drained(),
    end(errors) {
      if (response.writableEnded) return;
      begin();
      response.write(`event: next\ndata: ${JSON.stringify({ errors })}\n\n`);
      response.end('event: complete\ndata:\n\n');
    },
    // @NOTE without a `complete`, which a client takes for the stream's own end: it is to come back.
    leave: () => void response.end(),
    cutOff: () => response.destroy(),
  };
  return { sink, begin };
}

/** One event, each byte as one character. */
function eventOf({ cursor, bytes }: Frame): string {
  const data = bytes.includes('\n') ? bytes.replaceAll('\n', '\ndata: ') : bytes;
  return `${cursor === undefined ? '' : `id: ${cursor}\n`}event: next\ndata: ${data}\n\n`;
}

function refuse(response: ServerResponse, errors: readonly GraphQLError[]): void {
  const status = statusOf[errors[0]!.extensions.code as keyof typeof statusOf] ?? 400;
  const text = JSON.stringify({ errors });
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' }).end(text);
}
