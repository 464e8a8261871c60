import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { GraphQLError } from 'graphql';
import type { Frame } from '../live/frame.ts';
import type { Sink, Stream } from '../live/sink.ts';
import type { Viewer } from '../viewer.ts';
import { expiryOf } from './authenticate.ts';
import { drained, leaveWithin, writeFrames } from './connection.ts';

const head = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
  'X-Content-Type-Options': 'nosniff',
};

/** The client's end of one live operation that is told as server-sent events. */
export class EventStream implements Sink {
  /** Where it comes from, as it is counted. */
  readonly address: string;
  /** The user whose streams are counted. */
  readonly user: string | undefined;
  /** When its token expires, in milliseconds since 1970. */
  readonly expiresAt: number;
  /** Who is told. */
  readonly viewer: Viewer;
  /** While it is looked at whether they still may be: resolves when that is known, and until then nothing is told. */
  held: Promise<void> | undefined;
  /** What it is told; undefined until that is open. */
  stream: Stream | undefined;
  private readonly response: ServerResponse;
  private readonly socket: Socket;
  private readonly more: Readonly<Record<string, string>> | undefined;

  /** @param more headers of its own */
  constructor(
    response: ServerResponse,
    { address, viewer }: { address: string; viewer: Viewer },
    more?: Readonly<Record<string, string>>,
  ) {
    this.response = response;
    this.socket = response.req.socket;
    this.address = address;
    this.viewer = viewer;
    this.user = viewer.id;
    this.expiresAt = expiryOf(viewer);
    this.more = more;
  }

  /** Sends the head, unless it was sent. */
  begin(): void {
    const { response, socket, more } = this;
    if (response.headersSent) return;
    response.writeHead(200, more ? { ...head, ...more } : head).flushHeaders();
    socket.setTimeout(0);
    socket.setNoDelay(true);
  }

  send(frames: readonly Frame[]): number {
    const { response } = this;
    // What is ended may be open for long: its client has not read it.
    if (response.destroyed || response.writableEnded) return frames.length;
    if (this.held) return 0;
    this.begin();
    return writeFrames(response, frames, eventOf);
  }

  async drained(): Promise<void> {
    if (this.held) await this.held;
    await drained(this.socket, this.response);
  }

  /** Keeps proxies from closing what is silent. */
  beat(): void {
    const { headersSent, writableEnded, writableLength } = this.response;
    if (headersSent && !writableEnded && writableLength === 0) this.response.write(':\n\n');
  }

  end(errors: readonly GraphQLError[]): void {
    this.finish(`event: next\ndata: ${JSON.stringify({ errors })}\n\nevent: complete\ndata:\n\n`);
  }

  /** @NOTE without a `complete`, which a client takes for the stream's own end: it is to come back. */
  leave(): void {
    this.finish('');
  }

  private finish(text: string): void {
    const { response, stream } = this;
    if (response.writableEnded || response.destroyed) return;
    stream?.close();
    this.begin();
    response.end(text);
    response.setTimeout(leaveWithin, () => response.destroy());
  }

  cutOff(): void {
    this.response.destroy();
  }
}

/** One event, each byte as one character. */
function eventOf({ cursor, bytes }: Frame): string {
  const data = bytes.includes('\n') ? bytes.replaceAll('\n', '\ndata: ') : bytes;
  return `${cursor === undefined ? '' : `id: ${cursor}\n`}event: next\ndata: ${data}\n\n`;
}
