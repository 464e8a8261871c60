import type { Socket } from 'node:net';
import type { GraphQLError } from 'graphql';
import type { WebSocket } from 'ws';
import type { Context } from '../context.ts';
import type { Sink, Stream } from '../live/sink.ts';
import { Outgoing } from './connection.ts';
import { QuietStream } from './quiet-stream.ts';
import { type SinkSession, SocketSink } from './socket-sink.ts';

/** Close codes of ours besides those of the protocol (graphql-transport-ws); a client that gets 1001, 1012 or 1013 tries again. */
export const closeCodes = {
  goingAway: 1001,
  restart: 1012,
  tooSlow: 1013,
  badRequest: 4400,
  unauthenticated: 4401,
  tooMany: 4429,
  fault: 4500,
};

/** A live operation of a socket. */
export interface SocketOperation {
  request: unknown;
  /** It brought a token of its own, which the connection's renewal does not touch. */
  hasOwnToken: boolean;
  /** When its token expires, in milliseconds since 1970. */
  expiresAt: number;
  sink: Sink;
  stream: Stream;
}

/** Time a client has to take leave before its connection is cut, in milliseconds. */
const leaveWithin = 5000;

/** One open socket: who is at the other end, and what runs on it. */
export class SocketSession implements SinkSession {
  readonly webSocket: WebSocket;
  /** The `Authorization` header of the handshake, where there was one. */
  readonly header: string | null;
  readonly operations = new Map<string, SocketOperation>();
  /** Who asks, as the connection's own token says; replaced when it is renewed. */
  context: Promise<Context> | undefined;
  /** The user whose sockets are counted. */
  user: string | undefined;
  isAlive = true;
  readonly outgoing: Outgoing;
  private second = 0;
  private messages = 0;

  constructor(webSocket: WebSocket, socket: Socket, header: string | null) {
    this.webSocket = webSocket;
    this.header = header;
    this.outgoing = new Outgoing(socket);
  }

  /** Counts a message; false when there have been more than `most` in this second. */
  takeMessage(most: number): boolean {
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.second) {
      this.second = second;
      this.messages = 0;
    }
    this.messages += 1;
    return this.messages <= most;
  }

  /** Hears no more of its client until that has read: what it is answered, pongs too, would wait in memory without end. */
  hold(): void {
    const { webSocket } = this;
    if (webSocket.isPaused) return;
    webSocket.pause();
    void this.outgoing.drained().then(() => webSocket.resume());
  }

  /** Ends the operations whose token has expired. */
  expire(now: number, reason: GraphQLError): void {
    for (const operation of this.operations.values()) if (operation.expiresAt <= now) operation.sink.end([reason]);
  }

  /** Closes it; a client that does not take leave is cut off. */
  close(code: number, reason: string): void {
    const { webSocket } = this;
    webSocket.close(code, reason.slice(0, 120));
    setTimeout(() => webSocket.terminate(), leaveWithin).unref();
  }

  /** The client's end of an operation, and the stream that stands for it in the protocol. */
  openSink(id: string): { sink: Sink; quiet: QuietStream } {
    const quiet = new QuietStream(() => this.forget(id));
    return { sink: new SocketSink(this, id, quiet), quiet };
  }

  forget(id: string): void {
    this.operations.get(id)?.stream.close();
    this.operations.delete(id);
  }

  leave(): void {
    this.close(closeCodes.restart, 'what is served has changed: come back');
  }

  cutOff(): void {
    this.close(closeCodes.tooSlow, 'too slow: go on from your last cursor');
  }
}
