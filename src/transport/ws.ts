/**
 * GraphQL over WebSocket: who may open a socket, how much may come over it, and how it ends. The protocol itself is kept by
 * `ws-protocol.ts`.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { GRAPHQL_TRANSPORT_WS_PROTOCOL, handleProtocols } from 'graphql-ws';
import { LRUCache } from 'lru-cache';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import type { Client } from '../client.ts';
import type { StreamConfig } from '../config/config.ts';
import type { Context } from '../context.ts';
import { MillraceError } from '../errors.ts';
import { toClientError } from '../graphql/client-errors.ts';
import type { GraphqlEngine } from '../graphql/yoga.ts';
import type { Logger } from '../platform/log.ts';
import type { Viewer } from '../viewer.ts';
import { isDeeperThan, maxDepth } from './body.ts';
import { createCensus } from './census.ts';
import { createAddressOf } from './client-address.ts';
import { accessCookieOf, type ClientConfig, longestUserAgent } from './http-client.ts';
import { isAllowedOrigin } from './origins.ts';
import { closeCodes, type Handshake, SocketSession } from './socket-session.ts';
import type { Viewers } from './viewers.ts';
import { createProtocol } from './ws-protocol.ts';

/** What sockets need. */
export interface SocketParts {
  engine: GraphqlEngine;
  viewers: Viewers;
  contextFor: (viewer: Viewer, client: Client) => Context;
  clients: ClientConfig;
  log: Logger;
}

const endpoint = '/graphql';
const pingEvery = 15_000;
const expiryEvery = 500;

/** A socket that knows its session, so that all share the functions that listen to them. */
class ClientSocket extends WebSocket {
  session!: SocketSession;
}

const sessionOf = (webSocket: WebSocket) => (webSocket as ClientSocket).session;

/** Takes the upgrades of an HTTP server; disposing of it takes leave of every client. */
export function attachSockets(http: Server, config: StreamConfig, parts: SocketParts): Disposable {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: config.maxMessageBytes,
    perMessageDeflate: false,
    handleProtocols: (protocols) => handleProtocols(protocols),
    WebSocket: ClientSocket,
  });
  const addressOf = createAddressOf(config.trustProxy);
  const addresses = createCensus(config.connectionsPerAddress);
  const users = createCensus(config.connectionsPerUser);
  const protocol = createProtocol(config, { ...parts, users });

  http.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const refuse = (status: string) => {
      socket.on('error', () => socket.destroy());
      socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      // @NOTE not merely ended: nobody counts it, and who does not end it either would hold it, and a server that stops, for ever.
      socket.destroySoon();
    };
    if (request.url?.split('?', 1)[0] !== endpoint) return refuse('404 Not Found');
    if (!isAllowedOrigin(request, config.origins)) return refuse('403 Forbidden');
    const address = addressOf(request);
    if (!addresses.hasRoom(address)) return refuse('429 Too Many Requests');
    const from = handshakeOf(request, address);
    // @NOTE called back at once, or not at all.
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      addresses.enter(address);
      open(webSocket, new SocketSession(webSocket, socket, parts.engine, from));
    });
  });

  // @NOTE tens of thousands of sockets are opened by a few kinds of clients: each name is kept once.
  const names = new LRUCache<string, string>({ max: 1000 });
  const kept = (name: string | undefined): string | undefined => {
    if (name === undefined) return undefined;
    const text = name.slice(0, longestUserAgent);
    if (!names.has(text)) names.set(text, text);
    return names.get(text);
  };
  const handshakeOf = (request: IncomingMessage, address: string): Handshake => {
    const { authorization, origin, 'user-agent': userAgent } = request.headers;
    const accessCookie = authorization === undefined ? accessCookieOf(request, parts.clients.cookies) : undefined;
    const isProof = authorization !== undefined || accessCookie !== undefined;
    const credentials = isProof ? { authorization, accessCookie } : undefined;
    return { address, userAgent: kept(userAgent), origin: kept(origin), credentials };
  };

  const open = (webSocket: ClientSocket, session: SocketSession): void => {
    webSocket.session = session;
    webSocket.on('error', onError).on('pong', onPong).on('message', onMessage).on('close', onClose);
    if (webSocket.protocol !== GRAPHQL_TRANSPORT_WS_PROTOCOL) {
      session.close(closeCodes.notOurProtocol, `speak ${GRAPHQL_TRANSPORT_WS_PROTOCOL}`);
      return;
    }
    session.silence = setTimeout(onSilence, config.initTimeout, session);
  };

  function onMessage(this: WebSocket, data: RawData): void {
    void receive(sessionOf(this), String(data));
  }

  function onClose(this: WebSocket): void {
    const session = sessionOf(this);
    clearTimeout(session.silence);
    session.forgetAll();
    addresses.leave(session.address);
    if (session.user !== undefined) users.leave(session.user);
  }

  const receive = async (session: SocketSession, text: string): Promise<void> => {
    if (!session.isOpen) return;
    if (!session.takeMessage(config.messagesPerSecond)) {
      return session.close(closeCodes.tooMany, `at most ${config.messagesPerSecond} messages a second`);
    }
    if (isDeeperThan(maxDepth, text))
      return session.close(closeCodes.badRequest, `at most ${maxDepth} levels in a message`);
    if (!session.hasRoom()) session.hold();
    try {
      await protocol.take(session, text);
    } catch (error) {
      parts.log.error({ err: error }, 'a message failed');
      session.close(closeCodes.fault, 'something went wrong');
    }
  };

  const pinging = setInterval(() => {
    for (const webSocket of sockets.clients) {
      const { session } = webSocket;
      if (session.isAlive) webSocket.ping();
      else session.cutOff();
      session.isAlive = false;
    }
  }, pingEvery).unref();
  const expired = toClientError(new MillraceError('UNAUTHENTICATED', 'the token has expired'));
  const expiring = setInterval(() => {
    const now = Date.now();
    for (const { session } of sockets.clients) session.expire(now, expired);
  }, expiryEvery).unref();

  const stopHearing = parts.viewers.onChange((change) => {
    for (const { session } of sockets.clients) protocol.review(session, change);
  });

  return {
    [Symbol.dispose]() {
      stopHearing();
      clearInterval(pinging);
      clearInterval(expiring);
      for (const { session } of sockets.clients)
        session.close(closeCodes.goingAway, 'the server stops: go on elsewhere');
      sockets.close();
    },
  };
}

function onError(this: WebSocket): void {
  this.terminate();
}

function onPong(this: WebSocket): void {
  sessionOf(this).isAlive = true;
}

function onSilence(session: SocketSession): void {
  session.close(closeCodes.tooLate, 'introduce yourself: send connection_init');
}
