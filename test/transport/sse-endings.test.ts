import { createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { toClientError } from '../../src/graphql/client-errors.ts';
import { Frame } from '../../src/live/frame.ts';
import { EventStream } from '../../src/transport/event-stream.ts';
import { stranger } from '../../src/viewer.ts';
import { openEventStream, type EventStream as Received } from '../support/event-stream.ts';
import { holdCalls } from '../support/held-calls.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';

const most = 2;
const origin = 'https://friend.test';
let server: TestServer;
beforeAll(async () => {
  server = await startServer({
    config: (config) => ({
      ...config,
      http: { ...config.http, corsOrigins: [origin] },
      streams: { ...config.streams, origins: [origin], connectionsPerUser: most, connectionsPerAddress: most },
    }),
  });
  await insertTeam(server.databaseUrl);
});
afterAll(() => server[Symbol.asyncDispose]());

const changes = 'subscription { taskChanges { type cursor } }';
const headersOf = async (claims: { sub: string; expiresIn?: number }) => ({
  authorization: `Bearer ${await server.server.tokens.mint!(claims)}`,
});
const open = (headers: Record<string, string>, query = changes) =>
  openEventStream(`${server.url}/graphql`, { method: 'POST', body: JSON.stringify({ query }), headers });

/** As many streams of one user and address as there may be, and one more that is refused. */
async function fillUp(): Promise<void> {
  const headers = await headersOf({ sub: team.ann });
  const streams: Received[] = [];
  try {
    for (let n = 0; n < most; n += 1) {
      const next = async () => {
        const stream = await open(headers);
        expect(stream.response.status).toBe(200);
        return stream;
      };
      // Until the server has noticed that those before are gone.
      streams.push(await vi.waitFor(next, { timeout: 3000, interval: 10 }));
    }
    const refused = await open({ ...headers, origin });
    expect(refused.response.status).toBe(429);
    expect(refused.response.headers.get('retry-after')).toBe('10');
    expect(refused.response.headers.get('access-control-allow-origin')).toBe(origin);
  } finally {
    for (const stream of streams) await stream[Symbol.asyncDispose]();
  }
}

/** A request by hand, and what has come to it so far. */
function speak(text: string) {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  let told = '';
  socket.on('data', (chunk) => (told += String(chunk)));
  socket.on('error', () => {});
  socket.write(text);
  return { socket, told: () => told };
}

const asked = (authorization: string, method = 'GET') =>
  `${method} /graphql?query=${encodeURIComponent(changes)} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nAuthorization: ${authorization}\r\n\r\n`;

describe('event streams that end leave room for others', () => {
  it('when their client goes while its token is looked at, or while they are opened', async () => {
    const { authorization } = await headersOf({ sub: team.ann });
    for (const hold of [
      () => holdCalls(server.server.tokens, 'verify'),
      () => holdCalls(server.server.live(), 'openChanges'),
    ]) {
      {
        using held = hold();
        for (let n = 0; n < most; n += 1) {
          const { socket } = speak(asked(authorization));
          await held.reached(n + 1);
          socket.destroy();
        }
      }
      await fillUp();
    }
  });

  it('when several were asked for on one connection, one behind the other', async () => {
    const { authorization } = await headersOf({ sub: team.ann });
    const { socket, told } = speak(asked(authorization) + asked(authorization));
    await vi.waitFor(() => expect(told()).toContain('CHECKPOINT'));
    socket.destroy();
    await fillUp();
  });

  it('when opening them fails', async () => {
    const live = server.server.live();
    const { openChanges } = live;
    live.openChanges = async () => {
      throw new Error('no');
    };
    for (let n = 0; n <= most; n += 1)
      expect((await open(await headersOf({ sub: team.ann }))).response.status).toBe(500);
    live.openChanges = openChanges;
    await fillUp();
  });
});

describe('an event stream', () => {
  it.each(['HEAD', 'PUT', 'DELETE'])('is not opened by %s', async (method) => {
    const headers = { ...(await headersOf({ sub: team.ann })), accept: 'text/event-stream' };
    const status = await new Promise<number>((resolve, reject) => {
      const url = `${server.url}/graphql?query=${encodeURIComponent(changes)}`;
      request(url, { method, headers }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode!));
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBeGreaterThanOrEqual(400);
    await fillUp();
  });

  it('begins anew behind an empty id', async () => {
    await using stream = await open({ ...(await headersOf({ sub: team.ben })), 'last-event-id': '' });
    expect((await stream.next()).data.data.taskChanges.type).toBe('CHECKPOINT');
  });

  it('whose token expires while it is opened says so, and nothing after it', async () => {
    using opening = holdCalls(server.server.live(), 'openChanges');
    const asking = open(await headersOf({ sub: team.cleo, expiresIn: 1 }));
    await opening.reached();
    await using stream = await asking;
    expect((await stream.next()).data.errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
    expect((await stream.next()).event).toBe('complete');
    opening[Symbol.dispose]();
    await expect(stream.next()).rejects.toThrow('has ended');
  });

  it('takes nothing more once it has ended, and closes what it was told', async () => {
    const close = vi.fn();
    const http = createServer((_request, response) => {
      const stream = new EventStream(response, { address: 'x', viewer: stranger });
      stream.stream = { place: undefined, close };
      stream.send([new Frame('1')]);
      stream.end([toClientError(new Error('over'))]);
      expect(stream.send([new Frame('2')])).toBe(1);
      stream.beat();
      stream.leave();
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const answer = await fetch(`http://127.0.0.1:${(http.address() as AddressInfo).port}`);
    expect(await answer.text()).toMatch(
      /^event: next\ndata: 1\n\nevent: next\ndata: \{"errors".*\nevent: complete\ndata:\n\n$/s,
    );
    expect(close).toHaveBeenCalledOnce();
    http.close();
  });

  it('that is asked for while the server stops is sent elsewhere', async () => {
    await using other = await startServer({ databaseUrl: server.databaseUrl });
    const token = await other.server.tokens.mint!({ sub: team.ann });
    const looking = holdCalls(other.server.tokens, 'verify');
    const asking = openEventStream(`${other.url}/graphql`, {
      method: 'POST',
      body: JSON.stringify({ query: changes }),
      headers: { authorization: `Bearer ${token}` },
    });
    await looking.reached();
    const stopped = other.server.stop();
    looking[Symbol.dispose]();
    expect((await asking).response.status).toBe(503);
    await stopped;
  });
});
