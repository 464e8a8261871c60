/** What an API key, a program's account and a device may not do, though whoever has them may. */
import { setTimeout as sleep } from 'node:timers/promises';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSources } from '../../src/application.ts';
import type { Context } from '../../src/context.ts';
import { defineSchema } from '../../src/graphql/define-schema.ts';
import { type AccountServer, type SignedIn, startAccountServer } from '../support/accounts.ts';
import { openEventStream } from '../support/event-stream.ts';
import { ask } from '../support/postgres.ts';
import { openRawSocket } from '../support/raw-socket.ts';
import type { Answer, Asker } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';

let server: AccountServer;
/** Somebody who may read and write everything, as an administrator. */
let admin: SignedIn;
/** A member of the team's workspace. */
let ann: SignedIn;

const sql = (text: string) => ask(server.databaseUrl, text);
const codeOf = ({ errors }: Answer) => errors?.[0]?.extensions.code;

/** A person who has just signed in. */
async function person(more = ''): Promise<SignedIn> {
  const guest = await server.guest();
  await sql(`update auth_accounts set kind = 'person' ${more} where user_id = '${guest.userId}'`);
  return guest;
}

/** A person with the admin role, which every node knows of by now. */
async function administrator(): Promise<SignedIn> {
  const one = await person(`, roles = '{admin}'`);
  while ((await one.query('{ me { roles } }')).data.me.roles.length === 0) await sleep(20);
  return one;
}

beforeAll(async () => {
  const extend = defineSchema(({ queryField, mutationField }) => {
    const who = (_root: unknown, _args: object, { viewer }: Context) =>
      JSON.stringify([viewer.id, viewer.role, viewer.roles, viewer.isAdmin]);
    queryField('who', 'signed-in', (t) => t.string({ resolve: who }));
    mutationField('act', 'signed-in', (t) => t.string({ resolve: who }));
  });
  const { rules, ...sources } = await readSources(process.cwd());
  const open = { ...rules, Label: { ...rules.Label, read: true } };
  server = await startAccountServer({
    sources: { ...sources, rules: open as typeof rules, extend },
    config: (c) => ({ ...c, accounts: { ...c.accounts, publicUrl: 'https://api.test' } }),
  });
  await insertTeam(server.databaseUrl);
  admin = await administrator();
  ann = await person();
  await sql(`update members set user_id = '${ann.userId}' where user_id = '${team.ann}'`);
});
afterAll(() => server[Symbol.asyncDispose]());

const createKey = (by: Pick<Asker, 'query'>, scopes: string[], more: object = {}) =>
  by.query(
    `mutation ($name: String!, $scopes: [String!]!, $expiresAt: DateTime, $serviceAccountId: ID) {
      createApiKey(name: $name, scopes: $scopes, expiresAt: $expiresAt, serviceAccountId: $serviceAccountId) { id secret prefix scopes }
    }`,
    { name: 'a key', scopes, ...more },
  );
type Key = Pick<Asker, 'query'> & { id: string; secret: string; prefix: string };
async function keyOf(by: Pick<Asker, 'query'>, scopes: string[], more: object = {}): Promise<Key> {
  const answer = await createKey(by, scopes, more);
  if (answer.errors) throw new Error(JSON.stringify(answer.errors));
  return { ...answer.data.createApiKey, ...server.bearer(answer.data.createApiKey.secret) };
}

const titles = '{ tasks { nodes { title } } }';
const rename = (title = 'Renamed') =>
  `mutation { updateTask(where: { id: "${team.pond}" }, data: { title: "${title}" }) { id } }`;

describe('a key', () => {
  it('asks in its owner’s name, within its scopes', async () => {
    const key = await keyOf(ann, ['read', 'write']);
    expect((await key.query('{ who }')).data.who).toContain(ann.userId);
    expect((await key.query(titles)).data.tasks.nodes.length).toBeGreaterThan(0);
    expect((await key.query(titles)).data).toEqual((await ann.query(titles)).data);
    expect((await key.query(rename('By a key'))).data.updateTask.id).toBe(team.pond);
  });

  it('stands nowhere in the database, and is told once', async () => {
    const { secret, prefix } = await keyOf(ann, ['read']);
    const [rows] = [
      await sql(`select row_to_json(k)::text from auth_api_keys k union all
      select row_to_json(k)::text from millrace.auth_api_keys k union all select new::text from millrace.event_log`),
    ];
    expect(JSON.stringify(rows)).toContain(prefix);
    expect(JSON.stringify(rows)).not.toContain(secret.slice(-43));
  });

  it.each([
    ['the prefix alone', (key: string) => key.slice(0, 16)],
    ['the prefix with an empty secret', (key: string) => key.slice(0, 17)],
    ['a truncated one', (key: string) => key.slice(0, -1)],
    ['a longer one', (key: string) => `${key}x`],
    ['another secret', (key: string) => `${key.slice(0, -4)}AAAA`],
    ['another prefix', (key: string) => `mrk_000000000000${key.slice(16)}`],
    ['other letters', (key: string) => `mrk_${key.slice(4).toUpperCase()}`],
    ['a padded one', (key: string) => `${key}=`],
    ['a very long one', (key: string) => key + 'x'.repeat(10_000)],
    ['one with a quote', (key: string) => `mrk_' or 1=1 --_${key.slice(17)}`.replaceAll(' ', '')],
  ])('is refused as %s, in the same words', async (_what, change) => {
    const { secret } = await keyOf(ann, ['*']);
    const { errors } = await server.bearer(change(secret)).query('{ who }');
    expect(errors).toMatchObject([
      { message: 'this API key is not good, or not any more', extensions: { code: 'UNAUTHENTICATED' } },
    ]);
  });

  it('counts in no address, no cookie and no other scheme', async () => {
    const { secret } = await keyOf(ann, ['*']);
    const query = encodeURIComponent('{ who }');
    for (const name of ['access_token', 'token', 'api_key', 'apiKey', 'authorization', 'key']) {
      const text = await (await fetch(`${server.url}/graphql?query=${query}&${name}=${secret}`)).text();
      expect(text).not.toContain(ann.userId);
      expect(text).not.toContain(secret);
    }
    const ways: Record<string, string>[] = [
      { cookie: `millrace=${secret}`, 'x-millrace-csrf': '1', origin: server.url },
      { 'x-api-key': secret },
      { authorization: `Basic ${btoa(`${secret}:`)}` },
      { authorization: secret },
    ];
    for (const headers of ways)
      expect(await (await server.stranger.post({ query: '{ who }' }, headers)).text()).not.toContain(ann.userId);
  });

  it('that has expired, or is revoked, or whose owner is disabled, is good for nothing within a second', async () => {
    const soon = await keyOf(ann, ['*'], { expiresAt: new Date(Date.now() + 1500).toISOString() });
    const revoked = await keyOf(ann, ['*']);
    for (const key of [soon, revoked]) expect((await key.query('{ who }')).errors).toBeUndefined();
    using socket = await openRawSocket(server.url, { token: revoked.secret });
    using brief = await openRawSocket(server.url, { token: soon.secret });
    for (const one of [socket, brief]) {
      one.send({ id: '1', type: 'subscribe', payload: { query: 'query @live { tasks { totalCount } }' } });
      expect((await one.next()).type).toBe('next');
    }
    const query = new URLSearchParams({ query: 'query @live { tasks { totalCount } }' });
    const headers = { authorization: `Bearer ${revoked.secret}` };
    await using stream = await openEventStream(`${server.url}/graphql?${query}`, { headers });
    await stream.next();
    const began = Date.now();
    expect((await ann.query(`mutation { revokeApiKey(id: "${revoked.id}") }`)).data).toEqual({ revokeApiKey: true });
    expect((await socket.closed).code).toBe(4401);
    expect((await stream.next()).data.errors[0].extensions.code).toBe('UNAUTHENTICATED');
    expect(Date.now() - began).toBeLessThan(1000);
    expect(codeOf(await revoked.query('{ who }'))).toBe('UNAUTHENTICATED');
    expect(await brief.next()).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
    expect(codeOf(await soon.query('{ who }'))).toBe('UNAUTHENTICATED');
    const owner = await person();
    const owned = await keyOf(owner, ['*']);
    expect((await owned.query('{ who }')).errors).toBeUndefined();
    await sql(`update auth_accounts set disabled_at = now() where user_id = '${owner.userId}'`);
    await expect.poll(async () => codeOf(await owned.query('{ who }')), { timeout: 1000 }).toBe('UNAUTHENTICATED');
  });

  it('tells when it was used last, to the minute', async () => {
    const key = await keyOf(ann, ['*', 'accounts']);
    const used = () => sql(`select last_used_at::text from auth_api_keys where id = '${key.id}'`);
    await key.query('{ who }');
    await expect.poll(async () => JSON.stringify(await used())).not.toContain('null');
    const first = JSON.stringify(await used());
    for (let i = 0; i < 5; i += 1) await key.query('{ who }');
    expect(JSON.stringify(await used())).toBe(first);
  });
});

describe('a scope is kept', () => {
  it('by reads: of what is out of it there is nothing, at any depth, in filters, orders and counts', async () => {
    // Everybody's plans are there first: that of somebody without scopes must not be taken for one with.
    const nested = '{ tasks { nodes { title project { name } comments { nodes { body } } } totalCount } }';
    const all = await admin.query(nested);
    expect(all.data.tasks.nodes.some((t: { project: unknown }) => t.project)).toBe(true);
    const key = await keyOf(admin, ['read:Task', 'admin']);
    const { data } = await key.query(nested);
    expect(data.tasks.totalCount).toBe(all.data.tasks.totalCount);
    for (const task of data.tasks.nodes) expect(task).toMatchObject({ project: null, comments: { nodes: [] } });
    const filtered = await key.query('{ tasks(where: { project: { name: { contains: "" } } }) { totalCount } }');
    expect(filtered.data?.tasks.totalCount ?? 0).toBe(0);
    for (const query of ['{ projects { nodes { id } } }', '{ users { totalCount } }', '{ labels { nodes { name } } }'])
      expect(codeOf(await key.query(query)), query).toBe('FORBIDDEN');
  });

  it('also for what everybody may read', async () => {
    const labels = '{ tasks { nodes { title labels { nodes { name } totalCount } } } }';
    // Its plan is there first, and looks at no rule of labels.
    expect(JSON.stringify(await ann.query(labels))).toContain('"name"');
    const key = await keyOf(ann, ['read:Task']);
    const { data } = await key.query(labels);
    expect(data.tasks.nodes.length).toBeGreaterThan(0);
    for (const task of data.tasks.nodes) expect(task.labels).toEqual({ nodes: [], totalCount: 0 });
    expect(JSON.stringify(await ann.query(labels))).toContain('"name"');
  });

  it('by writes, nested ones and connections too', async () => {
    const reader = await keyOf(admin, ['read', 'admin']);
    expect(codeOf(await reader.query(rename()))).toBe('FORBIDDEN');
    expect(codeOf(await reader.query(`mutation { deleteTask(where: { id: "${team.pond}" }) { id } }`))).toBe(
      'FORBIDDEN',
    );
    const writer = await keyOf(admin, ['read', 'update:Task', 'admin']);
    expect((await writer.query(rename('Within the scope'))).errors).toBeUndefined();
    const nested = (data: string) =>
      writer.query(`mutation { updateTask(where: { id: "${team.pond}" }, data: { title: "Never", ${data} }) { id } }`);
    for (const data of [
      `comments: { create: [{ body: "x", author: { connect: { id: "${team.ann}" } } }] }`,
      'comments: { deleteMany: [{}] }',
      'project: { update: { data: { name: "x" } } }',
      'project: { create: { name: "x" } }',
    ]) {
      const answer = await nested(data);
      expect(answer.data ?? null, data).toBeNull();
    }
    expect(JSON.stringify(await sql(`select title from tasks where id = '${team.pond}'`))).toContain(
      'Within the scope',
    );
    expect(codeOf(await writer.query('mutation { createProject(data: { name: "x" }) { id } }'))).not.toBeUndefined();
  });

  it('by connections to what it may not read', async () => {
    const key = await keyOf(admin, ['read:Task', 'write:Task', 'admin']);
    const project = team.wheel;
    const answer = await key.query(
      `mutation { updateTask(where: { id: "${team.pond}" }, data: { project: { connect: { id: "${project}" } } }) { id } }`,
    );
    expect(answer.data ?? null).toBeNull();
  });

  it('by streams and live queries', async () => {
    const key = await keyOf(admin, ['read:Task', 'admin']);
    using socket = await openRawSocket(server.url, { token: key.secret });
    const says = async (query: string) => {
      socket.send({ id: query, type: 'subscribe', payload: { query } });
      return JSON.stringify(await socket.next());
    };
    expect(await says('subscription { projectChanges { type } }')).toContain('FORBIDDEN');
    expect(await says('query @live { projects { nodes { id } } }')).toContain('FORBIDDEN');
    const live = await says('query @live { tasks { nodes { title project { name } } } }');
    expect(live).toContain('"project":null');
    expect(live).not.toContain('"name"');
    expect(await says('subscription { taskChanges { type node { title project { name } } } }')).toContain('CHECKPOINT');
    await sql(`update tasks set title = 'For keys' where id = '${team.pond}'`);
    const told = JSON.stringify([await socket.next(), await socket.next()]);
    expect(told).toContain('For keys');
    expect(told).not.toContain('"name"');
  });

  it('by fields of the application’s own, and by explanations', async () => {
    const key = await keyOf(admin, ['read:Task', 'write:Task', 'admin']);
    expect(codeOf(await key.query('{ who }'))).toBe('FORBIDDEN');
    expect(codeOf(await key.query('mutation { act }'))).toBe('FORBIDDEN');
    const explain = '{ explainAccess(input: { model: "Project", action: READ }) { allowed } }';
    expect(codeOf(await key.query(explain))).not.toBeUndefined();
    const reader = await keyOf(admin, ['read', 'admin']);
    expect((await reader.query('{ who }')).errors).toBeUndefined();
    expect(codeOf(await reader.query('mutation { act }'))).toBe('FORBIDDEN');
  });

  it('in lists of operations, by GET and by one mutation with several fields', async () => {
    const key = await keyOf(admin, ['read:Task', 'admin']);
    const headers = { authorization: `Bearer ${key.secret}` };
    const list = [{ query: titles }, { query: '{ projects { nodes { id } } }' }, { query: rename('In a list') }];
    const [first, ...others] = (await (await server.stranger.post(list, headers)).json()) as Answer[];
    expect(first!.errors).toBeUndefined();
    for (const answer of others) expect(codeOf(answer)).toBe('FORBIDDEN');
    const get = await fetch(`${server.url}/graphql?query=${encodeURIComponent('{ projects { nodes { id } } }')}`, {
      headers,
    });
    expect(codeOf((await get.json()) as Answer)).toBe('FORBIDDEN');
  });

  it('of the answer to the same idempotency key that another key of its owner was given', async () => {
    const [wide, narrow] = [await keyOf(ann, ['read', 'write']), await keyOf(ann, ['write:Task'])];
    const body = {
      query: rename('Once').replace('{ id }', '{ title project { name } }'),
      extensions: { idempotencyKey: crypto.randomUUID() },
    };
    const post = async ({ secret }: Key) =>
      (await (await server.stranger.post(body, { authorization: `Bearer ${secret}` })).json()) as Answer;
    expect((await post(wide)).data.updateTask.project.name).toBeTruthy();
    expect(codeOf(await post(narrow))).toBe('CONFLICT');
  });
});

describe('a key never comes to more than its owner, nor to the account itself', () => {
  it('has the rights of the admin role only by its scope, and only where its owner has them', async () => {
    const plain = await keyOf(admin, ['*']);
    expect(JSON.parse((await plain.query('{ who }')).data.who)).toEqual([admin.userId, null, [], false]);
    expect((await plain.query(titles)).data.tasks.nodes).toEqual([]);
    const full = await keyOf(admin, ['*', 'admin']);
    expect(JSON.parse((await full.query('{ who }')).data.who)).toEqual([admin.userId, 'admin', ['admin'], true]);
    expect(codeOf(await createKey(ann, ['*', 'admin']))).toBe('FORBIDDEN');
  });

  it('loses with its owner what that loses', async () => {
    const owner = await administrator();
    const key = await keyOf(owner, ['*', 'admin']);
    expect((await key.query(titles)).data.tasks.nodes.length).toBeGreaterThan(0);
    await sql(`update auth_accounts set roles = '{}' where user_id = '${owner.userId}'`);
    await expect.poll(async () => (await key.query(titles)).data.tasks.nodes, { timeout: 1000 }).toEqual([]);
  });

  it('reads nothing of accounts without that scope', async () => {
    for (const scopes of [['*'], ['read', 'write'], ['*', 'admin']]) {
      const key = await keyOf(admin, scopes);
      for (const query of [
        '{ me { userId } }',
        '{ authAccounts { nodes { userId } } }',
        '{ authSessions { nodes { id } } }',
        '{ authApiKeys { nodes { prefix } } }',
        '{ authEvents { nodes { kind } } }',
      ])
        expect(codeOf(await key.query(query)), `${scopes} ${query}`).toBe('FORBIDDEN');
    }
    const key = await keyOf(ann, ['accounts']);
    expect((await key.query('{ me { userId } }')).data.me.userId).toBe(ann.userId);
    const { data } = await key.query('{ authApiKeys { nodes { userId } } }');
    expect(new Set(data.authApiKeys.nodes.map((k: { userId: string }) => k.userId))).toEqual(new Set([ann.userId]));
  });

  it('ends no session, registers no device and signs nobody in, whatever its scopes', async () => {
    const key = await keyOf(admin, ['*', 'admin', 'accounts']);
    const { publicKey } = await generateKeyPair('ES256');
    const jwk = await exportJWK(publicKey);
    expect(codeOf(await key.query('mutation { signOutEverywhere }'))).toBe('FORBIDDEN');
    expect(codeOf(await key.query(`mutation { revokeSession(id: "${admin.sessionId}") }`))).toBe('FORBIDDEN');
    expect(codeOf(await key.query(`mutation { removeDevice(id: "${admin.sessionId}") }`))).toBe('FORBIDDEN');
    const register = 'mutation ($k: JSON!) { registerDevice(name: "x", publicKey: $k) }';
    expect(codeOf(await key.query(register, { k: jwk }))).toBe('FORBIDDEN');
    expect((await admin.query('{ me { userId } }')).data.me.userId).toBe(admin.userId);
  });

  it('makes no other key, whatever its scopes: it would have heirs', async () => {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const key = await keyOf(ann, ['read:Task', 'update:Task', 'accounts'], { expiresAt });
    for (const scopes of [['read:Task'], ['read'], ['*'], ['admin']])
      expect(codeOf(await createKey(key, scopes, { expiresAt })), String(scopes)).toBe('FORBIDDEN');
    const without = await keyOf(ann, ['*']);
    expect(codeOf(await createKey(without, ['read']))).toBe('FORBIDDEN');
  });

  it('is made by no guest, no stranger, no stale session and with no nonsense', async () => {
    expect(codeOf(await createKey(await server.guest(), ['read']))).toBe('FORBIDDEN');
    expect(codeOf(await createKey(server.stranger, ['read']))).toBe('UNAUTHENTICATED');
    expect(codeOf(await createKey(server.as({ sub: ann.userId }), ['read']))).toBe('FORBIDDEN');
    for (const scopes of [
      [],
      ['reed'],
      ['read:Nothing'],
      ['read:Task:x'],
      ['read:'],
      [''],
      ['read:__proto__'],
      Array(51)
        .fill('read')
        .map((s, i) => `${s}${i}`),
    ])
      expect(codeOf(await createKey(ann, scopes)), String(scopes)).toBe('INVALID_INPUT');
    expect(codeOf(await createKey(ann, ['read'], { name: ' ' }))).toBe('INVALID_INPUT');
    expect(codeOf(await createKey(ann, ['read'], { expiresAt: '2020-01-01T00:00:00Z' }))).toBe('INVALID_INPUT');
    const stale = await person();
    await sql(
      `update auth_sessions set authenticated_at = now() - interval '1 hour' where user_id = '${stale.userId}'`,
    );
    await expect.poll(async () => codeOf(await createKey(stale, ['read'])), { timeout: 1000 }).toBe('FORBIDDEN');
  });

  it('of somebody else is neither listed nor ended', async () => {
    const key = await keyOf(admin, ['read']);
    expect(JSON.stringify(await ann.query('{ authApiKeys { nodes { id prefix } } }'))).not.toContain(key.prefix);
    expect(codeOf(await ann.query(`mutation { revokeApiKey(id: "${key.id}") }`))).toBe('NOT_FOUND');
    expect((await key.query('{ who }')).errors).toBeUndefined();
  });
});

describe('an account of a program', () => {
  const create = (by: Pick<Asker, 'query'>, roles: string[]) =>
    by.query('mutation ($roles: [String!]!) { createServiceAccount(name: "ci", roles: $roles) }', { roles });

  it('is made and given keys by administrators alone', async () => {
    expect(codeOf(await create(ann, []))).toBe('FORBIDDEN');
    const { createServiceAccount: id } = (await create(admin, ['editor'])).data;
    expect(codeOf(await createKey(ann, ['read'], { serviceAccountId: id }))).toBe('FORBIDDEN');
    const key = await keyOf(admin, ['read'], { serviceAccountId: id });
    expect(JSON.parse((await key.query('{ who }')).data.who)).toEqual([id, 'editor', ['editor'], false]);
    // Nobody else's account is taken for one.
    expect(codeOf(await createKey(admin, ['read'], { serviceAccountId: ann.userId }))).toBe('NOT_FOUND');
    expect(codeOf(await admin.query(`mutation { deleteServiceAccount(id: "${ann.userId}") }`))).toBe('NOT_FOUND');
    expect((await admin.query(`mutation { deleteServiceAccount(id: "${id}") }`)).errors).toBeUndefined();
    await expect.poll(async () => codeOf(await key.query('{ who }')), { timeout: 1000 }).toBe('UNAUTHENTICATED');
  });

  it('comes to no rights upwards: neither by its key nor by one that it makes', async () => {
    const { createServiceAccount: id } = (await create(admin, ['editor'])).data;
    const key = await keyOf(admin, ['*', 'accounts'], { serviceAccountId: id });
    expect(codeOf(await create(key, ['admin']))).toBe('FORBIDDEN');
    expect(codeOf(await createKey(key, ['*', 'admin']))).toBe('FORBIDDEN');
    expect(codeOf(await createKey(key, ['read'], { serviceAccountId: id }))).toBe('FORBIDDEN');
    expect(codeOf(await create(admin, ['no such role!']))).toBe('INVALID_INPUT');
  });
});

describe('a device', () => {
  const pair = generateKeyPair('ES256', { extractable: true });
  const signIn = (assertion: string) =>
    server.stranger.query(
      'mutation ($a: String!) { signInDevice(assertion: $a) { session { userId sessionId accessToken } } }',
      {
        a: assertion,
      },
    );
  const register = async (by: Pick<Asker, 'query'>, publicKey: unknown) =>
    by.query('mutation ($k: JSON!) { registerDevice(name: "a lamp", publicKey: $k) }', { k: publicKey });
  const deviceOf = async (by: Pick<Asker, 'query'>) =>
    (await register(by, await exportJWK((await pair).publicKey))).data.registerDevice as string;

  interface Said {
    claims?: JWTPayload;
    header?: object;
    key?: CryptoKey;
  }
  const assertionOf = async (id: string, { claims = {}, header = {}, key }: Said = {}) => {
    const now = Math.floor(Date.now() / 1000);
    const said = {
      iss: id,
      sub: id,
      aud: 'https://api.test',
      iat: now,
      exp: now + 60,
      jti: crypto.randomUUID(),
      ...claims,
    };
    return new SignJWT(JSON.parse(JSON.stringify(said)))
      .setProtectedHeader({ alg: 'ES256', typ: 'device+jwt', ...header })
      .sign(key ?? (await pair).privateKey);
  };

  it('signs in by its own key, once with each statement', async () => {
    const id = await deviceOf(ann);
    const assertion = await assertionOf(id);
    const { data } = await signIn(assertion);
    expect(data.signInDevice.session.userId).toBe(ann.userId);
    expect(codeOf(await signIn(assertion))).toBe('UNAUTHENTICATED');
  });

  it('sent the same statement many times at once signs in once', async () => {
    const id = await deviceOf(ann);
    const assertion = await assertionOf(id);
    const answers = await Promise.all(Array.from({ length: 20 }, () => signIn(assertion)));
    expect(answers.filter(({ errors }) => !errors)).toHaveLength(1);
    expect(new Set(answers.filter(({ errors }) => errors).map(codeOf))).toEqual(new Set(['UNAUTHENTICATED']));
  });

  it('is refused in the same words whatever is wrong with what it sends', async () => {
    const id = await deviceOf(ann);
    const other = await generateKeyPair('ES256');
    const ed = await generateKeyPair('EdDSA');
    const now = Math.floor(Date.now() / 1000);
    const good = await assertionOf(id);
    const attempts: [string, string][] = [
      ['a foreign key', await assertionOf(id, { key: other.privateKey })],
      ['another algorithm', await assertionOf(id, { key: ed.privateKey, header: { alg: 'EdDSA' } })],
      [
        'no signature',
        new UnsecuredJWT({
          iss: id,
          sub: id,
          aud: 'https://api.test',
          jti: crypto.randomUUID(),
          iat: now,
          exp: now + 60,
        }).encode(),
      ],
      ['another type', await assertionOf(id, { header: { typ: 'at+jwt' } })],
      ['no type', await assertionOf(id, { header: { typ: undefined } })],
      ['another audience', await assertionOf(id, { claims: { aud: 'https://evil.test' } })],
      ['no audience', await assertionOf(id, { claims: { aud: undefined } })],
      ['several audiences', await assertionOf(id, { claims: { aud: ['https://api.test', 'https://evil.test'] } })],
      ['a long life', await assertionOf(id, { claims: { exp: now + 3600 } })],
      ['no end', await assertionOf(id, { claims: { exp: undefined } })],
      ['an end in the past', await assertionOf(id, { claims: { iat: now - 120, exp: now - 60 } })],
      ['a beginning to come', await assertionOf(id, { claims: { iat: now + 300, exp: now + 360 } })],
      ['no jti', await assertionOf(id, { claims: { jti: undefined } })],
      ['a short jti', await assertionOf(id, { claims: { jti: '1' } })],
      ['another subject', await assertionOf(id, { claims: { sub: admin.userId } })],
      ['another issuer', await assertionOf(crypto.randomUUID())],
      ['a critical header', await assertionOf(id, { header: { crit: ['b64'], b64: true } }).catch(() => `${good}x`)],
      ['a tampered one', `${good.slice(0, -2)}AA`],
      ['an access token', ann.accessToken],
      ['nonsense', 'x'],
      ['a megabyte', 'a.'.repeat(400_000)],
    ];
    for (const [what, assertion] of attempts) {
      const answer = await signIn(assertion);
      expect(answer.errors, what).toMatchObject([
        { message: 'these credentials do not sign in', extensions: { code: 'UNAUTHENTICATED' } },
      ]);
    }
    expect((await signIn(good)).errors).toBeUndefined();
  });

  it('that is removed signs in no more, and its sessions end', async () => {
    const id = await deviceOf(ann);
    const { data } = await signIn(await assertionOf(id));
    const session = server.bearer(data.signInDevice.session.accessToken);
    expect((await session.query('{ me { userId } }')).data.me.userId).toBe(ann.userId);
    expect(codeOf(await admin.query(`mutation { removeDevice(id: "${id}") }`))).toBe('NOT_FOUND');
    expect((await ann.query(`mutation { removeDevice(id: "${id}") }`)).errors).toBeUndefined();
    await expect
      .poll(async () => codeOf(await session.query('{ me { userId } }')), { timeout: 1000 })
      .toBe('UNAUTHENTICATED');
    expect(codeOf(await signIn(await assertionOf(id)))).toBe('UNAUTHENTICATED');
  });

  it('is registered by public keys of two kinds alone', async () => {
    const own = await exportJWK((await pair).privateKey);
    const rsa = await exportJWK((await generateKeyPair('RS256')).publicKey);
    const ed = await exportJWK((await generateKeyPair('EdDSA')).publicKey);
    const point = { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'B'.repeat(43) };
    for (const key of [own, rsa, point, { kty: 'oct', k: 'c2VjcmV0' }, {}, [], 'x', null, { ...ed, crv: 'X25519' }]) {
      const answer = await register(ann, key);
      expect(codeOf(answer), JSON.stringify(key)).toBe('INVALID_INPUT');
      expect(JSON.stringify(answer)).not.toContain(own.d);
    }
    expect((await register(ann, ed)).errors).toBeUndefined();
    expect(codeOf(await register(server.stranger, ed))).toBe('UNAUTHENTICATED');
  });
});
