import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { countedText, document } from './topic.ts';

/** How a client speaks: to nobody, GraphQL over WebSocket, Socket.IO, GraphQL over server-sent events. */
export type Tongue = 'bare' | 'graphql' | 'socket-io' | 'sse';

/** Told of every message that counts, and when a client that was ready has been cut off. */
export interface Ears {
  heard(message: Buffer): void;
  lost(why: string): void;
}

/** Connects one client; resolves with the way to close it when it would be told of events. */
export function dial(tongue: Tongue, url: string, token: string | undefined, ears: Ears): Promise<() => void> {
  switch (tongue) {
    case 'bare':
      return dialSocket(url, [], {}, ears);
    case 'graphql':
      return dialSocket(`${url}/graphql`, ['graphql-transport-ws'], graphqlAnswers(token), ears);
    case 'socket-io':
      return dialSocket(`${url}/socket.io/?EIO=4&transport=websocket`, [], socketIoAnswers, ears);
    case 'sse':
      return dialEvents(url, token);
  }
}

/** What to say at what beginning of a message; `undefined` to say nothing, and to be ready. */
interface Answers {
  opened?: string;
  answer?: (text: string) => string | 'ready' | undefined;
}

// @NOTE an id of its own for every operation, as the clients of graphql-ws choose it.
const graphqlAnswers = (token: string | undefined): Answers => ({
  opened: JSON.stringify({ type: 'connection_init', payload: token ? { authorization: `Bearer ${token}` } : {} }),
  answer: (text) =>
    text.startsWith('{"type":"connection_ack"')
      ? JSON.stringify({ id: randomUUID(), type: 'subscribe', payload: { query: document } })
      : text.includes('"CHECKPOINT"')
        ? 'ready'
        : undefined,
});

const socketIoAnswers: Answers = {
  answer: (text) => (text.startsWith('0') ? '40' : text === '2' ? '3' : text.startsWith('40') ? 'ready' : undefined),
};

function dialSocket(url: string, protocols: string[], answers: Answers, ears: Ears): Promise<() => void> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url.replace('http', 'ws'), protocols, { perMessageDeflate: false });
    const close = () => socket.removeAllListeners('close').terminate();
    let problem = '';
    socket.on('error', (error) => {
      problem = String(error);
    });
    socket.on('close', (code, reason) => {
      ears.lost(`${url} closed: ${code} ${String(reason)} ${problem}`);
    });
    socket.on('open', () => {
      if (answers.opened) socket.send(answers.opened);
      if (!answers.answer) resolve(close);
    });
    socket.on('message', (data: Buffer) => {
      if (data.includes(countedText)) return ears.heard(data);
      const answer = answers.answer?.(data.toString());
      if (answer === 'ready') return resolve(close);
      if (answer === undefined) return;
      socket.send(answer);
      // @NOTE stock Yoga says nothing when a subscription begins; whoever waits for it gives it a moment.
      if (answer.includes('"subscribe"')) setTimeout(() => resolve(close), 1000).unref();
    });
  });
}

function dialEvents(url: string, token: string | undefined): Promise<() => void> {
  const { hostname, port } = new URL(url);
  const body = JSON.stringify({ query: document });
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    socket.on('error', reject).on('close', () => reject(new Error('closed')));
    socket.on('data', (data) => {
      if (data.includes('HTTP/1.1 200')) resolve(() => socket.destroy());
      else if (data.includes('HTTP/1.1 ')) reject(new Error(data.toString().slice(0, 200)));
    });
    socket.write(
      `POST /graphql HTTP/1.1\r\nHost: ${hostname}\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\n${token ? `Authorization: Bearer ${token}\r\n` : ''}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  });
}
