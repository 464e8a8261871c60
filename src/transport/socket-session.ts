import type { Socket } from 'node:net';
import type { GraphQLError } from 'graphql';
import type { WebSocket } from 'ws';
import type { Context } from '../context.ts';
import type { Sink, Stream } from '../live/sink.ts';
import { type Outgoing, watchOutgoing } from './connection.ts';
import { createQuietStream, type QuietStream } from './quiet-stream.ts';

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
export class SocketSession {
  readonly webSocket: WebSocket;
  /** The `Authorization` header of the handshake, where there was one. */
  readonly header: string | null;
  readonly operations = new Map<string, SocketOperation>();
  /** Who asks, as the connection's own token says; replaced when it is renewed. */
  context: Promise<Context> | undefined;
  /** The user whose sockets are counted. */
  user: string | undefined;
  isAlive = true;
  private readonly outgoing: Outgoing;
  private second = 0;
  private messages = 0;

  constructor(webSocket: WebSocket, socket: Socket, header: string | null) {
    this.webSocket = webSocket;
    this.header = header;
    this.outgoing = watchOutgoing(socket, () => webSocket.bufferedAmount);
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
    const quiet = createQuietStream(() => {
      this.operations.get(id)?.stream.close();
      this.operations.delete(id);
    });
    const head = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
    const { webSocket, outgoing } = this;
    const write = (text: string) => webSocket.send(`${head}${text}}`);
    const sink: Sink = {
      send(frames) {
        if (webSocket.readyState !== webSocket.OPEN) return frames.length;
        if (frames.length === 1 && outgoing.hasRoom()) {
          write(frames[0]!.text);
          return 1;
        }
        let sent = 0;
        outgoing.together(() => {
          while (sent < frames.length && outgoing.hasRoom()) write(frames[sent++]!.text);
        });
        return sent;
      },
      drained: () => outgoing.drained(),
      end: (errors) => {
        this.operations.get(id)?.stream.close();
        this.operations.delete(id);
        quiet.end(errors[0]);
      },
      leave: () => this.close(closeCodes.restart, 'what is served has changed: come back'),
      cutOff: () => this.close(closeCodes.tooSlow, 'too slow: go on from your last cursor'),
    };
    return { sink, quiet };
  }
}
