import type { Socket } from 'node:net';
import type { GraphQLError } from 'graphql';
import { CloseCode } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Client, Credentials } from '../client.ts';
import type { GraphqlEngine } from '../graphql/yoga.ts';
import type { Viewer } from '../viewer.ts';
import { networkOf } from './client-address.ts';
import { drained, hasRoom, leaveWithin } from './connection.ts';
import type { SocketOperation } from './socket-operation.ts';

/** Close codes of ours besides those of the protocol (graphql-transport-ws); a client that gets 1001, 1012 or 1013 tries again. */
export const closeCodes = {
  goingAway: 1001,
  restart: 1012,
  tooSlow: 1013,
  badRequest: CloseCode.BadRequest,
  unauthenticated: CloseCode.Unauthorized,
  notOurProtocol: CloseCode.SubprotocolNotAcceptable,
  tooLate: CloseCode.ConnectionInitialisationTimeout,
  sameId: CloseCode.SubscriberAlreadyExists,
  tooMany: CloseCode.TooManyInitialisationRequests,
  fault: CloseCode.InternalServerError,
};

/** Bytes. */
const longestReason = 123;

/** What is kept of a socket's handshake. */
export interface Handshake extends Pick<Client, 'address' | 'userAgent' | 'origin'> {
  credentials: Credentials | undefined;
}

/**
 * One open socket: who is at the other end, and what runs on it.
 * @NOTE lean: tens of thousands are open and idle, so nothing of a request, no promise and no closure is kept here.
 */
export class SocketSession implements Client {
  readonly webSocket: WebSocket;
  readonly socket: Socket;
  readonly engine: GraphqlEngine;
  /** Where it comes from, as it is counted. */
  readonly address: string;
  readonly userAgent: string | undefined;
  readonly origin: string | undefined;
  /** What the handshake proved, until the client introduces itself. */
  handshake: Credentials | undefined;
  /** `introducing` while its token is looked at, `ready` when it has been acknowledged. */
  stage: 'silent' | 'introducing' | 'ready' = 'silent';
  /** Ends it when it stays silent. */
  silence: NodeJS.Timeout | undefined;
  /** Who asks, as the connection's own token says; another one when it is renewed. */
  viewer: Viewer | undefined;
  /** While it is looked at whether that is still true; nothing is begun until it is known. */
  reviewing: Promise<void> | undefined;
  /** Tokens that it has been shown, and which of them `viewer` is of. */
  tokens = 0;
  newest = 0;
  /** The user whose sockets are counted. */
  user: string | undefined;
  isAlive = true;
  /** @NOTE an array made anew, and no map: of the one operation that most sockets carry it is a fifth of the size. */
  operations: readonly SocketOperation[] = [];
  private draining: Promise<void> | undefined;
  private second = 0;
  private messages = 0;

  constructor(webSocket: WebSocket, socket: Socket, engine: GraphqlEngine, from: Handshake) {
    this.webSocket = webSocket;
    this.socket = socket;
    this.engine = engine;
    this.address = from.address;
    this.userAgent = from.userAgent;
    this.origin = from.origin;
    this.handshake = from.credentials;
  }

  get transport(): 'socket' {
    return 'socket';
  }

  /** @NOTE never: they cannot be set on a socket. */
  get wantsCookies(): boolean {
    return false;
  }

  get network(): string {
    return networkOf(this.address);
  }

  get host(): undefined {
    return undefined;
  }

  cookies(): Record<string, never> {
    return {};
  }

  get isOpen(): boolean {
    return this.webSocket.readyState === this.webSocket.OPEN;
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

  /** Sends a message; resolves when the connection has taken it, or has ended. */
  say(message: object): Promise<void> {
    const { webSocket } = this;
    return new Promise((resolve) => {
      if (!this.isOpen) resolve();
      else webSocket.send(JSON.stringify(message), () => resolve());
    });
  }

  /** Whether the connection takes more now. */
  hasRoom(): boolean {
    return hasRoom(this.socket);
  }

  /** Resolves when it does, or has ended; all its operations wait as one. */
  drained(): Promise<void> {
    this.draining ??= drained(this.socket).finally(() => {
      this.draining = undefined;
    });
    return this.draining;
  }

  /** Hears no more of its client until that has read: what it is answered, pongs too, would wait in memory without end. */
  hold(): void {
    const { webSocket } = this;
    if (webSocket.isPaused) return;
    webSocket.pause();
    void this.drained().then(() => webSocket.resume());
  }

  operation(id: string): SocketOperation | undefined {
    return this.operations.find((operation) => operation.id === id);
  }

  add(operation: SocketOperation): void {
    this.operations = this.operations.concat(operation); // @NOTE a spread array would keep room for sixteen more
  }

  /** Nothing is to be told of an operation any more; false when that was so already. */
  forget(operation: SocketOperation): boolean {
    if (!operation.isOpen) return false;
    this.operations = this.operations.filter((other) => other !== operation);
    operation.stream?.close();
    return true;
  }

  forgetAll(): void {
    for (const operation of this.operations) this.forget(operation);
  }

  /** Ends what lasts and whose token has expired. */
  expire(now: number, reason: GraphQLError): void {
    for (const operation of this.operations) {
      if (operation.stream && operation.expiresAt <= now) operation.end([reason]);
    }
  }

  /** Closes it; a client that does not take leave is cut off. */
  close(code: number, reason: string): void {
    const { webSocket } = this;
    webSocket.close(code, shortened(reason));
    setTimeout(() => webSocket.terminate(), leaveWithin).unref();
  }

  leave(): void {
    this.close(closeCodes.restart, 'what is served has changed: come back');
  }

  cutOff(): void {
    this.close(closeCodes.tooSlow, 'too slow: go on from your last cursor');
  }
}

/** As much of a reason as a close frame has room for: 123 bytes (RFC 6455 §5.5). What is longer would not be sent at all. */
function shortened(reason: string): string {
  if (Buffer.byteLength(reason) <= longestReason) return reason;
  // @NOTE a letter that is cut in two is left out; as U+FFFD it could be longer than what was cut.
  return new TextDecoder().decode(Buffer.from(reason).subarray(0, longestReason), { stream: true });
}
