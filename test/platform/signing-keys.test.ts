import { decodeProtectedHeader, SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { StartupError } from '../../src/errors.ts';
import { type Database, openDatabase, type Query } from '../../src/platform/db.ts';
import { createPrivateJwk, readSigningKey } from '../../src/platform/keys.ts';
import { openLog } from '../../src/platform/log.ts';
import { openSecrets, type Secrets } from '../../src/platform/secrets.ts';
import { discardSigningKeys, openSigningKeys, type SigningKeys } from '../../src/platform/signing-keys.ts';
import { openTokens, type Tokens } from '../../src/platform/tokens.ts';
import { ask, type TestDatabase, testDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let db: Database;
let secrets: Secrets;
let open: SigningKeys[] = [];
const log = openLog('silent');
const secretOf = (secret: string) => openSecrets({ secret, directory: '/nowhere' });

beforeAll(async () => {
  database = await testDatabase({ migrations: false });
  db = openDatabase({ url: database.url, size: 8, statementTimeout: 5000 }, { onError: () => {} });
  secrets = await secretOf('a secret of thirty-two characters');
});
afterAll(async () => {
  await db[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  for (const keys of open) keys[Symbol.dispose]();
  open = [];
  await ask(database.url, 'drop table if exists millrace.signing_keys');
});

/** One node's keys, which look for what others have done only when a test lets them, unless it says how often. */
async function node(reloadEvery = 3_600_000): Promise<SigningKeys> {
  const keys = await openSigningKeys({ db, secrets, log, maxTokenAge: 600, reloadEvery });
  open.push(keys);
  return keys;
}

const tokensOf = (keys: SigningKeys): Promise<Tokens> =>
  openTokens({ source: { kind: 'jwks', url: 'http://127.0.0.1:1/' }, adminRole: 'admin' }, keys);
const session = { sub: 'ann', sid: 's1', expiresIn: 600 };
const refusal = (verified: Promise<unknown>) =>
  verified.then(
    () => 'passed',
    ({ code, message }) => `${code}: ${message}`,
  );
const states = () => ask<{ state: string }>(database.url, 'select state from millrace.signing_keys order by state');
const age = (state: string, interval: string) =>
  ask(database.url, `update millrace.signing_keys set since = since - interval '${interval}' where state = '${state}'`);

describe('signing keys', () => {
  it('are made once by ten nodes that start at once, one to sign and one to come, both published', async () => {
    const nodes = await Promise.all(Array.from({ length: 10 }, () => node()));
    expect(await states()).toEqual([{ state: 'active' }, { state: 'next' }]);
    const names = await Promise.all(nodes.map(async (keys) => (await keys.active()).kid));
    expect(new Set(names).size).toBe(1);
    for (const keys of nodes) {
      const published = keys.jwks().keys;
      expect(published.map(({ kid }) => kid)).toContain(names[0]);
      expect(published).toHaveLength(2);
      for (const jwk of published)
        expect(Object.keys(jwk).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
    }
  });

  it('stand in the table sealed; a retired one keeps nothing to sign by', async () => {
    const keys = await node();
    const rows = await ask<{ row: string }>(
      database.url,
      'select to_jsonb(k)::text as row from millrace.signing_keys k',
    );
    for (const { row } of rows) expect(row).not.toMatch(/"d"/);
    await keys.rotate();
    const retired = await ask(database.url, `select private_jwk from millrace.signing_keys where state = 'retired'`);
    expect(retired).toEqual([{ private_jwk: null }]);
  });

  it('let the one sign next that was published before', async () => {
    const keys = await node();
    const before = (await keys.list()).find(({ state }) => state === 'next')!.kid;
    await keys.rotate();
    expect((await keys.active()).kid).toBe(before);
    expect((await keys.list()).map(({ state }) => state).sort()).toEqual(['active', 'next', 'retired']);
  });

  it('are changed by one node at a time, and never lost, when ten change them at once', async () => {
    const nodes = await Promise.all(Array.from({ length: 10 }, () => node()));
    await Promise.all(nodes.map((keys) => keys.rotate()));
    expect((await states()).map(({ state }) => state)).toEqual(['active', 'next', ...Array(10).fill('retired')]);
  });

  it('are changed by themselves after 90 days, once by all nodes', async () => {
    const nodes = await Promise.all([node(20), node(20), node(20)]);
    const before = (await nodes[0]!.active()).kid;
    await age('active', '89 days');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await nodes[0]!.active()).kid).toBe(before);
    await age('active', '2 days');
    await expect.poll(async () => (await nodes[2]!.active()).kid).not.toBe(before);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await states()).toHaveLength(3);
    expect(nodes[1]!.known(before)).toBeDefined();
  });

  it('are forgotten when none of their tokens can be alive', async () => {
    const keys = await node();
    const first = (await keys.active()).kid;
    await keys.rotate();
    await age('retired', '50 minutes');
    await keys.rotate();
    expect(keys.known(first)).toBeDefined();
    await age('retired', '30 minutes');
    await keys.rotate();
    expect(keys.known(first)).toBeUndefined();
    expect((await keys.list()).map(({ kid }) => kid)).not.toContain(first);
  });

  it('stop a node that has another secret at its start, and say what to do', async () => {
    await node();
    const other = await secretOf('another secret of so many letters');
    const error = await openSigningKeys({ db, secrets: other, log, maxTokenAge: 600 }).catch((reason) => reason);
    expect(error).toBeInstanceOf(StartupError);
    expect(error.remedy).toContain('the same AUTH_SECRET');
    await discardSigningKeys(db, other);
    open.push(await openSigningKeys({ db, secrets: other, log, maxTokenAge: 600 }));
    expect(await states()).toEqual([{ state: 'active' }, { state: 'next' }]);
  });

  it('are worth nothing any more on a node that has the old secret, when they begin anew with another', async () => {
    const old = await node(20);
    const [tokens, other] = await Promise.all([tokensOf(old), secretOf('another secret of so many letters')]);
    const { token } = await tokens.signAccess!(session);
    await discardSigningKeys(db, other);
    await expect.poll(() => old.jwks().keys).toEqual([]);
    expect(await refusal(tokens.verify(token))).not.toBe('passed');
    await expect(tokens.signAccess!(session)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('are none that somebody else has written into the table', async () => {
    const keys = await node();
    const theirs = await readSigningKey(await createPrivateJwk());
    await db.query({
      text: `insert into millrace.signing_keys (kid, state, public_jwk, proof) select $1, 'retired', $2, proof from millrace.signing_keys limit 1`,
      values: [theirs.kid, JSON.stringify(theirs.publicJwk)],
    });
    expect(await keys.find(theirs.kid)).toBeUndefined();
    expect(keys.jwks().keys.map(({ kid }) => kid)).not.toContain(theirs.kid);
  });

  it('do not make the database work for names that are made up', async () => {
    const keys = await node();
    let asked = 0;
    const query = (sent: Query) => {
      asked += 1;
      return db.query(sent);
    };
    const counting = { ...db, query };
    const counted = await openSigningKeys({ db: counting, secrets, log, maxTokenAge: 600 });
    open.push(counted);
    asked = 0;
    const names = Array.from({ length: 500 }, (_, i) => `${i}`.padStart(43, 'k'));
    expect(new Set(await Promise.all([...names, '../x', "' or 1=1"].map((kid) => counted.find(kid))))).toEqual(
      new Set([undefined]),
    );
    expect(asked).toBe(1);
    expect(await keys.find('x'.repeat(10_000))).toBeUndefined();
  });
});

describe('access tokens of sessions', () => {
  it('pass on every node, and are told from all others', async () => {
    const [one, two] = await Promise.all([node().then(tokensOf), node().then(tokensOf)]);
    const { token, expiresAt } = await one.signAccess!({ ...session, role: 'member', claims: { acr: '1' } });
    const claims = await two.verify(token);
    expect(claims).toMatchObject({ sub: 'ann', sid: 's1', role: 'member', acr: '1', iss: 'millrace' });
    expect(claims.exp).toBe(expiresAt.getTime() / 1000);
    expect(two.isOfSession(claims)).toBe(true);
    expect(two.isOfSession({ ...claims })).toBe(false);
    expect(decodeProtectedHeader(token)).toMatchObject({ typ: 'at+jwt', alg: 'ES256' });
  });

  it('never live longer than their keys are kept', async () => {
    const tokens = await tokensOf(await node());
    const { expiresAt } = await tokens.signAccess!({ ...session, expiresIn: 1e9 });
    expect(expiresAt.getTime()).toBeLessThanOrEqual(Date.now() + 600_000);
  });

  it.each(['sid', 'sub', 'jti', 'iat', 'exp'])(
    'are none without %s, though signed by the key of accounts',
    async (name) => {
      const keys = await node();
      const tokens = await tokensOf(keys);
      const { kid, privateKey } = await keys.active();
      const now = Math.floor(Date.now() / 1000);
      const whole = { iss: 'millrace', sub: 'ann', sid: 's1', jti: 'j', iat: now, exp: now + 60 };
      const sign = (claims: object) =>
        new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256', kid, typ: 'at+jwt' }).sign(privateKey);
      expect(await refusal(tokens.verify(await sign(whole)))).toBe('passed');
      expect(await refusal(tokens.verify(await sign({ ...whole, [name]: undefined })))).toContain(
        `lacks the claim ${name}`,
      );
    },
  );

  it('of a key that another node made a moment ago pass, though this one has not heard of it', async () => {
    const [late, busy] = await Promise.all([node(), node()]);
    const [there, here] = await Promise.all([tokensOf(late), tokensOf(busy)]);
    await busy.rotate();
    await busy.rotate();
    const { token } = await here.signAccess!(session);
    expect(late.known(decodeProtectedHeader(token).kid!)).toBeUndefined();
    expect(await refusal(there.verify(token))).toBe('passed');
  });

  it('end at once with keys that are discarded, also where they were remembered', async () => {
    const keys = await node();
    const tokens = await tokensOf(keys);
    const { token } = await tokens.signAccess!(session);
    expect(await refusal(tokens.verify(token))).toBe('passed');
    await keys.rotate();
    expect(await refusal(tokens.verify(token))).toBe('passed');
    await keys.rotate({ discard: true });
    expect(await refusal(tokens.verify(token))).not.toBe('passed');
    const { token: next } = await tokens.signAccess!(session);
    expect(await refusal(tokens.verify(next))).toBe('passed');
  });

  it('are never refused while keys change under them on two nodes', async () => {
    const nodes = await Promise.all([node(50), node(50)]);
    const tokens = await Promise.all(nodes.map(tokensOf));
    const refused: string[] = [];
    const names = new Set<string>();
    let verified = 0;
    let isDone = false;
    const signAndVerify = async (from: Tokens, to: Tokens) => {
      while (!isDone) {
        const { token } = await from.signAccess!(session);
        names.add(decodeProtectedHeader(token).kid!);
        const answer = await refusal(to.verify(token));
        if (answer !== 'passed') refused.push(answer);
        verified += 1;
      }
    };
    const pairs = tokens.flatMap((from) => tokens.flatMap((to) => [signAndVerify(from, to), signAndVerify(from, to)]));
    for (let round = 0; round < 12; round += 1) {
      await nodes[round % 2]!.rotate();
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    while (verified < 3_000) await new Promise((resolve) => setTimeout(resolve, 20));
    isDone = true;
    await Promise.all(pairs);
    expect(refused).toEqual([]);
    expect(names.size).toBeGreaterThanOrEqual(12);
  });
});
