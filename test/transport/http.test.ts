import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await insertTeam(server.databaseUrl);
});
afterAll(() => server[Symbol.asyncDispose]());

// Whatever was done to it: it is still there.
afterEach(async () => {
  expect(await server.stranger.query('{ __typename }')).toEqual({ data: { __typename: 'Query' } });
});

const endpoint = () => `${server.url}/graphql`;
const codeOf = async (response: Response) =>
  ((await response.json()) as { errors: { extensions: { code: string } }[] }).errors[0]!.extensions.code;

describe('a body', () => {
  it.each<[string, string | Uint8Array, number, string]>([
    ['that is empty', '', 400, 'INVALID_INPUT'],
    ['that is cut off', '{"query":"{__type', 400, 'INVALID_INPUT'],
    ['that is a list of nothing', '[]', 400, 'INVALID_INPUT'],
    ['that is a list of numbers', '[1]', 400, 'INVALID_INPUT'],
    ['that is null', 'null', 400, 'INVALID_INPUT'],
    ['that is a number', '1', 400, 'INVALID_INPUT'],
    ['that is a text', '"{__typename}"', 400, 'INVALID_INPUT'],
    ['without a query', '{}', 400, 'INVALID_INPUT'],
    ['whose query is a number', '{"query":1}', 400, 'INVALID_INPUT'],
    ['whose query is an object', '{"query":{}}', 400, 'INVALID_INPUT'],
    ['whose variables are a number', '{"query":"{__typename}","variables":1}', 400, 'INVALID_INPUT'],
    ['whose variables are a list', '{"query":"{__typename}","variables":[]}', 400, 'INVALID_INPUT'],
    ['whose operation name is a number', '{"query":"{__typename}","operationName":1}', 400, 'INVALID_INPUT'],
    ['whose extensions are a text', '{"query":"{__typename}","extensions":"x"}', 400, 'INVALID_INPUT'],
    ['with a parameter nobody knows', '{"query":"{__typename}","__proto__":{"isAdmin":true}}', 400, 'INVALID_INPUT'],
    ['of lists in lists', '['.repeat(500_000), 400, 'INVALID_INPUT'],
    [
      'of objects in objects',
      `{"query":"{__typename}","variables":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`,
      400,
      'INVALID_INPUT',
    ],
    ['with brackets in its texts only', JSON.stringify({ query: `{ __typename } # ${'[{"'.repeat(2000)}` }), 200, ''],
    ['that is no UTF-8', new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]), 400, 'INVALID_INPUT'],
    ['with a number beyond all numbers', '{"query":"{__typename}","variables":{"n":1e400}}', 200, ''],
    ['that is too large', `{"query":"${'x'.repeat(1_000_000)}"}`, 413, 'TOO_LARGE'],
    ['that is much too large', 'x'.repeat(20_000_000), 413, 'TOO_LARGE'],
  ])('%s', async (_title, text, status, code) => {
    const body = typeof text === 'string' ? text : new Blob([new Uint8Array(text)]);
    const response = await fetch(endpoint(), { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    expect(response.status).toBe(status);
    if (code) expect(await codeOf(response)).toBe(code);
  });

  it('in chunks without end is cut off', async () => {
    const chunk = new Uint8Array(200_000).fill(32);
    let sent = 0;
    const body = new ReadableStream({
      pull(controller) {
        sent += 1;
        controller.enqueue(chunk);
        if (sent > 100) controller.close();
      },
    });
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      duplex: 'half',
    } as RequestInit;
    const response = await fetch(endpoint(), init);
    expect(response.status).toBe(413);
    await response.text();
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/graphql',
    'text/html',
    '',
  ])('of type "%s" is refused: a page of another site could send it', async (type) => {
    const body = new TextEncoder().encode('{"query":"mutation { __typename }"}');
    const response = await fetch(endpoint(), { method: 'POST', headers: type ? { 'content-type': type } : {}, body });
    expect(response.status).toBe(415);
    expect(await codeOf(response)).toBe('INVALID_INPUT');
  });

  it('that is compressed is refused, and never opened', async () => {
    const body = gzipSync(JSON.stringify({ query: '{ __typename }', variables: { x: 'x'.repeat(5_000_000) } }));
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    expect((await fetch(endpoint(), { method: 'POST', headers, body })).status).toBe(415);
  });
});

describe('a method', () => {
  it('GET may ask', async () => {
    const response = await fetch(`${endpoint()}?query=${encodeURIComponent('{ __typename }')}`);
    expect([response.status, await response.json()]).toEqual([200, { data: { __typename: 'Query' } }]);
  });

  it('GET may not change anything', async () => {
    const write = `mutation { deleteUser(where: { id: "${team.cleo}" }) { id } }`;
    const headers = { authorization: `Bearer ${await server.server.tokens.mint!({ role: 'admin' })}` };
    const response = await fetch(`${endpoint()}?query=${encodeURIComponent(write)}`, { headers });
    expect(response.status).toBe(405);
    expect((await server.as({ role: 'admin' }).query('{ users { totalCount } }')).data.users.totalCount).toBe(4);
  });

  it('GET with variables that nest without end', async () => {
    const variables = `${'{"a":'.repeat(1500)}1${'}'.repeat(1500)}`;
    const response = await fetch(
      `${endpoint()}?query=${encodeURIComponent('{ __typename }')}&variables=${encodeURIComponent(variables)}`,
    );
    expect(response.status).toBeLessThan(500);
  });

  it.each(['variables={bad', 'variables=', 'extensions=[', 'variables={}?'])(
    'GET with %s is the client’s fault, not the server’s',
    async (parameter) => {
      const response = await fetch(`${endpoint()}?query={__typename}&${parameter}`);
      expect(response.status).toBe(parameter === 'variables=' ? 200 : 400);
    },
  );

  it.each(['text/event-stream', 'multipart/mixed'])('POST is answered whole as %s', async (accept) => {
    const answers = await Promise.all(
      ['{ users { totalCount } }', '{ __schema { queryType { name } } }'].map(async (query) =>
        (await server.as({ role: 'admin' }).post({ query }, { accept })).text(),
      ),
    );
    expect(answers[0]).toContain('{"data":{"users":{"totalCount":4}}}');
    expect(answers[1]).toContain('{"data":{"__schema":{"queryType":{"name":"Query"}}}}');
  });

  it.each(['HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s is not there', async (method) => {
    const response = await fetch(`${endpoint()}?query={__typename}`, { method });
    expect(response.status).toBe(405);
  });
});

it('what is no HTTP is not left half open, to be held for ever by who does not close it', async () => {
  const { hostname, port } = new URL(server.url);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
  const failed = new Promise<boolean>((resolve) => {
    socket.on('error', () => resolve(true));
    setTimeout(() => resolve(false), 3000);
  });
  socket.write('garbage\r\n\r\n');
  socket.resume();
  await new Promise((resolve) => socket.once('end', resolve));
  const again = setInterval(() => socket.write('x'), 50);
  expect(await failed).toBe(true);
  clearInterval(again);
  socket.destroy();
});

/** Sends bytes as they are, and reads what comes back until the connection ends or a second has passed. */
function raw(text: string): Promise<string> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname, () => socket.write(text));
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString();
    });
    socket.on('error', () => resolve(answer));
    socket.on('close', () => resolve(answer));
    setTimeout(() => socket.destroy(), 1000);
  });
}

describe('bytes that are hardly HTTP', () => {
  it.each<[string, string, RegExp]>([
    ['no request at all', 'hello\r\n\r\n', /^HTTP\/1.1 400/],
    ['TRACE', 'TRACE /graphql HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', /^HTTP\/1.1 4/],
    ['CONNECT', 'CONNECT evil:443 HTTP/1.1\r\nHost: x\r\n\r\n', /^(?!HTTP\/1.1 200)/],
    [
      'an absolute target',
      'GET http://evil/graphql?query={__typename} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      /^HTTP\/1.1 (2|4)/,
    ],
    ['a target that is no path', 'GET // HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', /^HTTP\/1.1 4/],
    [
      'two lengths',
      'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345',
      /^HTTP\/1.1 400/,
    ],
    [
      'a length and chunks',
      'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      /^HTTP\/1.1 400/,
    ],
    ['a head without end', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, /^HTTP\/1.1 4/],
    [
      'a host that is none',
      'POST /graphql HTTP/1.1\r\nHost: [[[\r\nContent-Type: application/json\r\nContent-Length: 24\r\nConnection: close\r\n\r\n{"query":"{__typename}"}',
      /^HTTP\/1.1 (2|4)/,
    ],
    ['no host', 'GET /health HTTP/1.0\r\n\r\n', /^HTTP\/1.1 (2|4)/],
    [
      'a body that stops',
      'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"query"',
      /^$/,
    ],
    ['a length that is a word', 'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n', /^HTTP\/1.1 400/],
  ])('%s', async (_title, bytes, answer) => {
    expect(await raw(bytes)).toMatch(answer);
  });

  it('does not wait for ever for a request', async () => {
    // @NOTE read from the server, not waited for.
    const { createHttpServer } = await import('../../src/transport/http.ts');
    const http = createHttpServer({ maxBodyBytes: 1 } as never, {} as never);
    expect(http.headersTimeout).toBeLessThanOrEqual(10_000);
    expect(http.requestTimeout).toBeLessThanOrEqual(30_000);
  });
});

describe('pages of other sites', () => {
  const preflight = {
    method: 'OPTIONS',
    headers: {
      origin: 'https://evil.test',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,authorization',
    },
  };

  it('may not read answers', async () => {
    const response = await fetch(endpoint(), preflight);
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
    const asked = await server.stranger.post({ query: '{ __typename }' }, { origin: 'https://evil.test' });
    expect(asked.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('may where the configuration names them, and those alone', async () => {
    await using open = await startServer({
      config: (c) => ({ ...c, http: { ...c.http, corsOrigins: ['https://app.test'] } }),
    });
    const from = async (origin: string) => {
      const response = await fetch(`${open.url}/graphql`, { ...preflight, headers: { ...preflight.headers, origin } });
      const asked = await open.stranger.post({ query: '{ __typename }' }, { origin });
      return [response.headers.get('access-control-allow-origin'), asked.headers.get('access-control-allow-origin')];
    };
    expect(await from('https://app.test')).toEqual(['https://app.test', 'https://app.test']);
    for (const allowed of await from('https://evil.test')) expect(allowed).not.toBe('https://evil.test');
  });
});

describe('a token', () => {
  it.each([
    'Bearer',
    'Bearer ',
    'Bearer x',
    'Bearer a.b.c',
    'Basic YTpi',
    'x',
    `Bearer ${'x'.repeat(9000)}`,
    'Bearer eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4ifQ.',
  ])('that proves nothing (%s) is refused, with the way to send one', async (authorization) => {
    const response = await server.stranger.post({ query: '{ __typename }' }, { authorization });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
    expect(await codeOf(response)).toBe('UNAUTHENTICATED');
  });

  it('in the address is not looked at', async () => {
    const token = await server.server.tokens.mint!({ role: 'admin' });
    const query = encodeURIComponent('{ users { totalCount } }');
    for (const name of ['access_token', 'token', 'authorization', 'Authorization']) {
      const response = await fetch(`${endpoint()}?query=${query}&${name}=${encodeURIComponent(`Bearer ${token}`)}`);
      expect(
        ((await response.json()) as { data?: { users?: { totalCount: number } } }).data?.users?.totalCount ?? 0,
      ).toBe(0);
    }
  });
});
