import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readSources, type Sources } from '../../src/application.ts';
import { type AccountServer, startAccountServer } from '../support/accounts.ts';
import { mailTo, makePerson, openSessionOf, type Person, tokenIn, withOutbox } from '../support/people.ts';
import { ask } from '../support/postgres.ts';
import { roundsOf } from '../support/rounds.ts';
import type { Answer } from '../support/server.ts';
import { openSocket } from '../support/socket.ts';

let server: AccountServer;
let owner: Person;
let admin: Person;
let member: Person;
let stranger: Person;
let organizationId: string;
beforeAll(async () => {
  server = await startAccountServer({ sources: await sourcesWithOrgRule(), config: withOutbox });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  [owner, admin, member, stranger] = (await Promise.all([1, 2, 3, 4].map(() => makePerson(server)))) as [
    Person,
    Person,
    Person,
    Person,
  ];
  organizationId = await create(owner);
  await join(admin, 'admin');
  await join(member, 'member');
});

/** The example, whose workspaces belong to the organization that their slug names. */
async function sourcesWithOrgRule(): Promise<Sources> {
  const sources = await readSources(process.cwd());
  const rules = {
    ...sources.rules,
    Workspace: { read: (viewer: { orgs: readonly string[] }) => ({ slug: { in: [...viewer.orgs] } }) },
  };
  return { ...sources, rules };
}

const codeOf = ({ errors }: Answer) => errors?.[0]?.extensions.code;
const create = async (who: Person, name = 'The Guild'): Promise<string> => {
  const { data, errors } = await who.query(
    'mutation ($name: String!) { createOrganization(name: $name) { organizationId userId role } }',
    { name },
  );
  if (errors) throw new Error(JSON.stringify(errors));
  expect(data.createOrganization).toMatchObject({ userId: who.userId, role: 'owner' });
  return data.createOrganization.organizationId;
};
const join = (who: Person, role: string, id = organizationId) =>
  ask(server.databaseUrl, 'insert into organization_members (organization_id, user_id, role) values ($1, $2, $3)', [
    id,
    who.userId,
    role,
  ]);
const invite = (who: Pick<Person, 'query'>, email: string, role?: string, id = organizationId) =>
  who.query(
    'mutation ($id: ID!, $email: String!, $role: String) { inviteToOrganization(organizationId: $id, email: $email, role: $role) }',
    { id, email, role },
  );
const accept = (who: Pick<Person, 'query'>, token: string) =>
  who.query('mutation ($token: String!) { acceptInvitation(token: $token) { organizationId userId role } }', { token });
const setRole = (who: Pick<Person, 'query'>, userId: string, role: string, id = organizationId) =>
  who.query(
    'mutation ($id: ID!, $userId: ID!, $role: String!) { setOrganizationRole(organizationId: $id, userId: $userId, role: $role) { role } }',
    { id, userId, role },
  );
const remove = (who: Pick<Person, 'query'>, userId: string, id = organizationId) =>
  who.query('mutation ($id: ID!, $userId: ID!) { removeFromOrganization(organizationId: $id, userId: $userId) }', {
    id,
    userId,
  });
const leave = (who: Pick<Person, 'query'>, id = organizationId) =>
  who.query('mutation ($id: ID!) { leaveOrganization(organizationId: $id) }', { id });
const rolesIn = async (id = organizationId): Promise<Record<string, string>> => {
  const rows = await ask<{ user_id: string; role: string }>(
    server.databaseUrl,
    'select user_id, role from organization_members where organization_id = $1',
    [id],
  );
  return Object.fromEntries(rows.map((row) => [row.user_id, row.role]));
};
const invited = async (who: Person, role?: string): Promise<string> => {
  expect((await invite(owner, who.email, role)).data).toEqual({ inviteToOrganization: true });
  return tokenIn(await mailTo(server, who.email));
};

describe('a role in an organization', () => {
  it('is not raised by a member, for themselves or others', async () => {
    expect(codeOf(await setRole(member, member.userId, 'admin'))).toBe('FORBIDDEN');
    expect(codeOf(await setRole(member, stranger.userId, 'member'))).toBe('FORBIDDEN');
    expect(codeOf(await remove(member, admin.userId))).toBe('FORBIDDEN');
    expect(codeOf(await invite(member, 'friend@people.test'))).toBe('FORBIDDEN');
  });

  it('of an owner is neither made nor unmade by an admin', async () => {
    expect(codeOf(await setRole(admin, admin.userId, 'owner'))).toBe('FORBIDDEN');
    expect(codeOf(await setRole(admin, member.userId, 'owner'))).toBe('FORBIDDEN');
    expect(codeOf(await setRole(admin, owner.userId, 'member'))).toBe('FORBIDDEN');
    expect(codeOf(await remove(admin, owner.userId))).toBe('FORBIDDEN');
    expect(codeOf(await invite(admin, 'friend@people.test', 'owner'))).toBe('FORBIDDEN');
    for (const mutation of ['deleteOrganization(id: $id)', 'transferOrganization(organizationId: $id, userId: $me)']) {
      const typed = mutation.includes('$me') ? '($id: ID!, $me: ID!)' : '($id: ID!)';
      const answer = await admin.query(`mutation ${typed} { ${mutation} }`, { id: organizationId, me: admin.userId });
      expect(codeOf(answer)).toBe('FORBIDDEN');
    }
    expect(await rolesIn()).toEqual({ [owner.userId]: 'owner', [admin.userId]: 'admin', [member.userId]: 'member' });
  });

  it('of an owner that was offered is neither replaced nor taken back by an admin', async () => {
    await invited(stranger, 'owner');
    const { data } = await admin.query('{ organizationInvitations { nodes { id email role } } }');
    const [invitation] = data.organizationInvitations.nodes;
    expect(invitation).toMatchObject({ email: stranger.email, role: 'owner' });
    expect(codeOf(await invite(admin, stranger.email, 'member'))).toBe('FORBIDDEN');
    expect(codeOf(await admin.query('mutation ($id: ID!) { revokeInvitation(id: $id) }', { id: invitation.id }))).toBe(
      'FORBIDDEN',
    );
  });

  it.each(['Owner', 'OWNER', 'ówner', 'owner ', '', '__proto__', 'a'.repeat(61), 'x\u0000'])(
    'is not called %j',
    async (role) => {
      expect(codeOf(await setRole(owner, member.userId, role))).toBe('INVALID_INPUT');
    },
  );

  it('of the application’s own counts as a member’s', async () => {
    expect((await setRole(admin, member.userId, 'billing')).data).toEqual({ setOrganizationRole: { role: 'billing' } });
    expect(codeOf(await invite(member, 'friend@people.test'))).toBe('FORBIDDEN');
  });

  it('counts no more in the very next request of whoever was put out, whatever is remembered of them', async () => {
    await admin.query('{ me { organizations { id } } }');
    await setRole(owner, admin.userId, 'member');
    expect(codeOf(await invite(admin, 'friend@people.test'))).toBe('FORBIDDEN');
    await remove(owner, admin.userId);
    expect(codeOf(await invite(admin, 'friend@people.test'))).toBe('NOT_FOUND');
  });
});

describe('the last owner', () => {
  it('neither leaves, nor steps down, nor is erased', async () => {
    expect(codeOf(await leave(owner))).toBe('CONFLICT');
    expect(codeOf(await setRole(owner, owner.userId, 'admin'))).toBe('CONFLICT');
    expect(codeOf(await remove(owner, owner.userId))).toBe('CONFLICT');
    expect(codeOf(await owner.query('mutation { deleteMyAccount }'))).toBe('CONFLICT');
    expect((await rolesIn())[owner.userId]).toBe('owner');
  });

  it('remains where all owners leave at the same time', async () => {
    for (let round = 0; round < roundsOf(10); round += 1) {
      const id = await create(owner, 'The Race');
      const others = [admin, member, stranger];
      for (const other of others) await join(other, 'owner', id);
      await Promise.all([
        ...[owner, ...others].map((one) => leave(one, id)),
        setRole(owner, admin.userId, 'member', id),
        setRole(admin, owner.userId, 'member', id),
        remove(member, stranger.userId, id),
      ]);
      expect(Object.values(await rolesIn(id)).filter((role) => role === 'owner').length).toBeGreaterThanOrEqual(1);
      await ask(server.databaseUrl, 'delete from organizations where id = $1', [id]);
    }
  });

  it('hands over to a member, with a fresh sign-in, and is an admin then', async () => {
    const transfer = (who: Pick<Person, 'query'>, userId: string) =>
      who.query('mutation ($id: ID!, $userId: ID!) { transferOrganization(organizationId: $id, userId: $userId) }', {
        id: organizationId,
        userId,
      });
    expect(codeOf(await transfer(await openSessionOf(server, owner.userId, 11), member.userId))).toBe('FORBIDDEN');
    expect(codeOf(await transfer(owner, stranger.userId))).toBe('NOT_FOUND');
    expect((await transfer(owner, member.userId)).data).toEqual({ transferOrganization: true });
    expect(await rolesIn()).toMatchObject({ [owner.userId]: 'admin', [member.userId]: 'owner' });
    expect(codeOf(await transfer(owner, owner.userId))).toBe('FORBIDDEN');
  });

  it('takes an organization along of which they are the only member', async () => {
    const id = await create(stranger, 'Alone');
    expect((await stranger.query('mutation { deleteMyAccount }')).data).toEqual({ deleteMyAccount: true });
    expect(await ask(server.databaseUrl, 'select from organizations where id = $1', [id])).toHaveLength(0);
  });
});

describe('an organization of others', () => {
  const attempts: [string, string][] = [
    ['updateOrganization', 'updateOrganization(id: $id, name: "Mine")'],
    ['deleteOrganization', 'deleteOrganization(id: $id)'],
    ['transferOrganization', 'transferOrganization(organizationId: $id, userId: $me)'],
    ['setOrganizationRole', 'setOrganizationRole(organizationId: $id, userId: $me, role: "owner") { role }'],
    [
      'setOrganizationRole of another',
      'setOrganizationRole(organizationId: $id, userId: $owner, role: "member") { role }',
    ],
    ['removeFromOrganization', 'removeFromOrganization(organizationId: $id, userId: $owner)'],
    ['leaveOrganization', 'leaveOrganization(organizationId: $id)'],
    ['inviteToOrganization', 'inviteToOrganization(organizationId: $id, email: "me@evil.test", role: "owner")'],
  ];
  it.each(attempts)('is not there for %s', async (_name, field) => {
    const own = await create(stranger, 'My own');
    const declared = ['id', 'me', 'owner'].filter((name) => field.includes(`$${name}`)).map((name) => `$${name}: ID!`);
    const mutation = `mutation (${declared.join(', ')}) { ${field} }`;
    const variables = { me: stranger.userId, owner: owner.userId };
    const before = await rolesIn();
    const answers = await Promise.all(
      [organizationId, organizationId.toUpperCase(), crypto.randomUUID(), "' or true --"].map((id) =>
        stranger.query(mutation, { ...variables, id }),
      ),
    );
    // What is there and what is not are answered alike.
    expect(
      new Set(answers.map(({ errors }) => JSON.stringify([errors![0]!.message, errors![0]!.extensions]))),
    ).toHaveLength(1);
    expect(codeOf(answers[0]!)).toBe('NOT_FOUND');
    expect(await rolesIn()).toEqual(before);
    expect(await rolesIn(own)).toEqual({ [stranger.userId]: 'owner' });
  });

  it('lends nobody its members: users of another are NOT_FOUND in one’s own', async () => {
    const own = await create(stranger, 'My own');
    expect(codeOf(await setRole(stranger, member.userId, 'member', own))).toBe('NOT_FOUND');
    expect(codeOf(await remove(stranger, member.userId, own))).toBe('NOT_FOUND');
  });

  it('keeps its invitations: neither told, nor revoked', async () => {
    await invited(await makePerson(server));
    const [row] = await ask<{ id: string }>(
      server.databaseUrl,
      'select id from organization_invitations where organization_id = $1',
      [organizationId],
    );
    for (const id of [row!.id, crypto.randomUUID()]) {
      const answer = await stranger.query('mutation ($id: ID!) { revokeInvitation(id: $id) }', { id });
      expect(answer.errors).toMatchObject([
        { message: 'there is no such invitation', extensions: { code: 'NOT_FOUND' } },
      ]);
    }
    for (const who of [stranger, member])
      expect(
        (await who.query('{ organizationInvitations { nodes { id } } }')).data.organizationInvitations.nodes,
      ).toEqual([]);
    for (const query of [
      '{ organizations { nodes { id name members { nodes { userId } } } } }',
      '{ organizationMembers { nodes { userId organizationId } } }',
      `{ organizations(where: { members: { some: { userId: { equals: "${owner.userId}" } } } }) { nodes { id } } }`,
    ]) {
      const told = await stranger.query(query);
      expect(told.errors).toBeUndefined();
      expect(JSON.stringify(told)).not.toContain(organizationId);
    }
  });

  it('takes no more than its name: what else stands in an input is refused', async () => {
    for (const more of [
      `id: "${organizationId}"`,
      `userId: "${owner.userId}"`,
      'role: "owner"',
      'createdAt: "2020-01-01T00:00:00Z"',
    ]) {
      const answer = await stranger.query(`mutation { createOrganization(name: "x", ${more}) { role } }`);
      expect(answer.errors).toBeDefined();
    }
    expect(codeOf(await stranger.query('mutation { createOrganization(name: "a\\nb") { role } }'))).toBe(
      'INVALID_INPUT',
    );
    expect(codeOf(await stranger.query('mutation { createOrganization(name: " ") { role } }'))).toBe('INVALID_INPUT');
    const names = Object.keys(server.server.application().schema.getMutationType()!.getFields()).join(' ');
    expect(names).not.toMatch(/(create|update|upsert|delete)(Many)?Organization(Member|Invitation)/i);
  });

  it('is made by nobody who has no session, or is a guest', async () => {
    const guest = await makePerson(server, { kind: 'guest' });
    const mutation = 'mutation { createOrganization(name: "x") { role } }';
    expect(codeOf(await guest.query(mutation))).toBe('FORBIDDEN');
    expect(codeOf(await server.as({ sub: stranger.userId }).query(mutation))).toBe('FORBIDDEN');
    expect(codeOf(await server.stranger.query(mutation))).toBe('UNAUTHENTICATED');
  });
});

describe('an invitation', () => {
  it('says the same, and does the same, whether or not the address has an account', async () => {
    const answers = [
      await invite(admin, stranger.email),
      await invite(admin, 'nobody-yet@people.test'),
      await invite(admin, member.email),
    ];
    expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toHaveLength(1);
    const { data } = await admin.query('{ organizationInvitations(orderBy: [{ email: asc }]) { nodes { role } } }');
    expect(data.organizationInvitations.nodes).toEqual([{ role: 'member' }, { role: 'member' }, { role: 'member' }]);
  });

  it('brings its token in the fragment of an address of ours alone', async () => {
    await invite(owner, 'far@people.test');
    const text = await mailTo(server, 'far@people.test');
    expect(text).toMatch(/http:\/\/localhost:\d+\/auth\/link#for=invitation&token=[\w-]{43}\n/);
    const answer = await owner.query(
      'mutation ($id: ID!) { inviteToOrganization(organizationId: $id, email: "x@people.test", redirectTo: "https://evil.test/") }',
      { id: organizationId },
    );
    expect(codeOf(answer)).toBe('INVALID_INPUT');
  });

  it('makes no link of what an organization is called', async () => {
    const id = await create(stranger, 'Win at https://evil.test/prize now');
    await invite(stranger, 'victim@people.test', 'member', id);
    const text = await mailTo(server, 'victim@people.test');
    expect(text).toContain('Win at https:');
    expect(text).not.toMatch(/evil\.test|:\/\/evil/);
  });

  it('is good once', async () => {
    const token = await invited(stranger, 'admin');
    expect((await accept(stranger, token)).data.acceptInvitation).toEqual({
      organizationId,
      userId: stranger.userId,
      role: 'admin',
    });
    expect(codeOf(await accept(stranger, token))).toBe('UNAUTHENTICATED');
    await leave(stranger);
    expect(codeOf(await accept(stranger, token))).toBe('UNAUTHENTICATED');
    expect((await rolesIn())[stranger.userId]).toBeUndefined();
  });

  it('is good for nobody but whoever has the address, and stays good for them', async () => {
    const token = await invited(stranger);
    const other = await makePerson(server);
    expect(codeOf(await accept(other, token))).toBe('UNAUTHENTICATED');
    expect(codeOf(await accept(server.stranger, token))).toBe('UNAUTHENTICATED');
    expect((await rolesIn())[other.userId]).toBeUndefined();
    expect((await accept(stranger, token)).errors).toBeUndefined();
  });

  it('is not good before the address is verified', async () => {
    const squatter = await makePerson(server, { isVerified: false });
    const token = await invited(squatter);
    expect(codeOf(await accept(squatter, token))).toBe('FORBIDDEN');
    expect((await rolesIn())[squatter.userId]).toBeUndefined();
  });

  it('is not good after it was revoked, declined, replaced, or after its organization went', async () => {
    const revoked = await invited(stranger);
    const [row] = await ask<{ id: string }>(
      server.databaseUrl,
      'select id from organization_invitations where email = $1',
      [stranger.email],
    );
    await admin.query('mutation ($id: ID!) { revokeInvitation(id: $id) }', { id: row!.id });
    expect(codeOf(await accept(stranger, revoked))).toBe('UNAUTHENTICATED');
    await invite(owner, stranger.email);
    const replaced = tokenIn(await mailTo(server, stranger.email, 1));
    await invite(owner, stranger.email);
    const declined = tokenIn(await mailTo(server, stranger.email, 2));
    expect(codeOf(await accept(stranger, replaced))).toBe('UNAUTHENTICATED');
    const decline = () =>
      server.stranger.query('mutation ($token: String!) { declineInvitation(token: $token) }', { token: declined });
    expect((await decline()).data).toEqual({ declineInvitation: true });
    expect(codeOf(await decline())).toBe('UNAUTHENTICATED');
    expect(codeOf(await accept(stranger, declined))).toBe('UNAUTHENTICATED');
    await invite(owner, stranger.email);
    const orphaned = tokenIn(await mailTo(server, stranger.email, 3));
    await owner.query('mutation ($id: ID!) { deleteOrganization(id: $id) }', { id: organizationId });
    expect(codeOf(await accept(stranger, orphaned))).toBe('UNAUTHENTICATED');
    expect(await rolesIn()).toEqual({});
  });

  it('is not good after it has expired', async () => {
    const token = await invited(stranger);
    await ask(server.databaseUrl, `update organization_invitations set expires_at = now() where email = $1`, [
      stranger.email,
    ]);
    expect(codeOf(await accept(stranger, token))).toBe('UNAUTHENTICATED');
  });

  it('is not good after whoever sent it was put out: nobody comes back by a friend', async () => {
    await invite(admin, stranger.email, 'admin');
    const token = tokenIn(await mailTo(server, stranger.email));
    await remove(owner, admin.userId);
    expect(codeOf(await accept(stranger, token))).toBe('UNAUTHENTICATED');
    expect((await rolesIn())[stranger.userId]).toBeUndefined();
  });

  it('raises nobody who is a member already, and lowers nobody', async () => {
    await invite(owner, stranger.email, 'admin');
    const token = tokenIn(await mailTo(server, stranger.email));
    await join(stranger, 'billing');
    expect((await accept(stranger, token)).data.acceptInvitation.role).toBe('billing');
  });

  it('has one winner of fifty who accept it at the same time, round after round', async () => {
    const sessions = await Promise.all(Array.from({ length: 50 }, () => openSessionOf(server, stranger.userId)));
    for (let round = 0; round < roundsOf(4); round += 1) {
      await invite(owner, stranger.email, round % 2 ? 'admin' : 'member');
      const token = tokenIn(await mailTo(server, stranger.email, round));
      const answers = await Promise.all(sessions.map((session) => accept(session, token)));
      expect(answers.filter((answer) => !answer.errors)).toHaveLength(1);
      expect(new Set(answers.map(codeOf))).toEqual(new Set([undefined, 'UNAUTHENTICATED']));
      expect(Object.keys(await rolesIn()).filter((id) => id === stranger.userId)).toHaveLength(1);
      await leave(stranger);
    }
  });

  it('is either accepted or revoked, never both', async () => {
    for (let round = 0; round < roundsOf(5); round += 1) {
      await invite(owner, stranger.email);
      const token = tokenIn(await mailTo(server, stranger.email, round));
      const [row] = await ask<{ id: string }>(
        server.databaseUrl,
        'select id from organization_invitations where email = $1',
        [stranger.email],
      );
      const [accepted, revoked] = await Promise.all([
        accept(stranger, token),
        owner.query('mutation ($id: ID!) { revokeInvitation(id: $id) }', { id: row!.id }),
      ]);
      expect([accepted, revoked].filter((answer) => !answer.errors)).toHaveLength(1);
      expect((await rolesIn())[stranger.userId]).toBe(accepted.errors ? undefined : 'member');
      await leave(stranger);
    }
  });
});

describe('viewer.orgs', () => {
  it('follows in rules within a second: into an organization, and out of it', async () => {
    await ask(server.databaseUrl, 'insert into workspaces (id, name, slug) values (gen_random_uuid(), $2, $1::text)', [
      organizationId,
      'The Guild’s own',
    ]);
    const seen = async () =>
      (await stranger.query('{ workspaces { nodes { slug } } }')).data.workspaces.nodes.map(
        (n: { slug: string }) => n.slug,
      );
    const soon = () => expect.poll(seen, { timeout: 1000, interval: 20 });
    expect(await seen()).toEqual([]);
    const token = await invited(stranger);
    await accept(stranger, token);
    await soon().toEqual([organizationId]);
    expect((await stranger.query('{ me { organizations { id role } } }')).data.me.organizations).toEqual([
      { id: organizationId, role: 'member' },
    ]);
    await remove(owner, stranger.userId);
    await soon().toEqual([]);
    await join(stranger, 'member');
    await soon().toEqual([organizationId]);
    await owner.query('mutation ($id: ID!) { deleteOrganization(id: $id) }', { id: organizationId });
    await soon().toEqual([]);
  });
});

it('tells an open subscription nothing more, a second after its viewer was put out', async () => {
  const insert = (name: string) =>
    ask(server.databaseUrl, 'update workspaces set name = $2 where slug = $1', [organizationId, name]);
  await ask(server.databaseUrl, 'insert into workspaces (id, name, slug) values (gen_random_uuid(), $2, $1::text)', [
    organizationId,
    'The Guild’s own',
  ]);
  const [mine, others] = [
    await openSocket(server, { token: member.accessToken }),
    await openSocket(server, { token: owner.accessToken }),
  ];
  const text = 'subscription { workspaceChanges { type node { name } } }';
  const [told, still] = [mine.subscribe(text), others.subscribe(text)];
  await Promise.all([told.next(), still.next()]);
  await insert('Seen by both');
  expect(JSON.stringify(await told.next())).toContain('Seen by both');
  await remove(owner, member.userId);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await insert('Not for who is out');
  let heard = '';
  while (!heard.includes('Not for who is out')) heard += JSON.stringify(await still.next());
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(JSON.stringify(told.waiting)).not.toContain('Not for who is out');
  await mine[Symbol.asyncDispose]();
  await others[Symbol.asyncDispose]();
});

it('keeps what happens in organizations, with who did it, and no address of whoever was invited', async () => {
  await invited(stranger);
  await setRole(owner, member.userId, 'admin');
  await remove(owner, member.userId);
  const rows = await ask<{ kind: string; actor_id: string | null; details: object }>(
    server.databaseUrl,
    `select kind, actor_id, details from auth_events where details ->> 'organization' = $1 order by at, id`,
    [organizationId],
  );
  expect(rows.map(({ kind, actor_id }) => [kind, actor_id])).toEqual([
    ['organization-created', null],
    ['member-invited', null],
    ['member-role-changed', owner.userId],
    ['member-removed', owner.userId],
  ]);
  expect(JSON.stringify(rows)).not.toContain('@');
});
