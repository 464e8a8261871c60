import type { GraphQLError } from 'graphql';
import type { WebSocket } from 'ws';
import type { Frame } from '../live/frame.ts';
import type { Sink } from '../live/sink.ts';
import type { Outgoing } from './connection.ts';
import type { QuietStream } from './quiet-stream.ts';

/** What a sink needs of its socket's session. */
export interface SinkSession {
  readonly webSocket: WebSocket;
  readonly outgoing: Outgoing;
  /** The operation is none of the socket's any more. */
  forget(id: string): void;
  leave(): void;
  cutOff(): void;
}

/** Characters that are written to a socket in one go, at most, beyond one frame. */
const largestWrite = 64 * 1024;

/** The client's end of one operation on a WebSocket. */
export class SocketSink implements Sink {
  private readonly session: SinkSession;
  private readonly id: string;
  private readonly quiet: QuietStream;
  private readonly head: string;

  constructor(session: SinkSession, id: string, quiet: QuietStream) {
    this.session = session;
    this.id = id;
    this.quiet = quiet;
    this.head = Buffer.from(`{"id":${JSON.stringify(id)},"type":"next","payload":`).toString('latin1');
  }

  /**
   * @NOTE written to the socket itself, past the library: all who are told the same share its bytes, and several frames are
   * one write. Nothing of the library's own can stand between, for without compression it writes each of its frames at once.
   */
  send(frames: readonly Frame[]): number {
    const { webSocket, outgoing } = this.session;
    if (webSocket.readyState !== webSocket.OPEN) return frames.length;
    let sent = 0;
    while (sent < frames.length && outgoing.hasRoom()) {
      let text = '';
      do text += textFrame(this.head, frames[sent++]!.bytes);
      while (sent < frames.length && text.length < largestWrite);
      outgoing.write(text);
    }
    return sent;
  }

  drained(): Promise<void> {
    return this.session.outgoing.drained();
  }

  end(errors: readonly GraphQLError[]): void {
    this.session.forget(this.id);
    this.quiet.end(errors[0]);
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
