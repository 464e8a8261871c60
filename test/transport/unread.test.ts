import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRawSocket } from '../support/raw-socket.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());

describe('a socket whose client does not read', () => {
  it('is not heard until it has read what it was answered, and then answered all', async () => {
    using socket = await openRawSocket(server.url);
    socket.socket.pause();
    const padding = 'x'.repeat(900_000);
    for (let n = 0; n < 60; n += 1) socket.send({ type: 'ping', payload: { n, padding } });
    await sleep(1500);
    // Pongs repeat what they answer: what the server had read it would have to keep.
    expect(socket.socket.bufferedAmount).toBeGreaterThan(20_000_000);
    socket.socket.resume();
    for (let n = 0; n < 60; n += 1) expect((await socket.next(10_000)).payload.n).toBe(n);
  });
});
