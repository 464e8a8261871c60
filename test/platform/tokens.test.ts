import { createHmac } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TokensConfig } from '../../src/config/config.ts';
import { MillraceError, StartupError } from '../../src/errors.ts';
import { openSigningKey } from '../../src/platform/keys.ts';
import { openTokens, type Tokens } from '../../src/platform/tokens.ts';

const now = () => Math.floor(Date.now() / 1_000);
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace keys '));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));
afterEach(() => vi.useRealTimers());

function local(directory: string, rest: Partial<TokensConfig> = {}): Promise<Tokens> {
  return openTokens({ source: { kind: 'local', directory: join(root, directory) }, adminRole: 'admin', ...rest });
}

async function refusal(tokens: Tokens, token: string): Promise<MillraceError> {
  const error = await tokens.verify(token).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof MillraceError)) throw new Error(`Not refused, but: ${String(error)}`);
  return error;
}

describe('the signing key', () => {
  it('is made once, readable by its owner alone, and found again by the next start', async () => {
    const first = await openSigningKey(join(root, 'a', 'keys'));
    const again = await openSigningKey(join(root, 'a', 'keys'));
    expect(again.kid).toBe(first.kid);
    expect(readdirSync(join(root, 'a', 'keys'))).toEqual(['signing.json']);
    expect(statSync(join(root, 'a', 'keys', 'signing.json')).mode & 0o777).toBe(0o600);
    expect(statSync(join(root, 'a', 'keys')).mode & 0o777).toBe(0o700);
    expect(statSync(join(root, 'a')).mode & 0o055, 'others may enter its parent').not.toBe(0);
  });

  it('is one and the same for twenty starts at once', async () => {
    const keys = await Promise.all(Array.from({ length: 20 }, () => openSigningKey(join(root, 'race'))));
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(1);
    expect(readdirSync(join(root, 'race'))).toEqual(['signing.json']);
  });

  it.each(['', '{"kty":"EC"}', '{"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"AA"}'])(
    'is reported with a remedy when its file holds %j',
    async (text) => {
      const directory = mkdtempSync(join(root, 'damaged-'));
      writeFileSync(join(directory, 'signing.json'), text);
      const error = await openSigningKey(directory).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(StartupError);
      expect((error as StartupError).message).toContain('signing.json is damaged');
      expect(readFileSync(join(directory, 'signing.json'), 'utf8')).toBe(text);
    },
  );

  it('is reported with a remedy when its directory cannot be made', async () => {
    writeFileSync(join(root, 'file'), '');
    const error = await openSigningKey(join(root, 'file', 'keys')).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StartupError);
    expect((error as StartupError).remedy).toContain('MILLRACE_DIR');
  });

  it('publishes nothing private', async () => {
    const tokens = await local('published');
    expect(Object.keys(tokens.jwks().keys[0]!).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  });
});

describe('a token of this server', () => {
  it('says again what it was made of', async () => {
    const tokens = await local('own');
    const token = await tokens.mint!({ sub: 'ann', role: 'member', claims: { workspaces: ['w1'] }, expiresIn: 60 });
    const claims = await tokens.verify(token);
    expect(claims).toMatchObject({ sub: 'ann', role: 'member', workspaces: ['w1'], iss: 'millrace' });
    expect(claims.exp).toBeLessThanOrEqual(now() + 60);
    expect(await (await local('own')).verify(token)).toEqual(claims);
  });

  it('needs neither a subject nor a role', async () => {
    const tokens = await local('own');
    const claims = await tokens.verify(await tokens.mint!({}));
    expect(claims).not.toHaveProperty('sub');
    expect(claims).not.toHaveProperty('role');
  });

  it('cannot be changed by one request for the next', async () => {
    const tokens = await local('own');
    const token = await tokens.mint!({ role: 'member', claims: { teams: ['a'] } });
    const claims = await tokens.verify(token);
    expect(() => Object.assign(claims, { role: 'admin' })).toThrow(TypeError);
    expect(() => (claims.teams as string[]).push('b')).toThrow(TypeError);
    expect(await tokens.verify(token)).toMatchObject({ role: 'member', teams: ['a'] });
  });

  it('ends when its time has come, though it was remembered', async () => {
    const tokens = await local('own');
    const token = await tokens.mint!({ expiresIn: 20 });
    await tokens.verify(token);
    vi.useFakeTimers({ now: Date.now() + 26_000, toFake: ['Date'] });
    expect(await refusal(tokens, token)).toMatchObject({ code: 'UNAUTHENTICATED', message: 'The token has expired.' });
  });

  it.each(['iss', 'aud', 'exp', 'sub', 'sid', 'jti', 'role'])(
    'is not minted with a forged %s among its claims',
    async (name) => {
      const tokens = await local('own');
      await expect(tokens.mint!({ claims: { [name]: 'x' } })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    },
  );

  it('is not minted longer than any server would read it', async () => {
    const tokens = await local('own');
    await expect(tokens.mint!({ claims: { much: 'x'.repeat(9_000) } })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });
});

describe('a forged token', () => {
  let tokens: Tokens;
  let ours: { kid: string; privateKey: CryptoKey; publicKey: CryptoKey; publicJwk: JWK };
  let stranger: { privateKey: CryptoKey; publicKey: CryptoKey };
  const payload = () => ({ sub: 'ann', role: 'admin', iss: 'millrace', aud: 'app', exp: now() + 600, jti: 'j1' });

  beforeAll(async () => {
    ours = await openSigningKey(join(root, 'forge'));
    stranger = await generateKeyPair('ES256');
    tokens = await local('forge', { audience: 'app' });
  });

  const sign = (claims: object, header: object = {}, key = ours.privateKey) =>
    new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256', kid: ours.kid, typ: 'at+jwt', ...header }).sign(key);
  const hmac = (header: object, secret: string | Buffer) => {
    const input = `${encode(header)}.${encode(payload())}`;
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
  };

  it('is told from the real one, which passes', async () => {
    expect(await tokens.verify(await sign(payload()))).toMatchObject({ sub: 'ann', role: 'admin' });
  });

  const attacks: Record<string, [() => Promise<string> | string, string]> = {
    'that claims to need no signature': [() => `${encode({ alg: 'none' })}.${encode(payload())}.`, 'algorithm'],
    'that writes none as nOnE': [() => `${encode({ alg: 'nOnE', kid: ours.kid })}.${encode(payload())}.`, 'algorithm'],
    'signed by HMAC with the public key in PEM': [
      async () => hmac({ alg: 'HS256', kid: ours.kid }, await exportSPKI(ours.publicKey)),
      'algorithm',
    ],
    'signed by HMAC with the public JWK': [
      () => hmac({ alg: 'HS256', kid: ours.kid }, JSON.stringify(ours.publicJwk)),
      'algorithm',
    ],
    'signed by HMAC and called ES256': [() => hmac({ alg: 'ES256', kid: ours.kid }, 'secret'), 'signature'],
    "signed by a stranger's key under our key's name": [() => sign(payload(), {}, stranger.privateKey), 'signature'],
    "signed by a stranger's key under its own name": [() => sign(payload(), { kid: 'x' }, stranger.privateKey), 'key'],
    "that brings a stranger's key along as jwk": [
      async () => sign(payload(), { jwk: await exportJWK(stranger.publicKey) }, stranger.privateKey),
      'signature',
    ],
    "that points to a stranger's keys by jku and x5u": [
      () => sign(payload(), { kid: 'x', jku: 'http://127.0.0.1:1/', x5u: 'http://127.0.0.1:1/' }, stranger.privateKey),
      'key',
    ],
    'whose key name is a path': [() => sign(payload(), { kid: '../../signing.json' }), 'key'],
    'that names no key': [() => sign(payload(), { kid: undefined }), 'key'],
    'that has expired': [() => sign({ ...payload(), exp: now() - 6 }), 'has expired'],
    'that never expires': [() => sign({ ...payload(), exp: undefined }), 'lacks the claim exp'],
    'that expires at a word': [() => sign({ ...payload(), exp: 'never' as unknown as number }), 'exp'],
    'that is not valid yet': [() => sign({ ...payload(), nbf: now() + 60 }), 'not valid yet'],
    'of another issuer': [() => sign({ ...payload(), iss: 'https://elsewhere.example' }), 'iss'],
    'of no issuer': [() => sign({ ...payload(), iss: undefined }), 'iss'],
    'for another audience': [() => sign({ ...payload(), aud: 'other' }), 'aud'],
    'of no name of its own': [() => sign({ ...payload(), jti: undefined }), 'lacks the claim jti'],
    'whose name is a number': [() => sign({ ...payload(), jti: 5 as unknown as string }), 'jti'],
    'that says it is an ID token': [() => sign(payload(), { typ: 'JWT' }), 'typ'],
    'that does not say what it is': [() => sign(payload(), { typ: undefined }), 'typ'],
    'whose kind is a list': [() => sign(payload(), { typ: ['at+jwt'] }), 'typ'],
    'that is good, with a space in it': [async () => (await sign(payload())).replace('.', '. '), 'malformed'],
    'that is good, with padding': [async () => `${await sign(payload())}==`, 'malformed'],
    'that is good, in the other alphabet': [
      async () => `${(await sign({ ...payload(), sub: '???>>>' })).replaceAll('_', '/').replaceAll('-', '+')}`,
      '',
    ],
    'for no audience': [() => sign({ ...payload(), aud: undefined }), 'aud'],
    'whose role is a list': [() => sign({ ...payload(), role: ['admin'] }), 'role'],
    'whose subject is a number': [() => sign({ ...payload(), sub: 7 as unknown as string }), 'sub'],
    'whose claims were changed': [
      async () => {
        const [header, , signature] = (await sign({ ...payload(), role: 'member' })).split('.');
        return `${header}.${encode(payload())}.${signature}`;
      },
      'signature',
    ],
    'without its signature': [async () => (await sign(payload())).replace(/[^.]+$/, ''), 'signature'],
    'with an all-zero signature': [
      async () => (await sign(payload())).replace(/[^.]+$/, Buffer.alloc(64).toString('base64url')),
      'signature',
    ],
    'with a critical header that nobody knows': [
      () => `${encode({ alg: 'ES256', kid: ours.kid, crit: ['x'], x: 1 })}.${encode(payload())}.AA`,
      'malformed',
    ],
    'with an unencoded payload': [
      () => `${encode({ alg: 'ES256', kid: ours.kid, crit: ['b64'], b64: false })}.${encode(payload())}.AA`,
      '',
    ],
    'with a critical header, though it asks for what is usual': [
      () => sign(payload(), { crit: ['b64'], b64: true }),
      'malformed',
    ],
    'as long as a book': [() => sign({ ...payload(), book: 'x'.repeat(9_000) }), 'longer'],
    'of five parts, encrypted': [() => `${encode({ alg: 'dir', enc: 'A128GCM' })}.a.b.c.d`, 'malformed'],
    'whose payload is no object': [() => `${encode({ alg: 'ES256', kid: ours.kid })}.${encode(5)}.AA`, 'signature'],
    'of garbage': [() => 'not.a.token', 'malformed'],
    'of nothing': [() => '', 'malformed'],
    'of dots': [() => '..', 'malformed'],
  };

  it.each(Object.keys(attacks))('%s is refused, now and the next time, and not repeated', async (name) => {
    const [make, reason] = attacks[name]!;
    const token = await make();
    for (const error of [await refusal(tokens, token), await refusal(tokens, token)]) {
      expect(error.code).toBe('UNAUTHENTICATED');
      expect(error.message).toMatch(/^The token .+\.$/);
      expect(error.message).toContain(reason);
      if (token.length > 10) expect(error.message).not.toContain(token.slice(-10));
    }
  });
});

describe('tokens of another issuer', () => {
  let server: Server;
  let url: string;
  let answer: { status: number; keys: JWK[] };
  let fetches: number;
  let key: { privateKey: CryptoKey; publicKey: CryptoKey };

  beforeAll(async () => {
    key = await generateKeyPair('RS256');
    server = createServer((_, response) => {
      fetches += 1;
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ keys: answer.keys }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
  });
  beforeEach(async () => {
    fetches = 0;
    answer = { status: 200, keys: [{ ...(await exportJWK(key.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }] };
  });
  afterAll(() => server.close());

  const open = (source = url) =>
    openTokens({ source: { kind: 'jwks', url: source }, issuer: 'https://auth.example', adminRole: 'admin' });
  const sign = (claims: object = {}, header: object = {}, signer = key.privateKey) =>
    new SignJWT({ iss: 'https://auth.example', sub: 'ann', exp: now() + 600, ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: 'k1', ...header })
      .sign(signer);

  it('pass by the keys it publishes, fetched once', async () => {
    const tokens = await open();
    for (const sub of ['ann', 'bob', 'ann']) expect(await tokens.verify(await sign({ sub }))).toMatchObject({ sub });
    expect(fetches).toBe(1);
    expect(tokens.mint).toBeUndefined();
    expect(tokens.jwks()).toEqual({ keys: [] });
  });

  it('cannot be signed by HMAC with a published key, and such a token causes no fetch', async () => {
    const tokens = await open();
    const input = `${encode({ alg: 'HS256', kid: 'k1' })}.${encode({ iss: 'https://auth.example', exp: now() + 600 })}`;
    const token = `${input}.${createHmac('sha256', await exportSPKI(key.publicKey))
      .update(input)
      .digest('base64url')}`;
    expect((await refusal(tokens, token)).code).toBe('UNAUTHENTICATED');
    expect(fetches).toBe(0);
  });

  it('cannot be signed with a symmetric key even if one is published', async () => {
    answer.keys = [{ kty: 'oct', k: Buffer.from('secret').toString('base64url'), kid: 'k1', alg: 'HS256' }];
    const tokens = await open();
    expect((await refusal(tokens, await sign())).code).toBe('UNAUTHENTICATED');
  });

  it('do not make it fetch again for every unknown key', async () => {
    const tokens = await open();
    for (const kid of ['x1', 'x2', 'x3', 'x4']) {
      expect((await refusal(tokens, await sign({}, { kid }))).code).toBe('UNAUTHENTICATED');
    }
    expect(fetches).toBeLessThanOrEqual(2);
  });

  it('of another name, or that never expire, are refused', async () => {
    const tokens = await open();
    expect((await refusal(tokens, await sign({ iss: 'https://other.example' }))).message).toContain('iss');
    expect((await refusal(tokens, await sign({ exp: undefined }))).message).toContain('exp');
  });

  it('are UNAVAILABLE, not wrong, while its keys cannot be had; and it is not asked at every token', async () => {
    answer.status = 500;
    const tokens = await open();
    for (let time = 0; time < 3; time += 1) {
      expect(await refusal(tokens, await sign({ time }))).toMatchObject({
        code: 'UNAVAILABLE',
        details: { retryAfter: 5 },
      });
    }
    expect(fetches).toBe(1);
    answer.status = 200;
    vi.useFakeTimers({ now: Date.now() + 6_000, toFake: ['Date'] });
    expect(await tokens.verify(await sign({ exp: now() + 600 }))).toMatchObject({ sub: 'ann' });
  });

  it('are UNAVAILABLE when nobody listens at its address', async () => {
    const tokens = await open('http://127.0.0.1:1/jwks.json');
    expect((await refusal(tokens, await sign())).code).toBe('UNAVAILABLE');
  });

  it('go on passing by the keys it published last when it goes down later', async () => {
    const tokens = await open();
    await tokens.verify(await sign());
    answer.status = 500;
    vi.useFakeTimers({ now: Date.now() + 3_600_000, toFake: ['Date'] });
    expect(await tokens.verify(await sign({ exp: now() + 600 }))).toMatchObject({ sub: 'ann' });
    expect(fetches).toBe(2);
    expect((await refusal(tokens, await sign({ exp: now() + 600 }, { kid: 'new' }))).code).toBe('UNAVAILABLE');
  });
});
