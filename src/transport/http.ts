import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { sendNodeResponse } from '@whatwg-node/server';
import type { HttpConfig } from '../config/config.ts';
import { type ErrorCode, MillraceError, statusOf } from '../errors.ts';
import type { Answered, GraphqlEngine, GraphqlRequest } from '../graphql/yoga.ts';
import type { Logger } from '../platform/log.ts';
import { checkAddress, parametersOf, readBody, UnsupportedBody } from './body.ts';
import type { Graphiql } from './graphiql/graphiql.ts';
import type { Health } from './health.ts';
import { cachingOf, forCaches } from './http-cache.ts';
import { type ClientConfig, HttpClient } from './http-client.ts';
import type { Routes } from './routes.ts';
import type { EventStreams } from './sse.ts';

/** What the HTTP server hands requests to. */
export interface HttpParts {
  engine: GraphqlEngine;
  health: Health;
  events: EventStreams;
  graphiql?: Graphiql;
  /** The plain routes of modules. */
  routes: Routes;
  /** Public keys of the server's own tokens (RFC 7517), for others to verify them. */
  jwks: () => object;
  clients: ClientConfig;
  log: Logger;
}

const endpoint = '/graphql';

/** What else than a bad request the parser of HTTP finds. */
const protocolErrors: Record<string, string> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** Milliseconds for which nobody may read on in an answer: it is held in memory until they do. */
const patience = 30_000;

/** Makes the HTTP server; it does not listen yet. Every request is answered, whatever it is. */
export function createHttpServer(config: HttpConfig, parts: HttpParts): Server {
  const server = createServer(
    { requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 65_000 },
    (request, response) => {
      answer(config, parts, request, response).catch((error: unknown) => {
        if (!(error instanceof MillraceError)) parts.log.error({ err: error }, 'a request failed');
        refuse(response, error);
      });
    },
  );
  server.on('clientError', ({ code = '' }: NodeJS.ErrnoException, socket) => {
    const status = protocolErrors[code] ?? '400 Bad Request';
    if (socket.writable) socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    // @NOTE not merely ended: who does not end it either would hold it for ever.
    (socket as Socket).destroySoon();
  });
  return server;
}

async function answer(
  config: HttpConfig,
  parts: HttpParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.setHeader('X-Content-Type-Options', 'nosniff');
  const path = request.url?.split('?', 1)[0] ?? '/';
  if (!URL.canParse(`http://${request.headers.host ?? 'localhost'}${path}`)) {
    throw new MillraceError('INVALID_INPUT', 'the address is none');
  }
  if (parts.graphiql?.handle(request, response)) return;
  if (path === endpoint) {
    if (request.method === 'POST')
      (request as { body?: unknown }).body = await readBody(request, config.maxBodyBytes, config.maxBatch);
    else checkAddress(request.url!);
    const asked = askedIn(request);
    const exchange = { request, response, client: new HttpClient(request, response, parts.clients) };
    if (isBatch(asked)) return sendAnswer(await parts.engine.answerMany(exchange, asked), request, response);
    if (parts.events.isAsked(request) && (await parts.events.answer(exchange, asked))) return;
    const caching = request.method === 'GET' ? cachingOf(request, asked) : undefined;
    const answered = await parts.engine.answer(exchange, asked);
    return sendAnswer(caching ? await forCaches(answered, caching, config.publicMaxAge) : answered, request, response);
  }
  if (await parts.routes.answer(request, response)) return;
  if (request.method !== 'GET' && request.method !== 'HEAD')
    throw new MillraceError('NOT_FOUND', 'there is nothing here');
  if (path === '/health') return send(response, 200, { status: 'alive' });
  if (path === '/ready') {
    const report = await parts.health.report();
    return send(response, report.ready ? 200 : 503, report);
  }
  if (path === '/.well-known/jwks.json')
    return send(response, 200, parts.jwks(), { 'Cache-Control': 'public, max-age=300' });
  if (path === '/') {
    response.writeHead(302, { Location: endpoint }).end();
    return;
  }
  throw new MillraceError('NOT_FOUND', 'there is nothing here');
}

/** The GraphQL request in a body that was read, or in an address that was checked. */
/** A request that may name its document in the place of writing it out. */
type Sent = Omit<GraphqlRequest, 'query'> & { query?: string | null };

const withText = (sent: Sent): GraphqlRequest =>
  typeof sent.query === 'string' ? (sent as GraphqlRequest) : { ...sent, query: '' };

function askedIn(request: IncomingMessage): GraphqlRequest | readonly GraphqlRequest[] {
  const { body } = request as { body?: Sent | readonly Sent[] };
  if (body) return Array.isArray(body) ? body.map(withText) : withText(body as Sent);
  const parameters = parametersOf(request.url!);
  const variables = parameters.get('variables');
  const extensions = parameters.get('extensions');
  return {
    query: parameters.get('query') ?? '',
    variables: variables ? (JSON.parse(variables) as Record<string, unknown>) : undefined,
    operationName: parameters.get('operationName') || undefined,
    extensions: extensions ? (JSON.parse(extensions) as unknown) : undefined,
    documentId: parameters.get('documentId') || undefined,
  };
}

const isBatch = (asked: GraphqlRequest | readonly GraphqlRequest[]): asked is readonly GraphqlRequest[] =>
  Array.isArray(asked);

/** @NOTE a text at hand leaves in one write with its headers; unwrapped from a fetch response it would take several. */
async function sendAnswer(answered: Answered, request: IncomingMessage, response: ServerResponse) {
  const loseInTime = () => response.setTimeout(patience, () => response.destroy());
  if ('response' in answered) {
    loseInTime();
    return sendNodeResponse(answered.response, response, request, false);
  }
  if (response.destroyed) return;
  response.writeHead(answered.status, answered.headers).end(answered.body);
  // Nearly always the system has taken all of it by now, and nobody waits.
  if (response.socket?.writableLength !== 0) loseInTime();
}

function refuse(response: ServerResponse, error: unknown): void {
  const isOurs = error instanceof MillraceError;
  const code: ErrorCode = isOurs ? error.code : 'INTERNAL';
  const message = isOurs ? error.message : 'something went wrong';
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // The rest of a body that is refused is not read, so the connection cannot be used again.
  const status = error instanceof UnsupportedBody ? error.status : statusOf[code];
  send(response, status, { errors: [{ message, extensions: { code } }] }, { Connection: 'close' });
}

function send(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  const text = JSON.stringify(body);
  response
    .writeHead(status, {
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(text),
      ...headers,
    })
    .end(response.req.method === 'HEAD' ? undefined : text);
}
