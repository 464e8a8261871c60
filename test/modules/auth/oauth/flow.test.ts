import { decodeJwt, decodeProtectedHeader, exportPKCS8, generateKeyPair } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createProviderClients } from '../../../../src/modules/auth/oauth/discovery.ts';
import { authorizationUrl, finishFlow, makeFlow } from '../../../../src/modules/auth/oauth/flow.ts';
import { apple, discord, github, google, microsoft } from '../../../../src/modules/auth/oauth/presets.ts';
import { type Provider as Configured, oidc, type ProviderFetch } from '../../../../src/modules/auth/oauth/provider.ts';
import { reasonOf } from '../../../../src/modules/auth/oauth/refusal-reason.ts';
import { type IdentityProvider, type Person, startIdentityProvider } from '../../../support/identity-provider.ts';
import { startRealProvider } from '../../../support/real-provider.ts';

const redirectUri = 'http://localhost:4000/auth/theirs/callback';
const silent = { warn() {} };

let provider: IdentityProvider;
beforeAll(async () => {
  provider = await startIdentityProvider();
});
afterEach(() => provider.behave());
afterAll(() => provider[Symbol.asyncDispose]());

const own = () => oidc({ issuer: provider.issuer, clientId: provider.clientId, clientSecret: provider.clientSecret });

/** The whole way there and back with somebody who signs in at the test's provider. */
async function signIn(person: Person, options: { configured?: Configured; fetch?: ProviderFetch } = {}) {
  const clients = createProviderClients({ theirs: options.configured ?? own() }, { log: silent, fetch: options.fetch });
  const client = await clients.find('theirs');
  const flow = makeFlow('theirs', redirectUri);
  const url = await authorizationUrl(client, flow, 'the-state');
  const { answer } = provider.signIn(String(url), person);
  return finishFlow(client, flow, answer, 'the-state');
}

describe('a flow', () => {
  it('asks by S256, state and nonce, and gives nothing secret to the browser', async () => {
    const client = await createProviderClients({ theirs: own() }, { log: silent }).find('theirs');
    const flow = makeFlow('theirs', redirectUri);
    const url = await authorizationUrl(client, flow, 'the-state');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: provider.clientId,
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: 'openid email profile',
      state: 'the-state',
      nonce: flow.nonce,
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    });
    expect(String(url)).not.toContain(flow.verifier);
    expect(String(url)).not.toContain(provider.clientSecret);
  });

  it('takes the profile from the ID token, and does not ask twice', async () => {
    provider.requests.length = 0;
    const person = { sub: 'ada', email: 'ada@example.com', email_verified: true, name: 'Ada \u0000 L.' };
    expect(await signIn(person)).toEqual({
      issuer: provider.issuer,
      subject: 'ada',
      email: 'ada@example.com',
      emailVerified: true,
      name: 'Ada   L.',
    });
    expect(provider.requests).not.toContain('GET /userinfo');
  });

  it('asks the userinfo endpoint for what the ID token leaves out, address and proof together', async () => {
    provider.misbehave({ claims: ({ email: _, ...claims }) => claims });
    const person = { sub: 'ada', email: 'ada@example.com', email_verified: true };
    expect(await signIn(person)).toMatchObject({ email: 'ada@example.com', emailVerified: true });
    provider.misbehave({
      claims: ({ email_verified: _, ...claims }) => claims,
      userinfo: (claims) => ({ ...claims, email: 'another@example.com' }),
    });
    expect(await signIn(person)).toMatchObject({ email: 'ada@example.com', emailVerified: false });
  });

  it('works with a real provider', async () => {
    await using real = await startRealProvider((uri) => uri === redirectUri);
    const clients = createProviderClients(
      { theirs: oidc({ issuer: real.issuer, clientId: real.clientId, clientSecret: real.clientSecret }) },
      { log: silent },
    );
    const client = await clients.find('theirs');
    const flow = makeFlow('theirs', redirectUri);
    const answer = await signInByForms(await authorizationUrl(client, flow, 'the-state'));
    expect(await finishFlow(client, flow, answer, 'the-state')).toEqual({
      issuer: real.issuer,
      subject: 'ada',
      email: 'ada@example.com',
      emailVerified: true,
      name: 'ada',
    });
    await expect(finishFlow(client, flow, answer, 'the-state')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});

/** Goes through a real provider's pages, whose forms are sent as a browser sends them. */
async function signInByForms(start: URL): Promise<URLSearchParams> {
  const jar = new Map<string, string>();
  let url = start;
  let init: RequestInit = {};
  for (let step = 0; step < 12; step += 1) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      jar.set(name!, value!);
    }
    const target = response.headers.get('location');
    if (target?.startsWith(redirectUri)) return new URL(target).searchParams;
    const page = target ? '' : await response.text();
    url = new URL(target ?? /<form[^>]* action="([^"]+)"/.exec(page)![1]!, url);
    const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1] ?? '';
    init = target ? {} : { method: 'POST', body: new URLSearchParams({ prompt, login: 'ada', password: 'any' }) };
  }
  throw new Error('the provider does not come to an end');
}

describe('a provider that is down', () => {
  it('is told to whoever asks, kept quiet for a while, and found when it is back', async () => {
    let now = 0;
    const clients = createProviderClients({ theirs: own() }, { log: silent, now: () => now });
    provider.misbehave({ answer: (_path, _request, response) => response.writeHead(503).end() !== undefined });
    provider.requests.length = 0;
    const asked = await Promise.allSettled(Array.from({ length: 20 }, () => clients.find('theirs')));
    expect(asked.every(({ status }) => status === 'rejected')).toBe(true);
    await expect(clients.find('theirs')).rejects.toMatchObject({ code: 'UNAVAILABLE', details: { retryAfter: 5 } });
    expect(provider.requests).toHaveLength(1);
    provider.behave();
    now += 6_000;
    const found = await clients.find('theirs');
    now += 3_700_000;
    provider.misbehave({ answer: (_path, request) => request.destroy() !== undefined });
    expect(await clients.find('theirs')).toBe(found);
    now += 86_400_000;
    await expect(clients.find('theirs')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('at its token endpoint is an outage, not a refusal', async () => {
    provider.misbehave({ answer: (path, _request, response) => path === '/token' && !!response.writeHead(502).end() });
    await expect(signIn({ sub: 'ada' })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it.each(['constructor', '__proto__', 'nobody'])('is none where there is no such name: %s', async (name) => {
    const clients = createProviderClients({ theirs: own() }, { log: silent });
    await expect(clients.find(name)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('presets', () => {
  const credentials = () => ({ clientId: provider.clientId, clientSecret: provider.clientSecret });

  /** Their addresses lead to the test's provider. */
  const instead =
    (origin: string, answers: Record<string, unknown> = {}): ProviderFetch =>
    (url, init) => {
      if (url in answers) return Promise.resolve(Response.json(answers[url]));
      const { pathname } = new URL(url);
      const path = pathname.includes('/.well-known/') ? '/.well-known/openid-configuration' : pathname;
      return fetch(url.startsWith(origin) ? `${provider.issuer}${path}` : url, init);
    };

  const as = (issuer: string) => ({
    metadata: (metadata: Record<string, unknown>) => ({
      ...JSON.parse(JSON.stringify(metadata).replaceAll(provider.issuer, new URL(issuer).origin)),
      issuer,
      authorization_response_iss_parameter_supported: false,
    }),
  });

  it.each([
    [{ email: 'a@gmail.com', email_verified: true }, true],
    [{ email: 'a@corp.example', email_verified: true, hd: 'corp.example' }, true],
    [{ email: 'a@corp.example', email_verified: true }, false],
    [{ email: 'a@gmail.com', email_verified: 'true' }, false],
    [{ email: 'a@gmail.com', email_verified: false, hd: 'gmail.com' }, false],
    [{ email: 'a@gmail.com.evil.example', email_verified: true }, false],
  ])('google vouches for addresses of its own, and of domains that it hosts: %j', async (said, emailVerified) => {
    const issuer = 'https://accounts.google.com';
    provider.misbehave({ ...as(issuer), claims: (claims) => ({ ...claims, iss: issuer }) });
    const answer = signIn({ sub: '1', ...said }, { configured: google(credentials()), fetch: instead(issuer) });
    // The test's provider names itself in `iss` of its answer, which is not Google.
    await expect(answer).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    provider.misbehave({ ...as(issuer), claims: (claims) => ({ ...claims, iss: issuer }) });
    const client = await createProviderClients(
      { theirs: google(credentials()) },
      { log: silent, fetch: instead(issuer) },
    ).find('theirs');
    const flow = makeFlow('theirs', redirectUri);
    const back = provider.signIn(String(await authorizationUrl(client, flow, 's')), { sub: '1', ...said }).answer;
    back.delete('iss');
    expect(await finishFlow(client, flow, back, 's')).toMatchObject({ issuer, email: said.email, emailVerified });
  });

  const tenant = '11111111-2222-3333-4444-555555555555';
  const other = '99999999-2222-3333-4444-555555555555';
  it.each([
    ['its own tenant', { tid: tenant, iss: `https://login.microsoftonline.com/${tenant}/v2.0` }, {}, true],
    ['another tenant in its name', { tid: other, iss: `https://login.microsoftonline.com/${tenant}/v2.0` }, {}, false],
    ['no tenant', { iss: 'https://login.microsoftonline.com/undefined/v2.0' }, {}, false],
    ['the template itself', { tid: '{tenantid}', iss: 'https://login.microsoftonline.com/{tenantid}/v2.0' }, {}, false],
    [
      'a tenant that is not let in',
      { tid: tenant, iss: `https://login.microsoftonline.com/${tenant}/v2.0` },
      { tenants: [other] },
      false,
    ],
  ])('microsoft, as anybody may use it, hears of %s', async (_what, said, options, isTaken) => {
    const template = 'https://login.microsoftonline.com/{tenantid}/v2.0';
    provider.misbehave({ ...as(template), claims: (claims) => ({ ...claims, ...said }) });
    const configured = microsoft({ ...credentials(), ...options });
    const client = await createProviderClients(
      { theirs: configured },
      { log: silent, fetch: instead('https://login.microsoftonline.com') },
    ).find('theirs');
    const flow = makeFlow('theirs', redirectUri);
    const person = { sub: 'm', email: 'admin@victim.example', email_verified: true };
    const back = provider.signIn(String(await authorizationUrl(client, flow, 's')), person).answer;
    back.delete('iss');
    const answer = finishFlow(client, flow, back, 's');
    // The address is what the tenant's administrator has written: it proves nothing.
    if (isTaken) expect(await answer).toMatchObject({ issuer: said.iss, subject: 'm', emailVerified: false });
    else await expect(answer).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('apple gets a secret that is made for the request, answers by a form, and says "true"', async () => {
    const issuer = 'https://appleid.apple.com';
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const key = {
      clientId: provider.clientId,
      teamId: 'TEAM',
      keyId: 'KEY',
      privateKey: await exportPKCS8(privateKey),
    };
    let secret = '';
    const through: ProviderFetch = (url, init) => {
      const body = init?.body instanceof URLSearchParams ? init.body : undefined;
      secret = body?.get('client_secret') ?? secret;
      const basic = Buffer.from(`${provider.clientId}:${provider.clientSecret}`).toString('base64');
      return instead(issuer)(url, {
        ...init,
        headers: { ...init?.headers, ...(body && { authorization: `Basic ${basic}` }) },
      });
    };
    provider.misbehave({ ...as(issuer), claims: (claims) => ({ ...claims, iss: issuer }) });
    const client = await createProviderClients({ theirs: apple(key) }, { log: silent, fetch: through }).find('theirs');
    const flow = makeFlow('theirs', redirectUri);
    const url = await authorizationUrl(client, flow, 's');
    expect(url.searchParams.get('response_mode')).toBe('form_post');
    const back = provider.signIn(String(url), {
      sub: 'a',
      email: 'a@privaterelay.appleid.com',
      email_verified: 'true',
    });
    back.answer.delete('iss');
    back.answer.set(
      'user',
      JSON.stringify({ name: { firstName: 'Ada', lastName: 'Lovelace' }, email: 'x@evil.example' }),
    );
    expect(await finishFlow(client, flow, back.answer, 's')).toEqual({
      issuer,
      subject: 'a',
      email: 'a@privaterelay.appleid.com',
      emailVerified: true,
      name: 'Ada Lovelace',
    });
    expect(decodeProtectedHeader(secret)).toEqual({ alg: 'ES256', kid: 'KEY' });
    expect(decodeJwt(secret)).toMatchObject({ iss: 'TEAM', sub: provider.clientId, aud: issuer });
  });

  const oauth2Answers = {
    'https://github.com/login/oauth/access_token': { access_token: 't', token_type: 'bearer', scope: 'a,b' },
    'https://discord.com/api/oauth2/token': { access_token: 't', token_type: 'Bearer' },
  };
  const finish = async (configured: Configured, answers: Record<string, unknown>) => {
    const options = { log: silent, fetch: instead('none', { ...oauth2Answers, ...answers }) };
    const client = await createProviderClients({ theirs: configured }, options).find('theirs');
    return finishFlow(client, makeFlow('theirs', redirectUri), new URLSearchParams({ code: 'c', state: 's' }), 's');
  };

  it('github vouches for the primary address if it is verified, never for the one in the profile', async () => {
    const user = { id: 42, login: 'ada', name: null, email: 'victim@example.com' };
    const emails = (primary: object) => ({
      'https://api.github.com/user': user,
      'https://api.github.com/user/emails': [{ email: 'second@example.com', primary: false, verified: true }, primary],
    });
    const first = { email: 'ada@example.com', primary: true };
    expect(await finish(github(credentials()), emails({ ...first, verified: true }))).toEqual({
      issuer: 'https://github.com',
      subject: '42',
      email: 'ada@example.com',
      emailVerified: true,
      name: 'ada',
    });
    const unproven = await finish(github(credentials()), emails({ ...first, verified: false }));
    expect(unproven).toMatchObject({ email: undefined, emailVerified: false });
    await expect(finish(github(credentials()), { 'https://api.github.com/user': {} })).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    });
  });

  it.each([
    [true, true],
    [false, false],
    ['true', false],
    [undefined, false],
  ])('discord vouches for an address if it says `verified: %j`', async (verified, emailVerified) => {
    const user = { id: '7', username: 'ada', email: 'ada@example.com', verified };
    const profile = await finish(discord(credentials()), { 'https://discord.com/api/users/@me': user });
    expect(profile).toMatchObject({ issuer: 'https://discord.com', subject: '7', emailVerified });
  });
});

it('the log is told why, and nothing that a provider or a browser has said', () => {
  let parsing: unknown;
  try {
    JSON.parse('secret-token{');
  } catch (error) {
    parsing = error;
  }
  const error = new TypeError('the answer is none', { cause: parsing });
  Object.assign(error, { code: 'OAUTH_PARSE_ERROR', error: '<b>secret</b>', error_description: 'secret' });
  expect(reasonOf(error)).toBe('the answer is none · OAUTH_PARSE_ERROR');
  expect(reasonOf(Object.assign(new Error('no'), { error: 'invalid_grant' }))).toBe('no · invalid_grant');
  expect(reasonOf('secret')).toBe('');
});
