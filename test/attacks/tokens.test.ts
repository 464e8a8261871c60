import { createHmac, generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CompactSign, type CryptoKey, exportJWK, exportSPKI, GeneralSign, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claimsToSign } from '../../src/modules/auth/claims.ts';
import type { AccountsPlan } from '../../src/modules/auth/plan.ts';
import { viewerOfAccount } from '../../src/modules/auth/viewers.ts';
import { createPrivateJwk, readSigningKey, type SigningKey } from '../../src/platform/keys.ts';
import { openLog } from '../../src/platform/log.ts';
import { openSigningKeys } from '../../src/platform/signing-keys.ts';
import { startWholeServer, type TestServer } from '../support/server.ts';
import { askAs, knownSecrets, type SignedIn, signIn, withKnownSecret } from '../support/signed-in.ts';
import { insertTeam, team } from '../support/team.ts';

let server: TestServer;
/** A stranger's server, which no token may make ours ask. */
let trap: Server;
let trapUrl: string;
const trapped: string[] = [];
/** The key of accounts itself: what is signed by it is refused for what it says alone. */
let ours: SigningKey;
let stranger: SigningKey;
let ann: SignedIn;
let ben: SignedIn;

beforeAll(async () => {
  trap = createServer((request, response) => {
    trapped.push(request.url!);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ keys: [stranger.publicJwk] }));
  });
  await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
  trapUrl = `http://127.0.0.1:${(trap.address() as AddressInfo).port}`;
  stranger = await readSigningKey(await createPrivateJwk());
  server = await startWholeServer({
    config: (config) => withKnownSecret({ ...config, tokens: { ...config.tokens, audience: 'app' } }),
  });
  await insertTeam(server.databaseUrl);
  ann = await signIn(server, team.ann);
  ben = await signIn(server, team.ben);
  const needs = { db: server.server.db, secrets: await knownSecrets(), log: openLog('silent'), maxTokenAge: 3600 };
  using keys = await openSigningKeys(needs);
  ours = await keys.active();
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  trap?.close();
});

const now = () => Math.floor(Date.now() / 1000);
const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const good = () => ({
  iss: 'millrace',
  aud: 'app',
  sub: ann.userId,
  sid: ann.sessionId,
  jti: 'j1',
  iat: now(),
  exp: now() + 300,
});
const header = () => ({ alg: 'ES256', kid: ours.kid, typ: 'at+jwt' });
/** Signed by the key of accounts, unless another one is given. */
const sign = (claims: object = {}, more: object = {}, key: CryptoKey = ours.privateKey) =>
  new SignJWT({ ...good(), ...claims }).setProtectedHeader({ ...header(), ...more } as never).sign(key);
/** The same of texts that no library would write. */
const signRaw = (head: string, payload: string) => {
  const input = `${encode(head)}.${encode(payload)}`;
  return raw(input);
};
const raw = async (input: string) => {
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, ours.privateKey, Buffer.from(input));
  return `${input}.${Buffer.from(signature).toString('base64url')}`;
};
const hmac = (secret: string | Buffer, head: object = header()) => {
  const input = `${encode({ ...head, alg: 'HS256' })}.${encode(good())}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
};

const query = '{ me { userId sessionId roles } tasks(first: 10) { nodes { title } } }';
const secretsOfAnn = /Water the millpond|Grease the axle/;
/** Refused, and nothing is told: neither what was asked for, nor the token. */
async function expectRefused(token: string): Promise<void> {
  const { status, errors, data, text } = await askAs(server.url, token, query);
  expect({ status, code: errors?.[0]?.extensions.code, data }).toEqual({
    status: 401,
    code: 'UNAUTHENTICATED',
    data: undefined,
  });
  expect(text).not.toMatch(secretsOfAnn);
  if (token.length > 10) expect(text).not.toContain(token.slice(-10));
}

type Attack = () => string | Promise<string>;
const cases = (attacks: Record<string, Attack>) => Object.entries(attacks);

describe('the token that attacks are made of', () => {
  it('passes, so that each is refused for what it differs in', async () => {
    const { data } = await askAs(server.url, await sign(), query);
    expect(data.me).toEqual({ userId: ann.userId, sessionId: ann.sessionId, roles: [] });
    expect(JSON.stringify(data)).toMatch(secretsOfAnn);
    expect(
      (await askAs(server.url, await signRaw(JSON.stringify(header()), JSON.stringify(good())), query)).data.me,
    ).not.toBeNull();
  });
});

describe('a signature that proves nothing', () => {
  const attacks: Record<string, Attack> = {
    'of the algorithm none': () => `${encode({ ...header(), alg: 'none' })}.${encode(good())}.`,
    'of the algorithm NoNe': () => `${encode({ ...header(), alg: 'NoNe' })}.${encode(good())}.`,
    'of the algorithm none without a key’s name': () => `${encode({ alg: 'none' })}.${encode(good())}.`,
    'of no algorithm at all': () => `${encode({ kid: ours.kid, typ: 'at+jwt' })}.${encode(good())}.`,
    'of a list of algorithms': () => `${encode({ ...header(), alg: ['ES256', 'none'] })}.${encode(good())}.`,
    'by HMAC with our public key in PEM': async () => hmac(await exportSPKI(ours.publicKey)),
    'by HMAC with our public key as JWK': () => hmac(JSON.stringify(ours.publicJwk)),
    'by HMAC with our public key’s point': () => hmac(Buffer.from(ours.publicJwk.x!, 'base64url')),
    'by HMAC with the empty secret': () => hmac(''),
    'by HMAC with the key’s name': () => hmac(ours.kid),
    'by RSA under our key’s name': async () => {
      const { privateKey } = await generateKeyPair('RS256');
      return sign({}, { alg: 'RS256' }, privateKey);
    },
    'by another curve under our key’s name': async () => {
      const { privateKey } = await generateKeyPair('ES384');
      return sign({}, { alg: 'ES384' }, privateKey);
    },
    'by a stranger’s key under our key’s name': () => sign({}, {}, stranger.privateKey),
    'of zeros': async () => (await sign()).replace(/[^.]+$/, Buffer.alloc(64).toString('base64url')),
    'as DER': async () => {
      const token = await sign();
      const at = token.lastIndexOf('.') + 1;
      const bytes = Buffer.from(token.slice(at), 'base64url');
      const integer = (part: Buffer) => Buffer.concat([Buffer.from([2, 33, 0]), part]);
      const parts = Buffer.concat([integer(bytes.subarray(0, 32)), integer(bytes.subarray(32))]);
      return token.slice(0, at) + Buffer.concat([Buffer.from([0x30, parts.length]), parts]).toString('base64url');
    },
    'of another token': async () => {
      const [one, two] = [await sign({ jti: 'one' }), await sign({ jti: 'two' })];
      return `${one.slice(0, one.lastIndexOf('.'))}.${two.split('.')[2]}`;
    },
    'cut off by one letter': async () => (await sign()).slice(0, -1),
    'that is missing': async () => (await sign()).replace(/[^.]+$/, ''),
  };
  it.each(cases(attacks))('%s is refused', async (_name, make) => expectRefused(await make()));
});

describe('a key that the token brings or points to', () => {
  const attacks: Record<string, Attack> = {
    'by its own name': () => sign({}, { kid: stranger.kid }, stranger.privateKey),
    'by a path': () => sign({}, { kid: '../../../../dev/null' }, stranger.privateKey),
    'by SQL': () => sign({}, { kid: `x' union select '${stranger.kid}' --` }, stranger.privateKey),
    'by a URL': () => sign({}, { kid: `${trapUrl}/kid` }, stranger.privateKey),
    'by a name that objects have': () => sign({}, { kid: '__proto__' }, stranger.privateKey),
    'by no name': () => sign({}, { kid: undefined }),
    'by a number': () => sign({}, { kid: 5 }),
    'by a list of names': () => sign({}, { kid: [ours.kid] }),
    'as jwk': () => sign({}, { jwk: stranger.publicJwk }, stranger.privateKey),
    'as jwk, by no name': () => sign({}, { kid: undefined, jwk: stranger.publicJwk }, stranger.privateKey),
    'by jku': () => sign({}, { kid: stranger.kid, jku: `${trapUrl}/jku` }, stranger.privateKey),
    'by x5u': () => sign({}, { kid: 'x5u', x5u: `${trapUrl}/x5u` }, stranger.privateKey),
    'by the issuer’s own address': () => sign({ iss: trapUrl }, { kid: 'theirs' }, stranger.privateKey),
    'as x5c': async () => {
      const der = (await exportSPKI(stranger.publicKey)).replace(/-----[^-]+-----|\n/g, '');
      return sign({}, { x5c: [der] }, stranger.privateKey);
    },
  };
  it.each(cases(attacks))('%s is not taken', async (_name, make) => expectRefused(await make()));

  it('is never fetched, not even by a token of our own that points to one', async () => {
    const token = await sign({}, { jku: `${trapUrl}/jku`, x5u: `${trapUrl}/x5u`, jwk: stranger.publicJwk });
    expect((await askAs(server.url, token, query)).data.me.userId).toBe(ann.userId);
    expect(trapped).toEqual([]);
  });
});

describe('a header that changes what is signed', () => {
  const attacks: Record<string, Attack> = {
    'by a critical word that nobody knows': () =>
      signRaw(JSON.stringify({ ...header(), crit: ['x'], x: 1 }), JSON.stringify(good())),
    'by an empty list of critical words': () =>
      signRaw(JSON.stringify({ ...header(), crit: [] }), JSON.stringify(good())),
    'by b64: false': () => raw(`${encode({ ...header(), crit: ['b64'], b64: false })}.${encode(good())}`),
    'by b64: true, said to be critical': () =>
      signRaw(JSON.stringify({ ...header(), crit: ['b64'], b64: true }), JSON.stringify(good())),
    'by being no object': () => signRaw('"ES256"', JSON.stringify(good())),
    'by being no JSON': () => signRaw('{alg:ES256}', JSON.stringify(good())),
    'by a payload that is a list': () => signRaw(JSON.stringify(header()), JSON.stringify([good()])),
    'by a payload that is no JSON': () => signRaw(JSON.stringify(header()), 'sub=ann'),
    'by an empty payload': () => signRaw(JSON.stringify(header()), ''),
  };
  it.each(cases(attacks))('%s is refused', async (_name, make) => expectRefused(await make()));
});

describe('a time', () => {
  const text = (claims: string) =>
    signRaw(JSON.stringify(header()), JSON.stringify(good()).replace(/}$/, `,${claims}}`));
  const without = (name: string) => sign({ [name]: undefined });
  const attacks: Record<string, Attack> = {
    'that is not there (exp)': () => without('exp'),
    'that is not there (iat)': () => without('iat'),
    'that has passed': () => sign({ exp: now() - 10 }),
    'that is negative': () => sign({ exp: -1 }),
    'that is zero': () => sign({ exp: 0 }),
    'that is a text of digits': () => sign({ exp: String(now() + 300) }),
    'that is a word': () => sign({ exp: 'never' }),
    'that is null': () => sign({ exp: null }),
    'that is a list': () => sign({ exp: [now() + 300] }),
    'that is true': () => sign({ exp: true }),
    'that is an object': () => sign({ exp: { valueOf: now() + 300 } }),
    'that is far away, of a token that was signed long ago': () => sign({ iat: now() - 90 * 86_400, exp: now() + 1e9 }),
    'that is infinite, of a token that was signed long ago': () => text(`"iat":${now() - 90 * 86_400},"exp":1e999`),
    'at which it is signed, in the future': () => sign({ iat: now() + 3600 }),
    'at which it is signed, as a word': () => sign({ iat: 'now' }),
    'before which it is not good': () => sign({ nbf: now() + 3600 }),
    'before which it is not good, as a word': () => sign({ nbf: 'tomorrow' }),
  };
  it.each(cases(attacks))('%s is refused', async (_name, make) => expectRefused(await make()));
});

describe('a token for somebody else', () => {
  const attacks: Record<string, Attack> = {
    'of another issuer': () => sign({ iss: 'https://accounts.example' }),
    'of an issuer that begins alike': () => sign({ iss: 'millrace.example' }),
    'of a list of issuers': () => sign({ iss: ['millrace'] }),
    'of no issuer': () => sign({ iss: undefined }),
    'for another audience': () => sign({ aud: 'admin-console' }),
    'for other audiences': () => sign({ aud: ['a', 'b'] }),
    'for no audience': () => sign({ aud: undefined }),
    'for an audience that is an object': () => sign({ aud: { app: true } }),
    'that is an ID token': () => sign({ nonce: 'n' }, { typ: 'JWT' }),
    'that is an ID token and says so': () => sign({}, { typ: 'id_token+jwt' }),
    'that does not say what it is': () => sign({}, { typ: undefined }),
    'that is a proof of possession': () => sign({}, { typ: 'dpop+jwt' }),
    'that is a logout token': () => sign({ events: {} }, { typ: 'logout+jwt' }),
    'that is a text of ours and no token': async () =>
      new CompactSign(Buffer.from('ann')).setProtectedHeader(header()).sign(ours.privateKey),
    'without a session': () => sign({ sid: undefined }),
    'without a subject': () => sign({ sub: undefined }),
    'without a name of its own': () => sign({ jti: undefined }),
    'whose session is a list': () => sign({ sid: [ann.sessionId] }),
    'whose subject is an object': () => sign({ sub: { $ne: null } }),
    'of a session that never was': () => sign({ sid: '00000000-0000-4000-8000-000000000000' }),
    'of a session named by SQL': () => sign({ sid: `${ann.sessionId}' or '1'='1` }),
    'of a session of no name': () => sign({ sid: '' }),
    'of another one’s session': () => sign({ sid: ben.sessionId }),
    'of a user who is not there': () => sign({ sub: '00000000-0000-4000-8000-000000000000' }),
  };
  it.each(cases(attacks))('%s is refused', async (_name, make) => expectRefused(await make()));
});

describe('something else in the place of an access token', () => {
  const attacks: Record<string, Attack> = {
    'a refresh token': () => ann.refreshToken(),
    'the id of a session': () => ann.sessionId,
    'a secret of the kind of links, codes and second factors': () => 'q'.repeat(43),
    'a key of no API': () => 'mrk_0123456789abcdef_0123456789abcdef0123456789abcdef',
    'two signatures in JSON': async () => {
      const jws = await new GeneralSign(Buffer.from(JSON.stringify(good())))
        .addSignature(ours.privateKey)
        .setProtectedHeader(header())
        .addSignature(stranger.privateKey)
        .setProtectedHeader({ alg: 'ES256', kid: stranger.kid })
        .sign();
      return JSON.stringify(jws);
    },
    'one signature in JSON': async () => {
      const [protectedHeader, payload, signature] = (await sign()).split('.');
      return JSON.stringify({ protected: protectedHeader, payload, signature });
    },
    'a token with a second signature': async () =>
      `${await sign()}.${(await sign({}, {}, stranger.privateKey)).split('.')[2]}`,
    'two tokens': async () => `${await sign()},${await sign()}`,
    'a token encrypted for nobody': () => `${encode({ alg: 'dir', enc: 'A128GCM' })}....`,
    'nine thousand characters that are signed': () => sign({ much: 'x'.repeat(9000) }),
    dots: () => '.'.repeat(500),
    'a thousand nested lists': () => `${encode('['.repeat(1000))}.${encode(good())}.AA`,
  };
  it.each(cases(attacks))('%s is refused', async (_name, make) => expectRefused(await make()));

  it.each(['Basic', 'Digest', 'Token', 'bearer:', 'Bearer Bearer'])(
    'a good token after the word %s is refused',
    async (scheme) => {
      const response = await fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `${scheme} ${ann.accessToken}` },
        body: JSON.stringify({ query }),
      });
      expect(response.status).toBe(401);
      expect(await response.text()).not.toMatch(secretsOfAnn);
    },
  );

  it('a good token in the address counts for nothing', async () => {
    const url = `${server.url}/graphql?access_token=${ann.accessToken}&query=${encodeURIComponent(query)}`;
    expect(await (await fetch(url)).text()).not.toMatch(secretsOfAnn);
  });

  it('a header of megabytes does not reach the application', async () => {
    const response = await fetch(`${server.url}/graphql`, {
      headers: { authorization: `Bearer ${'a'.repeat(100_000)}` },
    });
    expect(response.status).toBe(431);
  });
});

describe('one token in many spellings', () => {
  const spellings: Record<string, (token: string) => string> = {
    'with padding': (token) => `${token}==`,
    'with padding in the middle': (token) => token.replace('.', '=.'),
    'with a tab': (token) => token.replace('.', '\t.'),
    'with a space that is encoded': (token) => token.replace('.', '%20.'),
    'with an empty part': (token) => `${token}.`,
    'with a sign of the other alphabet': (token) => `${token.slice(0, -1)}+`,
  };
  it.each(Object.entries(spellings))('%s is refused', async (_name, spell) => expectRefused(spell(await sign())));

  it('ends with its session however it is spelt: bits that nobody reads, a signature that is turned over', async () => {
    const thief = await signIn(server, team.cleo);
    const spelt = [thief.accessToken, ...lastBits(thief.accessToken), turnedOver(thief.accessToken)];
    const passed = [];
    for (const token of spelt) if ((await askAs(server.url, token, query)).status === 200) passed.push(token);
    expect(passed.length, 'libraries take more than one spelling').toBeGreaterThan(1);
    expect((await askAs(server.url, thief.accessToken, 'mutation { signOut }')).data).toEqual({ signOut: true });
    for (const token of spelt)
      await expect.poll(async () => (await askAs(server.url, token, query)).status, { timeout: 1000 }).toBe(401);
  });
});

/** The spellings that differ in the bits behind the last byte. */
function lastBits(token: string): string[] {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = letters.indexOf(token.at(-1)!);
  return [1, 2, 3].map((more) => token.slice(0, -1) + letters[last + more]);
}

/** The other signature that proves the same (r, n − s). */
function turnedOver(token: string): string {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const at = token.lastIndexOf('.') + 1;
  const bytes = Buffer.from(token.slice(at), 'base64url');
  const s = order - BigInt(`0x${bytes.subarray(32).toString('hex')}`);
  const turned = Buffer.concat([bytes.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')]);
  return token.slice(0, at) + turned.toString('base64url');
}

describe('claims of a session’s token', () => {
  it('bring no role: what the account has counts, not what was signed', async () => {
    const token = await sign({ role: 'admin', roles: ['admin'], orgs: ['x'], scope: 'admin', is_admin: true });
    const { data, text } = await askAs(server.url, token, query);
    expect(data.me.roles).toEqual([]);
    expect(text).toContain('Water the millpond');
    expect(text).not.toContain('Cast the anvil');
    const users = await askAs(server.url, token, '{ authAccounts(first: 10) { nodes { userId } } }');
    expect(users.data.authAccounts.nodes).toEqual([{ userId: ann.userId }]);
  });

  it('bring no other session, assurance or actor', async () => {
    const token = await sign({ acr: '2', amr: ['hwk'], act: { sub: ben.userId }, auth_time: now() });
    const { data } = await askAs(server.url, token, '{ me { assurance actorId sessionId } }');
    expect(data.me).toEqual({ assurance: 1, actorId: null, sessionId: ann.sessionId });
  });

  it('bring nothing back that the account has lost since they were signed, and take no meaning from words of tokens', async () => {
    const claims = { team: 'blue', role: 'admin', roles: ['admin'], sid: ben.sessionId, exp: 1, toString: 'x' };
    const cleo = await signIn(server, team.cleo, { claims });
    const asked = '{ tasks(first: 1) { totalCount } }';
    expect((await askAs(server.url, cleo.accessToken, asked)).data.tasks.totalCount).toBe(3);
    const signed = claimsToSign(claims, { plan: 'gold', role: 'admin', orgs: ['x'] });
    expect(signed).toEqual({ team: 'blue', plan: 'gold', fixed: ['plan'] });
    const account = { userId: team.cleo, kind: 'person', isDisabled: false, roles: [], orgRoles: {} } as const;
    const plan = { roles: {}, adminRole: 'admin' } as unknown as AccountsPlan;
    const viewer = (own: object) => viewerOfAccount({ ...account, claims: { ...own } }, plan, { ...signed, sid: 's' });
    expect(viewer(claims)).toMatchObject({
      claims: { team: 'blue', plan: 'gold', sid: 's', roles: [] },
      isAdmin: false,
    });
    expect(viewer({}).claims).not.toHaveProperty('team');
  });

  it('name no session where `npx millrace token` has signed them, nor another issuer', async () => {
    await expect(server.server.tokens.mint!({ sub: ann.userId, claims: { sid: ann.sessionId } })).rejects.toThrow(
      'sid',
    );
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const issuer = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({
          keys: [
            { ...publicJwk, kid: 'rsa', alg: 'RS256' },
            { ...stranger.publicJwk, kid: ours.kid },
          ],
        }),
      );
    });
    const { kty, n, e } = await exportJWK(privateKey);
    const publicJwk = { kty, n, e };
    await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/jwks`;
    try {
      await using beside = await startWholeServer({
        databaseUrl: server.databaseUrl,
        config: (config) =>
          withKnownSecret({
            ...config,
            tokens: { ...config.tokens, source: { kind: 'jwks', url }, issuer: 'https://idp.example', audience: 'app' },
          }),
      });
      const external = (claims: object, head: object = { alg: 'RS256', kid: 'rsa' }) =>
        new SignJWT({ ...good(), iss: 'https://idp.example', ...claims }).setProtectedHeader(head as never);
      const ask = (token: string, text = query) => askAs(beside.url, token, text);
      // Their tokens are theirs: `sid` is a word of many issuers.
      const theirs = await ask(await external({}).sign(privateKey));
      expect(theirs.data.me).toMatchObject({ userId: ann.userId, sessionId: null });
      expect((await ask(await external({}).sign(privateKey), 'mutation { signOut }')).data).toEqual({ signOut: false });
      expect((await ask(ann.accessToken)).data.me.sessionId).toBe(ann.sessionId);
      const refused = {
        'their key, our words': await external({ iss: 'millrace' }, { alg: 'RS256', kid: 'rsa', typ: 'at+jwt' }).sign(
          privateKey,
        ),
        'our key, their words': await sign({ iss: 'https://idp.example' }),
        'their key under our name': await external({}, header()).sign(stranger.privateKey),
        'their key under our name, our words': await external({ iss: 'millrace' }, header()).sign(stranger.privateKey),
        'their public RSA key as a secret': hmac(JSON.stringify(publicJwk), { kid: 'rsa', typ: 'JWT' }),
      };
      for (const [name, token] of Object.entries(refused)) expect((await ask(token)).status, name).toBe(401);
    } finally {
      issuer.close();
    }
  });
});

it('nobody was asked for a key by any of these', () => expect(trapped).toEqual([]));
