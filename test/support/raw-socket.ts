import { WebSocket } from 'ws';

/** A WebSocket without a client library: what is sent is what was written. */
export interface RawSocket extends Disposable {
  socket: WebSocket;
  send(message: unknown): void;
  /** The next message, parsed. */
  // biome-ignore lint/suspicious/noExplicitAny: a test asks for what it expects; a wrong guess fails the test
  next(within?: number): Promise<any>;
  /** How it ended. */
  closed: Promise<{ code: number; reason: string }>;
}

/** Opens a socket; rejects with the HTTP status when it is refused. */
export async function openRawSocket(
  url: string,
  options: { headers?: Record<string, string>; protocol?: string; token?: string; init?: boolean } = {},
): Promise<RawSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, options.protocol ?? 'graphql-transport-ws', {
    headers: options.headers,
  });
  const messages: unknown[] = [];
  let heard = () => {};
  socket.on('message', (data) => {
    messages.push(JSON.parse(String(data)));
    heard();
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('unexpected-response', (_request, response) => reject(new Error(String(response.statusCode))));
    socket.once('error', reject);
  });
  const raw: RawSocket = {
    socket,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    async next(within = 3000) {
      const deadline = Date.now() + within;
      while (messages.length === 0) {
        if (Date.now() > deadline) throw new Error(`no message came within ${within} ms`);
        await new Promise<void>((resolve) => {
          heard = resolve;
          setTimeout(resolve, deadline - Date.now() + 1);
        });
      }
      return messages.shift();
    },
    closed,
    [Symbol.dispose]: () => socket.terminate(),
  };
  if (options.init === false) return raw;
  raw.send({ type: 'connection_init', payload: options.token ? { Authorization: `Bearer ${options.token}` } : {} });
  await raw.next();
  return raw;
}
