import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defineSchema } from '../../src/graphql/define-schema.ts';
import { hashOf } from '../../src/graphql/listed-operations.ts';
import type { Viewer } from '../../src/viewer.ts';
import { ask } from '../support/postgres.ts';
import { exampleWithoutAccounts, startServer, type TestServer } from '../support/server.ts';
import { createSharedCache } from '../support/shared-cache.ts';
import { insertTeam, team } from '../support/team.ts';

const titles = '{ tasks(orderBy: { title: asc }) { nodes { title } } }';
const labels = '{ labels { totalCount } }';
const own = '{ ofOnesOwn }';
const fails = '{ labels { totalCount } fails }';

/** A server on which strangers may read labels, with a field of its own and one that fails. */
async function start(publicMaxAge: number): Promise<TestServer> {
  const { rules, ...sources } = await exampleWithoutAccounts();
  const extend = defineSchema(({ queryField }) => {
    queryField('ofOnesOwn', 'everyone', (t) => t.boolean({ resolve: () => true }));
    queryField('fails', 'everyone', (t) =>
      t.boolean({
        nullable: true,
        resolve: () => {
          throw new Error('it fails');
        },
      }),
    );
  });
  const open = { ...rules, Label: { ...rules.Label, read: (_viewer: Viewer) => true } };
  const server = await startServer({
    sources: { ...sources, extend, rules: open as typeof rules },
    config: (c) => ({ ...c, http: { ...c.http, publicMaxAge, corsOrigins: ['https://app.test'] } }),
  });
  await insertTeam(server.databaseUrl);
  for (const query of [titles, labels, own, fails]) {
    await server
      .as({ role: 'admin' })
      .post({ query, extensions: { persistedQuery: { version: 1, sha256Hash: hashOf(query) } } });
  }
  return server;
}

let server: TestServer;
let lasting: TestServer;
beforeAll(async () => {
  server = await start(0);
  lasting = await start(60);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await lasting[Symbol.asyncDispose]();
});

const addressOf = (query: string, of = server) => `${of.url}/graphql?documentId=sha256:${hashOf(query)}`;
const bearer = async (sub: string, of = server) => ({
  authorization: `Bearer ${await of.server.tokens.mint!({ sub })}`,
});
const get = async (address: string, headers: Record<string, string> = {}) => {
  const response = await fetch(address, { headers });
  const { headers: h, status } = response;
  return {
    status,
    etag: h.get('etag'),
    control: h.get('cache-control'),
    vary: h.get('vary'),
    text: await response.text(),
  };
};
const vary = 'accept, authorization, cookie, origin';

describe('what a persisted query is answered by GET', () => {
  it('is for whoever has asked alone, and to be asked about each time', async () => {
    const answer = await get(addressOf(titles), await bearer(team.ann));
    expect(answer).toMatchObject({
      status: 200,
      control: 'private, no-cache',
      vary,
      etag: expect.stringMatching(/^"[\w-]{22}"$/),
    });
  });

  it('is not sent again while it is the same, and is when it is not', async () => {
    const ann = await bearer(team.ann);
    const { etag, text } = await get(addressOf(titles), ann);
    const again = await get(addressOf(titles), { ...ann, 'if-none-match': etag! });
    expect(again).toEqual({ status: 304, etag, control: 'private, no-cache', vary, text: '' });
    await ask(server.databaseUrl, `update tasks set title = title || '!' where id = '${team.pond}'`);
    const changed = await get(addressOf(titles), { ...ann, 'if-none-match': etag! });
    expect(changed.status).toBe(200);
    expect(changed.etag).not.toBe(etag);
    expect(changed.text).not.toBe(text);
  });

  it('is told whole to somebody who has another’s tag', async () => {
    const ann = await get(addressOf(titles), await bearer(team.ann));
    for (const headers of [await bearer(team.dora), {}]) {
      const other = await get(addressOf(titles), { ...headers, 'if-none-match': ann.etag! });
      expect(other.status).not.toBe(304);
      expect(other.text).not.toBe(ann.text);
    }
  });

  it('has another tag under another type', async () => {
    const ann = await bearer(team.ann);
    const json = await get(addressOf(titles), { ...ann, accept: 'application/json' });
    const response = await get(addressOf(titles), { ...ann, accept: 'application/graphql-response+json' });
    expect(response.text).toBe(json.text);
    expect(response.etag).not.toBe(json.etag);
  });

  it('may be kept where a field of one’s own has answered', async () => {
    const { etag, text } = await get(addressOf(own));
    expect(JSON.parse(text)).toEqual({ data: { ofOnesOwn: true } });
    expect(await get(addressOf(own), { 'if-none-match': etag! })).toMatchObject({ status: 304, text: '' });
  });

  it('may be kept by nobody where something has failed', async () => {
    for (const of of [server, lasting]) {
      const ann = await bearer(team.ann, of);
      const refused = [
        await get(addressOf(fails, of)),
        await get(addressOf('{ nobody }', of)),
        await get(addressOf(titles, of), { authorization: 'Bearer x' }),
        await get(addressOf(titles, of), { ...ann, accept: 'text/plain' }),
      ];
      for (const answer of refused) expect(answer).toMatchObject({ control: 'no-store', etag: null });
    }
  });

  it('is readable for a page of an origin that may, as unchanged too', async () => {
    const headers = { ...(await bearer(team.ann)), origin: 'https://app.test' };
    const first = await fetch(addressOf(titles), { headers });
    const again = await fetch(addressOf(titles), {
      headers: { ...headers, 'if-none-match': first.headers.get('etag')! },
    });
    expect([first.status, again.status]).toEqual([200, 304]);
    for (const { headers: h } of [first, again]) expect(h.get('access-control-allow-origin')).toBe('https://app.test');
  });
});

it('lets nobody keep what a query in the address is answered', async () => {
  const address = `${lasting.url}/graphql?${new URLSearchParams({ query: labels })}`;
  expect(await get(address)).toMatchObject({ status: 200, control: 'no-store', etag: null });
});

it('says nothing of caches to POST', async () => {
  const response = await lasting.stranger.post({ documentId: hashOf(labels) });
  expect(response.status).toBe(200);
  for (const name of ['cache-control', 'etag']) expect(response.headers.has(name)).toBe(false);
});

describe('a cache that all share', () => {
  it('never gives anybody what another was answered', async () => {
    for (const of of [server, lasting]) {
      const cache = createSharedCache();
      const ann = await bearer(team.ann, of);
      const dora = await bearer(team.dora, of);
      const asked: [string, Record<string, string>][] = [];
      for (const headers of [ann, dora, {}, ann, {}, dora, dora]) {
        for (const query of [titles, labels, fails]) asked.push([addressOf(query, of), headers]);
      }
      for (const [address, headers] of asked) {
        const { body, from } = await cache.get(address, headers);
        expect(body).toBe((await get(address, headers)).text);
        if ('authorization' in headers) expect(from).toBe('server');
      }
      expect((await cache.get(addressOf(titles, of), {})).body).not.toContain('Water the millpond');
    }
  });

  it('gives strangers what strangers were answered, as long as the application says', async () => {
    const cache = createSharedCache();
    const address = addressOf(labels, lasting);
    expect(await cache.get(address)).toMatchObject({ status: 200, from: 'server' });
    expect(await cache.get(address)).toMatchObject({ status: 200, from: 'cache' });
    expect(await cache.get(address, { origin: 'https://app.test' })).toMatchObject({ from: 'server' });
  });

  it('asks each time whether it is still so, where the application says nothing', async () => {
    const cache = createSharedCache();
    const address = addressOf(labels);
    const first = await cache.get(address);
    expect(first.from).toBe('server');
    expect(await cache.get(address)).toMatchObject({ body: first.body, from: 'cache, for it is the same' });
    await ask(server.databaseUrl, `delete from labels where true`);
    const after = await cache.get(address);
    expect(after.from).toBe('server');
    expect(after.body).not.toBe(first.body);
  });
});
