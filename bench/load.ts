// The process that sends the requests: told of one load at a time, it answers with what it measured. It speaks HTTP over bare sockets,
// for it shares the processors with who is measured, and Node's client would take as much of them as a quick server.
import { connect, type Socket } from 'node:net';
import { numberMark } from './world.ts';

/** A bounded number of requests to one peer. */
export interface Load {
  url: string;
  headers: Record<string, string>;
  /** Sent in turn, from the first again after the last. */
  bodies: string[];
  connections: number;
  requests: number;
}

/** What came of a load. */
export interface LoadResult {
  /** Milliseconds from the first request to the last answer. */
  duration: number;
  /** Milliseconds of each request, sorted. */
  latencies: number[];
  /** Bytes of all answers' bodies. */
  bytes: number;
}

/** Writes that were sent so far, to whichever peer. */
let numbered = 10_000_000;

async function run(load: Load): Promise<LoadResult> {
  const texts = load.bodies.map((body) => requestText(load, body));
  const marks = texts.map((text) => text.indexOf(numberMark));
  const latencies: number[] = [];
  let bytes = 0;
  let next = 0;
  const sendInTurn = async () => {
    const { hostname, port } = new URL(load.url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    try {
      while (next < load.requests) {
        const index = next++ % texts.length;
        const text = texts[index]!;
        // @NOTE the socket may still hold the text that it was given last time.
        const sent = marks[index]! < 0 ? text : Buffer.from(text);
        if (sent !== text) sent.write(String(numbered++), marks[index]!);
        const start = performance.now();
        const size = await send(socket, sent);
        bytes += size; // @NOTE not around the `await`: others add to it meanwhile
        latencies.push(performance.now() - start);
      }
    } finally {
      socket.destroy();
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: load.connections }, sendInTurn));
  const duration = performance.now() - start;
  return { duration, latencies: latencies.sort((a, b) => a - b), bytes };
}

function requestText({ url, headers }: Load, body: string): Buffer {
  const { pathname, host } = new URL(url);
  const all = { host, ...headers, 'content-length': String(Buffer.byteLength(body)) };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`POST ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
}

/** Sends a request and reads its answer; resolves to the bytes of the body. */
function send(socket: Socket, text: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    let head: string | undefined;
    let received: Buffer = Buffer.alloc(0);
    let size = 0;
    const onData = (chunk: Buffer) => {
      if (head === undefined) {
        received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
        const end = received.indexOf('\r\n\r\n');
        if (end < 0) return;
        head = received.toString('latin1', 0, end).toLowerCase();
        if (!head.startsWith('http/1.1 200')) return settle(new Error(`answered ${head}`));
        size = received.length - end - 4;
        chunk = received;
      } else size += chunk.length;
      const length = /\r\ncontent-length: (\d+)/.exec(head)?.[1];
      // In chunks there is no length: the last one is empty.
      const isOver =
        length === undefined ? chunk.subarray(-5).toString('latin1') === '0\r\n\r\n' : size >= Number(length);
      if (isOver) settle();
    };
    const settle = (error?: Error) => {
      socket.off('data', onData).off('error', settle).off('close', onClose);
      if (error) reject(error);
      else resolve(size);
    };
    const onClose = () => settle(new Error('the connection was closed'));
    socket.on('data', onData).on('error', settle).on('close', onClose);
    socket.write(text);
  });
}

process.on('message', (load: Load) => {
  run(load).then(
    (result) => process.send!({ result }),
    (error: unknown) => process.send!({ error: String(error) }),
  );
});
