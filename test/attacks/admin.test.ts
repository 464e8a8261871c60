import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AccountServer, startAccountServer } from '../support/accounts.ts';
import { makePerson, openSessionOf, type Person } from '../support/people.ts';
import { ask } from '../support/postgres.ts';
import { roundsOf } from '../support/rounds.ts';
import type { Answer } from '../support/server.ts';
import { openSocket } from '../support/socket.ts';

let server: AccountServer;
let admin: Person;
let ann: Person;
beforeAll(async () => {
  server = await startAccountServer({ accounts: { roles: { viewer: {}, editor: { inherits: ['viewer'] } } } });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  await ask(server.databaseUrl, `update auth_accounts set roles = '{}' where 'admin' = any(roles)`);
  admin = await makePerson(server, { roles: ['admin'] });
  ann = await makePerson(server);
});

const codeOf = ({ errors }: Answer) => errors?.[0]?.extensions.code;
const setRoles = (who: Pick<Person, 'query'>, userId: string, roles: string[]) =>
  who.query('mutation ($userId: ID!, $roles: [String!]!) { setRoles(userId: $userId, roles: $roles) }', {
    userId,
    roles,
  });
const setClaims = (who: Pick<Person, 'query'>, userId: string, claims: unknown) =>
  who.query('mutation ($userId: ID!, $claims: JSON!) { setClaims(userId: $userId, claims: $claims) }', {
    userId,
    claims,
  });
const to = (who: Pick<Person, 'query'>, name: string, userId: string) =>
  who.query(`mutation ($userId: ID!) { ${name}(userId: $userId) }`, { userId });
const impersonate = (who: Pick<Person, 'query'>, userId: string) =>
  who.query(
    `mutation ($userId: ID!) { impersonate(userId: $userId, reason: "a ticket") {
      session { accessToken refreshToken expiresAt sessionId userId } secondFactor { token } } }`,
    { userId },
  );
const actAs = async (who: Person, userId: string): Promise<Person> => {
  const { session } = (await impersonate(who, userId)).data.impersonate;
  return { ...session, ...server.bearer(session.accessToken), email: '' };
};
const eventsOf = (userId: string) =>
  ask<{ kind: string; actor_id: string | null; details: Record<string, unknown> }>(
    server.databaseUrl,
    'select kind, actor_id, details from auth_events where user_id = $1 order by at, id',
    [userId],
  );
const enabledAdmins = async () => {
  const [row] = await ask<{ count: number }>(
    server.databaseUrl,
    `select count(*)::int from auth_accounts where 'admin' = any(roles) and disabled_at is null`,
  );
  return row!.count;
};
const soon = (what: () => Promise<unknown>) => expect.poll(what, { timeout: 1000, interval: 20 });
const myRoles = async (who: Pick<Person, 'query'>) => (await who.query('{ me { roles } }')).data?.me?.roles;

describe('the last admin', () => {
  it.each(['disableAccount', 'deleteAccount'])('is not lost by %s', async (name) => {
    expect(codeOf(await to(admin, name, admin.userId))).toBe('CONFLICT');
    expect(await enabledAdmins()).toBe(1);
  });

  it('does not give the role up', async () => {
    expect(codeOf(await setRoles(admin, admin.userId, ['editor']))).toBe('CONFLICT');
    expect(await myRoles(admin)).toEqual(['admin']);
  });

  it('does not delete their own account', async () => {
    expect(codeOf(await admin.query('mutation { deleteMyAccount }'))).toBe('CONFLICT');
    expect((await admin.query('{ me { userId } }')).data.me.userId).toBe(admin.userId);
  });

  it('is not deleted with the user’s row by the data API', async () => {
    const answer = await admin.query('mutation ($id: String!) { deleteUser(where: { id: $id }) { id } }', {
      id: admin.userId,
    });
    expect(codeOf(answer)).toBe('CONFLICT');
    expect(await enabledAdmins()).toBe(1);
  });

  it('is not counted with those who are disabled, nor with programs', async () => {
    const other = await makePerson(server, { roles: ['admin'] });
    await to(admin, 'disableAccount', other.userId);
    await ask(
      server.databaseUrl,
      `insert into auth_accounts (user_id, kind, roles) values (gen_random_uuid()::text, 'service', '{admin}')`,
    );
    expect(codeOf(await setRoles(admin, admin.userId, []))).toBe('CONFLICT');
  });

  it('remains where two admins strip each other at the same time', async () => {
    for (let round = 0; round < roundsOf(10); round += 1) {
      await ask(server.databaseUrl, `update auth_accounts set roles = '{}' where 'admin' = any(roles)`);
      const [one, other] = [
        await makePerson(server, { roles: ['admin'] }),
        await makePerson(server, { roles: ['admin'] }),
      ];
      const acts = [
        setRoles(one, other.userId, []),
        setRoles(other, one.userId, []),
        to(one, 'disableAccount', other.userId),
        to(other, 'disableAccount', one.userId),
        one.query('mutation { deleteMyAccount }'),
      ];
      await Promise.all(acts);
      expect(await enabledAdmins()).toBe(1);
    }
  });

  it('remains where fifty admins go at the same time', async () => {
    await ask(server.databaseUrl, `update auth_accounts set roles = '{}' where 'admin' = any(roles)`);
    const admins = await Promise.all(Array.from({ length: 50 }, () => makePerson(server, { roles: ['admin'] })));
    const answers = await Promise.all(admins.map((one) => setRoles(one, one.userId, [])));
    expect(answers.filter((answer) => codeOf(answer) === 'CONFLICT')).toHaveLength(1);
    expect(await enabledAdmins()).toBe(1);
  });
});

describe('what only admins do', () => {
  const all: [string, string][] = [
    ['setRoles', 'setRoles(userId: $id, roles: ["admin"])'],
    ['setClaims', 'setClaims(userId: $id, claims: { level: 9 })'],
    ['disableAccount', 'disableAccount(userId: $id)'],
    ['enableAccount', 'enableAccount(userId: $id)'],
    ['deleteAccount', 'deleteAccount(userId: $id)'],
    ['signOutAccount', 'signOutAccount(userId: $id)'],
    ['impersonate', 'impersonate(userId: $id, reason: "why not") { session { accessToken } }'],
    ['createAccount', 'createAccount(input: { email: "x@evil.test", userId: $idText, roles: ["admin"] })'],
  ];
  it.each(all)('%s is refused to everybody else, and to strangers', async (name, field) => {
    const mutation =
      name === 'createAccount' ? `mutation ($idText: String!) { ${field} }` : `mutation ($id: ID!) { ${field} }`;
    const variables = { id: ann.userId, idText: ann.userId };
    expect(codeOf(await ann.query(mutation, variables))).toBe('FORBIDDEN');
    expect(codeOf(await server.stranger.query(mutation, variables))).toBe('UNAUTHENTICATED');
    expect(await myRoles(ann)).toEqual([]);
  });

  it('is refused to a role that is only called like the admin’s', async () => {
    await setRoles(admin, ann.userId, ['editor']);
    await soon(() => myRoles(ann)).toEqual(['editor', 'viewer']);
    expect(codeOf(await setRoles(ann, ann.userId, ['admin']))).toBe('FORBIDDEN');
    expect(codeOf(await setRoles(admin, ann.userId, ['Admin']))).toBe('INVALID_INPUT');
  });

  it('takes a fresh sign-in where it gives or takes rights', async () => {
    const stale = await openSessionOf(server, admin.userId, 11);
    expect(codeOf(await setRoles(stale, ann.userId, ['editor']))).toBe('FORBIDDEN');
    expect(codeOf(await setClaims(stale, ann.userId, { level: 1 }))).toBe('FORBIDDEN');
    expect(codeOf(await to(stale, 'deleteAccount', ann.userId))).toBe('FORBIDDEN');
    expect(codeOf(await impersonate(stale, ann.userId))).toBe('FORBIDDEN');
    expect((await to(stale, 'disableAccount', ann.userId)).data).toEqual({ disableAccount: true });
  });

  it('counts within a second for whoever is signed in, and ends as soon', async () => {
    expect((await setRoles(admin, ann.userId, ['admin'])).data).toEqual({ setRoles: true });
    await soon(async () => codeOf(await to(ann, 'signOutAccount', (await makePerson(server)).userId))).toBeUndefined();
    await setRoles(admin, ann.userId, []);
    await soon(async () => codeOf(await to(ann, 'signOutAccount', admin.userId))).toBe('FORBIDDEN');
    expect((await eventsOf(ann.userId)).filter(({ kind }) => kind === 'roles-changed')).toEqual([
      { kind: 'roles-changed', actor_id: admin.userId, details: { from: [], to: ['admin'] } },
      { kind: 'roles-changed', actor_id: admin.userId, details: { from: ['admin'], to: [] } },
    ]);
  });

  it('knows no role that app/accounts.ts does not', async () => {
    for (const role of ['owner', 'ad min', '', '__proto__', 'constructor', 'x'.repeat(61)])
      expect(codeOf(await setRoles(admin, ann.userId, [role]))).toBe('INVALID_INPUT');
  });

  it('makes no admin of a guest', async () => {
    const guest = await makePerson(server, { kind: 'guest' });
    expect(codeOf(await setRoles(admin, guest.userId, ['admin']))).toBe('FORBIDDEN');
  });
});

describe('claims', () => {
  it('are never called like what a token says by itself', async () => {
    const registered =
      'sub iss aud exp nbf iat jti sid act amr acr auth_time azp role roles orgs scope email email_verified __proto__ constructor'.split(
        ' ',
      );
    for (const name of [...registered, 'with space', 'ü', '']) {
      const claims = JSON.parse(`{${JSON.stringify(name)}: "admin"}`) as object;
      expect(codeOf(await setClaims(admin, ann.userId, claims)), name).toBe('INVALID_INPUT');
    }
    const [row] = await ask<{ claims: object }>(
      server.databaseUrl,
      'select claims from auth_accounts where user_id = $1',
      [ann.userId],
    );
    expect(row!.claims).toEqual({});
  });

  it('are an object of a modest size', async () => {
    for (const claims of [[], 'x', 5, { a: 'x'.repeat(2000) }, { a: 'x\u0000' }])
      expect(codeOf(await setClaims(admin, ann.userId, claims))).toBe('INVALID_INPUT');
    expect((await setClaims(admin, ann.userId, { 'https://mill.test/level': 5 })).errors).toBeUndefined();
  });
});

describe('whoever acts as somebody else', () => {
  it('is told of: in the token, in me, and among the events of the user', async () => {
    const acting = await actAs(admin, ann.userId);
    const { data } = await acting.query(
      '{ me { userId actorId roles } authEvents { nodes { kind actorId details } } }',
    );
    expect(data.me).toEqual({ userId: ann.userId, actorId: admin.userId, roles: [] });
    expect(data.authEvents.nodes).toEqual([
      { kind: 'impersonation-began', actorId: admin.userId, details: { reason: 'a ticket' } },
    ]);
    const claims = JSON.parse(Buffer.from(acting.accessToken.split('.')[1]!, 'base64url').toString());
    expect(claims.act).toEqual({ sub: admin.userId });
  });

  it('acts as no admin', async () => {
    const other = await makePerson(server, { roles: ['admin'] });
    expect(codeOf(await impersonate(admin, other.userId))).toBe('FORBIDDEN');
    expect(codeOf(await impersonate(admin, admin.userId))).toBe('FORBIDDEN');
  });

  it('acts as nobody from within, whom they act as being no admin', async () => {
    const acting = await actAs(admin, ann.userId);
    expect(codeOf(await impersonate(acting, (await makePerson(server)).userId))).toBe('FORBIDDEN');
  });

  it('does not become an admin with the user who becomes one', async () => {
    const acting = await actAs(admin, ann.userId);
    await setRoles(admin, ann.userId, ['admin']);
    await soon(async () => codeOf(await acting.query('{ me { userId } }'))).toBe('UNAUTHENTICATED');
    // Nor where the role comes by another way than ours.
    const ben = await makePerson(server);
    const asBen = await actAs(admin, ben.userId);
    await ask(server.databaseUrl, `update auth_accounts set roles = '{admin}' where user_id = $1`, [ben.userId]);
    await soon(async () => codeOf(await asBen.query('{ me { userId } }'))).toBe('UNAUTHENTICATED');
  });

  it.each(['setRoles', 'disableAccount', 'signOutAccount', 'deleteAccount'])(
    'stops within a second when %s befalls the admin',
    async (name) => {
      const other = await makePerson(server, { roles: ['admin'] });
      const acting = await actAs(other, ann.userId);
      expect((await acting.query('{ me { userId } }')).errors).toBeUndefined();
      const done = name === 'setRoles' ? setRoles(admin, other.userId, []) : to(admin, name, other.userId);
      expect((await done).errors).toBeUndefined();
      await soon(async () => codeOf(await acting.query('{ me { userId } }'))).toBe('UNAUTHENTICATED');
    },
  );

  it('has no refresh token, and a quarter of an hour', async () => {
    const { session } = (await impersonate(admin, ann.userId)).data.impersonate;
    expect(session.refreshToken).toBeNull();
    expect(Date.parse(session.expiresAt) - Date.now()).toBeLessThanOrEqual(900_000);
    const rows = await ask(server.databaseUrl, 'select from millrace.auth_refresh where session_id = $1', [
      session.sessionId,
    ]);
    expect(rows).toHaveLength(0);
    const [row] = await ask<{ seconds: number }>(
      server.databaseUrl,
      'select extract(epoch from expires_at - now())::float8 seconds from auth_sessions where id = $1',
      [session.sessionId],
    );
    expect(row!.seconds).toBeLessThanOrEqual(900);
  });

  it('is refused every mutation and query of accounts, but for signOut and me', async () => {
    const acting = await actAs(admin, ann.userId);
    const { data } = await server
      .as({ role: 'admin' })
      .query(
        '{ __schema { mutationType { fields { name args { name type { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } type { kind ofType { kind } } } } } }',
      );
    const { schema } = server.server.application();
    const ours = [schema.getMutationType()!, schema.getQueryType()!].flatMap((type) =>
      Object.values(type.getFields()).filter((field) => field.extensions.account === true),
    );
    expect(data.__schema.mutationType.fields.length).toBeGreaterThan(20);
    expect(ours.length).toBeGreaterThan(25);
    for (const field of ours) {
      if (field.name === 'me' || field.name === 'signOut') continue;
      // By its own resolver: no argument of it is looked at before.
      const context = { accounts: {}, viewer: { session: { impersonatorId: 'x' }, isAdmin: true } };
      const resolve = field.resolve as (...args: unknown[]) => unknown;
      const outcome = await Promise.resolve()
        .then(() => resolve({}, {}, context, { parentType: {}, fieldName: field.name }))
        .catch((error: unknown) => error);
      expect(String(outcome), field.name).toContain('not while acting as somebody else');
    }
    for (const mutation of ['signOutEverywhere', 'deleteMyAccount', 'createOrganization(name: "Mine") { role }'])
      expect(codeOf(await acting.query(`mutation { ${mutation} }`))).toBe('FORBIDDEN');
    expect(codeOf(await acting.query('{ exportMyData }'))).toBe('FORBIDDEN');
    expect((await acting.query('mutation { signOut }')).data).toEqual({ signOut: true });
    expect((await eventsOf(ann.userId)).at(-1)).toMatchObject({ kind: 'impersonation-ended', actor_id: admin.userId });
  });

  it('leaves a browser the admin’s own refresh cookie, which brings the admin back', async () => {
    const headers = { 'x-millrace-session': 'cookie', 'x-millrace-csrf': '1', origin: server.url };
    const own = `millrace-refresh=mrr_${admin.sessionId}.1.${'a'.repeat(43)}`;
    const send = async (query: string, access: string) => {
      const response = await server.stranger.post({ query }, { ...headers, cookie: `millrace=${access}; ${own}` });
      return { answer: (await response.json()) as Answer, cookies: response.headers.getSetCookie() };
    };
    const mutation = `mutation { impersonate(userId: "${ann.userId}", reason: "a ticket") { session { accessToken userId } } }`;
    const begun = await send(mutation, admin.accessToken);
    expect(begun.answer.data.impersonate.session).toEqual({ accessToken: null, userId: ann.userId });
    expect(begun.cookies).toHaveLength(1);
    const access = /^millrace=([^;]+);/.exec(begun.cookies[0]!)![1]!;
    const ended = await send('mutation { signOut }', access);
    expect(ended.answer.data).toEqual({ signOut: true });
    expect(ended.cookies).toHaveLength(1);
    expect(ended.cookies[0]).toMatch(/^millrace=; Max-Age=0/);
  });

  it('says who they are: a token of no session acts as nobody', async () => {
    expect(codeOf(await impersonate(server.as({ role: 'admin' }), ann.userId))).toBe('FORBIDDEN');
  });

  it('says why', async () => {
    for (const reason of ['', '  ', 'x'.repeat(501)]) {
      const answer = await admin.query(
        'mutation ($id: ID!, $reason: String!) { impersonate(userId: $id, reason: $reason) { session { userId } } }',
        { id: ann.userId, reason },
      );
      expect(codeOf(answer)).toBe('INVALID_INPUT');
    }
  });

  it('is as nobody who is disabled', async () => {
    await to(admin, 'disableAccount', ann.userId);
    expect(codeOf(await impersonate(admin, ann.userId))).toBe('CONFLICT');
  });
});

describe('a disabled account', () => {
  it('is refused over HTTP and on sockets within a second, and let in again only by a new sign-in', async () => {
    expect((await to(admin, 'disableAccount', ann.userId)).data).toEqual({ disableAccount: true });
    await soon(async () => codeOf(await ann.query('{ me { userId } }'))).toBe('UNAUTHENTICATED');
    const socket = await openSocket(server, { token: ann.accessToken });
    await expect(
      socket.subscribe('subscription { authEventChanges { type node { userId } } }').next(2000),
    ).rejects.toBeDefined();
    await socket[Symbol.asyncDispose]();
    await to(admin, 'enableAccount', ann.userId);
    expect(codeOf(await ann.query('{ me { userId } }'))).toBe('UNAUTHENTICATED');
    const again = await openSessionOf(server, ann.userId);
    await soon(async () => (await again.query('{ me { userId } }')).data?.me?.userId).toBe(ann.userId);
    expect((await eventsOf(ann.userId)).map(({ kind }) => kind)).toEqual(['account-disabled', 'account-enabled']);
  });

  it('does not exist twice: what is not there is NOT_FOUND', async () => {
    for (const name of ['disableAccount', 'enableAccount', 'deleteAccount', 'signOutAccount'])
      expect(codeOf(await to(admin, name, 'nobody'))).toBe('NOT_FOUND');
    expect(codeOf(await setRoles(admin, 'nobody', []))).toBe('NOT_FOUND');
  });
});

describe('what is told of others', () => {
  it('is nothing, by whatever filter, order, relation, measure or search; admins are told by each', async () => {
    const victim = await makePerson(server);
    const { userId, sessionId, email } = victim;
    for (const table of ['auth_api_keys (id, user_id, name, prefix)', 'auth_devices (id, user_id, name, public_key)'])
      await ask(
        server.databaseUrl,
        `insert into ${table} values (gen_random_uuid(), $1, 'a secret name', to_json(gen_random_uuid()))`,
        [userId],
      );
    await ask(
      server.databaseUrl,
      `insert into auth_identities (id, user_id, provider, issuer, subject) values (gen_random_uuid(), $1, 'a secret name', 'i', $1);`,
      [userId],
    );
    await ask(
      server.databaseUrl,
      `insert into auth_passkeys (id, user_id, name) values (gen_random_uuid(), $1, 'a secret name')`,
      [userId],
    );
    await ask(
      server.databaseUrl,
      `insert into auth_events (id, kind, user_id, address) values (gen_random_uuid(), 'a secret name', $1, '192.0.2.9')`,
      [userId],
    );
    const everything = [userId, sessionId, email, 'a secret name', '192.0.2.9', '"_all":1'];
    const asked = [
      '{ authEvents(orderBy: [{ at: desc }]) { totalCount nodes { id userId kind } } }',
      '{ authEvents(where: { userId: { equals: $id } }) { totalCount nodes { kind } } }',
      '{ authEvents(where: { OR: [{ userId: { equals: $id } }, { NOT: { userId: { equals: $id } } }] }, orderBy: [{ at: desc }]) { nodes { kind } } }',
      '{ authEvents(where: { _search: { query: "secret", fields: [kind] } }) { nodes { kind } } }',
      '{ authEvents(orderBy: [{ at: desc }]) { nodes { address } } }',
      '{ authAccounts(where: { sessions: { some: { userId: { equals: $id } } } }) { nodes { userId } } }',
      '{ authAccounts(where: { email: { startsWith: "" } }, orderBy: [{ createdAt: desc }]) { nodes { email } } }',
      '{ authAccounts(where: { userId: { equals: $id } }) { nodes { email sessions { nodes { id } } } } }',
      '{ authSessions(where: { account: { is: { userId: { equals: $id } } } }) { nodes { id } } }',
      '{ authApiKeys(where: { prefix: { startsWith: "" } }) { nodes { name } } }',
      '{ authIdentities { nodes { provider } } }',
      '{ authDevices { nodes { name } } }',
      '{ authPasskeys { nodes { name } } }',
      '{ authAccount(where: { userId: $id }) { userId } }',
      '{ authEventsAggregate(where: { userId: { equals: $id } }) { count { _all } } }',
      '{ authSessionsGroupBy(by: [{ userId: true }], where: { userId: { equals: $id } }) { keys { userId } } }',
    ];
    for (const text of asked) {
      const query = text.replaceAll('$id', JSON.stringify(userId));
      const [mine, all] = [await ann.query(query), await admin.query(query)];
      expect(mine.errors, query).toBeUndefined();
      expect(all.errors, query).toBeUndefined();
      const isTold = (answer: Answer) => everything.some((secret) => JSON.stringify(answer.data).includes(secret));
      expect(isTold(mine), query).toBe(false);
      expect(isTold(all), query).toBe(true);
    }
  });

  it('is nothing by explainAccess', async () => {
    const victim = await makePerson(server);
    const answer = await ann.query(
      'query ($where: JSON) { explainAccess(input: { model: "AuthSession", action: READ, where: $where }) { exists } }',
      { where: { id: victim.sessionId } },
    );
    expect(codeOf(answer)).toBe('FORBIDDEN');
  });

  it('is written by nobody: neither events nor accounts, not even by admins', async () => {
    const { schema } = server.server.application();
    const names = Object.keys(schema.getMutationType()!.getFields()).join(' ');
    expect(names).not.toMatch(/Auth(Account|Session|Event|Identity|Passkey|Device|ApiKey)|OrganizationMember\b/);
    for (const type of Object.values(schema.getTypeMap()))
      if (/^(Create|Update|Upsert)?User.*(Input|Data)$/.test(type.name) && 'getFields' in type)
        expect(Object.keys(type.getFields()).join(' '), type.name).not.toMatch(/auth|account/i);
  });

  it('is seen by admins, live', async () => {
    const socket = await openSocket(server, { token: admin.accessToken });
    const stream = socket.subscribe('subscription { authEventChanges { type node { kind userId actorId } } }');
    const quiet = await openSocket(server, { token: ann.accessToken });
    const others = quiet.subscribe('subscription { authEventChanges { type node { userId } } }');
    await new Promise((resolve) => setTimeout(resolve, 300));
    const victim = await makePerson(server);
    await to(admin, 'signOutAccount', victim.userId);
    const told: string[] = [];
    while (!told.join().includes(victim.userId)) told.push(JSON.stringify(await stream.next()));
    expect(JSON.stringify(others.waiting)).not.toContain(victim.userId);
    await socket[Symbol.asyncDispose]();
    await quiet[Symbol.asyncDispose]();
  });
});
