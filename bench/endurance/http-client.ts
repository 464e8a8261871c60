import { Agent, type IncomingMessage, request } from 'node:http';

/** What a server has answered. */
export interface Answered {
  status: number;
  text: string;
}

/** How a request differs from a POST of JSON. */
export interface Shape {
  method?: string;
  /** Behind the server's address. */
  search?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** Speaks to one server over kept connections. */
export interface HttpClient {
  ask(shape: Shape): Promise<Answered>;
  /** Opens a stream; resolves with the first that it tells, and the way to leave it. */
  listen(shape: Shape): Promise<{ first: string; leave(): void }>;
}

/** Makes the client. */
export function createHttpClient(url: string): HttpClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  const send = (
    shape: Shape,
    use: Agent | false,
    answered: (answer: IncomingMessage) => void,
    failed: (e: Error) => void,
  ) => {
    const method = shape.method ?? 'POST';
    const sent = request(`${url}${shape.search ?? ''}`, {
      method,
      agent: use,
      headers: {
        ...(method === 'POST' && { 'content-type': 'application/json' }),
        ...shape.headers,
        ...(shape.body !== undefined && { 'content-length': String(Buffer.byteLength(shape.body)) }),
      },
    });
    sent.on('response', answered).on('error', failed).end(shape.body);
    return sent;
  };
  return {
    ask: (shape) =>
      new Promise((resolve, reject) => {
        send(
          shape,
          agent,
          (answer) => {
            let text = '';
            answer.setEncoding('utf8').on('data', (part: string) => (text += part));
            answer.on('error', reject).on('end', () => resolve({ status: answer.statusCode!, text }));
          },
          reject,
        );
      }),
    listen: (shape) =>
      new Promise((resolve, reject) => {
        const sent = send(
          { ...shape, headers: { ...shape.headers, accept: 'text/event-stream' } },
          false,
          (answer) => {
            let first = '';
            const begin = () => resolve({ first, leave: () => sent.destroy() });
            answer.on('error', () => {}).on('end', begin);
            answer.setEncoding('utf8').on('data', (part: string) => {
              if (first.includes('data:')) return;
              first += part;
              if (first.includes('data:')) begin();
            });
          },
          reject,
        );
      }),
  };
}
