/** What pages of other sites, and whoever can write cookies into a browser, may not do with the session of its user. */
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { readSources } from '../../src/application.ts';
import type { Context } from '../../src/context.ts';
import { defineSchema } from '../../src/graphql/define-schema.ts';
import { hashOf } from '../../src/graphql/listed-operations.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';

const named = 'https://app.test';
/** The server by plain http, as in development; and as browsers see it in production, by https. */
let server: TestServer;
let secure: TestServer;
let open: TestServer;
const done: string[] = [];

beforeAll(async () => {
  const sources = await readSources(process.cwd());
  const extend = defineSchema(({ queryField, mutationField }) => {
    const who = (_root: unknown, _args: object, { viewer }: Context) => viewer.id ?? 'a stranger';
    queryField('who', 'everyone', (t) => t.string({ resolve: who }));
    mutationField('act', 'signed-in', (t) =>
      t.string({
        resolve(root, args, context) {
          done.push(who(root, args, context));
          return done.at(-1);
        },
      }),
    );
    mutationField('takeCookie', 'everyone', (t) =>
      t.boolean({
        resolve: (_root, _args, { client, afterCommit }) => {
          if (client.wantsCookies) afterCommit(() => client.setCookie?.('access', 'a.b.c', 600));
          return client.wantsCookies;
        },
      }),
    );
  });
  const start = (corsOrigins: string[], secureCookies: boolean, databaseUrl?: string) =>
    startServer({
      databaseUrl,
      sources: { ...sources, extend },
      config: (c) => ({
        ...c,
        http: { ...c.http, corsOrigins, secureCookies },
        streams: { ...c.streams, origins: corsOrigins },
      }),
    });
  server = await start([named], false);
  await insertTeam(server.databaseUrl);
  secure = await start([named], true, server.databaseUrl);
  open = await start(['*'], false, server.databaseUrl);
});
afterAll(async () => {
  for (const one of [open, secure, server]) await one[Symbol.asyncDispose]();
});
beforeEach(() => {
  done.length = 0;
});

const tokenOf = (at: TestServer, sub: string = team.ann, expiresIn = 600) => at.server.tokens.mint!({ sub, expiresIn });
const cookieOf = async (at: TestServer, sub?: string) =>
  `${at === secure ? '__Host-millrace' : 'millrace'}=${await tokenOf(at, sub)}`;
const ownOrigin = (at: TestServer) => (at === secure ? at.url.replace('http:', 'https:') : at.url);

interface Sent {
  method?: string;
  path?: string;
  headers?: Record<string, string | string[]>;
  body?: string;
}

/** @NOTE by `node:http`, since fetch sets and forbids headers as a browser would. */
function send(at: TestServer, { method = 'POST', path = '/graphql', headers = {}, body }: Sent) {
  return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }>((resolve, reject) => {
    const sending = httpRequest(`${at.url}${path}`, { method, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part) => {
        text += part;
        if (response.headers['content-type']?.includes('event-stream')) end();
      });
      const end = () => {
        resolve({ status: response.statusCode!, headers: response.headers, text });
        sending.destroy();
      };
      response.on('end', end);
    });
    sending.on('error', reject);
    sending.end(body);
  });
}

const json = { 'content-type': 'application/json' };
const csrf = { 'x-millrace-csrf': '1' };
const act = JSON.stringify({ query: 'mutation { act }' });

/** A mutation by POST with Ann's cookie, and with these headers. */
const acting = async (at: TestServer, headers: Record<string, string | string[]>, body = act) =>
  send(at, { headers: { ...json, cookie: await cookieOf(at), ...headers }, body });

/** Who a query by POST is asked by, with these headers besides those that make Ann's cookie count. */
const who = async (at: TestServer, headers: Record<string, string | string[]>) => {
  const body = JSON.stringify({ query: '{ who }' });
  const { text } = await send(at, { headers: { ...json, ...csrf, origin: ownOrigin(at), ...headers }, body });
  const { data, errors } = JSON.parse(text) as { data?: { who: string }; errors?: { extensions: { code: string } }[] };
  return data?.who ?? errors![0]!.extensions.code;
};

describe('the cookie of a session', () => {
  const takeCookie = (at: TestServer, headers = {}) =>
    send(at, { headers: { ...json, ...headers }, body: JSON.stringify({ query: 'mutation { takeCookie }' }) });
  const wanting = { 'x-millrace-session': 'cookie' };

  it('is out of reach of scripts and of pages of other sites, and by https of networks and other hosts', async () => {
    const { headers } = await takeCookie(secure, wanting);
    expect(headers['set-cookie']).toEqual([
      '__Host-millrace=a.b.c; Max-Age=600; Path=/; HttpOnly; Secure; SameSite=Lax',
    ]);
    expect(headers['cache-control']).toBe('no-store');
  });

  it('by plain http, in development, is the same but for what takes https', async () => {
    const { headers } = await takeCookie(server, wanting);
    expect(headers['set-cookie']).toEqual(['millrace=a.b.c; Max-Age=600; Path=/; HttpOnly; SameSite=Lax']);
  });

  it('is not set for whoever has not asked for it', async () => {
    for (const headers of [{}, { 'x-millrace-session': 'token' }, { 'x-millrace-session': 'cookie, cookie' }]) {
      expect((await takeCookie(server, headers)).headers['set-cookie']).toBeUndefined();
    }
  });

  it('says who asks, to a page of the server’s own and to one that is named', async () => {
    for (const at of [server, secure]) {
      const cookie = await cookieOf(at);
      expect(await who(at, { cookie })).toBe(team.ann);
      expect(await who(at, { cookie, origin: named })).toBe(team.ann);
      expect(JSON.parse((await acting(at, { ...csrf, origin: ownOrigin(at) })).text)).toEqual({
        data: { act: team.ann },
      });
    }
  });

  it('is nothing to a server by https under the name that another host can set', async () => {
    expect(await who(secure, { cookie: `millrace=${await tokenOf(secure)}` })).toBe('a stranger');
  });

  it('gives way to a token in the header, also to one that proves nothing', async () => {
    const cookie = await cookieOf(server);
    expect(await who(server, { cookie, authorization: `Bearer ${await tokenOf(server, team.ben)}` })).toBe(team.ben);
    expect(await who(server, { cookie, authorization: 'Bearer x.y.z' })).toBe('UNAUTHENTICATED');
    expect(await who(server, { cookie, authorization: '' })).toBe('UNAUTHENTICATED');
  });

  it('that proves nothing any more is as if not there, so that its user can sign in again, who is told why', async () => {
    const cookie = `${await cookieOf(server)}x`;
    expect(await who(server, { cookie })).toBe('a stranger');
    const { text } = await acting(server, { ...csrf, origin: server.url, cookie });
    expect(JSON.parse(text)).toMatchObject({
      errors: [{ message: expect.stringContaining('has ended'), extensions: { code: 'UNAUTHENTICATED' } }],
    });
    expect(done).toEqual([]);
  });
});

describe('a page of another site cannot act with the cookie', () => {
  const refused = async (answer: Promise<{ status: number; text: string }>) => {
    const { text } = await answer;
    expect(text).toContain('"errors"');
    expect(text).not.toContain(team.ann);
    expect(done).toEqual([]);
    return text;
  };

  it('by GET, as a picture or a link', async () => {
    const query = `?query=${encodeURIComponent('mutation { act }')}`;
    for (const site of ['cross-site', 'same-site', 'none', 'same-origin']) {
      const headers = { cookie: await cookieOf(server), 'sec-fetch-site': site, ...csrf };
      await refused(send(server, { method: 'GET', path: `/graphql${query}`, headers }));
    }
  });

  it.each([
    ['application/x-www-form-urlencoded', `query=${encodeURIComponent('mutation { act }')}`],
    [
      'multipart/form-data; boundary=x',
      '--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n{"query":"mutation { act }"}\r\n--x--\r\n',
    ],
    ['text/plain', act],
    ['text/plain; application/json', act],
  ])('by a form, as %s', async (type, body) => {
    const own = { ...csrf, origin: server.url, 'sec-fetch-site': 'same-origin' };
    const answer = send(server, { headers: { ...own, cookie: await cookieOf(server), 'content-type': type }, body });
    await refused(answer);
    expect((await answer).status).toBe(415);
  });

  it('by fetch without the header that forms cannot send', async () => {
    expect(await refused(acting(server, { origin: server.url }))).toContain('X-Millrace-CSRF');
    expect(await refused(acting(server, { origin: named }))).toContain('X-Millrace-CSRF');
    expect(await refused(acting(server, { 'sec-fetch-site': 'same-origin' }))).toContain('X-Millrace-CSRF');
  });

  it.each([
    ['another site', 'https://evil.test'],
    ['a sandbox, a file or a redirect', 'null'],
    ['a sub-domain of one that is named', 'https://evil.app.test'],
    ['a name that begins as one that is named', 'https://app.test.evil.test'],
    ['another port of one that is named', 'https://app.test:8443'],
    ['one that is named, by plain http', 'http://app.test'],
    ['what is no origin', 'https://app.test/'],
    ['a star', '*'],
    ['nothing', ''],
  ])('from the origin of %s', async (_what, origin) => {
    expect(await refused(acting(server, { ...csrf, origin }))).toContain('does not count');
    // A browser says so too; that it would say otherwise helps nobody.
    await refused(acting(server, { ...csrf, origin, 'sec-fetch-site': 'same-origin' }));
  });

  it('from another port or a sub-domain of the server’s own host', async () => {
    const { hostname, port } = new URL(server.url);
    await refused(acting(server, { ...csrf, origin: `http://${hostname}:${Number(port) + 1}` }));
    await refused(acting(server, { ...csrf, origin: `http://sub.${hostname}:${port}` }));
  });

  it('from the same host by plain http, which anybody on the way may have written', async () => {
    expect(await refused(acting(secure, { ...csrf, origin: secure.url }))).toContain('does not count');
  });

  it('without saying where it is from', async () => {
    await refused(acting(server, csrf));
    for (const site of ['cross-site', 'same-site', 'none', '']) {
      await refused(acting(server, { ...csrf, 'sec-fetch-site': site }));
    }
    await acting(server, { ...csrf, 'sec-fetch-site': 'same-origin' });
    expect(done).toEqual([team.ann]);
  });

  it('in a list of operations either', async () => {
    await refused(acting(server, { origin: 'https://evil.test', ...csrf }, `[${act}]`));
    await refused(acting(server, { origin: named }, `[${act}]`));
  });

  it('where any page may ask: that names nobody', async () => {
    const { headers } = await send(open, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.test', 'access-control-request-method': 'POST' },
    });
    expect(headers['access-control-allow-credentials']).toBeUndefined();
    await refused(acting(open, { ...csrf, origin: 'https://evil.test' }));
    await refused(acting(open, { ...csrf, origin: '*' }));
    const readable = (await acting(open, { ...csrf, origin: 'https://evil.test' })).headers;
    expect(readable['access-control-allow-credentials']).toBeUndefined();
  });

  it('and reads answers with cookies only where it is named', async () => {
    const preflight = async (origin: string) => {
      const asked = {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'x-millrace-csrf',
      };
      const { headers } = await send(server, { method: 'OPTIONS', headers: asked });
      return [headers['access-control-allow-origin'], headers['access-control-allow-credentials']];
    };
    expect(await preflight(named)).toEqual([named, 'true']);
    for (const origin of ['https://evil.test', 'null', 'https://evil.app.test'])
      expect(await preflight(origin)).toEqual([undefined, undefined]);
  });
});

describe('cookies over sockets', () => {
  /** Opens a socket with Ann's cookie; resolves to who asks on it, or to the status of the refusal. */
  const whoOn = async (at: TestServer, origin: string | undefined, payload: object = {}): Promise<unknown> => {
    const socket = new WebSocket(`${at.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
      origin,
      headers: { cookie: await cookieOf(at) },
    });
    try {
      return await new Promise((resolve) => {
        socket.on('error', () => {});
        socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
        socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload })));
        socket.on('close', resolve);
        socket.on('message', (text) => {
          const message = JSON.parse(String(text)) as { type: string; payload?: { data: { who: string } } };
          if (message.type === 'next') resolve(message.payload!.data.who);
          if (message.type === 'connection_ack')
            socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: '{ who }' } }));
        });
      });
    } finally {
      socket.terminate();
    }
  };

  it('say who asks, to pages of the server’s own and to those that are named', async () => {
    for (const at of [server, secure])
      for (const origin of [ownOrigin(at), named]) expect(await whoOn(at, origin)).toBe(team.ann);
  });

  it('are not told to pages of other sites, which get no socket', async () => {
    for (const origin of ['https://evil.test', 'null', 'https://evil.app.test'])
      expect(await whoOn(server, origin)).toBe(403);
  });

  it('count for nothing without an origin, nor where any page may open one', async () => {
    expect(await whoOn(server, undefined)).toBe('a stranger');
    expect(await whoOn(open, 'https://evil.test')).toBe('a stranger');
    expect(await whoOn(secure, secure.url)).toBe('a stranger');
  });

  it('give way to a token in the introduction', async () => {
    const authorization = `Bearer ${await tokenOf(server, team.ben)}`;
    expect(await whoOn(server, server.url, { authorization })).toBe(team.ben);
    expect(await whoOn(server, server.url, { authorization: 'Bearer x' })).toBe(4401);
  });
});

describe('cookies over event streams', () => {
  const titles = async (at: TestServer, headers: Record<string, string>) => {
    const query = encodeURIComponent('query @live { tasks { nodes { title } } }');
    const asked = { accept: 'text/event-stream', cookie: await cookieOf(at), ...headers };
    return send(at, { method: 'GET', path: `/graphql?query=${query}`, headers: asked });
  };
  const isAnns = ({ text }: { text: string }) => text.includes('millpond');

  it('say who asks to a page of the server’s own, and to one that is named', async () => {
    expect(isAnns(await titles(server, { 'sec-fetch-site': 'same-origin' }))).toBe(true);
    const answer = await titles(server, { origin: named, 'sec-fetch-site': 'cross-site' });
    expect(isAnns(answer)).toBe(true);
    expect(answer.headers).toMatchObject({ 'access-control-allow-credentials': 'true' });
  });

  it('count for nothing from other pages', async () => {
    for (const site of ['cross-site', 'same-site', 'none', ''])
      expect(isAnns(await titles(server, { 'sec-fetch-site': site }))).toBe(false);
    expect(isAnns(await titles(server, {}))).toBe(false);
    for (const origin of ['https://evil.test', 'null'])
      expect(isAnns(await titles(server, { origin, 'sec-fetch-site': 'same-origin' }))).toBe(false);
    const anybody = await titles(open, { origin: 'https://evil.test' });
    expect(isAnns(anybody)).toBe(false);
    expect(anybody.headers['access-control-allow-credentials']).toBeUndefined();
  });
});

describe('a cookie that somebody else has written', () => {
  it('beside that of the server takes its place in no order: both count for nothing', async () => {
    const [ann, ben] = [await cookieOf(server), await cookieOf(server, team.ben)];
    for (const cookie of [`${ann}; ${ben}`, `${ben}; ${ann}`, `${ann};${ann}`, `${ann}; millrace`, `millrace=; ${ann}`])
      expect(await who(server, { cookie }), cookie).toBe('a stranger');
    expect(await who(server, { cookie: [ann, ben] })).toBe('a stranger');
  });

  it('under another name is none of ours', async () => {
    const token = await tokenOf(server);
    for (const name of [
      'Millrace',
      'MILLRACE',
      '__Host-millrace',
      'millrace-access',
      ' millrace x',
      '__proto__',
      'constructor',
    ])
      expect(await who(server, { cookie: `${name}=${token}` }), name).toBe('a stranger');
  });

  it('of any form is harmless', async () => {
    const token = await tokenOf(server);
    const forms = [
      `millrace=${encodeURIComponent(token)}%00`,
      `millrace="${token}"x`,
      `millrace=${token.slice(0, -3)}`,
      `millrace=${'x'.repeat(5000)}`,
      'millrace=%E0%A4%A',
      'millrace=a b',
      ';;;===',
      `${'a=b; '.repeat(1000)}millrace=x.y.z`,
    ];
    for (const cookie of forms) expect(await who(server, { cookie }), cookie.slice(0, 50)).toBe('a stranger');
  });

  it('among so many that no browser sends them is not looked for', async () => {
    const cookie = `${'a=b; '.repeat(4000)}${await cookieOf(server)}`;
    const answer = await send(server, { headers: { ...json, ...csrf, origin: server.url, cookie }, body: act });
    expect([200, 431]).toContain(answer.status);
    expect(answer.text).not.toContain(team.ann);
    expect(done).toEqual([]);
  });
});

describe('an answer to a cookie', () => {
  const named = (query: string) => `/graphql?documentId=sha256:${hashOf(query)}`;
  const query = '{ who }';
  const ask = (headers: Record<string, string>) => send(server, { method: 'GET', path: named(query), headers });

  it('is kept by nobody for others, and one of a stranger’s is not given in its place', async () => {
    const extensions = { persistedQuery: { version: 1, sha256Hash: hashOf(query) } };
    await send(server, { headers: json, body: JSON.stringify({ query, extensions }) });
    const cookie = await cookieOf(server);
    const own = await ask({ cookie, 'sec-fetch-site': 'same-origin' });
    expect(own.text).toContain(team.ann);
    expect(own.headers['cache-control']).toBe('private, no-cache');
    expect(String(own.headers.vary)).toContain('cookie');
    const stranger = await ask({ 'if-none-match': String(own.headers.etag) });
    expect(stranger).toMatchObject({ status: 200, text: '{"data":{"who":"a stranger"}}' });
    expect(String(stranger.headers.vary)).toContain('cookie');
    const back = await ask({ cookie, 'sec-fetch-site': 'same-origin', 'if-none-match': String(stranger.headers.etag) });
    expect(back.text).toContain(team.ann);
    // What a cookie that does not count is answered is for nobody else either.
    expect((await ask({ cookie })).headers['cache-control']).toBe('private, no-cache');
  });
});
