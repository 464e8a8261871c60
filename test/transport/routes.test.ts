import { get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { MillraceError } from '../../src/errors.ts';
import { openLog } from '../../src/platform/log.ts';
import { createHttpServer, type HttpParts } from '../../src/transport/http.ts';
import { createRoutes, type Route } from '../../src/transport/routes.ts';

const told: unknown[] = [];
const tell =
  (name: string): Route['handle'] =>
  async (_request, response, params, url, form) => {
    told.push([name, params, url.search, form.toString()]);
    response.end(name);
  };
const routes = createRoutes([
  { method: 'GET', path: '/auth/:provider', handle: tell('provider') },
  { method: 'GET', path: '/auth/link', handle: tell('link') },
  { method: 'GET', path: '/auth/:provider/callback', handle: tell('callback') },
  { method: 'POST', path: '/auth/:provider/callback', handle: tell('posted') },
  {
    method: 'GET',
    path: '/where',
    async handle(_request, response, _params, address) {
      response.end(address.origin);
    },
  },
  {
    method: 'GET',
    path: '/refused',
    async handle() {
      throw new MillraceError('FORBIDDEN', 'not you');
    },
  },
]);

const config = {
  host: '127.0.0.1',
  port: 0,
  maxBodyBytes: 1000,
  maxBatch: 1,
  corsOrigins: [],
  trustProxy: false as const,
  secureCookies: false,
};
const parts = { routes, log: openLog('silent') } as unknown as HttpParts;
const http = createHttpServer({ ...config, publicMaxAge: 0 }, parts);
let url: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
});
afterAll(() => http.close());
beforeEach(() => void told.splice(0));

const ask = async (path: string, init?: RequestInit) => {
  const response = await fetch(url + path, init);
  return { status: response.status, text: await response.text() };
};
const form = (body: string): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body,
});

it('are found by their path, a written-out segment before one that may be anything', async () => {
  expect((await ask('/auth/link')).text).toBe('link');
  expect((await ask('/auth/git%20hub?code=1')).text).toBe('provider');
  expect((await ask('/auth/google/callback?state=a%26b')).text).toBe('callback');
  expect(told).toEqual([
    ['link', {}, '', ''],
    ['provider', { provider: 'git hub' }, '?code=1', ''],
    ['callback', { provider: 'google' }, '?state=a%26b', ''],
  ]);
});

it.each(['/auth', '/auth/', '/auth/a/b', '/auth//callback', '/auth/a/callback/', '//auth/link', '/AUTH/link'])(
  'are not found by %s',
  async (path) => {
    expect((await ask(path)).status).toBe(404);
    expect(told).toEqual([]);
  },
);

it('get what a form posts, and nothing that is larger or no form', async () => {
  expect((await ask('/auth/apple/callback', form('code=1&state=x%20y'))).text).toBe('posted');
  expect(told).toEqual([['posted', { provider: 'apple' }, '', 'code=1&state=x+y']]);
  expect((await ask('/auth/apple/callback', form(`code=${'x'.repeat(70_000)}`))).status).toBe(413);
  const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
  expect((await ask('/auth/apple/callback', json)).status).toBe(415);
  expect(told).toHaveLength(1);
});

it('do nothing for HEAD, with which scanners look at links', async () => {
  expect(await ask('/auth/google/callback?code=1', { method: 'HEAD' })).toEqual({ status: 200, text: '' });
  expect(told).toEqual([]);
});

it('are there for their own method alone', async () => {
  for (const method of ['PUT', 'DELETE', 'OPTIONS']) expect((await ask('/auth/link', { method })).status).toBe(404);
  expect((await ask('/auth/link', form('a=1'))).status).toBe(404);
  expect(told).toEqual([]);
});

it('answer an error as the API does, and an address that is none', async () => {
  const refused = await ask('/refused');
  expect(refused.status).toBe(403);
  expect(JSON.parse(refused.text)).toEqual({ errors: [{ message: 'not you', extensions: { code: 'FORBIDDEN' } }] });
  expect((await ask('/auth/%ff')).status).toBe(400);
});

it('never take the origin of an address from the request', async () => {
  const headers = { host: 'evil.test', 'x-forwarded-host': 'evil.test' };
  const text = await new Promise<string>((resolve) => {
    get(`${url}/where`, { headers }, async (response) => resolve((await response.toArray()).join('')));
  });
  expect(text).toBe('http://localhost');
});
