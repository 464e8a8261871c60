/**
 * GraphQL over WebSocket: who may open a socket, how much may come over it, and how it ends. The protocol itself is kept by
 * `ws-protocol.ts`.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { handleProtocols } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import type { StreamConfig } from '../config/config.ts';
import type { Context } from '../context.ts';
import { MillraceError } from '../errors.ts';
import { toClientError } from '../graphql/client-errors.ts';
import type { GraphqlEngine } from '../graphql/yoga.ts';
import type { Logger } from '../platform/log.ts';
import { isDeeperThan, maxDepth } from './body.ts';
import { type Census, createCensus } from './census.ts';
import { addressOf, isAllowedOrigin } from './origins.ts';
import { closeCodes, SocketSession } from './socket-session.ts';
import { createProtocol } from './ws-protocol.ts';

/** What sockets need. */
export interface SocketParts {
  engine: GraphqlEngine;
  contextOf: (authorization: string | null) => Promise<Context>;
  log: Logger;
}

const endpoint = '/graphql';
const pingEvery = 15_000;
const expiryEvery = 500;

function destroyOnError(this: Socket): void {
  this.destroy();
}

/** @NOTE on its own: a closure made beside the request would keep all of it for as long as the socket lives. */
function leaveOnClose(socket: Socket, addresses: Census, address: string): void {
  socket.once('close', () => addresses.leave(address));
}

/** Takes the upgrades of an HTTP server; disposing of it takes leave of every client. */
export function attachSockets(http: Server, config: StreamConfig, parts: SocketParts): Disposable {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: config.maxMessageBytes,
    perMessageDeflate: false,
    handleProtocols: (protocols) => handleProtocols(protocols),
  });
  const sessions = new Set<SocketSession>();
  const addresses = createCensus(config.connectionsPerAddress);
  const users = createCensus(config.connectionsPerUser);
  const protocol = createProtocol(config, { ...parts, users });

  http.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', destroyOnError);
    const refuse = (status: string) =>
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    if (request.url?.split('?', 1)[0] !== endpoint) return refuse('404 Not Found');
    if (!isAllowedOrigin(request, config.origins)) return refuse('403 Forbidden');
    const address = addressOf(request, config.trustProxy);
    if (!addresses.enter(address)) return refuse('429 Too Many Requests');
    leaveOnClose(socket, addresses, address);
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      open(webSocket, new SocketSession(webSocket, socket, request.headers.authorization ?? null));
    });
  });

  const open = (webSocket: WebSocket, session: SocketSession): void => {
    sessions.add(session);
    webSocket.on('error', () => webSocket.terminate());
    webSocket.on('pong', () => {
      session.isAlive = true;
    });
    const closed = protocol.opened(
      {
        protocol: webSocket.protocol,
        send: (data) =>
          new Promise((resolve) => {
            if (webSocket.readyState !== webSocket.OPEN) resolve();
            else webSocket.send(data, () => resolve());
          }),
        close: (code = 1000, reason = '') => session.close(code, reason),
        onMessage: (listener) => webSocket.on('message', (data) => void receive(session, String(data), listener)),
      },
      { session },
    );
    webSocket.once('close', (code, reason) => {
      sessions.delete(session);
      if (session.user !== undefined) users.leave(session.user);
      void closed(code, String(reason));
    });
  };

  const receive = async (session: SocketSession, data: string, listener: (data: string) => Promise<void>) => {
    if (!session.takeMessage(config.messagesPerSecond)) {
      return session.close(closeCodes.tooMany, `at most ${config.messagesPerSecond} messages a second`);
    }
    if (isDeeperThan(maxDepth, data))
      return session.close(closeCodes.badRequest, `at most ${maxDepth} levels in a message`);
    if (!session.outgoing.hasRoom()) session.hold();
    try {
      await listener(data);
    } catch (error) {
      // The library throws for messages that only a server may send.
      if (error instanceof Error && /^Unexpected message/.test(error.message)) {
        return session.close(closeCodes.badRequest, 'not a message of a client');
      }
      parts.log.error({ err: error }, 'a message failed');
      session.close(closeCodes.fault, 'something went wrong');
    }
  };

  const pinging = setInterval(() => {
    for (const session of sessions) {
      if (session.isAlive) session.webSocket.ping();
      else session.cutOff();
      session.isAlive = false;
    }
  }, pingEvery).unref();
  const expired = toClientError(new MillraceError('UNAUTHENTICATED', 'the token has expired'));
  const expiring = setInterval(() => {
    const now = Date.now();
    for (const session of sessions) session.expire(now, expired);
  }, expiryEvery).unref();

  return {
    [Symbol.dispose]() {
      clearInterval(pinging);
      clearInterval(expiring);
      for (const session of sessions) session.close(closeCodes.goingAway, 'the server stops: go on elsewhere');
      sockets.close();
    },
  };
}
