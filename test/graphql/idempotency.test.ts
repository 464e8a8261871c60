import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { sweep } from '../../src/graphql/idempotency.ts';
import { ask } from '../support/postgres.ts';
import { type Answer, type Asker, startServer, type TestServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';
import { sendRounds } from './idempotency-rounds.ts';

const origin = 'https://app.test';
let server: TestServer;
/** Another node on the same database. */
let other: TestServer;
let ben: Asker;
let key: string;
beforeAll(async () => {
  server = await startServer({ config: (c) => ({ ...c, http: { ...c.http, corsOrigins: [origin] } }) });
  other = await startServer({ databaseUrl: server.databaseUrl });
  await insertTeam(server.databaseUrl);
  ben = server.as({ sub: team.ben });
});
afterAll(async () => {
  await other[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});
beforeEach(async () => {
  key = randomUUID();
  await ask(server.databaseUrl, 'delete from comments');
});

const query = `mutation ($body: String!) { createComment(data: { taskId: "${team.axle}", authorId: "${team.ben}", body: $body }) { id body } }`;
const say = (body: string) => ({ query, variables: { body } });
const send = async (who: Asker, body: unknown, headers: Record<string, string> = { 'idempotency-key': key }) => {
  const response = await who.post(body, headers);
  return { status: response.status, text: await response.text() };
};
const comments = async () =>
  (await ask<{ body: string }>(server.databaseUrl, 'select body from comments order by body')).map(({ body }) => body);
const codeOf = ({ text }: { text: string }) => (JSON.parse(text) as Answer).errors?.[0]?.extensions.code;
const age = (hours: number) =>
  ask(server.databaseUrl, `update millrace.idempotency set at = at - interval '${hours} hours' where key = $1`, [key]);

describe('a mutation that is sent again under its key', () => {
  it('is done once, and answered with the same bytes, by any node', async () => {
    const first = await send(ben, say('once'));
    expect(JSON.parse(first.text).data.createComment.body).toBe('once');
    for (const who of [ben, other.as({ sub: team.ben })]) expect(await send(who, say('once'))).toEqual(first);
    expect(await comments()).toEqual(['once']);
  });

  it('is one whether the key comes as a header, in the extensions, on a list or on a socket', async () => {
    const asked = { ...say('everywhere'), extensions: { idempotencyKey: key } };
    const first = await send(ben, say('everywhere'));
    expect(await send(ben, asked, {})).toEqual(first);
    const list = await send(ben, [asked, asked], {});
    expect(list.text).toBe(`[${first.text},${first.text}]`);
    expect((await send(ben, asked, { accept: 'text/event-stream' })).text).toContain(`data: ${first.text}`);
    expect(await overSocket(server, asked)).toBe(first.text);
    expect(await comments()).toEqual(['everywhere']);
  });

  it('is refused with other words, variables, or rights', async () => {
    const first = await send(ben, say('once'));
    const elsewhere = { query: `${query} `, variables: { body: 'once' } };
    const promoted = server.as({ sub: team.ben, role: 'admin' });
    for (const refused of [
      await send(ben, say('twice')),
      await send(ben, elsewhere),
      await send(promoted, say('once')),
    ]) {
      expect([refused.status, codeOf(refused)]).toEqual([409, 'CONFLICT']);
      expect(refused.text).not.toContain(JSON.parse(first.text).data.createComment.id);
    }
    expect(await comments()).toEqual(['once']);
  });

  it('is another one where another viewer sends it', async () => {
    const first = await send(ben, say('mine'));
    const id = JSON.parse(first.text).data.createComment.id as string;
    const cleo = await send(server.as({ sub: team.cleo }), say('mine'));
    const stranger = await send(server.stranger, say('mine'));
    expect([codeOf(cleo), codeOf(stranger)]).toEqual(['FORBIDDEN', 'NOT_FOUND']);
    for (const { text } of [cleo, stranger]) expect(text).not.toContain(id);
    const admin = await send(server.as({ role: 'admin' }), say('mine'));
    expect(codeOf(admin)).toBeUndefined();
    expect(admin.text).not.toContain(id);
    expect(await comments()).toEqual(['mine', 'mine']);
  });

  it('is done again when it had failed, with other words too', async () => {
    const wrong = say('x'.repeat(10)).query.replace(team.axle, team.anvil);
    expect(codeOf(await send(ben, { query: wrong, variables: { body: 'x' } }))).toBe('NOT_FOUND');
    expect(codeOf(await send(ben, say('right')))).toBeUndefined();
    expect(await comments()).toEqual(['right']);
  });

  it('is remembered for 24 hours, and then swept', async () => {
    const first = await send(ben, say('daily'));
    await age(23);
    await sweep(server.server.db);
    expect(await send(ben, say('daily'))).toEqual(first);
    await age(2);
    expect(codeOf(await send(ben, say('next day')))).toBeUndefined();
    expect(await comments()).toEqual(['daily', 'next day']);
    await age(25);
    await sweep(server.server.db);
    const kept = await ask(server.databaseUrl, 'select 1 from millrace.idempotency where key = $1', [key]);
    expect(kept).toEqual([]);
  });

  it('says that it was done where its answer was too large to be kept', async () => {
    await ask(server.databaseUrl, `update tasks set body = repeat('x', 1000001) where id = $1`, [team.axle]);
    const large = { query: `mutation { updateTask(where: { id: "${team.axle}" }, data: { priority: 4 }) { body } }` };
    expect((await send(ben, large)).text.length).toBeGreaterThan(1_000_000);
    const again = await send(ben, large);
    expect([again.status, codeOf(again)]).toEqual([409, 'CONFLICT']);
    expect(again.text).toContain('done already');
    await ask(server.databaseUrl, `update tasks set body = '' where id = $1`, [team.axle]);
  });

  it('is neither done nor remembered by a preview', async () => {
    const preview = { ...say('once'), query: query.replace('($body: String!)', '($body: String!) @preview') };
    expect(codeOf(await send(ben, preview))).toBeUndefined();
    expect(codeOf(await send(ben, say('once')))).toBeUndefined();
    expect(await comments()).toEqual(['once']);
  });
});

describe('a key', () => {
  it.each<[string, unknown]>([
    ['too short to be nobody else’s', 'short'],
    ['too long', 'x'.repeat(256)],
    ['no text', { of: 'sixteen characters' }],
    ['of letters that no header has', 'ключ-ключ-ключ-ключ'],
  ])('that is %s is refused', async (_title, idempotencyKey) => {
    const refused = await send(ben, { ...say('never'), extensions: { idempotencyKey } }, {});
    expect([refused.status, codeOf(refused)]).toEqual([400, 'INVALID_INPUT']);
    expect(await comments()).toEqual([]);
  });

  it('means nothing to a query, and in a list not to all mutations at once', async () => {
    const read = { query: '{ comments { totalCount } }' };
    expect(JSON.parse((await send(ben, read)).text)).toEqual({ data: { comments: { totalCount: 0 } } });
    await send(ben, say('one'), {});
    const answers = JSON.parse((await send(ben, [read, say('never')])).text) as Answer[];
    expect(answers[0]).toEqual({ data: { comments: { totalCount: 1 } } });
    expect(answers[1]!.errors![0]!.extensions.code).toBe('INVALID_INPUT');
    expect(await comments()).toEqual(['one']);
  });

  it('may be sent by the pages that may call the API', async () => {
    const response = await fetch(`${server.url}/graphql`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,idempotency-key',
      },
    });
    expect(response.headers.get('access-control-allow-origin')).toBe(origin);
    expect(response.headers.get('access-control-allow-headers')).toContain('idempotency-key');
  });
});

it('50 that are sent at once have one effect and one answer, on two nodes too', async () => {
  await sendRounds([server, other], 3);
});

/** The text of an answer over a WebSocket. */
async function overSocket(to: TestServer, payload: object): Promise<string> {
  const token = await to.server.tokens.mint!({ sub: team.ben });
  const socket = new WebSocket(`${to.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  return new Promise((resolve, reject) => {
    const tell = (message: object) => socket.send(JSON.stringify(message));
    socket.onerror = () => reject(new Error('the socket failed'));
    socket.onopen = () => tell({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(String(data)) as { type: string; payload: unknown };
      if (message.type === 'connection_ack') return tell({ id: '1', type: 'subscribe', payload });
      resolve(JSON.stringify(message.payload));
      socket.close();
    };
  });
}
