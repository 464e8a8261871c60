import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { requireMaySignUp } from '../../src/modules/auth/may-sign-up.ts';
import { oidc } from '../../src/modules/auth/oauth/provider.ts';
import { type AccountServer, startAccountServer } from '../support/accounts.ts';
import {
  type Faults,
  type IdentityProvider,
  type Person,
  startIdentityProvider,
} from '../support/identity-provider.ts';
import type { Answer, Asker } from '../support/server.ts';
import { fragmentOf, freePort, makeVerifier, openBrowser, type SignInBrowser } from '../support/sign-in-browser.ts';

// What is tried at the server's own side of a sign-in by a provider: its redirects, its codes, whose account it is.
// What a hostile provider tries is in oauth-provider.test.ts.

const page = 'https://app.example.com/signed-in';

let theirs: IdentityProvider;
let other: IdentityProvider;
let server: AccountServer;
let database: pg.Client;
/** What the application says of whoever signs up. */
let refusal: string | undefined;

beforeAll(async () => {
  [theirs, other] = await Promise.all([startIdentityProvider(), startIdentityProvider()]);
  const configured = ({ issuer, clientId, clientSecret }: IdentityProvider) => oidc({ issuer, clientId, clientSecret });
  const port = await freePort();
  server = await startAccountServer({
    accounts: {
      providers: { theirs: configured(theirs), other: configured(other) },
      redirects: ['com.example.app://signed-in'],
      beforeSignUp: () => refusal,
    },
    config: (config) => {
      const origins = ['https://app.example.com', '*'];
      const accounts = { ...config.accounts, publicUrl: `http://localhost:${port}`, origins };
      return { ...config, http: { ...config.http, port, corsOrigins: origins }, accounts };
    },
  });
  database = new pg.Client(server.databaseUrl);
  await database.connect();
});
afterEach(() => {
  refusal = undefined;
  theirs.behave();
  other.behave();
});
afterAll(async () => {
  await database.end();
  await server[Symbol.asyncDispose]();
  await theirs[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

let people = 0;
/** Somebody of whom nobody has heard. */
const somebody = (claims: Partial<Person> = {}): Person => {
  people += 1;
  return { sub: `person-${people}`, email: `person-${people}@example.com`, email_verified: true, ...claims };
};

const start = `mutation ($provider: String! $redirectTo: String! $challenge: String!) {
  startProviderSignIn(provider: $provider, redirectTo: $redirectTo, challenge: $challenge) { url } }`;
const redeem = `mutation ($code: String! $verifier: String!) {
  signInWithProvider(code: $code, verifier: $verifier) { session { userId sessionId accessToken } secondFactor { methods } } }`;

const begin = async (variables: object = {}): Promise<Answer> =>
  server.stranger.query(start, {
    provider: 'theirs',
    redirectTo: page,
    challenge: makeVerifier().challenge,
    ...variables,
  });

/** Begins in a program, signs in at the provider: where the browser is sent back to. */
async function comeBack(person: Person, { challenge, provider = 'theirs' }: { challenge: string; provider?: string }) {
  const { data, errors } = await begin({ challenge, provider });
  expect(errors).toBeUndefined();
  return (provider === 'theirs' ? theirs : other).signIn(data.startProviderSignIn.url, person);
}

/** The code that a program's sign-in ends with. */
async function codeFor(person: Person, challenge: string, provider?: string): Promise<string> {
  const { url } = await comeBack(person, { challenge, provider });
  const response = await openBrowser().visit(url);
  expect(response.status).toBe(302);
  const code = fragmentOf(response.headers.get('location')).get('code');
  expect(code).toBeTruthy();
  return code!;
}

/** The whole sign-in of a program. */
async function signIn(
  person: Person,
  provider?: string,
): Promise<{ userId: string; asker: Pick<Asker, 'query'>; sessionId: string }> {
  const { verifier, challenge } = makeVerifier();
  const code = await codeFor(person, challenge, provider);
  const { data, errors } = await server.stranger.query(redeem, { code, verifier });
  expect(errors).toBeUndefined();
  const { userId, accessToken, sessionId } = data.signInWithProvider.session;
  return { userId, sessionId, asker: server.bearer(accessToken) };
}

const sql = async <Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> =>
  (await database.query<Row & pg.QueryResultRow>(text, values)).rows;
const count = async (table: string, where = 'true', values: unknown[] = []) =>
  Number((await sql<{ n: string }>(`select count(*) n from ${table} where ${where}`, values))[0]!.n);
const codesOf = ({ errors }: Answer) => errors?.map(({ extensions }) => extensions.code);

/** An account that somebody has made with an address that nobody has proved, or has. */
async function makeAccount({
  email,
  isVerified = false,
  roles = [],
}: {
  email: string;
  isVerified?: boolean;
  roles?: string[];
}) {
  const id = randomUUID();
  await sql(`insert into users (id, email, name) values ($1, $2, 'Somebody')`, [id, email]);
  await sql(
    `insert into auth_accounts (user_id, email, email_verified_at, roles) values ($1, $2, case when $3::boolean then now() end, $4)`,
    [id, email, isVerified, roles],
  );
  await sql('insert into millrace.auth_passwords (user_id, hash) values ($1, $2)', [id, 'x']);
  return id;
}

/** Whoever it is that comes, nobody is signed in. */
async function expectNobody(attack: () => Promise<unknown>): Promise<void> {
  const before = [await count('auth_sessions'), await count('auth_accounts')];
  await attack();
  expect([await count('auth_sessions'), await count('auth_accounts')]).toEqual(before);
}

it('a program signs somebody in, and the code is nowhere but in the fragment', async () => {
  const { verifier, challenge } = makeVerifier();
  const { url } = await comeBack(somebody(), { challenge });
  const response = await openBrowser().visit(url);
  expect(response.status).toBe(302);
  expect(response.headers.get('referrer-policy')).toBe('no-referrer');
  expect(response.headers.get('cache-control')).toBe('no-store');
  const target = new URL(response.headers.get('location')!);
  expect(target.origin + target.pathname + target.search).toBe(page);
  const code = fragmentOf(target.href).get('code');
  expect((await server.stranger.query(redeem, { code, verifier })).data.signInWithProvider.session.userId).toBeTruthy();
});

describe('state', () => {
  const back = async () => comeBack(somebody(), makeVerifier());

  it.each<[string, (url: URL) => void]>([
    ['is missing', (url) => url.searchParams.delete('state')],
    ['is made up', (url) => url.searchParams.set('state', 'a'.repeat(43))],
    ['is there twice', (url) => url.searchParams.append('state', 'a'.repeat(43))],
    ['is empty', (url) => url.searchParams.set('state', '')],
    ['is no text of ours', (url) => url.searchParams.set('state', "' or 1=1 --".repeat(500))],
  ])('that %s signs nobody in', (_what, change) =>
    expectNobody(async () => {
      const url = new URL((await back()).url);
      change(url);
      const response = await openBrowser().visit(url.href);
      expect(response.status).toBe(400);
      expect(response.headers.get('location')).toBeNull();
    }),
  );

  it('that was used is not good again', async () => {
    const { url } = await back();
    expect((await openBrowser().visit(url)).status).toBe(302);
    expect((await openBrowser().visit(url)).status).toBe(400);
  });

  it('that was used in vain is not good again either', async () => {
    const { url } = await back();
    const denied = new URL(url);
    denied.searchParams.delete('code');
    denied.searchParams.set('error', 'access_denied');
    expect((await openBrowser().visit(denied.href)).headers.get('location')).toBe(`${page}#error=access_denied`);
    expect((await openBrowser().visit(url)).status).toBe(400);
  });

  it('that is too old is not good any more', async () => {
    const { url } = await back();
    await sql(`update millrace.auth_challenges set expires_at = now() - interval '1 second'`);
    expect((await openBrowser().visit(url)).status).toBe(400);
  });

  it('is not used up by whoever only looks (HEAD)', async () => {
    const { url } = await back();
    expect((await fetch(url, { method: 'HEAD', redirect: 'manual' })).status).toBe(200);
    expect((await openBrowser().visit(url)).status).toBe(302);
  });

  it('of 50 answers at once lets one through', async () => {
    const { url } = await back();
    const answers = await Promise.all(Array.from({ length: 50 }, () => openBrowser().visit(url)));
    expect(answers.filter(({ status }) => status === 302)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(49);
  });
});

describe('the browser', () => {
  const here = () => `${server.url}/auth/theirs?redirectTo=/welcome`;
  const away = async (browser: SignInBrowser) => (await browser.visit(here())).headers.get('location')!;

  it('that begins is the one that is signed in, by cookies that no script reads', async () => {
    const browser = openBrowser();
    const { url } = theirs.signIn(await away(browser), somebody());
    const response = await browser.visit(url);
    expect(response.headers.get('location')).toBe(`${server.url.replace('127.0.0.1', 'localhost')}/welcome`);
    expect(browser.setCookies.length).toBeGreaterThan(0);
    for (const cookie of browser.setCookies) expect(cookie).toMatch(/HttpOnly.*SameSite=Lax/i);
  });

  it('of another person is not signed in by an answer that it did not ask for (login CSRF)', () =>
    expectNobody(async () => {
      const { url } = theirs.signIn(await away(openBrowser()), somebody());
      const victim = openBrowser();
      expect((await victim.visit(url)).status).toBe(400);
      expect(victim.setCookies).toEqual([]);
    }));

  it('of another person is not signed in though it has begun something too', () =>
    expectNobody(async () => {
      const { url } = theirs.signIn(await away(openBrowser()), somebody());
      const victim = openBrowser();
      await away(victim);
      expect((await victim.visit(url)).status).toBe(400);
    }));

  it('with the cookie twice is none', () =>
    expectNobody(async () => {
      const browser = openBrowser();
      const { url } = theirs.signIn(await away(browser), somebody());
      const [cookie] = [...browser.cookies].map(([name, value]) => `${name}=${value}`);
      expect((await fetch(url, { redirect: 'manual', headers: { cookie: `${cookie}; ${cookie}` } })).status).toBe(400);
    }));

  it('may have two tabs on their way', async () => {
    const browser = openBrowser();
    const [first, second] = [await away(browser), await away(browser)];
    for (const url of [first, second]) {
      const response = await browser.visit(theirs.signIn(url, somebody()).url);
      expect(response.headers.get('location')).toMatch(/\/welcome$/);
    }
  });

  it('that is posted an answer (form_post) shows its cookie only when it has come here itself', async () => {
    const browser = openBrowser();
    const { url, answer } = theirs.signIn(await away(browser), somebody());
    answer.set('id_token', 'a.b.c');
    const target = new URL(url);
    const posted = await openBrowser().visit(target.origin + target.pathname, { method: 'POST', body: answer });
    expect(posted.status).toBe(303);
    const next = new URL(posted.headers.get('location')!, target);
    expect(next.origin + next.pathname).toBe(target.origin + target.pathname);
    expect([...next.searchParams.keys()].sort()).toEqual(['code', 'iss', 'state']);
    expect((await browser.visit(next.href)).headers.get('location')).toMatch(/\/welcome$/);
  });

  it('is sent to addresses of PUBLIC_URL, whatever Host it names', async () => {
    const response = await fetch(here(), {
      redirect: 'manual',
      headers: { 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' },
    });
    expect(response.headers.get('location')).not.toContain('evil');
  });
});

describe('redirectTo', () => {
  const variants = [
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    'https:evil.example',
    'https://app.example.com.evil.example/',
    'https://app.example.com@evil.example/',
    'https://user:pass@app.example.com/',
    'https://app.example.com:444/',
    'http://app.example.com/',
    'https://xapp.example.com/',
    'https://app.example.com\u0000.evil.example/',
    'javascript:alert(1)//https://app.example.com/',
    'data:text/html,<script>alert(1)</script>',
    'com.example.app://signed-in/more',
    'com.example.app://signed-in?code=mine',
    'com.example.app2://signed-in',
    'intent://signed-in#Intent;scheme=https;end',
    'file:///etc/passwd',
    'null',
    `https://app.example.com/${'a'.repeat(2_000)}`,
    '\thttps://evil.example/',
    '/%5cevil.example/..//../\\evil.example'.replace('/%5c', '/\\'),
  ];

  it.each(variants)('%j leads nowhere', async (redirectTo) => {
    const answer = await begin({ redirectTo });
    const isOurs = redirectTo === 'null';
    if (isOurs) return expect(answer.errors).toBeUndefined();
    expect(codesOf(answer)).toEqual(['INVALID_INPUT']);
    const response = await openBrowser().visit(
      `${server.url}/auth/theirs?redirectTo=${encodeURIComponent(redirectTo)}`,
    );
    expect(response.status).toBe(400);
    expect(response.headers.get('location')).toBeNull();
  });

  it('of another origin takes a challenge: cookies are not for it', async () => {
    const response = await openBrowser().visit(`${server.url}/auth/theirs?redirectTo=${page}`);
    expect(response.status).toBe(400);
  });

  it('of an application on a phone gets the code in its query', async () => {
    const { challenge } = makeVerifier();
    const { data } = await begin({ redirectTo: 'com.example.app://signed-in', challenge });
    const response = await openBrowser().visit(theirs.signIn(data.startProviderSignIn.url, somebody()).url);
    expect(response.headers.get('location')).toMatch(/^com\.example\.app:\/\/signed-in\?code=[\w-]+$/);
  });

  it('loses a fragment of its own, in which a code of somebody else could stand', async () => {
    const { challenge } = makeVerifier();
    const { data } = await begin({ redirectTo: `${page}#code=theirs`, challenge });
    const response = await openBrowser().visit(theirs.signIn(data.startProviderSignIn.url, somebody()).url);
    expect(fragmentOf(response.headers.get('location')).getAll('code')).toHaveLength(1);
    expect(response.headers.get('location')).not.toContain('theirs');
    const browser = openBrowser();
    const away = await browser.visit(
      `${server.url}/auth/theirs?redirectTo=${encodeURIComponent('/welcome#code=theirs')}`,
    );
    const back = await browser.visit(theirs.signIn(away.headers.get('location')!, somebody()).url);
    expect(back.headers.get('location')).toMatch(/\/welcome$/);
  });
});

describe('providers', () => {
  it('that answer at another one’s address are not heard (mix-up)', () =>
    expectNobody(async () => {
      const { url } = await comeBack(somebody(), makeVerifier());
      const response = await openBrowser().visit(url.replace('/auth/theirs/', '/auth/other/'));
      expect(response.status).toBe(400);
      expect(other.requests).not.toContain('POST /token');
    }));

  it('that answer in the name of another one are not heard (mix-up by iss)', () =>
    expectNobody(async () => {
      const url = new URL((await comeBack(somebody(), makeVerifier())).url);
      url.searchParams.set('iss', other.issuer);
      const response = await openBrowser().visit(url.href);
      expect(response.headers.get('location')).toBe(`${page}#error=sign_in_refused`);
    }));

  it.each(['nobody', '__proto__', 'constructor', '..%2f..', '%00'])('there is none called %s', async (name) => {
    const response = await openBrowser().visit(`${server.url}/auth/${name}?redirectTo=/`);
    expect([400, 404]).toContain(response.status);
    expect(codesOf(await begin({ provider: decodeURIComponent(name) }))).toEqual(['NOT_FOUND']);
  });

  it('that are down are told to the page in a word, and to nobody at the start', async () => {
    const { url } = await comeBack(somebody(), makeVerifier());
    theirs.misbehave({ answer: (path, _, response) => path === '/token' && !!response.writeHead(503).end() });
    expect((await openBrowser().visit(url)).headers.get('location')).toBe(`${page}#error=provider_unavailable`);
  });

  it('write nothing into our pages: neither error, nor error_description, nor error_uri', async () => {
    const script = '<script>alert(1)</script>';
    const url = new URL((await comeBack(somebody(), makeVerifier())).url);
    url.searchParams.delete('code');
    for (const name of ['error', 'error_description', 'error_uri']) url.searchParams.set(name, script);
    const told = await openBrowser().visit(url.href);
    expect(told.headers.get('location')).toBe(`${page}#error=sign_in_refused`);
    const stray = await openBrowser().visit(url.href);
    expect(stray.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await stray.text()).not.toContain('script');
  });
});

describe('the exchange code', () => {
  it.each<[string, (given: { verifier: string; challenge: string }) => string]>([
    ['no verifier', () => ''],
    ['another verifier', () => makeVerifier().verifier],
    ['the challenge itself (plain)', ({ challenge }) => challenge],
    ['the verifier and more', ({ verifier }) => `${verifier}a`],
    ['the verifier, shortened', ({ verifier }) => verifier.slice(0, 42)],
    ['a megabyte', ({ verifier }) => verifier.repeat(200)],
  ])('signs nobody in with %s, and is used up by that', (_what, verifierOf) =>
    expectNobody(async () => {
      const made = makeVerifier();
      const code = await codeFor(somebody(), made.challenge);
      expect(codesOf(await server.stranger.query(redeem, { code, verifier: verifierOf(made) }))).toEqual([
        'UNAUTHENTICATED',
      ]);
      const late = await server.stranger.query(redeem, { code, verifier: made.verifier });
      expect(codesOf(late)).toEqual(['UNAUTHENTICATED']);
    }),
  );

  it.each(['short', 'a'.repeat(42), 'a'.repeat(44), `${'a'.repeat(42)}+`, 'a'.repeat(100_000)])(
    'is not made for a challenge that is no SHA-256: %#',
    async (challenge) => {
      expect(codesOf(await begin({ challenge }))).toEqual(['INVALID_INPUT']);
    },
  );

  it('is good once', async () => {
    const { verifier, challenge } = makeVerifier();
    const code = await codeFor(somebody(), challenge);
    expect((await server.stranger.query(redeem, { code, verifier })).errors).toBeUndefined();
    expect(codesOf(await server.stranger.query(redeem, { code, verifier }))).toEqual(['UNAUTHENTICATED']);
  });

  it('of 50 that use it at once signs one in', async () => {
    const { verifier, challenge } = makeVerifier();
    const code = await codeFor(somebody(), challenge);
    const sessions = await count('auth_sessions');
    const all = await Promise.all(Array.from({ length: 50 }, () => server.stranger.query(redeem, { code, verifier })));
    expect(all.filter(({ errors }) => !errors)).toHaveLength(1);
    expect(await count('auth_sessions')).toBe(sessions + 1);
  });

  it('is good for a minute', () =>
    expectNobody(async () => {
      const { verifier, challenge } = makeVerifier();
      const code = await codeFor(somebody(), challenge);
      const [row] = await sql<{ seconds: number }>(
        `select extract(epoch from max(expires_at) - now())::int seconds from millrace.auth_challenges where kind = 'oauth-exchange'`,
      );
      expect(row!.seconds).toBeLessThanOrEqual(60);
      await sql(`update millrace.auth_challenges set expires_at = now() where kind = 'oauth-exchange'`);
      expect(codesOf(await server.stranger.query(redeem, { code, verifier }))).toEqual(['UNAUTHENTICATED']);
    }));

  it('of an attacker signs no victim in whose application redeems it (login CSRF)', () =>
    expectNobody(async () => {
      const code = await codeFor(somebody(), makeVerifier().challenge);
      expect(codesOf(await server.stranger.query(redeem, { code, verifier: makeVerifier().verifier }))).toEqual([
        'UNAUTHENTICATED',
      ]);
    }));

  it('is not kept in plain, and neither is the state', async () => {
    const { challenge } = makeVerifier();
    const code = await codeFor(somebody(), challenge);
    const { answer } = await comeBack(somebody(), { challenge });
    const [row] = await sql<{ all: string }>(
      'select string_agg(c::text, chr(10)) "all" from millrace.auth_challenges c',
    );
    for (const secret of [code, answer.get('state')!]) {
      expect(row!.all).not.toContain(secret);
      expect(row!.all).not.toContain(Buffer.from(secret).toString('hex'));
    }
  });

  it('is neither previewed nor kept under a key', async () => {
    const { verifier, challenge } = makeVerifier();
    const code = await codeFor(somebody(), challenge);
    const body = { query: redeem, variables: { code, verifier } };
    const kept = (await (await server.stranger.post(body, { 'idempotency-key': randomUUID() })).json()) as Answer;
    expect(codesOf(kept)).toEqual(['INVALID_INPUT']);
    const preview = redeem.replace(') {', ') @preview {');
    expect(codesOf(await server.stranger.query(preview, { code, verifier }))).toEqual(['INVALID_INPUT']);
    expect((await server.stranger.query(redeem, { code, verifier })).errors).toBeUndefined();
  });
});

describe('whose account it is', () => {
  it('the same subject comes to the same account, whatever its address is now', async () => {
    const person = somebody();
    const first = await signIn(person);
    const again = await signIn({ ...person, email: 'moved@example.com' });
    expect(again.userId).toBe(first.userId);
    const [row] = await sql<{ email: string }>('select email from auth_accounts where user_id = $1', [first.userId]);
    expect(row!.email).toBe(person.email);
  });

  it('the same subject of another issuer is somebody else', async () => {
    const person = somebody();
    const first = await signIn(person);
    const second = await signIn({ ...person, email: undefined }, 'other');
    expect(second.userId).not.toBe(first.userId);
  });

  it('a verified account is linked to whom a provider vouches for', async () => {
    const person = somebody();
    const id = await makeAccount({ email: person.email as string, isVerified: true });
    expect((await signIn(person)).userId).toBe(id);
    expect(await count('millrace.auth_passwords', 'user_id = $1', [id])).toBe(1);
  });

  it.each<[string, Partial<Person>, Faults]>([
    ['email_verified: false', { email_verified: false }, {}],
    ['email_verified: "false"', { email_verified: 'false' }, {}],
    ['email_verified: "true"', { email_verified: 'true' }, {}],
    ['no email_verified', { email_verified: undefined }, {}],
  ])('with %s nobody gets an account by its address, nor the address', async (_what, claims, faults) => {
    const person = somebody(claims);
    const id = await makeAccount({ email: person.email as string, isVerified: true });
    theirs.misbehave(faults);
    const { userId } = await signIn(person);
    expect(userId).not.toBe(id);
    expect(await count('auth_accounts', 'email = $1', [person.email])).toBe(1);
    expect(await count('auth_identities', 'user_id = $1', [id])).toBe(0);
  });

  it('an unverified address is not even kept from its owner', async () => {
    const person = somebody({ email_verified: false });
    await signIn(person);
    expect(await count('auth_accounts', 'email = $1', [person.email])).toBe(0);
    expect(await count('users', 'email = $1', [person.email])).toBe(0);
  });

  it('an address that has moved to another subject brings nobody the first one’s account', async () => {
    const first = somebody();
    const { userId } = await signIn(first);
    const second = await signIn(somebody({ email: first.email }));
    expect(second.userId).not.toBe(userId);
    const [row] = await sql<{ email: string | null }>('select email from auth_accounts where user_id = $1', [
      second.userId,
    ]);
    expect(row!.email).toBeNull();
    expect((await signIn(first)).userId).toBe(userId);
  });

  it.each(['ＶICTIM', 'vıctim', 'victıM', 'ⓥictim'])(
    'an address that only looks like theirs brings nobody an account: %s',
    async (local) => {
      const domain = `d${randomUUID().slice(0, 8)}.example.com`;
      const id = await makeAccount({ email: `victim@${domain}`, isVerified: true });
      const { verifier, challenge } = makeVerifier();
      const code = await codeFor(somebody({ email: `${local}@${domain}` }), challenge);
      // The example's own users have addresses in ASCII, so some of these have no account at all.
      const { data } = await server.stranger.query(redeem, { code, verifier });
      expect(data?.signInWithProvider.session.userId).not.toBe(id);
      expect(await count('auth_identities', 'user_id = $1', [id])).toBe(0);
    },
  );

  it('an account made in wait of its owner is theirs alone afterwards (pre-hijacking)', async () => {
    const person = somebody();
    const id = await makeAccount({ email: person.email as string });
    // The attacker has a session, and another provider, in it.
    const attacker = await signIn(somebody({ email: undefined }), 'other');
    await sql('update auth_sessions set user_id = $1 where user_id = $2', [id, attacker.userId]);
    await sql('update auth_identities set user_id = $1 where user_id = $2', [id, attacker.userId]);
    const { userId } = await signIn(person);
    expect(userId).toBe(id);
    expect(await count('millrace.auth_passwords', 'user_id = $1', [id])).toBe(0);
    expect(await count('auth_sessions', 'user_id = $1', [id])).toBe(1);
    expect(await count('auth_identities', 'user_id = $1', [id])).toBe(1);
    expect(await count('auth_events', `user_id = $1 and kind = 'account-taken-over'`, [id])).toBe(1);
  });

  it('an admin’s unverified address brings nobody what the admin may', async () => {
    const person = somebody();
    const id = await makeAccount({ email: person.email as string, roles: ['admin'] });
    const { userId, asker } = await signIn(person);
    expect(userId).not.toBe(id);
    expect((await asker.query('{ me { roles email } }')).data.me).toEqual({ roles: [], email: null });
    expect(await count('millrace.auth_passwords', 'user_id = $1', [id])).toBe(1);
  });

  it('a disabled account signs nobody in, and nobody gets another one by its address', async () => {
    const person = somebody();
    const { userId } = await signIn(person);
    await sql('update auth_accounts set disabled_at = now() where user_id = $1', [userId]);
    await expectNobody(async () => {
      for (const who of [person, somebody({ email: person.email })]) {
        const { verifier, challenge } = makeVerifier();
        const code = await codeFor(who, challenge);
        expect(codesOf(await server.stranger.query(redeem, { code, verifier }))).toEqual(['UNAUTHENTICATED']);
      }
    });
  });

  it('whom the application refuses has neither account nor session, and is told no more than that', () =>
    expectNobody(async () => {
      refusal = 'Not you.';
      const { verifier, challenge } = makeVerifier();
      const code = await codeFor(somebody(), challenge);
      expect(codesOf(await server.stranger.query(redeem, { code, verifier }))).toEqual(['FORBIDDEN']);
      const browser = openBrowser();
      const away = (await browser.visit(`${server.url}/auth/theirs?redirectTo=/welcome`)).headers.get('location')!;
      const response = await browser.visit(theirs.signIn(away, somebody()).url);
      expect(response.headers.get('location')).toMatch(/\/welcome#error=sign_up_refused$/);
      expect(browser.setCookies).toEqual([]);
    }));

  it('nobody signs up where nobody may, nor uninvited where one has to be', async () => {
    const may = (signUp: string, email?: string) => {
      const accounts = { plan: { signUp, hasOrganizations: true } };
      return requireMaySignUp({ db: server.server.db, accounts } as never, email);
    };
    const id = randomUUID();
    await sql(`insert into organizations (id, name) values ($1, 'Guild')`, [id]);
    await sql(
      `insert into organization_invitations (id, organization_id, email, invited_by, expires_at)
       values ($1, $2, 'in@example.com', 'x', now() + interval '1 day'), ($2, $2, 'late@example.com', 'x', now())`,
      [randomUUID(), id],
    );
    await may('open');
    await may('invited', 'in@example.com');
    for (const email of ['late@example.com', 'out@example.com', undefined])
      await expect(may('invited', email)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(may('closed', 'in@example.com')).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it('a second factor is asked of whoever has one, whatever the provider says (amr)', async () => {
    const person = somebody({ amr: ['mfa', 'hwk'], acr: '2' });
    const { userId } = await signIn(person);
    await sql(`insert into millrace.auth_totp (user_id, secret, confirmed_at) values ($1, 'sealed', now())`, [userId]);
    await expectNobody(async () => {
      const { verifier, challenge } = makeVerifier();
      const code = await codeFor(person, challenge);
      const { data } = await server.stranger.query(redeem, { code, verifier });
      expect(data.signInWithProvider).toEqual({ session: null, secondFactor: { methods: ['totp'] } });
      const browser = openBrowser();
      const away = (await browser.visit(`${server.url}/auth/theirs?redirectTo=/welcome`)).headers.get('location')!;
      const response = await browser.visit(theirs.signIn(away, person).url);
      expect(fragmentOf(response.headers.get('location')).get('second_factor')).toBeTruthy();
      expect(browser.setCookies).toEqual([]);
    });
  });

  it('ten that come for the first time at once are one account', async () => {
    const person = somebody();
    const made = await Promise.all(Array.from({ length: 10 }, () => signIn(person)));
    expect(new Set(made.map(({ userId }) => userId)).size).toBe(1);
    expect(await count('auth_accounts', 'email = $1', [person.email])).toBe(1);
  });
});

describe('linking', () => {
  const startLink = `mutation ($challenge: String! $provider: String!) {
    startIdentityLink(provider: $provider, redirectTo: "${page}", challenge: $challenge) { url } }`;
  const finishLink = `mutation ($code: String! $verifier: String!) {
    finishIdentityLink(code: $code, verifier: $verifier) { id provider email } }`;
  const unlink = 'mutation ($id: ID!) { unlinkIdentity(id: $id) }';

  /** The code that the linking of somebody's account ends with, and its verifier. */
  async function linkCode(asker: Pick<Asker, 'query'>, person: Person) {
    const { verifier, challenge } = makeVerifier();
    const { data, errors } = await asker.query(startLink, { challenge, provider: 'other' });
    expect(errors).toBeUndefined();
    const response = await openBrowser().visit(other.signIn(data.startIdentityLink.url, person).url);
    return { verifier, code: fragmentOf(response.headers.get('location')).get('code')! };
  }

  it('links in the session that began it, and signs in by it afterwards', async () => {
    const { asker, userId } = await signIn(somebody());
    const person = somebody();
    const { data, errors } = await asker.query(finishLink, await linkCode(asker, person));
    expect(errors).toBeUndefined();
    expect(data.finishIdentityLink).toMatchObject({ provider: 'other', email: person.email });
    expect((await signIn(person, 'other')).userId).toBe(userId);
    const kinds = await sql<{ kind: string }>('select kind from auth_events where user_id = $1 order by at, id', [
      userId,
    ]);
    const expected = ['identity-linked', 'signed-up', 'signed-in', 'identity-linked', 'signed-in'];
    expect(kinds.map(({ kind }) => kind)).toEqual(expected);
  });

  it('makes a person of a guest, whose sessions and rows stay, and who has the proved address', async () => {
    const guest = await server.guest();
    const person = somebody();
    expect((await guest.query(finishLink, await linkCode(guest, person))).errors).toBeUndefined();
    const me = await guest.query('{ me { userId kind email isEmailVerified } }');
    const expected = { userId: guest.userId, kind: 'PERSON', email: person.email, isEmailVerified: true };
    expect(me.data.me).toEqual(expected);
    expect((await signIn(person, 'other')).userId).toBe(guest.userId);
  });

  it('gives a guest no address that somebody has already', async () => {
    const person = somebody();
    const owner = await makeAccount({ email: person.email as string });
    const guest = await server.guest();
    expect((await guest.query(finishLink, await linkCode(guest, person))).errors).toBeUndefined();
    expect((await guest.query('{ me { email } }')).data.me.email).toBeNull();
    expect(await count('auth_accounts', 'user_id = $1 and email = $2', [owner, person.email])).toBe(1);
  });

  it('links nothing to a victim who is led through it (linking CSRF)', async () => {
    const attacker = await signIn(somebody());
    const victim = await signIn(somebody());
    const link = await linkCode(attacker.asker, somebody());
    expect(codesOf(await victim.asker.query(finishLink, link))).toEqual(['FORBIDDEN']);
    expect(await count('auth_identities', 'user_id = $1', [victim.userId])).toBe(1);
  });

  it('links nothing in another session of the same user', async () => {
    const person = somebody();
    const first = await signIn(person);
    const second = await signIn(person);
    const link = await linkCode(first.asker, somebody());
    expect(codesOf(await second.asker.query(finishLink, link))).toEqual(['FORBIDDEN']);
  });

  it('signs nobody in by a code that links, and links nothing by one that signs in', async () => {
    const { asker } = await signIn(somebody());
    const { verifier, challenge } = makeVerifier();
    const code = await codeFor(somebody(), challenge);
    const link = await linkCode(asker, somebody());
    await expectNobody(async () => {
      expect(codesOf(await server.stranger.query(redeem, link))).toEqual(['UNAUTHENTICATED']);
      expect(codesOf(await asker.query(finishLink, { code, verifier }))).toEqual(['UNAUTHENTICATED']);
    });
  });

  it('does not give an identity of somebody else’s account', async () => {
    const person = somebody();
    const owner = await signIn(person, 'other');
    const { asker } = await signIn(somebody());
    expect(codesOf(await asker.query(finishLink, await linkCode(asker, person)))).toEqual(['CONFLICT']);
    expect((await signIn(person, 'other')).userId).toBe(owner.userId);
  });

  it('takes a fresh sign-in, to begin and to end', async () => {
    const { asker, sessionId } = await signIn(somebody());
    const link = await linkCode(asker, somebody());
    await sql(`update auth_sessions set authenticated_at = now() - interval '11 minutes' where id = $1`, [sessionId]);
    await expect
      .poll(async () =>
        codesOf(await asker.query(startLink, { challenge: makeVerifier().challenge, provider: 'other' })),
      )
      .toEqual(['FORBIDDEN']);
    expect(codesOf(await asker.query(finishLink, link))).toEqual(['FORBIDDEN']);
  });

  it('is nothing for strangers, nor for tokens without a session', async () => {
    const variables = { challenge: makeVerifier().challenge, provider: 'other' };
    expect(codesOf(await server.stranger.query(startLink, variables))).toEqual(['UNAUTHENTICATED']);
    expect(codesOf(await server.as({ sub: randomUUID() }).query(startLink, variables))).toEqual(['FORBIDDEN']);
  });

  it('ends by unlinking, but for the last way in, and for others’', async () => {
    const person = somebody({ email: undefined });
    const { asker, userId } = await signIn(person);
    const stranger = await signIn(somebody({ email: undefined }));
    const idsOf = (user: string) =>
      sql<{ id: string }>('select id::text from auth_identities where user_id = $1 order by created_at', [user]);
    const [own] = await idsOf(userId);
    expect(codesOf(await stranger.asker.query(unlink, { id: own!.id }))).toEqual(['NOT_FOUND']);
    expect(codesOf(await asker.query(unlink, { id: own!.id }))).toEqual(['CONFLICT']);
    expect(codesOf(await asker.query(unlink, { id: 'no-id' }))).toEqual(['NOT_FOUND']);
    await asker.query(finishLink, await linkCode(asker, somebody({ email: undefined })));
    const ids = await idsOf(userId);
    expect(ids).toHaveLength(2);
    // Both are on their way before either is done: held up at their rows.
    await sql('begin');
    await sql('select from auth_identities where user_id = $1 for update', [userId]);
    const sent = Promise.all(ids.map(({ id }) => asker.query(unlink, { id })));
    const waiting = `datname = current_database() and wait_event_type = 'Lock'`;
    await expect.poll(() => count('pg_stat_activity', waiting)).toBe(2);
    await sql('commit');
    const both = await sent;
    expect(both.map(codesOf).sort()).toEqual([['CONFLICT'], undefined]);
    expect(await idsOf(userId)).toHaveLength(1);
  });
});

it('one network begins so many sign-ins in ten minutes, and no more are kept', async () => {
  const refused: Answer[] = [];
  for (let round = 0; round < 7 && refused.length === 0; round += 1) {
    const all = await Promise.all(Array.from({ length: 50 }, () => begin()));
    refused.push(...all.filter(({ errors }) => errors));
  }
  expect(new Set(refused.flatMap(codesOf))).toEqual(new Set(['RATE_LIMITED']));
  expect(await count('millrace.auth_challenges', `kind = 'oauth-flow'`)).toBeLessThanOrEqual(300);
  expect((await openBrowser().visit(`${server.url}/auth/theirs?redirectTo=/`)).status).toBe(429);
});
