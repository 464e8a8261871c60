import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';
import { openSocket } from '../support/socket.ts';
import { insertTeam, team } from '../support/team.ts';

let server: TestServer;
beforeAll(async () => {
  const origins = ['https://app.test'];
  server = await startServer({ config: (config) => ({ ...config, streams: { ...config.streams, origins } }) });
  await insertTeam(server.databaseUrl);
});
afterAll(() => server[Symbol.asyncDispose]());

const query = 'subscription ($after: String) { taskChanges(after: $after) { type cursor } }';

async function open(headers: Record<string, string>, variables = {}) {
  const controller = new AbortController();
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${await server.server.tokens.mint!({ sub: team.ann })}`,
      ...headers,
    },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.any([controller.signal, AbortSignal.timeout(5000)]),
  });
  return { response, stop: () => controller.abort() };
}

describe('an event stream', () => {
  it('is open at once, also where it has nothing to tell yet', async () => {
    await using socket = await openSocket(server, { sub: team.ann });
    const { taskChanges } = await socket.subscribe(query).next();
    const { response, stop } = await open({}, { after: taskChanges.cursor });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    stop();
  });

  it('may be read by the pages that may open it, and no others', async () => {
    const named = await open({ origin: 'https://app.test' });
    expect(named.response.headers.get('access-control-allow-origin')).toBe('https://app.test');
    named.stop();
    const other = await open({ origin: 'https://evil.test' });
    expect(other.response.status).toBe(403);
    expect(other.response.headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('a socket whose token has expired', () => {
  it('begins nothing any more', async () => {
    await using socket = await openSocket(server, { sub: team.ann, expiresIn: 1 });
    const changes = socket.subscribe(query);
    await changes.next();
    await expect(changes.next()).rejects.toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
    const { stop, next } = socket.subscribe('{ tasks { totalCount } }');
    await expect(next()).rejects.toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
    stop();
  });
});
