import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createApplication, readSources, type Sources } from '../../src/application.ts';
import type { Config, GraphqlConfig } from '../../src/config/config.ts';
import type { AccountsDefinition } from '../../src/modules/auth/define-accounts.ts';
import {
  askBy,
  codesOf,
  completeWith,
  isSignedIn,
  mailsArrived,
  mailsTo,
  newAddress,
  newEmail,
  openAccount,
  password,
  postAs,
  resetTokenOf,
  resetWith,
  signInText,
  signInWith,
  signUpWith,
  tokenIn,
  withPasswords,
} from '../support/passwords.ts';
import { ask } from '../support/postgres.ts';
import { roundsOf } from '../support/rounds.ts';
import { startWholeServer, type TestServer } from '../support/server.ts';

const other = 'ein Berg im Winter';
const wrong = 'something else altogether';
const refused = ['UNAUTHENTICATED'];

let server: TestServer;
let sources: Sources;
let graphql: GraphqlConfig;
beforeAll(async () => {
  sources = await readSources(process.cwd());
  const keep = (config: Config) => {
    graphql = config.graphql;
    return withPasswords(config);
  };
  server = await startWholeServer({ config: keep });
});
afterAll(() => server[Symbol.asyncDispose]());

/** Serves another app/accounts.ts while a test runs. */
async function serving(accounts: AccountsDefinition, test: () => Promise<void>): Promise<void> {
  const before = server.server.application();
  await server.server.replace(createApplication({ ...sources, accounts }, graphql));
  try {
    await test();
  } finally {
    await server.server.replace(before);
  }
}

/** Everything of an answer that a stranger sees, but for the clock. */
async function seen(response: Response): Promise<unknown> {
  const headers = [...response.headers].filter(([name]) => name !== 'date');
  return { status: response.status, headers, body: await response.text() };
}

const count = async (text: string, values: unknown[] = []): Promise<number> => {
  const [row] = await ask<{ n: number }>(server.databaseUrl, `select count(*)::int as n from ${text}`, values);
  return row!.n;
};

/** How many users, accounts and passwords an address has. */
const countOf = async (email: string) => [
  await count('users where email = $1', [email]),
  await count('auth_accounts where email = $1', [email]),
  await count('millrace.auth_passwords join auth_accounts using (user_id) where email = $1', [email]),
];

/** Signs in, and must succeed. */
async function enter(email: string, typed: string) {
  const { data, errors } = await signInWith(server, { email, password: typed });
  if (errors) throw new Error(JSON.stringify(errors));
  return data.signIn.session as { userId: string; sessionId: string; accessToken: string; refreshToken: string };
}

/** Signs up, as far as the mail. */
async function linkOf(email: string, typed = password, more: object = {}): Promise<string> {
  const before = (await mailsTo(server, email)).length;
  const answer = await signUpWith(server, { email, password: typed, ...more });
  if (answer.errors) throw new Error(JSON.stringify(answer.errors));
  return tokenIn((await mailsArrived(server, email, before + 1)).at(-1)!);
}

describe('whether an address has an account', () => {
  it('is not told by signing in: unknown, wrong, without a password and disabled look alike to the byte', async () => {
    const known = await openAccount(server);
    const disabled = await openAccount(server);
    const unset = await openAccount(server, { password: null });
    const unverified = await openAccount(server);
    await ask(server.databaseUrl, 'update auth_accounts set disabled_at = now() where user_id = $1', [disabled.userId]);
    await ask(server.databaseUrl, 'update auth_accounts set email_verified_at = null where user_id = $1', [
      unverified.userId,
    ]);
    const attempts = [
      { email: newEmail(), password: wrong },
      { email: known.email, password: wrong },
      { email: unset.email, password: wrong },
      { email: unverified.email, password: wrong },
      { email: disabled.email, password: wrong },
      { email: disabled.email, password },
    ];
    const answers = [];
    for (const variables of attempts) answers.push(await seen(await postAs(server, {}, signInText, variables)));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(JSON.stringify(answers[0])).toContain('these credentials do not sign in');
  });

  it('is not told by signing up: the answer is the same, and makes nothing', async () => {
    const { email } = await openAccount(server);
    const text =
      'mutation ($input: SignUpInput!) { signUp(input: $input) { verificationSent signIn { session { userId } } } }';
    const fresh = newEmail();
    const before = await count('auth_accounts');
    const answers = [];
    for (const address of [email, fresh])
      answers.push(await seen(await postAs(server, {}, text, { input: { email: address, password: other } })));
    expect(answers[0]).toEqual(answers[1]);
    const [toOwner] = await mailsArrived(server, email, 1);
    const [toNew] = await mailsArrived(server, fresh, 1);
    expect(toOwner!.text).toContain('which has an account there already');
    expect(toOwner!.text).not.toContain('token=');
    expect(toNew!.text).toContain('token=');
    expect(await count('auth_accounts')).toBe(before);
    expect(await count('users where email = $1', [fresh])).toBe(0);
    expect(codesOf(await signInWith(server, { email, password: other }))).toEqual(refused);
    await enter(email, password);
  });

  it('is not told by asking for a new password', async () => {
    const { email } = await openAccount(server);
    const disabled = await openAccount(server);
    await ask(server.databaseUrl, 'update auth_accounts set disabled_at = now() where user_id = $1', [disabled.userId]);
    const text = 'mutation ($email: String!) { requestPasswordReset(email: $email) }';
    const nobody = newEmail();
    const answers = [];
    for (const address of [email, nobody, disabled.email])
      answers.push(await seen(await postAs(server, {}, text, { email: address })));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    await mailsArrived(server, email, 1);
    expect([await mailsTo(server, nobody), await mailsTo(server, disabled.email)]).toEqual([[], []]);
  });

  it('is not told by what is wrong with a sign-up', async () => {
    const { email } = await openAccount(server);
    for (const broken of [
      { password: 'short' },
      { password: 'passwordpassword' },
      { password, name: 'a\nb' },
      { password, profile: [] },
    ]) {
      const [taken, free] = [
        await signUpWith(server, { email, ...broken }),
        await signUpWith(server, { email: newEmail(), ...broken }),
      ];
      expect(taken).toEqual(free);
      expect(codesOf(taken)).toEqual(['INVALID_INPUT']);
    }
  });
});

describe('signing up', () => {
  it('makes an account and signs in, with the link and the password of the same sign-up', async () => {
    const email = newEmail();
    const { data } = await completeWith(server, await linkOf(email, password, { name: ' Ann ' }), password);
    const { userId, accessToken } = data.completeSignUp.session;
    expect(await isSignedIn(server, accessToken)).toBe(true);
    const [user] = await ask(server.databaseUrl, 'select name, email from users where id = $1', [userId]);
    expect(user).toEqual({ name: 'Ann', email });
    expect((await enter(email, password)).userId).toBe(userId);
  });

  it('by a stranger gives nothing to the owner of the mailbox who follows the link, and nothing to the stranger', async () => {
    const email = newEmail();
    const theirs = await linkOf(email, other); // a stranger's, which comes to the owner's mailbox
    expect(codesOf(await completeWith(server, theirs, password))).toEqual(refused);
    expect(codesOf(await signInWith(server, { email, password: other }))).toEqual(refused);
    const { data } = await completeWith(server, await linkOf(email, password), password);
    expect(data.completeSignUp.session.userId).toBeTruthy();
    expect(codesOf(await signInWith(server, { email, password: other }))).toEqual(refused);
    expect(codesOf(await completeWith(server, theirs, other))).toEqual(['CONFLICT']);
    await enter(email, password);
    expect(codesOf(await signInWith(server, { email, password: other }))).toEqual(refused);
  });

  it('allows ten tries at the password beside a link, and the link once', async () => {
    const guessed = await linkOf(newEmail());
    const codes = await Promise.all(
      Array.from({ length: 30 }, async () => codesOf(await completeWith(server, guessed, wrong))),
    );
    for (const each of codes) expect(each).toEqual(refused);
    expect(codesOf(await completeWith(server, guessed, password))).toEqual(refused);
    const link = await linkOf(newEmail());
    expect(codesOf(await completeWith(server, link, password))).toBeUndefined();
    expect(codesOf(await completeWith(server, link, password))).toEqual(refused);
  });

  it('by one link fifty times at once makes exactly one account, in every round', async () => {
    for (let round = 0; round < roundsOf(3); round += 1) {
      const email = newEmail();
      const link = await linkOf(email);
      const answers = await Promise.all(Array.from({ length: 50 }, () => completeWith(server, link, password)));
      expect(answers.filter(({ errors }) => !errors)).toHaveLength(1);
      expect(await countOf(email)).toEqual([1, 1, 1]);
    }
  });

  it('with many links to one address at once makes exactly one account, in every round', async () => {
    for (let round = 0; round < roundsOf(2); round += 1) {
      const email = newEmail();
      const asked = await Promise.all(Array.from({ length: 17 }, () => signUpWith(server, { email, password })));
      for (const { errors } of asked) expect(errors).toBeUndefined();
      const links = (await mailsArrived(server, email, 17)).map(tokenIn);
      const tries = [...links, ...links, ...links].map((link) => completeWith(server, link, password));
      expect((await Promise.all(tries)).filter(({ errors }) => !errors)).toHaveLength(1);
      expect(await countOf(email)).toEqual([1, 1, 1]);
    }
  });

  it('keeps nothing of a profile but what the application takes', async () => {
    const email = newEmail();
    const id = '00000000-0000-7000-8000-00000000beef';
    const profile = {
      id,
      userId: id,
      user_id: id,
      role: 'admin',
      roles: ['admin'],
      claims: { admin: true },
      kind: 'SERVICE',
      isAdmin: true,
      emailVerified: true,
      emailVerifiedAt: '2020-01-01',
      email: 'root@example.com',
      name: 'Root',
      memberships: { create: {} },
      createdAt: '2001-01-01',
      __proto__: { roles: ['admin'] },
      constructor: { prototype: { isAdmin: true } },
    };
    const { data } = await completeWith(server, await linkOf(email, password, { profile, name: 'Ann' }), password);
    const { userId } = data.completeSignUp.session;
    expect(userId).not.toBe(id);
    const [account] = await ask(
      server.databaseUrl,
      'select kind, email, roles, claims, disabled_at from auth_accounts where user_id = $1',
      [userId],
    );
    expect(account).toEqual({ kind: 'person', email, roles: [], claims: {}, disabled_at: null });
    const [user] = await ask<{ created_at: Date }>(
      server.databaseUrl,
      'select email, name, created_at from users where id = $1',
      [userId],
    );
    expect(user).toMatchObject({ email, name: 'Ann' });
    expect(user!.created_at.getFullYear()).toBeGreaterThan(2020);
    for (const field of ['roles: ["admin"]', 'id: "x"', 'emailVerified: true', 'kind: SERVICE', 'isAdmin: true']) {
      const text = `mutation { signUp(input: { email: "${newEmail()}", password: "${password}", ${field} }) { verificationSent } }`;
      expect((await askBy(server, {}, text)).errors![0]!.message).toContain('is not defined by type');
    }
  });

  it('takes no password, address or name that is no text, or more than one line, or huge', async () => {
    const email = newEmail();
    for (const value of [[password], { value: password }, 15, true, null, [], {}])
      expect((await signUpWith(server, { email, password: value })).data).toBeUndefined();
    for (const value of [[email], { value: email }, 1, null])
      expect((await signUpWith(server, { email: value, password })).data).toBeUndefined();
    for (const broken of [
      { name: 'a\0b' },
      { name: 'a\ud800' },
      { name: 'x'.repeat(101) },
      { profile: { x: 'x'.repeat(10_001) } },
      { profile: { x: '\0' } },
      { redirectTo: 'https://evil.example/' },
      { redirectTo: 'javascript:alert(1)' },
    ])
      expect(codesOf(await signUpWith(server, { email, password, ...broken }))).toEqual(['INVALID_INPUT']);
    expect(await mailsTo(server, email)).toEqual([]);
  });

  it('is closed where the application says so, and for the invited where it says that', async () => {
    const [guest, stranger] = [newEmail(), newEmail()];
    await serving({ signUp: 'closed' }, async () => {
      expect(codesOf(await signUpWith(server, { email: guest, password }))).toEqual(['FORBIDDEN']);
    });
    await serving({ signUp: 'invited' }, async () => {
      await ask(
        server.databaseUrl,
        `with o as (insert into organizations (id, name) values (gen_random_uuid(), 'The Mill') returning id)
        insert into organization_invitations (id, organization_id, email, invited_by, expires_at)
        select gen_random_uuid(), id, '${guest}', 'x', now() + interval '1 day' from o`,
      );
      const answers = [];
      for (const email of [stranger, guest]) answers.push(await signUpWith(server, { email, password }));
      expect(answers[0]).toEqual(answers[1]);
      const link = tokenIn((await mailsArrived(server, guest, 1))[0]!);
      expect(await mailsTo(server, stranger)).toEqual([]);
      expect(codesOf(await completeWith(server, link, password))).toBeUndefined();
    });
  });

  it('is refused by the application’s own hook, in its words, before anything is sent', async () => {
    const beforeSignUp: AccountsDefinition['beforeSignUp'] = ({ email }) =>
      email!.endsWith('@mill.test') ? undefined : 'only millers';
    await serving({ beforeSignUp }, async () => {
      const email = newEmail();
      const [problem] = (await signUpWith(server, { email, password })).errors!;
      expect(problem).toMatchObject({ message: 'only millers', extensions: { code: 'FORBIDDEN' } });
      expect(await mailsTo(server, email)).toEqual([]);
    });
  });

  it('signs in at once where addresses need not be verified, and tells then whether one is taken', async () => {
    await serving({ verifyEmail: false }, async () => {
      const email = newEmail();
      const { data } = await signUpWith(server, { email, password });
      expect(data.signUp.verificationSent).toBe(true);
      expect(await isSignedIn(server, data.signUp.signIn.session.accessToken)).toBe(true);
      const again = await Promise.all(Array.from({ length: 30 }, () => signUpWith(server, { email, password: other })));
      for (const answer of again) expect(codesOf(answer)).toEqual(['CONFLICT']);
      expect(await countOf(email)).toEqual([1, 1, 1]);
      await enter(email, password);
    });
  });
});

describe('signing in', () => {
  it('with a password or an address of a megabyte costs nothing', async () => {
    const { email } = await openAccount(server);
    const huge = 'x'.repeat(900_000);
    expect(codesOf(await signInWith(server, { email, password: huge }))).toEqual(refused);
    expect(codesOf(await signInWith(server, { email: `${huge}@example.com`, password }))).toEqual(['INVALID_INPUT']);
    expect(codesOf(await signUpWith(server, { email: newEmail(), password: huge }))).toEqual(['INVALID_INPUT']);
    expect(codesOf(await resetWith(server, huge, password))).toEqual(refused);
    expect(codesOf(await completeWith(server, huge, password))).toEqual(refused);
    expect((await signInWith(server, { email, password: 'x'.repeat(1_000_000) })).data).toBeUndefined(); // too large a body
  });

  it('finds one account by all spellings that come to the same, and none by those that only look like it', async () => {
    const { email, userId } = await openAccount(server, { email: `k${newEmail()}` });
    for (const spelling of [
      email.toUpperCase(),
      ` ${email}`,
      email.replace('k', '\u212a'),
      email.replace('k', 'ｋ'),
      email.replace('@', '＠'),
    ])
      expect((await enter(spelling, password)).userId).toBe(userId);
    for (const spelling of [email.replace('k', 'к'), email.replace('example', 'exаmple')])
      expect(codesOf(await signInWith(server, { email: spelling, password }))).toEqual(refused);
    for (const spelling of [
      email.replace('k', 'k\u200b'),
      email.replace('@', '\u200d@'),
      `${email}\0`,
      `${email}\ud800`,
    ])
      expect(codesOf(await signInWith(server, { email: spelling, password }))).toEqual(['INVALID_INPUT']);
    const link = await linkOf(`dotless-${newEmail()}`.replace('i', 'ı'));
    expect(link).toBeTruthy();
  });

  it('by another spelling sends no mail anywhere but to the account’s own address', async () => {
    const { email } = await openAccount(server, { email: `k${newEmail()}` });
    const spelled = email.replace('k', '\u212a');
    expect(await resetTokenOf(server, email)).toBeTruthy();
    await askBy(server, {}, 'mutation ($email: String!) { requestPasswordReset(email: $email) }', { email: spelled });
    await mailsArrived(server, email, 2);
    expect(await mailsTo(server, spelled)).toEqual([]);
  });

  it('takes the whole password: NUL, lone surrogates, blanks, cases and compositions are not passed over', async () => {
    const own = 'caf\u00e9 \0 im Mai 🦆';
    const { email } = await openAccount(server, { password: own });
    for (const typed of [
      'caf\u00e9 ',
      'caf\u00e9 \0',
      `${own} `,
      ` ${own}`,
      own.toUpperCase(),
      own.replace('\0', ''),
      own.replace('🦆', '\ud83e'),
      own.replace('\u00e9', 'e'),
    ])
      expect([typed, codesOf(await signInWith(server, { email, password: typed }))]).toEqual([typed, refused]);
    await enter(email, own.normalize('NFD'));
  });

  it('takes no password that is no text', async () => {
    const { email } = await openAccount(server);
    for (const typed of [[password], { password }, { $ne: null }, true, null, 0])
      expect((await askBy(server, {}, signInText, { email, password: typed })).data).toBeUndefined();
  });

  it('is not for an address that nobody has verified, which only the right password is told', async () => {
    const { email, userId } = await openAccount(server);
    await ask(server.databaseUrl, 'update auth_accounts set email_verified_at = null where user_id = $1', [userId]);
    expect(codesOf(await signInWith(server, { email, password: wrong }))).toEqual(refused);
    const { errors, data } = await signInWith(server, { email, password });
    expect([errors![0]!.extensions.code, data?.signIn]).toEqual(['FORBIDDEN', undefined]);
    expect(await count('auth_sessions where user_id = $1', [userId])).toBe(0);
  });

  it('is written down, succeeded or refused, without what was typed', async () => {
    const { email, userId } = await openAccount(server);
    await signInWith(server, { email, password: wrong });
    await enter(email, password);
    const events = await ask(
      server.databaseUrl,
      'select kind, details from auth_events where user_id = $1 order by at',
      [userId],
    );
    expect(events).toEqual([
      { kind: 'sign-in-refused', details: { method: 'password' } },
      { kind: 'signed-in', details: { method: 'password' } },
    ]);
    expect(await count(`auth_events where auth_events::text like '%${wrong}%'`)).toBe(0);
  });

  it('makes a stronger hash where the price has risen, of which the password remains the same', async () => {
    const { email, userId } = await openAccount(server);
    await ask(server.databaseUrl, `update millrace.auth_passwords set hash = $2 where user_id = $1`, [
      userId,
      await (await import('../../src/modules/auth/password/hasher.ts'))
        .createHasher({ memory: 32, passes: 1 })
        .hash(password),
    ]);
    await enter(email, password);
    const [row] = await ask<{ hash: string }>(
      server.databaseUrl,
      'select hash from millrace.auth_passwords where user_id = $1',
      [userId],
    );
    expect(row!.hash).toContain('m=64,t=1');
    await enter(email, password);
  });
});

describe('a new password by mail', () => {
  it('signs nobody in, ends every session, and is told to the owner', async () => {
    const { email } = await openAccount(server);
    const [one, two] = [await enter(email, password), await enter(email, password)];
    const token = await resetTokenOf(server, email);
    const response = await postAs(
      server,
      {},
      'mutation ($token: String!) { resetPassword(token: $token, newPassword: "ein Berg im Winter") }',
      { token },
    );
    expect([...response.headers.keys()]).not.toContain('set-cookie');
    expect(await response.json()).toEqual({ data: { resetPassword: true } });
    for (const { accessToken, refreshToken } of [one, two]) {
      await expect.poll(() => isSignedIn(server, accessToken), { timeout: 1000, interval: 20 }).toBe(false);
      const refreshed = await askBy(
        server,
        {},
        `mutation { refreshSession(refreshToken: "${refreshToken}") { userId } }`,
      );
      expect(codesOf(refreshed)).toEqual(refused);
    }
    expect(codesOf(await signInWith(server, { email, password }))).toEqual(refused);
    await enter(email, other);
    expect((await mailsArrived(server, email, 2)).at(-1)!.text).toContain('A new password was set');
  });

  it('is set once by a link, and by none that was sent before', async () => {
    const { email } = await openAccount(server);
    const [first, second] = [await resetTokenOf(server, email), await resetTokenOf(server, email)];
    expect(codesOf(await resetWith(server, second, other))).toBeUndefined();
    for (const token of [second, first])
      expect(codesOf(await resetWith(server, token, `${other} again`))).toEqual(refused);
    await enter(email, other);
  });

  it('is set once, however many use the link at the same time', async () => {
    for (let round = 0; round < roundsOf(3); round += 1) {
      const { email } = await openAccount(server);
      const token = await resetTokenOf(server, email);
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, n) => resetWith(server, token, `${other} ${n}`)),
      );
      const winners = answers.flatMap(({ errors }, n) => (errors ? [] : [n]));
      expect(winners).toHaveLength(1);
      await enter(email, `${other} ${winners[0]}`);
    }
  });

  it('is not set by a link from before the password was changed', async () => {
    const { email } = await openAccount(server);
    const { accessToken } = await enter(email, password);
    const token = await resetTokenOf(server, email);
    const text =
      'mutation ($current: String, $newPassword: String!) { changePassword(current: $current, newPassword: $newPassword) }';
    expect((await askBy(server, { token: accessToken }, text, { current: password, newPassword: other })).data).toEqual(
      { changePassword: true },
    );
    expect(codesOf(await resetWith(server, token, wrong))).toEqual(refused);
  });

  it('is not set by a link to another account, to an address that is not its own any more, late, or of another kind', async () => {
    const [ann, ben] = [await openAccount(server), await openAccount(server)];
    expect(codesOf(await resetWith(server, await resetTokenOf(server, ann.email), other))).toBeUndefined();
    await enter(ben.email, password);
    const moved = await resetTokenOf(server, ben.email);
    await ask(server.databaseUrl, 'update auth_accounts set email = $2 where user_id = $1', [ben.userId, newEmail()]);
    expect(codesOf(await resetWith(server, moved, other))).toEqual(refused);
    const cleo = await openAccount(server);
    const late = await resetTokenOf(server, cleo.email);
    await ask(server.databaseUrl, `update millrace.auth_challenges set expires_at = now() where user_id = $1`, [
      cleo.userId,
    ]);
    const disabled = await openAccount(server);
    const theirs = await resetTokenOf(server, disabled.email);
    await ask(server.databaseUrl, 'update auth_accounts set disabled_at = now() where user_id = $1', [disabled.userId]);
    for (const token of [late, theirs, await linkOf(newEmail()), '', 'x', '%', `${late}\0`, 'A'.repeat(43)])
      expect(codesOf(await resetWith(server, token, other))).toEqual(refused);
  });

  it('leaves the link good where the password will not do', async () => {
    const { email } = await openAccount(server);
    const token = await resetTokenOf(server, email);
    for (const weak of ['short', 'passwordpassword', email, 'x'.repeat(1000)])
      expect(codesOf(await resetWith(server, token, weak))).toEqual(['INVALID_INPUT']);
    expect(codesOf(await resetWith(server, token, other))).toBeUndefined();
  });

  it('leads where the installation is, whatever the request says of hosts', async () => {
    const { email } = await openAccount(server);
    const headers = {
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'http',
      forwarded: 'host=evil.example',
      origin: 'https://evil.example',
    };
    await askBy(server, { headers }, 'mutation ($email: String!) { requestPasswordReset(email: $email) }', { email });
    const [mail] = await mailsArrived(server, email, 1);
    expect(mail!.text).toContain('https://app.example.com/');
    expect(mail!.text).not.toContain('evil');
    for (const redirectTo of [
      'https://evil.example/',
      'https://app.example.com.evil.example/',
      'https://app.example.com@evil.example/',
      '//evil.example',
      'javascript:alert(1)',
      'data:text/html,x',
      'http://app.example.com/',
    ])
      expect(
        codesOf(
          await askBy(
            server,
            {},
            'mutation ($email: String!, $to: String) { requestPasswordReset(email: $email, redirectTo: $to) }',
            { email, to: redirectTo },
          ),
        ),
      ).toEqual(['INVALID_INPUT']);
  });

  it('does not stand anywhere in the database before it is set, nor does its link, nor the password after', async () => {
    const { email } = await openAccount(server);
    const token = await resetTokenOf(server, email);
    const link = await linkOf(newEmail(), other);
    const tables = [
      'millrace.auth_challenges',
      'millrace.mail_jobs',
      'millrace.auth_passwords',
      'millrace.event_log',
      'millrace.event_inbox',
      'auth_events',
    ];
    await resetWith(server, token, wrong);
    for (const secret of [token, link, other, wrong, password])
      for (const table of tables)
        expect([table, await count(`${table} t where t::text like $1`, [`%${secret}%`])]).toEqual([table, 0]);
  });

  it('asks for the second factor at the next sign-in, as before', async () => {
    const { email, userId } = await openAccount(server);
    await ask(
      server.databaseUrl,
      `insert into millrace.auth_totp (user_id, secret, confirmed_at) values ($1, 'x', now())`,
      [userId],
    );
    expect(codesOf(await resetWith(server, await resetTokenOf(server, email), 'kT9-vq2R'))).toBeUndefined();
    const { data } = await signInWith(server, { email, password: 'kT9-vq2R' });
    expect(data.signIn).toMatchObject({ session: null, secondFactor: { methods: ['totp'] } });
  });

  it('gives an account that a stranger has made, and nobody has verified, to the owner of its mailbox alone', async () => {
    const { email, userId } = await openAccount(server);
    const { accessToken } = await enter(email, password);
    await ask(server.databaseUrl, 'update auth_accounts set email_verified_at = null where user_id = $1', [userId]);
    await ask(
      server.databaseUrl,
      `insert into auth_identities (id, user_id, provider, issuer, subject) values (gen_random_uuid(), $1, 'google', 'https://accounts.example', 'stranger')`,
      [userId],
    );
    expect(codesOf(await resetWith(server, await resetTokenOf(server, email), other))).toBeUndefined();
    await expect.poll(() => isSignedIn(server, accessToken), { timeout: 1000, interval: 20 }).toBe(false);
    expect(codesOf(await signInWith(server, { email, password }))).toEqual(refused);
    expect(await count('auth_identities where user_id = $1', [userId])).toBe(0);
    await enter(email, other);
  });
});

describe('changing a password', () => {
  const text =
    'mutation ($current: String, $newPassword: String!) { changePassword(current: $current, newPassword: $newPassword) }';

  it('takes the current one, ends all other sessions, and keeps this one', async () => {
    const { email } = await openAccount(server);
    const [mine, others] = [await enter(email, password), await enter(email, password)];
    const change = (current: string | undefined) =>
      askBy(server, { token: mine.accessToken }, text, { current, newPassword: other });
    expect(codesOf(await change(wrong))).toEqual(['INVALID_INPUT']);
    expect(codesOf(await change(password))).toBeUndefined();
    await expect.poll(() => isSignedIn(server, others.accessToken), { timeout: 1000, interval: 20 }).toBe(false);
    expect(await isSignedIn(server, mine.accessToken)).toBe(true);
    expect(codesOf(await signInWith(server, { email, password }))).toEqual(refused);
    await enter(email, other);
  });

  it('takes a fresh session in the place of it, and no stale one', async () => {
    const { email, userId } = await openAccount(server);
    const { accessToken, sessionId } = await enter(email, password);
    await ask(
      server.databaseUrl,
      `update auth_sessions set authenticated_at = now() - interval '11 minutes' where id = $1`,
      [sessionId],
    );
    const change = () => askBy(server, { token: accessToken }, text, { newPassword: other });
    await expect.poll(async () => codesOf(await change()), { timeout: 2000, interval: 50 }).toEqual(['FORBIDDEN']);
    const fresh = await enter(email, password);
    expect(fresh.userId).toBe(userId);
    expect(codesOf(await askBy(server, { token: fresh.accessToken }, text, { newPassword: other }))).toBeUndefined();
  });

  it('is nothing for strangers, for tokens without a session, and for somebody who acts as the user', async () => {
    const { email, userId } = await openAccount(server);
    const { accessToken, sessionId } = await enter(email, password);
    expect(codesOf(await askBy(server, {}, text, { current: password, newPassword: other }))).toEqual(refused);
    expect(codesOf(await server.as({ sub: userId }).query(text, { current: password, newPassword: other }))).toEqual([
      'FORBIDDEN',
    ]);
    const admin = await openAccount(server);
    await ask(server.databaseUrl, `update auth_accounts set roles = '{admin}' where user_id = $1`, [admin.userId]);
    await ask(server.databaseUrl, 'update auth_sessions set actor_id = $2 where id = $1', [sessionId, admin.userId]);
    await vi.waitFor(async () => {
      const { data } = await askBy(server, { token: accessToken }, '{ me { actorId } }');
      if (data?.me?.actorId !== admin.userId) throw new Error('not yet');
    }, 8000);
    expect(
      codesOf(await askBy(server, { token: accessToken }, text, { current: password, newPassword: other })),
    ).toEqual(['FORBIDDEN']);
  });

  it('allows ten wrong ones: whoever has stolen a session does not guess the password with it', async () => {
    const { email } = await openAccount(server);
    const { accessToken } = await enter(email, password);
    const guess = async () =>
      codesOf(
        await askBy(server, { token: accessToken, address: newAddress() }, text, {
          current: wrong,
          newPassword: other,
        }),
      )![0];
    const codes = await Promise.all(Array.from({ length: 30 }, guess));
    expect(codes.filter((code) => code === 'INVALID_INPUT')).toHaveLength(10);
    expect(codes.filter((code) => code === 'RATE_LIMITED')).toHaveLength(20);
  });

  it('leaves no session that the old password has opened, however close both are', async () => {
    for (let round = 0; round < roundsOf(6); round += 1) {
      const { email, userId } = await openAccount(server);
      const { accessToken, sessionId } = await enter(email, password);
      const change = askBy(server, { token: accessToken }, text, { current: password, newPassword: other });
      const entering = Array.from({ length: 8 }, () => signInWith(server, { email, password }));
      expect(codesOf(await change)).toBeUndefined();
      await Promise.all(entering);
      expect(await count('auth_sessions where user_id = $1 and id <> $2', [userId, sessionId])).toBe(0);
    }
  });
});
