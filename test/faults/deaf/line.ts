import { request } from 'node:http';
import { connect } from 'node:net';
import { type Ask, operationsOf } from './topic.ts';

/** A connection of one client, which reads or does not. */
export interface Line {
  /** From now on nothing is read, not even a ping: the kernel's buffers fill, then the server's. */
  pause(): void;
  resume(): void;
  /** Writes what calls for no answer: a line that the server has ended breaks by it. On a WebSocket it may pass for an answer to pings. */
  probe(asPong: boolean): void;
  close(): void;
}

/** What a line is opened with. */
export interface LineOptions {
  url: string;
  token: string;
  ask: Ask;
  /** Goes on from here. */
  after?: string | undefined;
  /** Told of each result, as bytes that hold its JSON. */
  told(message: Buffer): void;
  /** The line has ended; with the code of a close frame, where one came. */
  ended(code: number | undefined): void;
}

/** Opens a line; it speaks graphql-transport-ws or asks for server-sent events. */
export function openLine(options: LineOptions): Line {
  return options.ask === 'events' ? openEvents(options) : openSocket(options);
}

/** Cuts bytes into messages by `cut`, which finds the first one and its end; keeps the rest while it is paused. */
class Splitter<T> {
  isPaused = false;
  private readonly cut: (bytes: Buffer) => [message: T, end: number] | undefined;
  private readonly hear: (message: T) => void;
  private rest: Buffer = Buffer.alloc(0);

  constructor(cut: (bytes: Buffer) => [message: T, end: number] | undefined, hear: (message: T) => void) {
    this.cut = cut;
    this.hear = hear;
  }

  take(bytes: Buffer): void {
    this.rest = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    while (!this.isPaused) {
      const found = this.cut(this.rest);
      if (!found) return;
      this.rest = this.rest.subarray(found[1]);
      this.hear(found[0]);
    }
  }
}

const nothing = Buffer.alloc(0);

function openSocket({ url, token, ask, after, told, ended }: LineOptions): Line {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let code: number | undefined;
  const send = (message: object) => socket.write(frameOf(1, Buffer.from(JSON.stringify(message))));
  const splitter = new Splitter<Frame>(cutFrame, ({ opcode, payload }) => {
    if (opcode === 0) send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
    else if (opcode === 8) code = payload.readUInt16BE(0);
    else if (opcode === 9) socket.write(frameOf(10, payload));
    else if (payload.includes('"connection_ack"'))
      operationsOf(ask, after).forEach(
        (operation, n) => void send({ id: `${n}`, type: 'subscribe', payload: operation }),
      );
    else told(payload);
  });
  socket.on('data', (bytes: Buffer) => splitter.take(bytes));
  socket.on('error', () => {}); // `close` follows
  socket.once('close', () => ended(code));
  socket.write(
    `GET /graphql HTTP/1.1\r\nHost: ${hostname}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n',
  );
  return {
    pause() {
      splitter.isPaused = true;
      socket.pause();
    },
    resume() {
      splitter.isPaused = false;
      splitter.take(nothing);
      socket.resume();
    },
    probe: (asPong) => void socket.write(asPong ? frameOf(10, nothing) : frameOf(1, Buffer.from('{"type":"pong"}'))),
    close: () => void socket.destroy(),
  };
}

interface Frame {
  /** That of RFC 6455; 0 for the answer to the handshake, which comes first. */
  opcode: number;
  payload: Buffer;
}

const handshakeEnd = '\r\n\r\n';

function cutFrame(bytes: Buffer): [Frame, number] | undefined {
  if (bytes.length < 4) return undefined;
  if (bytes[0] === 0x48) {
    const end = bytes.indexOf(handshakeEnd) + handshakeEnd.length;
    return end < handshakeEnd.length ? undefined : [{ opcode: 0, payload: bytes.subarray(0, end) }, end];
  }
  const short = bytes[1]! & 0x7f;
  const from = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < from) return undefined;
  const end = from + (short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2)));
  return bytes.length < end ? undefined : [{ opcode: bytes[0]! & 0x0f, payload: bytes.subarray(from, end) }, end];
}

/** A frame of a client, with a mask of zeros. */
function frameOf(opcode: number, payload: Buffer): Buffer {
  const head = payload.length < 126 ? Buffer.alloc(6) : Buffer.alloc(8);
  head[0] = 0x80 | opcode;
  head[1] = 0x80 | Math.min(payload.length, 126);
  if (payload.length >= 126) head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}

function openEvents({ url, token, ask, after, told, ended }: LineOptions): Line {
  const splitter = new Splitter<Buffer>((bytes) => {
    const end = bytes.indexOf('\n\n') + 2;
    return end < 2 ? undefined : [bytes.subarray(0, end), end];
  }, told);
  const headers = {
    Accept: 'text/event-stream',
    Authorization: `Bearer ${token}`,
    'Content-Type': 'application/json',
    ...(after !== undefined && { 'Last-Event-ID': after }),
  };
  const sent = request(`${url}/graphql`, { method: 'POST', headers, agent: false });
  let stream: NodeJS.ReadableStream | undefined;
  sent.once('response', (response) => {
    stream = response;
    response.on('data', (bytes: Buffer) => splitter.take(bytes));
    response.on('error', () => {}); // `close` follows
  });
  sent.on('error', () => {}); // `close` follows
  sent.once('close', () => ended(undefined));
  sent.end(JSON.stringify(operationsOf(ask)[0]));
  return {
    pause() {
      splitter.isPaused = true;
      stream?.pause();
    },
    resume() {
      splitter.isPaused = false;
      splitter.take(nothing);
      stream?.resume();
    },
    probe: () => void sent.socket?.write('\r\n'),
    close: () => void sent.destroy(),
  };
}
