import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApplication, readSources } from '../../../src/application.ts';
import { changeRole } from '../../../src/cli/role/change-role.ts';
import { readConfig } from '../../../src/config/config.ts';
import { type AccountServer, startAccountServer } from '../../support/accounts.ts';
import { millrace } from '../../support/command-line.ts';
import { mailTo, makePerson, openSessionOf, type Person, tokenIn, withOutbox } from '../../support/people.ts';
import { ask } from '../../support/postgres.ts';
import type { Answer } from '../../support/server.ts';
import { insertTeam, team } from '../../support/team.ts';

let server: AccountServer;
beforeAll(async () => {
  server = await startAccountServer({
    accounts: {
      personalData: {
        Comment: (userId) => ({ authorId: userId }),
        Task: (userId) => ({ assigneeId: userId, title: { startsWith: 'My ' } }),
        Member: (userId) => ({ userId }),
      },
    },
    config: withOutbox,
  });
  await insertTeam(server.databaseUrl);
});
afterAll(() => server[Symbol.asyncDispose]());

const codeOf = ({ errors }: Answer) => errors?.[0]?.extensions.code;
const password = 'four words of no use';
const upgrade = (who: Pick<Person, 'query'>, input: object) =>
  who.query(
    'mutation ($input: UpgradeGuestInput!) { upgradeGuest(input: $input) { verificationSent signIn { session { userId } } } }',
    { input: { password, ...input } },
  );
const confirm = (who: Pick<Person, 'query'>, token: string) =>
  who.query(
    'mutation ($token: String!) { confirmGuestUpgrade(token: $token) { session { sessionId userId accessToken refreshToken } } }',
    { token },
  );
const countOf = async (text: string, ...values: unknown[]) =>
  (await ask<{ n: number }>(server.databaseUrl, `select count(*)::int n from ${text}`, values))[0]!.n;

describe('a guest who says who they are', () => {
  it('stays the same user, once the link is followed in their own session; the sessions of before end', async () => {
    const guest = await server.guest();
    const elsewhere = await openSessionOf(server, guest.userId);
    const answer = await upgrade(guest, { email: 'New.Person@People.test', name: 'New Person' });
    expect(answer.data.upgradeGuest).toEqual({ verificationSent: true, signIn: null });
    expect((await guest.query('{ me { kind email hasPassword } }')).data.me).toEqual({
      kind: 'GUEST',
      email: null,
      hasPassword: false,
    });
    const token = tokenIn(await mailTo(server, 'new.person@people.test'));
    const thief = await server.guest();
    expect(codeOf(await confirm(thief, token))).toBe('UNAUTHENTICATED');
    expect(codeOf(await confirm(server.stranger, token))).toBe('UNAUTHENTICATED');
    const { session } = (await confirm(guest, token)).data.confirmGuestUpgrade;
    expect(session.userId).toBe(guest.userId);
    const now = server.signedIn(session);
    const { data } = await now.query(
      '{ me { kind email isEmailVerified hasPassword } users { nodes { id email name } } }',
    );
    expect(data).toEqual({
      me: { kind: 'PERSON', email: 'new.person@people.test', isEmailVerified: true, hasPassword: true },
      users: { nodes: [{ id: guest.userId, email: 'new.person@people.test', name: 'New Person' }] },
    });
    for (const before of [guest, elsewhere])
      await expect
        .poll(async () => codeOf(await before.query('{ me { kind } }')), { timeout: 1000 })
        .toBe('UNAUTHENTICATED');
    expect(codeOf(await confirm(now, token))).toBe('UNAUTHENTICATED');
    expect(codeOf(await upgrade(now, { email: 'again@people.test' }))).toBe('FORBIDDEN');
  });

  it('learns of no address whether it has an account: its owner is told', async () => {
    const known = await makePerson(server, { email: 'known@people.test' });
    const [one, other] = [await server.guest(), await server.guest()];
    const taken = await upgrade(one, { email: known.email });
    expect(taken).toEqual(await upgrade(other, { email: 'free@people.test' }));
    const text = await mailTo(server, known.email);
    expect(text).toContain('has an account there already');
    expect(text).not.toContain('token=');
    expect((await one.query('{ me { kind } }')).data.me.kind).toBe('GUEST');
  });

  it('has no account at an address that was taken meanwhile', async () => {
    const guest = await server.guest();
    await upgrade(guest, { email: 'late@people.test' });
    const token = tokenIn(await mailTo(server, 'late@people.test'));
    await makePerson(server, { email: 'late@people.test' });
    expect(codeOf(await confirm(guest, token))).toBe('UNAUTHENTICATED');
  });

  it('is held to the policy of passwords', async () => {
    const guest = await server.guest();
    for (const weak of ['short', 'aaaaaaaaaaaaaaaaaaaa', 'x'.repeat(2000)])
      expect(codeOf(await upgrade(guest, { email: 'weak@people.test', password: weak }))).toBe('INVALID_INPUT');
  });
});

describe('one’s own data', () => {
  it('is exported: all of one’s own, nothing that signs in, and nothing of others', async () => {
    const ann = await adopt(team.ben, 'ben@mill.test');
    const { exportMyData: data } = (await ann.query('{ exportMyData }')).data;
    expect(data.account).toMatchObject({ userId: team.ben, email: 'ben@mill.test' });
    expect(data.sessions).toMatchObject([{ id: ann.sessionId, methods: ['pwd'] }]);
    expect(data.rows.Comment).toMatchObject([{ id: team.remark, body: 'The pond is low.' }]);
    expect(data.rows.Member).toMatchObject([{ workspaceId: team.mill, role: 'EDITOR' }]);
    expect(data.rows.Task).toEqual([]);
    const text = JSON.stringify(data);
    for (const secret of ['argon2', 'alloy', 'dora', team.ann]) expect(text).not.toContain(secret);
    expect(codeOf(await server.stranger.query('{ exportMyData }'))).toBe('UNAUTHENTICATED');
    expect(codeOf(await server.as({ sub: team.ben }).query('{ exportMyData }'))).toBe('FORBIDDEN');
  });

  it('goes with the account, which takes a fresh sign-in: rows, user, ways in; events stay without a trace of whom', async () => {
    const cleo = await adopt(team.cleo, 'cleo@mill.test');
    await ask(
      server.databaseUrl,
      `insert into comments (id, task_id, author_id, body) values (gen_random_uuid(), $1, $2, 'of Cleo')`,
      [team.pond, team.cleo],
    );
    await ask(server.databaseUrl, `insert into millrace.auth_passwords (user_id, hash) values ($1, 'h')`, [team.cleo]);
    await ask(
      server.databaseUrl,
      `insert into auth_events (id, kind, user_id, address, user_agent, details)
        values (gen_random_uuid(), 'signed-in', $1, '192.0.2.7', 'a browser', '{"method": "password"}')`,
      [team.cleo],
    );
    const comments = await countOf('comments');
    const stale = await openSessionOf(server, team.cleo, 11);
    expect(codeOf(await stale.query('mutation { deleteMyAccount }'))).toBe('FORBIDDEN');
    expect((await cleo.query('mutation { deleteMyAccount }')).data).toEqual({ deleteMyAccount: true });
    for (const [table, column] of [
      ['users', 'id'],
      ['members', 'user_id'],
      ['auth_accounts', 'user_id'],
      ['auth_sessions', 'user_id'],
      ['millrace.auth_passwords', 'user_id'],
    ])
      expect(await countOf(`${table} where ${column}::text = $1`, team.cleo), table).toBe(0);
    expect(await countOf('comments')).toBe(comments - 1);
    const events = await ask(
      server.databaseUrl,
      'select kind, address, user_agent, details from auth_events where user_id = $1 order by at, id',
      [team.cleo],
    );
    expect(events).toEqual(
      ['signed-in', 'account-deleted'].map((kind) => ({ kind, address: null, user_agent: null, details: {} })),
    );
    await expect
      .poll(async () => codeOf(await cleo.query('{ me { kind } }')), { timeout: 1000 })
      .toBe('UNAUTHENTICATED');
  });

  it('goes with a user’s row too, whoever deletes it', async () => {
    const person = await makePerson(server);
    const { data } = await person.query('mutation { createOrganization(name: "Short-lived") { organizationId } }');
    await server.as({ role: 'admin' }).query('mutation ($id: String!) { deleteUser(where: { id: $id }) { id } }', {
      id: person.userId,
    });
    expect(await countOf('auth_accounts where user_id = $1', person.userId)).toBe(0);
    expect(
      await countOf('organization_members where organization_id = $1', data.createOrganization.organizationId),
    ).toBe(0);
  });

  it('is not deleted by halves: what hangs on the user keeps all of it', async () => {
    const person = await makePerson(server);
    await ask(
      server.databaseUrl,
      `create table held (user_id uuid references users (id)); insert into held values ('${person.userId}')`,
    );
    expect(codeOf(await person.query('mutation { deleteMyAccount }'))).toBe('CONFLICT');
    expect(await countOf('auth_accounts where user_id = $1', person.userId)).toBe(1);
    await ask(server.databaseUrl, 'drop table held');
  });
});

describe('an account that an admin makes', () => {
  const create = (input: object) =>
    server
      .as({ role: 'admin' })
      .query('mutation ($input: NewAccountInput!) { createAccount(input: $input) }', { input });

  it('has its user, its roles, and an invitation whose link signs in', async () => {
    const { data } = await create({ email: 'Made@People.test', name: 'Made', roles: ['editor'], sendInvitation: true });
    const [row] = await ask(
      server.databaseUrl,
      `select email, email_verified_at, roles, (select name from users where id::text = user_id) from auth_accounts where user_id = $1`,
      [data.createAccount],
    );
    expect(row).toEqual({ email: 'made@people.test', email_verified_at: null, roles: ['editor'], name: 'Made' });
    expect(await mailTo(server, 'made@people.test')).toMatch(/\/auth\/link#for=sign-in-link&token=[\w-]{43}\n/);
  });

  it('is given to a user who is there, once', async () => {
    expect(codeOf(await create({ email: 'x@people.test', userId: crypto.randomUUID() }))).toBe('NOT_FOUND');
    expect((await create({ email: 'dora@smithy.test', userId: team.dora })).data).toEqual({ createAccount: team.dora });
    expect(codeOf(await create({ email: 'other@smithy.test', userId: team.dora }))).toBe('CONFLICT');
    expect(codeOf(await create({ email: 'DORA@smithy.test' }))).toBe('CONFLICT');
  });
});

describe('npx millrace role', () => {
  it('makes the first admin, and never takes the last one', async () => {
    const person = await makePerson(server, { email: 'first@people.test' });
    const settings = { DATABASE_URL: server.databaseUrl };
    const done = await millrace(process.cwd(), ['role', 'First@people.test', 'admin'], settings);
    expect(done.stdout).toBe('First@people.test: admin\n');
    await expect
      .poll(async () => (await person.query('{ me { roles } }')).data.me.roles, { timeout: 1000 })
      .toEqual(['admin']);
    const change = (email: string, role: string, remove: boolean) =>
      changeRole(readConfig(settings, process.cwd()), { email, role, remove });
    await expect(change('first@people.test', 'admin', true)).rejects.toThrow('this is the last admin');
    await makePerson(server, { email: 'squatted@people.test', isVerified: false });
    await expect(change('squatted@people.test', 'admin', false)).rejects.toThrow('was never verified');
    await expect(change('nobody@people.test', 'admin', false)).rejects.toThrow('has no account');
    await expect(change('first@people.test', 'no role', false)).rejects.toThrow('is no role');
    const events = await ask(server.databaseUrl, `select kind from auth_events where user_id = $1`, [person.userId]);
    expect(events).toEqual([{ kind: 'roles-changed' }]);
  });
});

it('makes a person of a guest at once where addresses need not be verified, and tells of a taken one', async () => {
  const sources = await readSources(process.cwd());
  const { graphql } = readConfig({}, process.cwd());
  await server.server.replace(createApplication({ ...sources, accounts: { verifyEmail: false } }, graphql));
  const [guest, other] = [await server.guest(), await server.guest()];
  const { data } = await upgrade(guest, { email: 'at-once@people.test' });
  expect(data.upgradeGuest.signIn.session.userId).toBe(guest.userId);
  expect(codeOf(await upgrade(other, { email: 'AT-once@people.test' }))).toBe('CONFLICT');
  const [row] = await ask(server.databaseUrl, 'select kind, email_verified_at from auth_accounts where user_id = $1', [
    guest.userId,
  ]);
  expect(row).toEqual({ kind: 'person', email_verified_at: null });
});

it('leaves `createAccount` to an application that has accounts of its own', async () => {
  const sources = await readSources(process.cwd());
  const files = [...sources.files, { path: 'prisma/bank.prisma', content: 'model Account {\n  id Int @id\n}\n' }];
  const config = readConfig({}, process.cwd());
  const names = createApplication({ ...sources, files }, config.graphql)
    .schema.getMutationType()!
    .getFields();
  expect(names.createAccount!.extensions.account).toBeUndefined();
  expect(names.createAuthAccount!.extensions.account).toBe(true);
});

it('has no field of organizations where there are none', async () => {
  const sources = await readSources(process.cwd());
  const files = sources.files.filter(({ path }) => path !== 'prisma/platform/organizations.prisma');
  const { schema } = createApplication({ ...sources, files }, readConfig({}, process.cwd()).graphql);
  expect(Object.keys(schema.getMutationType()!.getFields()).join(' ')).not.toMatch(/organization|invitation/i);
});

/** Gives a user of the team an account and a session. */
async function adopt(userId: string, email: string) {
  await ask(
    server.databaseUrl,
    'insert into auth_accounts (user_id, email, email_verified_at) values ($1, $2, now())',
    [userId, email],
  );
  return openSessionOf(server, userId);
}
