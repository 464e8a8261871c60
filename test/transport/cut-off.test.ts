/** Whose session ends, or whose rights become others, is told nothing more by what they had, wherever it was opened. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readSources } from '../../src/application.ts';
import type { Context } from '../../src/context.ts';
import { defineSchema } from '../../src/graphql/define-schema.ts';
import { type AccountServer, type SignedIn, startAccountServer } from '../support/accounts.ts';
import { openEventStream } from '../support/event-stream.ts';
import { holdCalls } from '../support/held-calls.ts';
import { ask } from '../support/postgres.ts';
import { openRawSocket, type RawSocket } from '../support/raw-socket.ts';
import { startWholeServer, type TestServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';

let server: AccountServer;
/** Another node on the same database. */
let other: TestServer;
beforeAll(async () => {
  const extend = defineSchema(({ queryField }) => {
    const claims = (_root: unknown, _args: object, { viewer }: Context) => JSON.stringify(viewer.claims);
    queryField('claims', 'everyone', (t) => t.string({ resolve: claims }));
  });
  server = await startAccountServer({ sources: { ...(await readSources(process.cwd())), extend } });
  await insertTeam(server.databaseUrl);
  other = await startWholeServer({ databaseUrl: server.databaseUrl });
});
afterAll(async () => {
  await other[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const changes = 'subscription { taskChanges { type node { title } } }';
const live = 'query @live { tasks { nodes { title } } }';
const sql = (text: string) => ask(server.databaseUrl, text);
const rename = (title: string) => sql(`update tasks set title = '${title}' where id = '${team.anvil}'`);
const setRoles = ({ userId }: SignedIn, roles: string) =>
  sql(`update auth_accounts set roles = '${roles}' where user_id = '${userId}'`);

/** A guest who may read everything. */
async function admin(): Promise<SignedIn> {
  const guest = await server.guest();
  await setRoles(guest, '{admin}');
  return guest;
}
const subscribe = (socket: RawSocket, query: string, id = '1', more: object = {}) =>
  socket.send({ id, type: 'subscribe', payload: { query, ...more } });

/** Everything that comes until the socket is closed, or nothing has come for a while. */
async function rest(socket: RawSocket, quiet = 700): Promise<{ type: string }[]> {
  const told: { type: string }[] = [];
  for (;;) {
    const next = await Promise.race([socket.next(quiet).catch(() => undefined), socket.closed.then(() => undefined)]);
    if (next === undefined) return told;
    told.push(next);
  }
}

describe('whose session ends', () => {
  it.each(['here', 'on another node'])('is told so on a socket %s, which is closed', async (where) => {
    const guest = await admin();
    using socket = await openRawSocket(where === 'here' ? server.url : other.url, { token: guest.accessToken });
    subscribe(socket, changes);
    expect((await socket.next()).payload.data.taskChanges.type).toBe('CHECKPOINT');
    subscribe(socket, live, '2');
    expect((await socket.next()).id).toBe('2');
    const began = Date.now();
    expect((await guest.query('mutation { signOut }')).data.signOut).toBe(true);
    await rename(`after sign-out ${where}`);
    const closed = await socket.closed;
    expect(Date.now() - began).toBeLessThan(1000);
    expect(closed).toEqual({ code: 4401, reason: 'the session has ended' });
    // What was changed before may still have been told.
    const told = await rest(socket);
    expect(told.filter(({ type }) => type !== 'next')).toMatchObject([
      { id: '1', type: 'error', payload: [{ extensions: { code: 'UNAUTHENTICATED' } }] },
      { id: '2', type: 'error', payload: [{ extensions: { code: 'UNAUTHENTICATED' } }] },
    ]);
    expect(JSON.stringify(told)).not.toContain(`after sign-out ${where}`);
  });

  it('is told so on an event stream, which ends', async () => {
    const guest = await admin();
    const query = new URLSearchParams({ query: changes });
    const headers = { authorization: `Bearer ${guest.accessToken}` };
    await using stream = await openEventStream(`${server.url}/graphql?${query}`, { headers });
    expect((await stream.next()).data.data.taskChanges.type).toBe('CHECKPOINT');
    await guest.query('mutation { signOut }');
    await rename('after the stream');
    expect((await stream.next()).data).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
    expect((await stream.next()).event).toBe('complete');
    await expect(stream.next()).rejects.toThrow('has ended');
  });

  it('loses only what an operation has asked by its token, where the socket is somebody else’s', async () => {
    const [one, two] = [await admin(), await admin()];
    using socket = await openRawSocket(server.url, { token: one.accessToken });
    subscribe(socket, changes, 'mine');
    await socket.next();
    subscribe(socket, changes, 'theirs', { extensions: { authorization: `Bearer ${two.accessToken}` } });
    await socket.next();
    await two.query('mutation { signOut }');
    expect(await socket.next()).toMatchObject({ id: 'theirs', type: 'error' });
    await rename('for one alone');
    expect(await socket.next()).toMatchObject({ id: 'mine', type: 'next' });
    expect(await rest(socket, 200)).toEqual([]);
  });

  it('is cut off while a stream is being opened, of which nothing is told', async () => {
    const guest = await admin();
    using opening = holdCalls(server.server.live(), 'openChanges');
    using socket = await openRawSocket(server.url, { token: guest.accessToken });
    subscribe(socket, changes);
    await opening.reached();
    await guest.query('mutation { signOut }');
    expect((await socket.closed).code).toBe(4401);
    opening.letGo();
    await rename('never');
    expect(JSON.stringify(await rest(socket, 200))).not.toContain('taskChanges');
  });

  it('begins nothing with the token afterwards, nor on a socket that has not been introduced yet', async () => {
    const guest = await admin();
    using silent = await openRawSocket(server.url, {
      init: false,
      headers: { authorization: `Bearer ${guest.accessToken}` },
    });
    await guest.query('mutation { signOut }');
    await sleep(600);
    silent.send({ type: 'connection_init' });
    expect((await silent.closed).code).toBe(4401);
  });

  it('by the account being disabled or deleted is cut off as well', async () => {
    for (const end of [
      `update auth_accounts set disabled_at = now()`,
      `delete from auth_accounts`,
      `update auth_sessions set user_id = user_id, expires_at = now() - interval '1 second'`,
    ]) {
      const guest = await admin();
      using socket = await openRawSocket(server.url, { token: guest.accessToken });
      subscribe(socket, changes);
      await socket.next();
      await sql(`${end} where user_id = '${guest.userId}'`);
      await rename(`after ${end.slice(0, 6)}`);
      expect((await socket.closed).code, end).toBe(4401);
    }
  });
});

describe('whose rights become others', () => {
  const titles = async (socket: RawSocket) => JSON.stringify(await socket.next());

  it('goes on where they are, and is told what the new ones permit alone', async () => {
    const guest = await admin();
    using socket = await openRawSocket(server.url, { token: guest.accessToken });
    subscribe(socket, live);
    expect(await titles(socket)).toContain('millpond');
    await setRoles(guest, '{}');
    expect(await titles(socket)).toContain('"nodes":[]');
    await rename('not for guests');
    expect(await rest(socket, 300)).toEqual([]);
    await setRoles(guest, '{admin}');
    expect(await titles(socket)).toContain('not for guests');
    expect(socket.socket.readyState).toBe(socket.socket.OPEN);
  });

  it('misses no change of those that both permit, and is told none twice', async () => {
    const guest = await admin();
    await sql(`update auth_accounts set claims = '{"a":1}' where user_id = '${guest.userId}'`);
    using socket = await openRawSocket(server.url, { token: guest.accessToken });
    subscribe(socket, changes);
    await socket.next();
    const wanted: string[] = [];
    for (let i = 0; i < 12; i += 1) {
      wanted.push(`change ${i}`);
      await rename(`change ${i}`);
      if (i % 3 === 0) await sql(`update auth_accounts set claims = '{"a":${i}}' where user_id = '${guest.userId}'`);
    }
    const told: string[] = [];
    while (told.length < wanted.length) {
      const { taskChanges } = (await socket.next()).payload.data;
      if (taskChanges.type !== 'CHECKPOINT') told.push(taskChanges.node.title);
    }
    expect(told).toEqual(wanted);
    expect(JSON.stringify(await rest(socket, 300))).not.toContain('change');
  });

  it('on an event stream comes back for what they may be told then', async () => {
    const guest = await admin();
    const query = new URLSearchParams({ query: changes });
    const headers = { authorization: `Bearer ${guest.accessToken}` };
    await using stream = await openEventStream(`${server.url}/graphql?${query}`, { headers });
    await stream.next();
    await setRoles(guest, '{}');
    await rename('not for the stream');
    // Without `complete`: it is not over, and a browser comes back by itself.
    await expect(stream.next()).rejects.toThrow('has ended');
  });

  it('is not disturbed by what changes nothing of them', async () => {
    const guest = await admin();
    using socket = await openRawSocket(server.url, { token: guest.accessToken });
    const opening = vi.spyOn(server.server.live(), 'openChanges');
    subscribe(socket, changes);
    await socket.next();
    await sql(`update auth_accounts set email = 'x${guest.userId}@test.test' where user_id = '${guest.userId}'`);
    await sleep(600);
    await rename('as before');
    expect((await socket.next()).payload.data.taskChanges.node.title).toBe('as before');
    expect(opening).toHaveBeenCalledTimes(1);
    opening.mockRestore();
  });

  it('loses a claim that its token still has', async () => {
    const guest = await server.guest();
    await sql(`update auth_accounts set claims = '{"team":"blue"}' where user_id = '${guest.userId}'`);
    const { data } = await server.refresh(guest.refreshToken);
    const claimOf = async () => server.server.tokens.verify(data.refreshSession.accessToken);
    expect(await claimOf()).toMatchObject({ team: 'blue' });
    await sql(`update auth_accounts set claims = '{}' where user_id = '${guest.userId}'`);
    await sleep(600);
    const token = server.bearer(data.refreshSession.accessToken);
    expect((await token.query('{ claims }')).data.claims).not.toContain('blue');
  });
});
