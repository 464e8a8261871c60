import type { ExecutionResult, GraphQLError } from 'graphql';
import { MessageType } from 'graphql-ws';
import type { GraphqlRequest } from '../graphql/yoga.ts';
import type { Frame } from '../live/frame.ts';
import type { Sink, Stream } from '../live/sink.ts';
import type { Viewer } from '../viewer.ts';
import { writeFrames } from './connection.ts';
import type { SocketSession } from './socket-session.ts';

/** One operation on a WebSocket, from its `subscribe` to its last message: for a live one the client's end of the stream. */
export class SocketOperation implements Sink {
  readonly id: string;
  /** As it was asked, without the token that it may have brought. */
  request: GraphqlRequest;
  /** It brought a token of its own, which the connection's renewal does not touch. */
  readonly hasOwnToken: boolean;
  /** Whom its own token speaks for, where it brought one. */
  viewer: Viewer | undefined;
  /**
   * While it is looked at whether its viewer may still be told: resolves when that is known, and until then nothing is told.
   * @NOTE lossless: what is not taken is kept by the stream, which does not move on.
   */
  held: Promise<void> | undefined;
  /** When its token expires, in milliseconds since 1970. */
  expiresAt = Number.POSITIVE_INFINITY;
  /** The live engine answers it, which can go on under another token where it stands. */
  isLive = false;
  /** It is looked at anew, under whoever asks by then; there is nothing to be closed. */
  isPreparing = false;
  /** While the live engine opens it: resolves when it is open, or is not to be. */
  opening: Promise<void> | undefined;
  /** What answers it, if that lasts. */
  stream: Stream | undefined;
  readonly session: SocketSession;
  private readonly head: string;

  constructor(session: SocketSession, id: string, request: GraphqlRequest, hasOwnToken: boolean) {
    this.session = session;
    this.id = id;
    this.request = request;
    this.hasOwnToken = hasOwnToken;
    this.head = Buffer.from(`{"id":${JSON.stringify(id)},"type":"next","payload":`).toString('latin1');
  }

  /** Neither side has ended it. */
  get isOpen(): boolean {
    return this.session.operations.includes(this);
  }

  /** Takes what answers it from now on, until either side ends it. */
  follow(stream: Stream): void {
    this.stream = stream;
    if (!this.isOpen) stream.close();
  }

  /** Tells a result of the executor's; resolves when the connection has taken it. */
  async tell(result: ExecutionResult): Promise<void> {
    const { id, session } = this;
    if (this.isOpen) await session.say({ id, type: MessageType.Next, payload: session.engine.finish(result) });
  }

  /**
   * @NOTE written to the socket itself, past the library: all who are told the same share its bytes, and several frames are
   * one write. Nothing of the library's own can stand between, for without compression it writes each of its frames at once.
   */
  send(frames: readonly Frame[]): number {
    const { head, session } = this;
    if (!session.isOpen) return frames.length;
    if (this.held) return 0;
    return writeFrames(session.socket, frames, ({ bytes }) => textFrame(head, bytes));
  }

  async drained(): Promise<void> {
    if (this.held) await this.held;
    await this.session.drained();
  }

  end(errors: readonly GraphQLError[]): void {
    const { id, session } = this;
    if (!session.forget(this)) return;
    if (errors.length === 0) void session.say({ id, type: MessageType.Complete });
    else void session.say({ id, type: MessageType.Error, payload: session.engine.finish({ errors }).errors! });
  }

  leave(): void {
    this.session.leave();
  }

  cutOff(): void {
    this.session.cutOff();
  }
}

/** A whole text message in one frame, unmasked as a server's are (RFC 6455 §5.2), each byte as one character. */
function textFrame(head: string, payload: string): string {
  const length = head.length + payload.length + 1;
  if (length < 126) return `${String.fromCharCode(0x81, length)}${head}${payload}}`;
  if (length < 0x10000) return `${String.fromCharCode(0x81, 126, length >> 8, length & 0xff)}${head}${payload}}`;
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(length));
  return `${String.fromCharCode(0x81, 127)}${size.toString('latin1')}${head}${payload}}`;
}
