import { type RequestOptions, request } from 'node:http';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTracker, type TrackerServer } from './tracker-server.ts';

const minted: [string | undefined, string | undefined][] = [];
const errors: unknown[] = [];
let server: TrackerServer;
beforeAll(async () => {
  server = await startTracker({
    viewAs: {
      async mintToken(sub, role) {
        if (sub === 'broken') throw new Error('the key file is gone: /secret/path');
        minted.push([sub, role]);
        return `token of ${sub ?? '-'} as ${role ?? '-'}`;
      },
      suggestions: async () => [{ sub: 'u1', role: 'member', label: 'Ada' }],
    },
    onError: (error) => errors.push(error),
  });
});
afterAll(() => server[Symbol.asyncDispose]());

interface Attempt {
  path?: string;
  method?: string;
  headers?: Record<string, string | undefined>;
  body?: string;
  /** The address to connect to. */
  address?: string;
}

function attempt({ path = '/graphql/view-as', method = 'POST', headers = {}, body, address }: Attempt) {
  const { host, port } = new URL(server.origin);
  const all = { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' };
  const given = Object.fromEntries(Object.entries({ ...all, ...headers }).filter(([, value]) => value !== undefined));
  const options: RequestOptions = {
    hostname: address ?? 'localhost',
    port,
    path,
    method,
    headers: given as Record<string, string>,
  };
  return new Promise<{ status: number; body: { token?: string; error?: string; suggestions?: unknown } }>(
    (resolve, reject) => {
      const sent = request(options, (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as object }));
      });
      sent.on('error', reject).end(method === 'GET' ? undefined : (body ?? '{"sub":"u1","role":"member"}'));
    },
  );
}

describe('view as', () => {
  it.each([
    ['a user with a role', '{"sub":"u1","role":"member"}', 'token of u1 as member'],
    ['a role alone', '{"role":"admin"}', 'token of - as admin'],
    ['a user alone', '{"sub":"u1"}', 'token of u1 as -'],
  ])('makes a token for %s', async (_case, body, token) => {
    expect(await attempt({ body })).toEqual({ status: 200, body: { token } });
  });

  it('suggests viewers, under the same conditions', async () => {
    const path = '/graphql/view-as/suggestions';
    const { body } = await attempt({ path, body: '{}' });
    expect(body.suggestions).toEqual([{ sub: 'u1', role: 'member', label: 'Ada' }]);
    expect((await attempt({ path, headers: { host: 'evil.example' } })).status).toBe(403);
    expect((await attempt({ path, headers: { origin: 'http://evil.example' } })).status).toBe(403);
  });

  const rows: [string, number, Attempt][] = [
    ['a GET', 405, { method: 'GET' }],
    [
      'a name that was made to resolve to this machine',
      403,
      { headers: { host: 'evil.example:4000', origin: 'http://evil.example:4000' } },
    ],
    [
      'a name that only begins like this machine',
      403,
      { headers: { host: 'localhost.evil.example', origin: 'http://localhost.evil.example' } },
    ],
    ['a page of another site', 403, { headers: { origin: 'http://evil.example' } }],
    ['a page of another port', 403, { headers: { origin: 'http://localhost:1' } }],
    ['a frame without an origin', 403, { headers: { origin: 'null' } }],
    ['no origin at all', 403, { headers: { origin: undefined } }],
    ['a request the browser calls cross-site', 403, { headers: { 'sec-fetch-site': 'cross-site' } }],
    ['a request the browser calls same-site', 403, { headers: { 'sec-fetch-site': 'same-site' } }],
    ['a proxy on this machine', 403, { headers: { 'x-forwarded-for': '203.0.113.9' } }],
    ['a form', 415, { headers: { 'content-type': 'application/x-www-form-urlencoded' } }],
    ['plain text', 415, { headers: { 'content-type': 'text/plain' } }],
    ['a type that only begins like JSON', 415, { headers: { 'content-type': 'application/jsonp' } }],
    ['no type', 415, { headers: { 'content-type': undefined } }],
    [
      'a body over 1 KB',
      413,
      { body: JSON.stringify({ sub: 'x'.repeat(1024) }), headers: { 'content-length': '1034' } },
    ],
    [
      'a body over 1 KB of unknown length',
      413,
      { body: JSON.stringify({ sub: 'x'.repeat(5000) }), headers: { 'transfer-encoding': 'chunked' } },
    ],
    ['what is not JSON', 400, { body: 'sub=u1' }],
    ['an array', 400, { body: '["u1"]' }],
    ['nobody', 400, { body: '{}' }],
    ['a number for a name', 400, { body: '{"sub":7}' }],
    ['an empty name', 400, { body: '{"sub":" "}' }],
    ['claims nobody offered', 400, { body: '{"sub":"u1","admin":true}' }],
  ];
  it.each(rows)('refuses %s', async (_case, status, tried) => {
    const before = minted.length;
    const answer = await attempt(tried);
    expect(answer.status).toBe(status);
    expect(answer.body.token).toBeUndefined();
    expect(answer.body.error).toBeTruthy();
    expect(minted.length).toBe(before);
  });

  const outside = Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === 'IPv4' && !each.internal)?.address;
  it.skipIf(!outside)(
    'refuses who comes by an address that others can reach, and does not offer it to them',
    async () => {
      await using open = await startTracker({ viewAs: noViewAs }, '0.0.0.0');
      const port = new URL(open.origin).port;
      const host = `localhost:${port}`;
      const headers = { host, origin: `http://${host}`, 'content-type': 'application/json' };
      const answer = await new Promise<number | undefined>((resolve, reject) => {
        const options = { hostname: outside, port, path: '/graphql/view-as', method: 'POST', headers };
        request(options, (response) => resolve(response.resume().statusCode))
          .on('error', reject)
          .end('{"role":"admin"}');
      });
      expect(answer).toBe(403);
    },
  );

  it('says nothing of what went wrong inside, but tells the server', async () => {
    const answer = await attempt({ body: '{"sub":"broken"}' });
    expect(answer.status).toBe(500);
    expect(answer.body.error).not.toContain('secret');
    expect(errors.map(String)).toEqual(['Error: the key file is gone: /secret/path']);
  });

  it('is offered on the page to this machine only', async () => {
    const load = async (headers: Record<string, string>) => {
      const response = await fetch(`${server.origin}/graphql`, { headers: { accept: 'text/html', ...headers } });
      return JSON.parse(/id="config">(.*?)<\/script>/.exec(await response.text())?.[1] ?? '') as { viewAs: unknown };
    };
    expect((await load({})).viewAs).toEqual({ initial: null });
    expect((await load({ 'x-forwarded-for': '203.0.113.9' })).viewAs).toBeNull();
  });
});

const noViewAs = { mintToken: async () => 'never', suggestions: async () => [] };
