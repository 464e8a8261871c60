import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createApplication } from '../../src/application.ts';
import type { Config } from '../../src/config/config.ts';
import { StartupError } from '../../src/errors.ts';
import { hashOf } from '../../src/graphql/listed-operations.ts';
import { createPersisted } from '../../src/graphql/persisted.ts';
import { stranger } from '../../src/viewer.ts';
import { openEventStream } from '../support/event-stream.ts';
import { ask, testDatabase } from '../support/postgres.ts';
import { openRawSocket } from '../support/raw-socket.ts';
import { type Answer, exampleWithoutAccounts, startServer, type TestServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';

const titles = 'query Titles($first: Int) { tasks(first: $first, orderBy: { title: asc }) { nodes { title } } }';
const follow = 'subscription Follow { taskChanges { type } }';
const rename = `mutation Rename { updateTask(where: { id: "${team.pond}" }, data: { priority: 4 }) { priority } }`;
const unlisted = '{ tasks { totalCount } }';
const list = { 'sha256:titles': titles, follow, rename };
const byHash = (query: string) => ({ extensions: { persistedQuery: { version: 1, sha256Hash: hashOf(query) } } });
const codes = (answer: Answer) => answer.errors?.map((e) => e.extensions.code);

let directory: string;
let file: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'millrace list '));
  file = path.join(directory, 'persisted.json');
  await writeFile(file, JSON.stringify(list));
});
afterAll(() => rm(directory, { recursive: true }));

const withList =
  (only: boolean) =>
  (c: Config): Config => ({ ...c, graphql: { ...c.graphql, persisted: { file, only } } });

describe('where only the list is executed', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ config: withList(true) });
    await insertTeam(server.databaseUrl);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const asks: [string, (body: object, as: { sub?: string; role?: string }) => Promise<Answer>][] = [
    ['POST', async (body, as) => (await server.as(as).post(body)).json() as Promise<Answer>],
    [
      'GET',
      async (body, as) => {
        const parameters = Object.entries(body).map(([k, v]): [string, string] => [
          k,
          typeof v === 'string' ? v : JSON.stringify(v),
        ]);
        const authorization = `Bearer ${await server.server.tokens.mint!(as)}`;
        const response = await fetch(`${server.url}/graphql?${new URLSearchParams(parameters)}`, {
          headers: { authorization },
        });
        return response.json() as Promise<Answer>;
      },
    ],
    ['a WebSocket', (body, as) => overSocket(body, as)],
    [
      'a list, between listed ones',
      async (body, as) => {
        const listed = { documentId: 'titles', variables: { first: 1 } };
        const answers = (await (await server.as(as).post([listed, body, listed])).json()) as Answer[];
        for (const other of [answers[0]!, answers[2]!]) expect(other.errors).toBeUndefined();
        return answers[1]!;
      },
    ],
    [
      'a request for events',
      async (body, as) => {
        const text = await (await server.as(as).post(body, { accept: 'text/event-stream' })).text();
        return JSON.parse(text.match(/^data: (\{.*\})$/m)?.[1] ?? text) as Answer;
      },
    ],
    [
      'a body behind the address of a listed one',
      async (body, as) => {
        const response = await fetch(`${server.url}/graphql?${new URLSearchParams({ query: titles })}`, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            authorization: `Bearer ${await server.server.tokens.mint!(as)}`,
          },
          body: JSON.stringify(body),
        });
        return response.json() as Promise<Answer>;
      },
    ],
  ];
  const ben = { sub: team.ben };

  describe.each(asks)('by %s', (door, ask) => {
    it.each<[string, object]>([
      ['as the file has it', { documentId: 'titles' }],
      ['by its hash', { documentId: `sha256:${hashOf(titles)}` }],
      ['by its hash, as Apollo says it', byHash(titles)],
      ['written out', { query: titles }],
      ['written out beside its hash', { query: titles, ...byHash(titles) }],
      ['written out beside its name', { query: titles, documentId: 'titles' }],
    ])('executes a listed operation, %s', async (_title, named) => {
      const answer = await ask({ ...named, variables: { first: 1 } }, ben);
      expect(answer).toEqual({ data: { tasks: { nodes: [{ title: expect.any(String) }] } } });
    });

    it.each<[string, object]>([
      ['written out', { query: unlisted }],
      ['by a hash that it was sent with', { query: unlisted, ...byHash(unlisted) }],
      ['by its hash alone', byHash(unlisted)],
      ['under the name of a listed one', { query: unlisted, documentId: 'titles' }],
      ['listed but for a space', { query: `${titles} ` }],
      ['that tells the schema', { query: '{ __schema { types { name } } }' }],
      ['that is live', { query: 'query @live { tasks { totalCount } }' }],
      ['that is a stream', { query: 'subscription { taskChanges { type cursor } }' }],
      ['that writes', { query: rename.replace('4', '1') }],
      ['with the name of a listed one', { query: `query Titles ${unlisted}`, operationName: 'Titles' }],
      ['by the hash of a listed one', { query: unlisted, ...byHash(titles) }],
      ['beside a listed one', { query: `${titles} query Other ${unlisted}`, operationName: 'Titles' }],
      ['with a mark of its bytes before it', { query: `\uFEFF${titles}` }],
      ['of no text', { query: '' }],
      ['that nobody has', { documentId: 'nobody' }],
      ['of an object’s own names', { documentId: 'constructor' }],
    ])('refuses another one, %s', async (_title, asked) => {
      // Somebody who may has asked for it before, so that it is known everywhere.
      await ask({ query: unlisted, ...byHash(unlisted) }, { role: 'admin' });
      for (let i = 0; i < 2; i += 1) {
        const answer = await ask(asked, ben);
        expect(answer.data ?? undefined).toBeUndefined();
        expect(['FORBIDDEN', 'INVALID_INPUT']).toContain(codes(answer)?.[0]);
      }
    });

    it('lets the admin role ask for anything, by hash too', async () => {
      const admin = { role: 'admin' };
      expect((await ask({ query: unlisted, ...byHash(unlisted) }, admin)).data.tasks.totalCount).toBeGreaterThan(1);
      expect((await ask(byHash(unlisted), admin)).data.tasks.totalCount).toBeGreaterThan(1);
      expect(codes(await ask(byHash('{ nobody }'), admin))).toEqual(['PERSISTED_QUERY_NOT_FOUND']);
    });

    it('executes a listed write, though not by GET', async () => {
      const answer = await ask({ documentId: 'rename' }, { sub: team.ann });
      if (door === 'GET') expect(answer.data ?? undefined).toBeUndefined();
      else expect(answer).toEqual({ data: { updateTask: { priority: 4 } } });
    });
  });

  it('refuses whoever proves nothing before it looks', async () => {
    const response = await server.stranger.post({ query: unlisted }, { authorization: 'Bearer x' });
    expect(response.status).toBe(401);
    expect(codes((await response.json()) as Answer)).toEqual(['UNAUTHENTICATED']);
  });

  it('follows what is listed by events, and nothing else', async () => {
    const headers = { authorization: `Bearer ${await server.server.tokens.mint!(ben)}` };
    const at = (parameters: Record<string, string>) => `${server.url}/graphql?${new URLSearchParams(parameters)}`;
    {
      await using stream = await openEventStream(at({ documentId: 'follow' }), { headers });
      expect((await stream.next()).data).toEqual({ data: { taskChanges: { type: 'CHECKPOINT' } } });
    }
    const query = 'subscription { userChanges { type } }';
    const refused = await fetch(at({ query }), { headers: { ...headers, accept: 'text/event-stream' } });
    expect(refused.status).toBe(403);
    expect(await refused.text()).not.toContain('CHECKPOINT');
  });

  it('goes on following what is listed under a new token, and ends what only the old one might', async () => {
    const token = (role?: string) => server.server.tokens.mint!({ sub: team.ben, role });
    using socket = await openRawSocket(server.url, { token: await token('admin') });
    socket.send({ id: 'listed', type: 'subscribe', payload: { query: '', documentId: 'follow' } });
    expect(await socket.next()).toMatchObject({ id: 'listed', payload: { data: { taskChanges: {} } } });
    const query = 'subscription { taskChanges { type node { title } } }';
    socket.send({ id: 'unlisted', type: 'subscribe', payload: { query } });
    expect(await socket.next()).toMatchObject({ id: 'unlisted', payload: { data: { taskChanges: {} } } });
    socket.send({ type: 'ping', payload: { authorization: `Bearer ${await token()}` } });
    const told = [await socket.next(), await socket.next()];
    expect(told).toMatchObject([
      { id: 'unlisted', type: 'error', payload: [{ extensions: { code: 'FORBIDDEN' } }] },
      { type: 'pong' },
    ]);
    await ask(server.databaseUrl, `update tasks set priority = 3 where id = '${team.pond}'`);
    expect(await socket.next()).toMatchObject({
      id: 'listed',
      payload: { data: { taskChanges: { type: 'UPDATED' } } },
    });
  });

  async function overSocket(body: object, as: { sub?: string; role?: string }): Promise<Answer> {
    const authorization = `Bearer ${await server.server.tokens.mint!(as)}`;
    const client = createClient({
      url: `${server.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      connectionParams: { authorization },
    });
    try {
      const results = client.iterate({ query: '', ...body });
      return (await results.next()).value as Answer;
    } catch (errors) {
      return { errors: errors as Answer['errors'] };
    } finally {
      await client.dispose();
    }
  }
});

describe('a list', () => {
  it('names operations beside all others, where it is not the only one', async () => {
    await using server = await startServer({ config: withList(false) });
    await insertTeam(server.databaseUrl);
    const ann = server.as({ sub: team.ann });
    const ask = async (body: object) => (await (await ann.post(body)).json()) as Answer;
    expect((await ask({ documentId: 'titles', variables: { first: 1 } })).data.tasks.nodes).toHaveLength(1);
    expect((await ask({ query: unlisted })).data.tasks.totalCount).toBeGreaterThan(1);
  });

  it.each<[string, unknown, string | RegExp]>([
    ['is not there', undefined, 'cannot be read'],
    ['is no JSON', '{', 'cannot be read'],
    ['is a list', [titles], 'is no list of operations'],
    ['is a word', 'x', 'cannot be read'],
    ['has something else than texts', { titles: 1 }, 'is no list of operations'],
    [
      'asks for what is not there',
      { titles, wrong: '{ tasks { nope } }' },
      /1 of the 2 operations[\s\S]*wrong: Cannot query field "nope"/,
    ],
    ['does not end', { wrong: '{ tasks {' }, /wrong: Syntax Error/],
    [
      'is too deep',
      { wrong: `{ tasks { nodes ${'{ parent '.repeat(20)}{ id }${' }'.repeat(22)}` },
      /wrong: .* levels deep/,
    ],
  ])('that %s is a mistake that the start tells', async (_title, content, message) => {
    const wrong = path.join(directory, 'wrong.json');
    await rm(wrong, { force: true });
    if (content !== undefined) await writeFile(wrong, typeof content === 'string' ? content : JSON.stringify(content));
    const sources = await exampleWithoutAccounts();
    const limits = { tokens: 1000, depth: 10, aliases: 10, pageSize: 50, maxPageSize: 500, answerBytes: 100_000 };
    const start = () =>
      createApplication(sources, { limits, planCacheSize: 10, persisted: { file: wrong, only: true } });
    expect(start).toThrow(StartupError);
    expect(start).toThrow(message);
  });

  it('may be the manifest of Apollo’s tools', async () => {
    const manifest = path.join(directory, 'manifest.json');
    const operations = [{ id: 'abc', name: 'Titles', type: 'query', body: titles }];
    await writeFile(manifest, JSON.stringify({ format: 'apollo-persisted-query-manifest', version: 1, operations }));
    const sources = await exampleWithoutAccounts();
    const limits = { tokens: 1000, depth: 10, aliases: 10, pageSize: 50, maxPageSize: 500, answerBytes: 100_000 };
    const { listed } = createApplication(sources, {
      limits,
      planCacheSize: 10,
      persisted: { file: manifest, only: true },
    });
    expect([...listed!.byId]).toEqual([
      [hashOf(titles), titles],
      ['abc', titles],
    ]);
  });
});

describe('what is kept of texts that were sent with their hash', () => {
  it('is there after a restart, whatever else lies in its place', async () => {
    const place = await mkdtemp(path.join(directory, 'node '));
    const texts = path.join(place, 'persisted', 'texts.json');
    await using database = await testDatabase();
    await insertTeam(database.url);
    const once = async (...bodies: object[]) => {
      await using server = await startServer({
        databaseUrl: database.url,
        config: (c) => ({ ...c, directory: place }),
      });
      const ann = server.as({ sub: team.ann });
      const answers: Answer[] = [];
      for (const body of bodies) answers.push((await (await ann.post(body)).json()) as Answer);
      return answers;
    };
    const wrong = '{ tasks { nope } }';
    await once(
      { query: unlisted, ...byHash(unlisted) },
      { query: titles, ...byHash(titles) },
      { query: wrong, ...byHash(wrong) },
    );
    expect(JSON.parse(await readFile(texts, 'utf8'))).toEqual([unlisted, titles]);
    expect((await stat(texts)).mode & 0o077).toBe(0);
    const [known, unknown] = await once(byHash(titles), byHash(wrong));
    expect(known!.data.tasks.nodes.length).toBeGreaterThan(1);
    expect(codes(unknown!)).toEqual(['PERSISTED_QUERY_NOT_FOUND']);
    for (const other of ['{', '{"a":1}', '[1]', '["{ tasks { nope } }"]']) {
      await writeFile(texts, other);
      const [lost, stale] = await once(byHash(titles), byHash(wrong));
      expect(codes(lost!)).toEqual(['PERSISTED_QUERY_NOT_FOUND']);
      expect(stale!.data ?? undefined).toBeUndefined();
    }
  });

  const persisted = () => createPersisted(() => undefined, false);
  const send = async (to: ReturnType<typeof persisted>, query: string) =>
    to.keep(await to.resolve({ query, ...byHash(query) }, () => stranger));
  const isKept = (by: ReturnType<typeof persisted>, query: string) =>
    by
      .resolve({ query: '', ...byHash(query) }, () => stranger)
      .then(
        ({ asked }) => asked.query === query,
        () => false,
      );

  it('is bounded by their number', async () => {
    const kept = persisted();
    for (let i = 0; i < 1200; i += 1) await send(kept, `{ a${i} }`);
    expect(await isKept(kept, '{ a0 }')).toBe(false);
    expect(await isKept(kept, '{ a1199 }')).toBe(true);
  });

  it('is bounded by their length, each and together', async () => {
    const kept = persisted();
    const long = (i: number, length: number) => `{ a${i} } #${'x'.repeat(length)}`;
    await send(kept, long(0, 20_000));
    expect(await isKept(kept, long(0, 20_000))).toBe(false);
    for (let i = 0; i < 300; i += 1) await send(kept, long(i, 19_000));
    expect(await isKept(kept, long(0, 19_000))).toBe(false);
    expect(await isKept(kept, long(299, 19_000))).toBe(true);
  });
});
