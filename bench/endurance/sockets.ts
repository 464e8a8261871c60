import { setTimeout as sleep } from 'node:timers/promises';
import { MessageType } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { Random } from '../../src/cli/seed/random.ts';
import type { Documents } from './documents.ts';
import type { HttpClient } from './http-client.ts';
import type { People } from './people.ts';

/** Clients that come, listen, and go. */
export interface Visitors {
  /** Operations that were begun, messages heard of them, and operations that were refused. */
  readonly counts: { begun: number; heard: number; refused: number };
  stop(): void;
}

const stay = { least: 500, most: 12_000 };

/** Keeps so many coming and going. */
export function receiveVisitors(
  count: number,
  given: { url: string; random: Random; http: HttpClient; documents: Documents; people: People },
): Visitors {
  const { random, http, documents, people } = given;
  const counts = { begun: 0, heard: 0, refused: 0 };
  let isOpen = true;

  const visitBySocket = async () => {
    const authorization = random.chance(0.1) ? await people.refused() : people.known().authorization;
    const socket = new WebSocket(given.url.replace('http', 'ws'), ['graphql-transport-ws']);
    const say = (message: object) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(message));
    const ids = Array.from({ length: random.int(1, 4) }, () => `op${random.int(0, 1e9)}`);
    socket.on('error', () => {});
    socket.on('open', () => say({ type: MessageType.ConnectionInit, payload: { authorization } }));
    socket.on('message', (data: Buffer) => {
      const { type } = JSON.parse(data.toString()) as { type: string };
      if (type === 'next') counts.heard += 1;
      if (type === 'error') counts.refused += 1;
      if (type === 'ping') say({ type: 'pong' });
      if (type !== 'connection_ack') return;
      for (const id of ids) {
        counts.begun += 1;
        say({ id, type: 'subscribe', payload: random.chance(0.1) ? documents.faulty() : documents.live() });
      }
    });
    await sleep(random.int(stay.least, stay.most));
    if (random.chance(0.3)) return socket.terminate(); // as a phone that has lost its network
    for (const id of ids) if (random.chance(0.7)) say({ id, type: 'complete' });
    socket.close();
    await Promise.race([new Promise((resolve) => socket.once('close', resolve)), sleep(2000)]);
    socket.terminate();
  };
  const visitByStream = async () => {
    counts.begun += 1;
    const { authorization } = people.known();
    const { leave } = await http.listen({ headers: { authorization }, body: JSON.stringify(documents.live()) });
    await sleep(random.int(stay.least, stay.most));
    leave();
  };
  const comeAndGo = async () => {
    while (isOpen) {
      await (random.chance(0.7) ? visitBySocket() : visitByStream()).catch(() => {
        counts.refused += 1;
      });
    }
  };
  for (let n = 0; n < count; n += 1) void comeAndGo();
  return { counts, stop: () => (isOpen = false) };
}
