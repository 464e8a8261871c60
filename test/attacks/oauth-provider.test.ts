import { generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isPrivateAddress } from '../../src/modules/auth/oauth/addresses.ts';
import { createProviderClients } from '../../src/modules/auth/oauth/discovery.ts';
import { authorizationUrl, finishFlow, makeFlow } from '../../src/modules/auth/oauth/flow.ts';
import { type OidcOptions, oidc } from '../../src/modules/auth/oauth/provider.ts';
import { createProviderFetch } from '../../src/modules/auth/oauth/provider-fetch.ts';
import { type Faults, type IdentityProvider, startIdentityProvider } from '../support/identity-provider.ts';

// What a provider, or whoever speaks in its name, may try. Each is refused for the reason that is named: with any other one the
// test would pass though the attack was not looked at.

const redirectUri = 'http://localhost:4000/auth/theirs/callback';
const person = { sub: 'ada', email: 'ada@example.com', email_verified: true };

let provider: IdentityProvider;
let told: string[] = [];
beforeAll(async () => {
  provider = await startIdentityProvider();
});
afterEach(() => {
  provider.behave();
  told = [];
});
afterAll(() => provider[Symbol.asyncDispose]());

const clientsOf = (options: Partial<OidcOptions> = {}, patience = 300) => {
  const { issuer, clientId, clientSecret } = provider;
  const log = { warn: (line: unknown) => void told.push(JSON.stringify(line)) };
  const theirs = oidc({ issuer, clientId, clientSecret, ...options });
  return createProviderClients({ theirs }, { log: log as never, fetching: { patience, maxBytes: 65_536 } });
};

/** A sign-in with a provider that does this; resolves to the profile, or to why there is none. */
async function attempt(faults: Faults, mangle = (answer: URLSearchParams): URLSearchParams => answer) {
  provider.misbehave(faults);
  const client = await clientsOf().find('theirs');
  const flow = makeFlow('theirs', redirectUri);
  const { answer } = provider.signIn(String(await authorizationUrl(client, flow, 'the-state')), person);
  return finishFlow(client, flow, mangle(answer), 'the-state');
}

/** The sentences of an error and of what caused it. */
async function whyRefused(attack: Promise<unknown>): Promise<string> {
  const error = await attack.then(
    () => undefined,
    (thrown: Error) => thrown,
  );
  expect(error).toMatchObject({ code: 'UNAUTHENTICATED', message: "The provider's answer is not accepted." });
  const sentences: string[] = [];
  for (let at: unknown = error?.cause; at instanceof Error; at = at.cause) sentences.push(at.message);
  return sentences.join(' < ');
}

it('a provider that does nothing of all this signs somebody in', async () => {
  expect(await attempt({})).toMatchObject({ subject: 'ada', emailVerified: true });
});

describe('hostile discovery', () => {
  const faulty = (changes: Record<string, unknown>): Faults => ({
    metadata: (metadata) => ({ ...metadata, ...changes }),
  });
  const serving = (write: (response: import('node:http').ServerResponse) => void): Faults => ({
    answer: (path, _request, response) => {
      if (!path.includes('/.well-known/')) return false;
      write(response);
      return true;
    },
  });
  const json = { 'content-type': 'application/json' };

  it.each<[string, () => Faults, string]>([
    ['names another issuer', () => faulty({ issuer: 'https://accounts.google.com' }), 'does not match'],
    [
      'writes its issuer with a slash more',
      () => faulty({ issuer: `${provider.issuer}/` }),
      'the issuer is written differently',
    ],
    ['has a token endpoint without TLS', () => faulty({ token_endpoint: 'http://evil.example/token' }), 'by TLS'],
    [
      'has an authorization endpoint without TLS',
      () => faulty({ authorization_endpoint: 'http://evil.example/a' }),
      'by TLS',
    ],
    [
      'has an authorization endpoint that is a script',
      () => faulty({ authorization_endpoint: 'javascript:alert(1)' }),
      'by TLS',
    ],
    [
      'sends the secret to the cloud machine’s metadata',
      () => faulty({ token_endpoint: 'https://169.254.169.254/' }),
      'in a private network',
    ],
    [
      'sends the secret to a neighbour',
      () => faulty({ token_endpoint: 'https://10.1.2.3/token' }),
      'in a private network',
    ],
    [
      'sends the secret to another port of this machine',
      () => faulty({ token_endpoint: 'http://localhost:1/token' }),
      'by TLS',
    ],
    [
      'sends the secret to this machine by TLS',
      () => faulty({ token_endpoint: 'https://localhost/token' }),
      'in a private network',
    ],
    [
      'hides this machine in an address of IPv6',
      () => faulty({ userinfo_endpoint: 'https://[::ffff:127.0.0.1]/' }),
      'in a private network',
    ],
    ['hides this machine in one number', () => faulty({ jwks_uri: 'https://2130706433/' }), 'in a private network'],
    [
      'puts a password into an endpoint',
      () => faulty({ token_endpoint: 'https://a:b@evil.example/' }),
      'a password in it',
    ],
    ['has no keys', () => faulty({ jwks_uri: undefined }), 'there is no jwks_uri'],
    ['redirects', () => serving((r) => r.writeHead(302, { location: `${provider.issuer}/jwks` }).end()), 'status code'],
    [
      'answers with a page',
      () => serving((r) => r.writeHead(200, { 'content-type': 'text/html' }).end('<p>')),
      'content-type',
    ],
    ['answers with something else', () => serving((r) => r.writeHead(200, json).end('[1]')), 'invalid response'],
    [
      'sends more than anybody reads',
      () => serving((r) => r.writeHead(200, json).end('x'.repeat(70_000))),
      'says too much',
    ],
    ['never ends', () => serving((r) => void r.writeHead(200, json).write('{')), 'takes too long'],
    ['hangs up', () => serving((r) => r.destroy()), 'cannot be reached'],
  ])('that %s makes the provider unavailable, and nobody is sent there', async (_what, faults, reason) => {
    provider.misbehave(faults());
    provider.requests.length = 0;
    await expect(clientsOf().find('theirs')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(provider.requests).toEqual(['GET /.well-known/openid-configuration']);
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(reason);
    expect(told[0]).not.toContain(provider.clientSecret);
  });

  it.each(['http://idp.example.com', 'ftp://localhost', 'http://192.168.1.1:8080'])(
    'an issuer without TLS is asked nothing: %s',
    async (issuer) => {
      await expect(clientsOf({ issuer }).find('theirs')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      expect(told[0]).toMatch(/by TLS|only requests to HTTP/);
    },
  );

  it('a name that leads to a private address is not connected to, whatever it led to before', async () => {
    const answers = [[{ address: '192.168.7.7', family: 4 }], [{ address: '::1', family: 6 }]];
    const fetch = createProviderFetch({
      trusted: new Set(),
      lookup: ((_name: string, _options: object, done: (error: null, found: unknown) => void) =>
        done(null, answers.shift() ?? [{ address: 'fd00::1', family: 6 }])) as never,
    });
    for (const _ of [1, 2, 3]) await expect(fetch('https://idp.example.com/')).rejects.toThrow('in a private network');
  });

  it.each([
    [
      '0.0.0.0',
      '10.9.8.7',
      '100.64.0.1',
      '127.9.9.9',
      '169.254.1.1',
      '172.31.0.1',
      '192.168.0.1',
      '198.19.0.1',
      '255.255.255.255',
    ],
    [
      '::',
      '::1',
      '::127.0.0.1',
      '::ffff:10.0.0.1',
      '::ffff:a00:1',
      '64:ff9b::10.0.0.1',
      '2002:7f00:1::',
      'fc00::1',
      'fdab::1',
      'fe80::1',
      'ff02::1',
    ],
  ])('private are %s and its like', (...addresses) => {
    expect(addresses.filter((address) => !isPrivateAddress(address))).toEqual([]);
  });

  it.each(['1.1.1.1', '8.8.8.8', '172.32.0.1', '2606:4700::1111', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8', 'no-address'])(
    'not private is %s',
    (address) => {
      expect(isPrivateAddress(address)).toBe(false);
    },
  );
});

describe('ID tokens', () => {
  const unsigned = (claims: JWTPayload) => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    return `${part({ alg: 'none' })}.${part(claims)}.`;
  };
  const allowing = (...algorithms: string[]) => ({
    metadata: (metadata: Record<string, unknown>) => ({
      ...metadata,
      id_token_signing_alg_values_supported: algorithms,
    }),
  });
  const secret = () => new TextEncoder().encode(provider.clientSecret);
  const hs256 = (claims: JWTPayload) => new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(secret());
  const changed = (changes: Record<string, unknown>): Faults => ({ claims: (claims) => ({ ...claims, ...changes }) });
  const past = Math.floor(Date.now() / 1_000) - 3_600;

  it.each<[string, () => Faults, string]>([
    ['unsigned (alg none)', () => ({ sign: unsigned }), 'unexpected JWT "alg"'],
    ['unsigned, where the provider allows it', () => ({ ...allowing('none'), sign: unsigned }), 'unsupported'],
    ['signed by the client’s secret (HS256)', () => ({ sign: hs256 }), 'unexpected JWT "alg"'],
    [
      'signed by the client’s secret, where the provider allows it',
      () => ({ ...allowing('HS256'), sign: hs256 }),
      'unsupported',
    ],
    [
      'signed by a key that is not the provider’s, in the name of one that is',
      () => ({
        sign: async (claims, { kid }) =>
          new SignJWT(claims)
            .setProtectedHeader({ alg: 'ES256', kid })
            .sign((await generateKeyPair('ES256')).privateKey),
      }),
      'JWT signature verification failed',
    ],
    [
      'signed by a key that it brings along',
      () => ({
        sign: async (claims) => {
          const { privateKey } = await generateKeyPair('ES256', { extractable: true });
          return new SignJWT(claims)
            .setProtectedHeader({ alg: 'ES256', kid: 'mine', jku: `${provider.issuer}/evil` })
            .sign(privateKey);
        },
      }),
      'no applicable keys found',
    ],
    [
      'with a header that must be understood',
      () => ({
        sign: (claims, { privateKey, kid }) =>
          new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid, crit: ['b64'], b64: true }).sign(privateKey),
      }),
      'unsupported operation',
    ],
    ['without a nonce', () => changed({ nonce: undefined }), '"nonce" (nonce) claim missing'],
    ['with another nonce', () => changed({ nonce: 'another' }), 'unexpected ID Token "nonce"'],
    ['of another issuer', () => changed({ iss: 'https://accounts.google.com' }), 'unexpected JWT "iss"'],
    ['for another client', () => changed({ aud: 'another-client' }), 'unexpected JWT "aud"'],
    [
      'for another client too',
      () => changed({ aud: [provider.clientId, 'another'] }),
      'additional untrusted audiences',
    ],
    [
      'for another client too, of which azp speaks for us',
      () => changed({ aud: [provider.clientId, 'another'], azp: provider.clientId }),
      'an audience is not known',
    ],
    ['whose azp is another client', () => changed({ azp: 'another-client' }), 'the token is for another party'],
    ['that has expired', () => changed({ iat: past, exp: past + 60 }), 'expiration is past'],
    ['that never expires', () => changed({ exp: undefined }), '"exp" (expiration time) claim missing'],
    ['that is not good yet', () => changed({ nbf: past + 7_200 }), '"nbf" (not before)'],
    ['without a subject', () => changed({ sub: undefined }), '"sub" (subject) claim missing'],
    ['with a subject that is no text', () => changed({ sub: 7 }), '"sub"'],
    ['with a subject that is longer than any', () => changed({ sub: 'x'.repeat(256) }), 'the subject is none'],
    ['that is not there', () => ({ tokens: ({ id_token: _, ...tokens }) => tokens }), '"id_token"'],
    ['that is none', () => ({ tokens: (tokens) => ({ ...tokens, id_token: 'a.b.c' }) }), 'failed to parse JWT'],
  ])('%s sign nobody in', async (_what, faults, reason) => {
    expect(await whyRefused(attempt(faults()))).toContain(reason);
  });

  it('replayed, with the nonce of another flow, sign nobody in', async () => {
    let first: unknown;
    const keep = (tokens: Record<string, unknown>) => {
      first = tokens.id_token;
      return tokens;
    };
    await attempt({ tokens: keep });
    const replay = attempt({ tokens: (tokens) => ({ ...tokens, id_token: first }) });
    expect(await whyRefused(replay)).toContain('unexpected ID Token "nonce"');
  });
});

describe('userinfo', () => {
  const withoutAddress: Faults = { claims: ({ email: _, email_verified: _e, ...claims }) => claims };

  it('of another subject signs nobody in', async () => {
    const attack = attempt({ ...withoutAddress, userinfo: (claims) => ({ ...claims, sub: 'victim' }) });
    expect(await whyRefused(attack)).toContain('unexpected "response" body "sub"');
  });

  it('without a subject signs nobody in', async () => {
    const attack = attempt({ ...withoutAddress, userinfo: ({ sub: _, ...claims }) => claims });
    expect(await whyRefused(attack)).toContain('"sub"');
  });

  it('vouches for no address that the ID token names', async () => {
    const profile = await attempt({
      claims: ({ email_verified: _, ...claims }) => ({ ...claims, email: 'victim@example.com' }),
    });
    expect(profile).toMatchObject({ email: 'victim@example.com', emailVerified: false });
  });
});

describe('email_verified', () => {
  it.each([[false], ['false'], ['true'], ['yes'], [1], [null], [undefined], [{}], [[true]]])(
    '%j proves no address',
    async (email_verified) => {
      const profile = await attempt({
        claims: (claims) => ({ ...claims, email_verified }),
        userinfo: () => ({ sub: 'ada' }),
      });
      expect(profile).toMatchObject({ subject: 'ada', emailVerified: false });
    },
  );

  it.each([
    'no-address',
    'a@b@c.example',
    'a b@example.com',
    'a@example.com\n',
    '\u202eada@example.com',
    `${'a'.repeat(250)}@b.example`,
  ])('true proves nothing of what is no address: %j', async (email) => {
    const profile = await attempt({ claims: (claims) => ({ ...claims, email }) });
    expect(profile).toMatchObject({ email: undefined, emailVerified: false });
  });
});

describe('the answer of the authorization endpoint', () => {
  const changing = (change: (answer: URLSearchParams) => void) => (answer: URLSearchParams) => {
    change(answer);
    return answer;
  };

  it.each<[string, (answer: URLSearchParams) => void, string]>([
    ['names another provider in iss (mix-up)', (a) => a.set('iss', 'https://evil.example'), 'unexpected "iss"'],
    ['leaves out the iss that was promised', (a) => a.delete('iss'), '"iss" (issuer) missing'],
    ['has two of iss', (a) => a.append('iss', 'https://evil.example'), 'only once'],
    ['has another state', (a) => a.set('state', 'another'), 'unexpected "state"'],
    ['has no state', (a) => a.delete('state'), '"state" missing'],
    ['has two codes', (a) => a.append('code', 'another'), 'only once'],
    ['has no code', (a) => a.delete('code'), 'no authorization code'],
    ['brings an ID token of its own', (a) => a.set('id_token', 'a.b.c'), 'unsupported'],
    ['comes in a token of its own', (a) => a.set('response', 'a.b.c'), 'JARM'],
    ['has a code that was never given', (a) => a.set('code', 'made-up'), 'error in the response body'],
  ])('that %s signs nobody in', async (_what, change, reason) => {
    expect(await whyRefused(attempt({}, changing(change)))).toContain(reason);
  });

  it('that is an error tells nothing of its description to anybody', async () => {
    const page = '<script>alert(document.cookie)</script>';
    const attack = attempt({}, (answer) => {
      answer.delete('code');
      answer.set('error', 'access_denied');
      answer.set('error_description', page);
      return answer;
    });
    const error = await attack.catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ reason: 'access_denied', message: 'The sign-in was broken off.' });
  });

  it('code of another flow, without that flow’s verifier, is refused by the provider (PKCE)', async () => {
    const client = await clientsOf().find('theirs');
    const victims = makeFlow('theirs', redirectUri);
    const { answer } = provider.signIn(String(await authorizationUrl(client, victims, 'the-state')), person);
    const attackers = makeFlow('theirs', redirectUri);
    expect(await whyRefused(finishFlow(client, attackers, answer, 'the-state'))).toContain(
      'error in the response body',
    );
  });
});

it('what providers say is not read beyond a bound, at any endpoint', async () => {
  const huge = {
    answer: (path: string, _: unknown, response: import('node:http').ServerResponse) =>
      path === '/token' && !!response.end('x'.repeat(70_000)),
  };
  await expect(attempt(huge)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});
