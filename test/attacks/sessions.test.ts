import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createChallenge } from '../../src/modules/auth/challenges.ts';
import { openEventStream } from '../support/event-stream.ts';
import { ask } from '../support/postgres.ts';
import { openRawSocket, type RawSocket } from '../support/raw-socket.ts';
import { roundsOf } from '../support/rounds.ts';
import { startWholeServer, type TestServer } from '../support/server.ts';
import { askAs, type SignedIn, signIn, withKnownSecret } from '../support/signed-in.ts';
import { insertTeam, team } from '../support/team.ts';

/** Two nodes of one database that hear of each other by the log alone, as they do without Redis. */
let one: TestServer;
let two: TestServer;
let nodes: TestServer[];
beforeAll(async () => {
  one = await startWholeServer({ config: withKnownSecret });
  two = await startWholeServer({ databaseUrl: one.databaseUrl, config: withKnownSecret });
  nodes = [one, two];
  await insertTeam(one.databaseUrl);
});
afterAll(async () => {
  await two?.[Symbol.asyncDispose]();
  await one?.[Symbol.asyncDispose]();
});

/** More than a few are run by hand. */
const rounds = roundsOf(3);
const sql = (text: string) => ask<Record<string, string>>(one.databaseUrl, text);
const tokens = '{ sessionId userId accessToken refreshToken }';
const refresh = (node: TestServer, refreshToken: string | null, token?: string) =>
  askAs(node.url, token, `mutation ($t: String) { refreshSession(refreshToken: $t) ${tokens} }`, { t: refreshToken });
const me = '{ me { userId sessionId roles } }';
const over = { code: 'UNAUTHENTICATED' };

/** Nothing of the answer is a token, and all of it is that the session has ended. */
async function expectOver(answer: ReturnType<typeof refresh>): Promise<void> {
  const { errors, text } = await answer;
  expect(errors?.[0]?.extensions).toMatchObject(over);
  expect(text).not.toMatch(/mrr_|eyJ/);
}
const isOver = async (sessionId: string) =>
  (await sql(`select from auth_sessions where id = '${sessionId}'`)).length === 0;
/** Refused on all nodes, a second later at the latest. */
async function expectRefused(token: string): Promise<void> {
  const since = performance.now();
  for (const { url } of nodes) {
    await expect.poll(async () => (await askAs(url, token, me)).status, { interval: 10, timeout: 2000 }).toBe(401);
    expect(performance.now() - since).toBeLessThan(1000);
  }
}
const eventsOf = async (sessionId: string) =>
  (await sql(`select kind from auth_events where session_id = '${sessionId}' order by at`)).map(({ kind }) => kind);
const late = (sessionId: string, seconds = 11) =>
  sql(
    `update millrace.auth_refresh set rotated_at = rotated_at - interval '${seconds} seconds' where session_id = '${sessionId}'`,
  );

describe('a refresh token', () => {
  it('gives new tokens, once; what it gives is of the same session', async () => {
    const ann = await signIn(one, team.ann);
    const { data } = await refresh(one, ann.refreshToken());
    expect(data.refreshSession).toMatchObject({ sessionId: ann.sessionId, userId: ann.userId });
    expect(data.refreshSession.refreshToken).toBe(ann.refreshToken(2));
    expect((await askAs(two.url, data.refreshSession.accessToken, me)).data.me.sessionId).toBe(ann.sessionId);
  });

  it('that was used by two tabs at once gives both the same successor', async () => {
    const ann = await signIn(one, team.ann);
    const [first, second] = [await refresh(one, ann.refreshToken()), await refresh(two, ann.refreshToken())];
    expect(second.data.refreshSession.refreshToken).toBe(first.data.refreshSession.refreshToken);
    expect(await isOver(ann.sessionId)).toBe(false);
  });

  it('that is used again after ten seconds ends the session, with all that came of it, on every node', async () => {
    const ann = await signIn(one, team.ann);
    const { data } = await refresh(one, ann.refreshToken());
    await late(ann.sessionId);
    await expectOver(refresh(two, ann.refreshToken()));
    expect(await isOver(ann.sessionId)).toBe(true);
    await expectOver(refresh(one, data.refreshSession.refreshToken));
    await expectRefused(ann.accessToken);
    await expectRefused(data.refreshSession.accessToken);
    expect(await eventsOf(ann.sessionId)).toEqual(['refresh-reused']);
  });

  it('of two generations ago ends the session at once', async () => {
    const ann = await signIn(one, team.ann);
    await refresh(one, ann.refreshToken(1));
    await refresh(one, ann.refreshToken(2));
    await expectOver(refresh(one, ann.refreshToken(1)));
    await expectOver(refresh(one, ann.refreshToken(3)));
    expect(await isOver(ann.sessionId)).toBe(true);
  });

  it('that was stolen and used first is found out when its owner comes', async () => {
    const ann = await signIn(one, team.ann);
    const thief = await refresh(two, ann.refreshToken());
    await late(ann.sessionId);
    await expectOver(refresh(one, ann.refreshToken()));
    await expectRefused(thief.data.refreshSession.accessToken);
    await expectOver(refresh(two, thief.data.refreshSession.refreshToken));
  });

  it('that was used again by fifty at once ends one session, once, and holds nobody up', async () => {
    const [ann, ben] = [await signIn(one, team.ann), await signIn(one, team.ben)];
    await refresh(one, ann.refreshToken());
    await late(ann.sessionId);
    const stolen = Array.from({ length: 50 }, (_, n) => refresh(nodes[n % 2]!, ann.refreshToken()));
    const others = Array.from({ length: 5 }, () => askAs(one.url, ben.accessToken, me));
    for (const answer of stolen) await expectOver(answer);
    for (const answer of others) expect((await answer).data.me.userId).toBe(team.ben);
    expect(await eventsOf(ann.sessionId)).toEqual(['refresh-reused']);
    expect(await isOver(ben.sessionId)).toBe(false);
  });

  it('that was used is not saved by a good one in the same operation, which holds nothing up either', async () => {
    const ann = await signIn(one, team.ann);
    await refresh(one, ann.refreshToken(1));
    await refresh(one, ann.refreshToken(2));
    const since = performance.now();
    const mutation = `mutation ($good: String, $used: String) {
      good: refreshSession(refreshToken: $good) ${tokens} used: refreshSession(refreshToken: $used) ${tokens} }`;
    const answer = await askAs(one.url, undefined, mutation, { good: ann.refreshToken(3), used: ann.refreshToken(1) });
    expect(answer.text).not.toMatch(/eyJ/);
    await expect.poll(() => isOver(ann.sessionId)).toBe(true);
    expect(performance.now() - since).toBeLessThan(5000);
    expect(await eventsOf(ann.sessionId)).toEqual(['refresh-reused']);
  });

  it('that is used fifty times at the same time, on two nodes, leaves one lineage, whatever the round', async () => {
    const ann = await signIn(one, team.ann);
    for (let round = 1; round <= rounds; round += 1) {
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, n) => refresh(nodes[n % 2]!, ann.refreshToken(round))),
      );
      const given = new Set(answers.map(({ data, text }) => data?.refreshSession?.refreshToken ?? text));
      expect([...given]).toEqual([ann.refreshToken(round + 1)]);
    }
    const [row] = await sql(`select counter from millrace.auth_refresh where session_id = '${ann.sessionId}'`);
    expect(row).toEqual({ counter: rounds + 1 });
  });

  it('that was stolen is worth nothing after a sign-out', async () => {
    const ann = await signIn(one, team.ann);
    expect((await askAs(one.url, ann.accessToken, 'mutation { signOut }')).data).toEqual({ signOut: true });
    await expectOver(refresh(one, ann.refreshToken()));
    await expectOver(refresh(two, ann.refreshToken()));
  });

  it('of a session that has expired, or was idle for too long, is refused', async () => {
    const expired = await signIn(one, team.ann, { ends: '-1 second' });
    const idle = await signIn(one, team.ann, { idle: '-1 second' });
    for (const { refreshToken } of [expired, idle]) await expectOver(refresh(one, refreshToken()));
    const { status } = await askAs(one.url, expired.accessToken, me);
    expect(status, 'an access token does not outlive its session').toBe(401);
  });

  it('of a disabled account is refused, and of one that is deleted', async () => {
    const ben = await signIn(one, team.ben);
    await sql(`update auth_accounts set disabled_at = now() where user_id = '${team.ben}'`);
    await expectOver(refresh(one, ben.refreshToken()));
    await sql(`delete from auth_accounts where user_id = '${team.ben}'`);
    await expectOver(refresh(one, ben.refreshToken()));
  });

  it('does not make an access token that outlives the session', async () => {
    const ann = await signIn(one, team.ann, { ends: '30 seconds' });
    const { data } = await refresh(one, ann.refreshToken());
    const [, payload] = data.refreshSession.accessToken.split('.');
    const { exp, iat } = JSON.parse(Buffer.from(payload, 'base64url').toString());
    expect(exp - iat).toBeLessThanOrEqual(30);
  });

  it('of an administrator who acts as somebody else does not make them that person: its tokens say who acts', async () => {
    const ann = await signIn(one, team.ann);
    await sql(`update auth_sessions set actor_id = '${team.dora}' where id = '${ann.sessionId}'`);
    const { data } = await refresh(one, ann.refreshToken());
    const [, payload] = data.refreshSession.accessToken.split('.');
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString()).act).toEqual({ sub: team.dora });
  });

  it('does not stand in the database, nor anything that it could be made of without the secret', async () => {
    const ann = await signIn(one, team.ann);
    const rows = await sql(
      `select to_jsonb(r)::text || to_jsonb(s)::text as row from millrace.auth_refresh r join auth_sessions s on s.id = session_id where id = '${ann.sessionId}'`,
    );
    expect(rows[0]!.row).not.toContain(ann.refreshToken().split('.').at(-1));
  });

  const forged: Record<string, (ann: SignedIn, ben: SignedIn) => string | null> = {
    'nothing at all': () => null,
    'the empty text': () => '',
    'an access token': (ann) => ann.accessToken,
    'the id of a session': (ann) => ann.sessionId,
    'the next one, by its number': (ann) => ann.refreshToken().replace('.1.', '.2.'),
    'the one before the first': (ann) => ann.refreshToken().replace('.1.', '.0.'),
    'another session’s code': (ann, ben) => ann.refreshToken().replace(/[^.]+$/, ben.refreshToken().split('.')[2]!),
    'half a code': (ann) => ann.refreshToken().slice(0, -20),
    'a code of zeros': (ann) => ann.refreshToken().replace(/[^.]+$/, 'A'.repeat(43)),
    'no code': (ann) => ann.refreshToken().replace(/[^.]+$/, ''),
    'a session by SQL': (ann) => ann.refreshToken().replace('mrr_', "mrr_' or 1=1 --"),
    'a number of many digits': (ann) => ann.refreshToken().replace('.1.', `.${'9'.repeat(400)}.`),
    'a number that is negative': (ann) => ann.refreshToken().replace('.1.', '.-1.'),
    'dashes in the place of a session': () => `mrr_${'-'.repeat(36)}.1.${'A'.repeat(43)}`,
    'a megabyte': () => `mrr_${'a'.repeat(900_000)}`,
  };
  it.each(Object.entries(forged))('is not %s; and the session goes on', async (_name, forge) => {
    const [ann, ben] = [await signIn(one, team.ann), await signIn(one, team.ben)];
    await expectOver(refresh(one, forge(ann, ben)));
    expect(await isOver(ann.sessionId)).toBe(false);
    expect((await refresh(one, ann.refreshToken())).data.refreshSession.sessionId).toBe(ann.sessionId);
  });

  it('is taken by a mutation alone: by GET nothing is refreshed', async () => {
    const ann = await signIn(one, team.ann);
    const query = `mutation { refreshSession(refreshToken: "${ann.refreshToken()}") ${tokens} }`;
    const response = await fetch(`${one.url}/graphql?query=${encodeURIComponent(query)}`);
    expect(response.status).toBe(405);
    expect(await response.text()).not.toContain('mrr_');
  });

  it('is neither previewed nor kept under a key', async () => {
    const ann = await signIn(one, team.ann);
    const text = `mutation @preview { refreshSession(refreshToken: "${ann.refreshToken()}") ${tokens} }`;
    const previewed = await askAs(one.url, undefined, text);
    expect(previewed.errors).toBeDefined();
    expect(previewed.text).not.toMatch(/eyJ/);
    const response = await fetch(`${one.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': '"k1"' },
      body: JSON.stringify({ query: text.replace('@preview ', '') }),
    });
    expect(await response.text()).not.toMatch(/eyJ/);
    expect(await sql(`select from millrace.idempotency where answer like '%mrr_%' or answer like '%eyJ%'`)).toEqual([]);
  });
});

describe('a session of somebody else', () => {
  it('is neither listed nor revoked, by whatever name', async () => {
    const [ann, ben] = [await signIn(one, team.ann), await signIn(one, team.ben)];
    const listed = await askAs(one.url, ben.accessToken, '{ authSessions(first: 100) { nodes { id userId } } }');
    expect(listed.text).not.toContain(ann.sessionId);
    for (const id of [ann.sessionId, ann.sessionId.toUpperCase(), `${ann.sessionId}' or '1'='1`, '', '%']) {
      const { errors } = await askAs(one.url, ben.accessToken, 'mutation ($id: ID!) { revokeSession(id: $id) }', {
        id,
      });
      expect(errors?.[0]?.extensions.code, id).toBe('NOT_FOUND');
    }
    expect((await askAs(one.url, ann.accessToken, me)).data.me.sessionId).toBe(ann.sessionId);
  });

  it('is not revoked by a stranger, nor by a token without a session', async () => {
    const ann = await signIn(one, team.ann);
    const mutation = `mutation { revokeSession(id: "${ann.sessionId}") }`;
    const minted = await one.server.tokens.mint!({ sub: team.ann });
    for (const [token, code] of [
      [undefined, 'UNAUTHENTICATED'],
      [minted, 'FORBIDDEN'],
    ] as const) {
      const { errors } = await askAs(one.url, token, mutation);
      expect(errors?.[0]?.extensions.code).toBe(code);
    }
    expect(await isOver(ann.sessionId)).toBe(false);
  });

  it('is written by nobody through the data API', async () => {
    const ann = await signIn(one, team.ann);
    for (const name of [
      'createAuthSession',
      'updateAuthSession',
      'deleteAuthSession',
      'updateAuthAccount',
      'deleteAuthAccount',
    ]) {
      const { text } = await askAs(one.url, ann.accessToken, `mutation { ${name} }`);
      expect(text).toContain('Cannot query field');
    }
    const nested = await askAs(one.url, ann.accessToken, '{ __type(name: "CreateAuthSessionInput") { name } }');
    expect(nested.data).toEqual({ __type: null });
  });

  it('is ended by its owner from another one of theirs, and that one goes on', async () => {
    const [lost, here] = [await signIn(one, team.ann), await signIn(one, team.ann)];
    const { data } = await askAs(one.url, here.accessToken, `mutation { revokeSession(id: "${lost.sessionId}") }`);
    expect(data).toEqual({ revokeSession: true });
    await expectRefused(lost.accessToken);
    await expectOver(refresh(one, lost.refreshToken()));
    expect((await askAs(two.url, here.accessToken, me)).data.me.sessionId).toBe(here.sessionId);
  });
});

describe('a token that waits for a second factor', () => {
  const pending = () => createChallenge(one.server.db, { kind: 'second-factor', userId: team.ann, lifetime: 300 });

  it('asks nothing of the API', async () => {
    await signIn(one, team.ann);
    const { status, text } = await askAs(one.url, await pending(), '{ tasks(first: 1) { nodes { title } } }');
    expect(status).toBe(401);
    expect(text).not.toContain('millpond');
  });

  it('opens no socket and no event stream', async () => {
    const token = await pending();
    using socket = await openRawSocket(one.url, { init: false });
    socket.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
    expect((await socket.closed).code).toBeGreaterThan(4399);
    await using events = await openEventStream(`${one.url}/graphql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: 'subscription { taskChanges { type } }' }),
    });
    expect(events.response.status).toBe(401);
  });

  it('refreshes no session', async () => {
    const ann = await signIn(one, team.ann);
    await expectOver(refresh(one, await pending()));
    await expectOver(refresh(one, `mrr_${ann.sessionId}.1.${await pending()}`));
  });
});

const changes = 'subscription { taskChanges { type node { title } } }';
const live = 'query @live { tasks(first: 100) { nodes { title } } }';
const rename = (title: string) => sql(`update tasks set title = '${title}' where id = '${team.anvil}'`);
let renamed = 0;

/** Follows everything in every way on both nodes; what was told, and what has ended. */
async function followAll(who: SignedIn) {
  // Both nodes know them: one that was disabled a moment ago may not have heard of it yet.
  for (const { url } of nodes)
    await expect.poll(async () => (await askAs(url, who.accessToken, me)).status, { interval: 20 }).toBe(200);
  const told: string[] = [];
  const ended: Promise<unknown>[] = [];
  const open: (Disposable | AsyncDisposable)[] = [];
  for (const node of nodes) {
    const socket: RawSocket = await openRawSocket(node.url, { token: who.accessToken });
    socket.socket.on('message', (data) => void told.push(String(data)));
    socket.send({ id: 'changes', type: 'subscribe', payload: { query: changes } });
    socket.send({ id: 'live', type: 'subscribe', payload: { query: live } });
    const isDone = new Promise<void>((resolve) => {
      const left = new Set(['changes', 'live']);
      socket.socket.on('message', (data) => {
        const { id, type } = JSON.parse(String(data)) as { id: string; type: string };
        if (type === 'error' || type === 'complete') left.delete(id);
        if (left.size === 0) resolve();
      });
      socket.socket.on('close', () => resolve());
    });
    ended.push(isDone);
    open.push(socket);
    for (const query of [changes, live]) {
      const stream = await openEventStream(`${node.url}/graphql`, {
        method: 'POST',
        headers: { authorization: `Bearer ${who.accessToken}` },
        body: JSON.stringify({ query }),
      });
      ended.push(
        (async () => {
          for (;;) {
            const { event, data } = await stream.next(60_000);
            told.push(JSON.stringify(data));
            if (event === 'complete' || data?.errors) return;
          }
        })().catch(() => {}),
      );
      open.push(stream);
    }
  }
  return {
    told,
    /** Whether so many have been told of a title: two nodes, by two ways each, in two transports. */
    heard: (title: string) => told.filter((text) => text.includes(title)).length,
    ended: Promise.all(ended),
    async [Symbol.asyncDispose]() {
      for (const each of open) {
        if (Symbol.dispose in each) each[Symbol.dispose]();
        else await each[Symbol.asyncDispose]();
      }
    },
  };
}
const ways = 8;
const within = (milliseconds: number) =>
  new Promise((_, reject) =>
    setTimeout(reject, milliseconds, new Error(`not ended within ${milliseconds} ms`)).unref(),
  );

describe('whoever is put out', () => {
  const puttingOut: Record<string, (who: SignedIn) => Promise<unknown>> = {
    'by signing out everywhere': ({ accessToken }) => askAs(one.url, accessToken, 'mutation { signOutEverywhere }'),
    'by signing out': ({ accessToken }) => askAs(one.url, accessToken, 'mutation { signOut }'),
    'by a refresh token that is used again': async (who) => {
      await refresh(one, who.refreshToken(1));
      await refresh(one, who.refreshToken(2));
      await refresh(one, who.refreshToken(1));
    },
    'because the account is disabled': ({ userId }) =>
      sql(`update auth_accounts set disabled_at = now() where user_id = '${userId}'`),
    'because the account is deleted': ({ userId }) => sql(`delete from auth_accounts where user_id = '${userId}'`),
    'because the session is deleted': ({ sessionId }) => sql(`delete from auth_sessions where id = '${sessionId}'`),
  };
  it.each(Object.entries(puttingOut))(
    '%s is told nothing more by sockets, event streams and live queries of both nodes, which end within a second',
    async (_name, putOut) => {
      const dora = await signIn(one, team.dora);
      // Her account may have been disabled so far, which the other node goes by until it hears otherwise.
      for (const { url } of nodes)
        await expect.poll(async () => (await askAs(url, dora.accessToken, me)).status).toBe(200);
      await using following = await followAll(dora);
      renamed += 1;
      await rename(`For Dora ${renamed}`);
      await expect.poll(() => following.heard(`For Dora ${renamed}`)).toBeGreaterThanOrEqual(ways);
      await putOut(dora);
      // At once, and in the same breath as the log: what comes behind its end is not to be told.
      await rename(`After all ${renamed}`);
      await Promise.race([following.ended, within(1000)]);
      expect(following.heard(`After all ${renamed}`)).toBe(0);
      await expectRefused(dora.accessToken);
    },
  );

  it('by another session’s sign-out keeps its own', async () => {
    const [lost, here] = [await signIn(one, team.dora), await signIn(one, team.dora)];
    await using socket = await followAll(here);
    const { data } = await askAs(one.url, here.accessToken, 'mutation { signOutEverywhere(exceptThis: true) }');
    expect(data.signOutEverywhere).toBeGreaterThanOrEqual(1);
    await expectRefused(lost.accessToken);
    await rename('Still for Dora');
    await expect.poll(() => socket.heard('Still for Dora')).toBeGreaterThanOrEqual(ways);
  });
});

describe('an operation on a socket', () => {
  const subscribe = (id: string, token?: string) => ({
    id,
    type: 'subscribe',
    payload: { query: changes, ...(token && { extensions: { authorization: `Bearer ${token}` } }) },
  });

  it('that brings a token of its own ends with the session of that, and leaves the socket', async () => {
    const dora = await signIn(one, team.dora);
    using socket = await openRawSocket(two.url);
    const told: string[] = [];
    socket.socket.on('message', (data) => void told.push(String(data)));
    socket.send(subscribe('mine'));
    socket.send(subscribe('hers', dora.accessToken));
    await expect.poll(() => told.filter((text) => text.includes('CHECKPOINT')).length).toBe(2);
    await sql(`delete from auth_sessions where id = '${dora.sessionId}'`);
    await rename('Not by her token');
    await expect.poll(() => told.find((text) => text.includes('"error"')), { timeout: 1000 }).toContain('"hers"');
    expect(told.join()).toContain('UNAUTHENTICATED');
    expect(told.join()).not.toContain('Not by her token');
    socket.send(subscribe('again', dora.accessToken));
    await expect.poll(() => told.filter((text) => text.includes('"again"'))).toHaveLength(1);
    expect(told.at(-1)).toContain('UNAUTHENTICATED');
  });

  it('is asked by who the socket is now: one that was renewed by another session ends with that', async () => {
    const [first, second] = [await signIn(one, team.dora), await signIn(one, team.dora)];
    using socket = await openRawSocket(two.url, { token: first.accessToken });
    const told: string[] = [];
    socket.socket.on('message', (data) => void told.push(String(data)));
    socket.send(subscribe('1'));
    socket.send({ type: 'ping', payload: { authorization: `Bearer ${second.accessToken}` } });
    await expect.poll(() => told.join()).toContain('"pong"');
    await sql(`delete from auth_sessions where id = '${first.sessionId}'`);
    await expectRefused(first.accessToken);
    await rename('Under the second');
    await expect.poll(() => told.join()).toContain('Under the second');
    await sql(`delete from auth_sessions where id = '${second.sessionId}'`);
    await rename('Under none');
    const { code } = (await Promise.race([socket.closed, within(1000)])) as { code: number };
    expect(code).toBeGreaterThan(4399);
    expect(told.join()).not.toContain('Under none');
  });

  it('that writes is refused after the session has ended, though the socket was opened before', async () => {
    const dora = await signIn(one, team.dora);
    using socket = await openRawSocket(two.url, { token: dora.accessToken });
    const told: string[] = [];
    socket.socket.on('message', (data) => void told.push(String(data)));
    await sql(`delete from auth_sessions where id = '${dora.sessionId}'`);
    await expectRefused(dora.accessToken);
    const query = `mutation { updateTask(where: { id: "${team.anvil}" }, data: { title: "By a ghost" }) { title } }`;
    socket.send({ id: 'w', type: 'subscribe', payload: { query } });
    await Promise.race([socket.closed, within(1000)]).catch(() => {});
    expect(told.join()).not.toContain('By a ghost');
    expect(await sql(`select from tasks where title = 'By a ghost'`)).toEqual([]);
  });
});

describe('a session that was there before a sign-in', () => {
  it('is not the one that signs in: whoever planted it has nothing', async () => {
    const planted = await signIn(one, team.ben);
    const { data } = await askAs(one.url, planted.accessToken, `mutation { signInAsGuest { session ${tokens} } }`);
    const { session } = data.signInAsGuest;
    expect(session.sessionId).not.toBe(planted.sessionId);
    expect(session.userId).not.toBe(team.ben);
    expect((await askAs(one.url, planted.accessToken, me)).data.me.sessionId).toBe(planted.sessionId);
    const given = await refresh(one, session.refreshToken, planted.accessToken);
    expect(given.data.refreshSession).toMatchObject({ sessionId: session.sessionId, userId: session.userId });
    await expectOver(refresh(one, planted.refreshToken().replace(planted.sessionId, session.sessionId)));
  });

  it('cannot be named by whoever signs in, nor its user or roles', async () => {
    const input = `sessionId: "${'0'.repeat(8)}-0000-4000-8000-${'0'.repeat(12)}", userId: "${team.ann}", roles: ["admin"]`;
    const { errors } = await askAs(one.url, undefined, `mutation { signInAsGuest(${input}) { session ${tokens} } }`);
    expect(errors).toHaveLength(3);
  });
});

describe('whoever is no administrator any more', () => {
  it('is told of not one more row by what is open, and may ask for none, within a second on both nodes', async () => {
    const cleo = await signIn(one, team.cleo, { roles: ['admin'] });
    await using following = await followAll(cleo);
    await rename('For administrators');
    await expect.poll(() => following.heard('For administrators')).toBeGreaterThanOrEqual(ways);
    await sql(
      `begin; update auth_accounts set roles = '{}' where user_id = '${team.cleo}';
       update tasks set title = 'Not for Cleo' where id = '${team.anvil}'; commit`,
    );
    await rename('Not for Cleo either');
    const since = performance.now();
    for (const { url } of nodes) {
      await expect
        .poll(async () => (await askAs(url, cleo.accessToken, '{ tasks(first: 100) { nodes { title } } }')).text, {
          interval: 10,
        })
        .not.toContain('Not for Cleo');
    }
    expect(performance.now() - since).toBeLessThan(1000);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(following.heard('Not for Cleo')).toBe(0);
  });

  it('becomes none by a refresh either: what an old token says of roles is believed by nobody', async () => {
    const cleo = await signIn(one, team.cleo, { roles: ['admin'] });
    await sql(`update auth_accounts set roles = '{}' where user_id = '${team.cleo}'`);
    const { data } = await refresh(one, cleo.refreshToken());
    const [, payload] = data.refreshSession.accessToken.split('.');
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({ roles: [] });
    for (const { url } of nodes) {
      const { text } = await askAs(url, data.refreshSession.accessToken, '{ tasks(first: 100) { nodes { title } } }');
      expect(text).not.toContain('for Cleo');
    }
  });
});

describe('the keys of access tokens', () => {
  const rotate = (token: string | undefined, discard = false) =>
    askAs(one.url, token, `mutation { rotateSigningKeys(discard: ${discard}) { kid state since } }`);

  it('are changed by administrators alone', async () => {
    const ann = await signIn(one, team.ann);
    expect((await rotate(undefined)).errors![0]!.extensions.code).toBe('UNAUTHENTICATED');
    expect((await rotate(ann.accessToken)).errors![0]!.extensions.code).toBe('FORBIDDEN');
    expect((await askAs(one.url, ann.accessToken, me)).status).toBe(200);
  });

  it('change without a token being refused; discarded, they end all access tokens and no session', async () => {
    const [ann, admin] = [await signIn(one, team.ann), await one.server.tokens.mint!({ sub: 'ops', role: 'admin' })];
    const { data } = await rotate(admin);
    expect(data.rotateSigningKeys.map(({ state }: { state: string }) => state).sort()).toEqual([
      'active',
      'next',
      'retired',
    ]);
    for (const { url } of nodes) expect((await askAs(url, ann.accessToken, me)).status).toBe(200);
    expect((await rotate(admin, true)).data.rotateSigningKeys).toHaveLength(2);
    expect((await askAs(one.url, ann.accessToken, me)).status).toBe(401);
    await expect.poll(async () => (await askAs(two.url, ann.accessToken, me)).status, { timeout: 8000 }).toBe(401);
    const renewed = await refresh(two, ann.refreshToken());
    for (const { url } of nodes)
      expect((await askAs(url, renewed.data.refreshSession.accessToken, me)).data.me.sessionId).toBe(ann.sessionId);
    const events = await sql(`select actor_id from auth_events where kind = 'keys-rotated'`);
    expect(events).toEqual([{ actor_id: 'ops' }, { actor_id: 'ops' }]);
  });

  it('publish nothing private', async () => {
    const { keys } = (await (await fetch(`${one.url}/.well-known/jwks.json`)).json()) as { keys: object[] };
    expect(keys.length).toBeGreaterThanOrEqual(3);
    for (const key of keys) expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  });
});
