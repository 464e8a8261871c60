import { request } from 'node:http';
import { buildSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTracker, type TrackerServer } from './tracker-server.ts';

/** What came back; sent with `node:http`, which leaves the path as it is given. */
interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

let server: TrackerServer;
let renewed = buildSchema('type Query { before: String }');
beforeAll(async () => {
  server = await startTracker({ title: 'Mill </script> & "race"', schema: () => renewed });
});
afterAll(() => server[Symbol.asyncDispose]());

function send(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  const { hostname, port } = new URL(server.origin);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    sent.on('error', reject).end();
  });
}

const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

async function assetPath(name: RegExp): Promise<string> {
  const { body } = await send('/graphql', browser);
  const found = [...String(body).matchAll(/(?:href|src)="([^"]+)"/g)]
    .map((match) => match[1]!)
    .find((url) => name.test(url));
  return `/${found}`;
}

describe('the page', () => {
  it('is under 50 KB and names no other host', async () => {
    const { status, headers, body } = await send('/graphql', browser);
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(body.length).toBeLessThan(50_000);
    expect(String(body)).not.toMatch(/https?:|\/\/[a-z]/i);
  });

  it('may load from its own host only, runs no inline script, and stands in no frame', async () => {
    const { headers, body } = await send('/graphql', browser);
    const policy = String(headers['content-security-policy']);
    expect(policy).toMatch(/default-src 'none'; script-src 'self'; worker-src 'self';/);
    expect(policy).toMatch(/frame-ancestors 'none'/);
    expect(policy).not.toMatch(/unsafe-eval|script-src[^;]*unsafe-inline|https?:|\*/);
    expect(headers).toMatchObject({ 'x-frame-options': 'DENY', 'x-content-type-options': 'nosniff' });
    const scripts = [...String(body).matchAll(/<script([^>]*)>([^<]*)/g)];
    expect(scripts.filter(([, attributes, text]) => text && !attributes?.includes('type="application/json"'))).toEqual(
      [],
    );
  });

  it('shows a title as text, whatever it holds', async () => {
    const { body } = await send('/graphql', browser);
    expect(String(body)).toContain('<title>Mill &#60;/script&#62; &#38; &#34;race&#34; · GraphiQL</title>');
    expect(String(body).match(/<\/script>/g)?.length).toBe(5);
  });

  it('is known again by its tag until the schema changes', async () => {
    const { headers } = await send('/graphql', browser);
    const tag = String(headers.etag);
    expect(headers['cache-control']).toBe('private, no-cache');
    expect((await send('/graphql', { ...browser, 'if-none-match': tag })).status).toBe(304);
    renewed = buildSchema(`
      type Query { mills(first: Int): MillConnection! }
      type Mill { name: String! }
      type MillConnection { nodes: [Mill!]!, pageInfo: PageInfo! }
      type PageInfo { hasNextPage: Boolean!, endCursor: String }
    `);
    const after = await send('/graphql', { ...browser, 'if-none-match': tag });
    expect(after.status).toBe(200);
    expect(String(after.body)).toContain('query Mills');
  });

  it('answers HEAD with the same headers and no body', async () => {
    const head = await send('/graphql', browser, 'HEAD');
    const get = await send('/graphql', browser);
    expect(head.body.length).toBe(0);
    expect(head.headers['content-length']).toBe(String(get.body.length));
  });

  it.each([
    ['a query in the address', '/graphql?query=%7B__typename%7D', browser, 'GET'],
    ['a client that wants JSON', '/graphql', { accept: 'application/json' }, 'GET'],
    ['a client that says nothing', '/graphql', {}, 'GET'],
    ['a POST', '/graphql', browser, 'POST'],
    ['another path', '/graphql/', browser, 'GET'],
    ['view as, which this server does not have', '/graphql/view-as', browser, 'POST'],
  ])('leaves %s to the GraphQL server', async (_case, path, headers, method) => {
    const before = server.arrived.length;
    await send(path, headers, method);
    expect(server.arrived.length).toBe(before + 1);
  });
});

describe('an asset', () => {
  it.each([
    ['br', 'br'],
    ['gzip', 'gzip'],
    ['identity', undefined],
  ])('comes compressed as %s and may be kept for ever', async (accepted, coding) => {
    const { status, headers, body } = await send(await assetPath(/graphiql\.\w+\.css/), {
      'accept-encoding': accepted,
    });
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'cache-control': 'public, max-age=31536000, immutable',
      'content-type': 'text/css; charset=utf-8',
      'content-length': String(body.length),
      vary: 'Accept-Encoding',
      'x-content-type-options': 'nosniff',
    });
    expect(headers['content-encoding']).toBe(coding);
  });

  it('is not sent to who has it, in that encoding', async () => {
    const path = await assetPath(/page\.\w+\.js/);
    const { headers } = await send(path, { 'accept-encoding': 'gzip' });
    const tag = String(headers.etag);
    const again = await send(path, { 'accept-encoding': 'gzip', 'if-none-match': `"other", W/${tag}` });
    expect(again.status).toBe(304);
    expect(again.body.length).toBe(0);
    expect((await send(path, { 'accept-encoding': 'br', 'if-none-match': tag })).status).toBe(200);
  });

  it('answers HEAD without a body', async () => {
    const { status, headers, body } = await send(await assetPath(/page\.\w+\.js/), { 'accept-encoding': 'br' }, 'HEAD');
    expect(status).toBe(200);
    expect(Number(headers['content-length'])).toBeGreaterThan(0);
    expect(body.length).toBe(0);
  });

  it.each([
    '/graphql/assets/../../../package.json',
    '/graphql/assets/%2e%2e/%2e%2e/package.json',
    '/graphql/assets/..%2f..%2fpackage.json',
    '/graphql/assets//etc/passwd',
    '/graphql/assets/graphiql.js',
    '/graphql/assets/page.0000000000000000.js',
    '/graphql/assets/',
    '/graphql/assets/manifest.json',
  ])('is not found at %s', async (path) => {
    const { status, body } = await send(path);
    expect([status, String(body)]).toEqual([404, 'Not found.\n']);
  });

  it('is not to be written', async () => {
    const { status, headers } = await send(await assetPath(/page\.\w+\.js/), {}, 'POST');
    expect([status, headers.allow]).toEqual([405, 'GET, HEAD']);
  });
});
