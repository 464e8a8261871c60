import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isUnattested, readRegistration } from '../../src/modules/auth/passkeys/responses.ts';
import { certified, createAuthenticator, type Forged } from '../support/authenticator.ts';
import {
  appOrigin,
  askAs,
  challengeOf,
  codesOf,
  completeSecondFactor,
  countSessions,
  eventsOf,
  type FactorServer,
  finishRegistration,
  openAccount,
  openPasskeyAccount,
  openSessionOf,
  pendingOf,
  signInWithPasskey,
  startFactorServer,
  startPasskey,
  startRegistration,
} from '../support/factors.ts';
import { roundsOf } from '../support/rounds.ts';

let server: FactorServer;
beforeAll(async () => {
  server = await startFactorServer();
});
afterAll(() => server[Symbol.asyncDispose]());

/** Each case comes from an address of its own, so that none spends another's tries. */
let cases = 0;
const address = () => `198.51.${Math.floor(cases / 250)}.${(cases++ % 250) + 1}`;

/** What no honest browser of ours says, whether a passkey is made or used. */
const forgeries: [string, Forged][] = [
  ['of a page elsewhere', { origin: 'https://evil.example' }],
  ['of a page of a sub-domain', { origin: 'https://shop.app.example.com' }],
  ['of a page of the domain above', { origin: 'https://example.com' }],
  ['of a page without TLS', { origin: 'http://app.example.com' }],
  ['of another port', { origin: 'https://app.example.com:8443' }],
  ['of an origin that only begins like ours', { origin: 'https://app.example.com.evil.example' }],
  ['of an origin in capitals', { origin: 'https://APP.example.com' }],
  ['of a page without an origin', { origin: 'null' }],
  ['for another domain', { rpId: 'evil.example' }],
  ['for the domain above', { rpId: 'example.com' }],
  ['for a sub-domain', { rpId: 'shop.app.example.com' }],
  ['without its user having been verified', { isVerified: false }],
  ['without its user being present', { isPresent: false, isVerified: true }],
  ['of a frame in a page of another site', { crossOrigin: true }],
  ['of a frame whose outermost page is named', { crossOrigin: true, topOrigin: 'https://evil.example' }],
  ['that names an outermost page of ours', { topOrigin: appOrigin }],
  ['of no type that there is', { type: 'payment.get' }],
  ['for a challenge that was made up', { challenge: 'A'.repeat(43) }],
  ['for an empty challenge', { challenge: '' }],
];

describe('making a passkey', () => {
  const refusal = ['INVALID_INPUT'];
  const passkeys = async (userId: string) =>
    (
      await server.sql('select count(*)::int n from millrace.auth_passkeys where user_id = $1', userId)
    )[0]![0] as number;

  it('is possible: what follows is refused for its own sake', async () => {
    const { userId, recoveryCodes } = await openPasskeyAccount(server);
    expect(await passkeys(userId)).toBe(1);
    expect(recoveryCodes).toHaveLength(10);
    expect(await eventsOf(server, userId)).toContain('passkey-added');
  });

  const ofRegistration: [string, Forged][] = [
    ...forgeries,
    ['of the type of one that is used', { type: 'webauthn.get' }],
    ['with a key of an algorithm that was not offered', { algorithm: -47 }],
    ['with an attestation of a format that there is not', { format: 'trust-me' }],
    ['with an attestation that says nothing of what it has to', { format: 'tpm' }],
    ['with an id that is longer than any', { id: 'A'.repeat(2000) }],
  ];
  it.each(ofRegistration)('refuses one %s', async (_title, forged) => {
    const account = await openAccount(server);
    const session = await openSessionOf(server, account);
    const authenticator = createAuthenticator({ origin: appOrigin });
    const answer = await finishRegistration(session, authenticator.create(await startRegistration(session), forged));
    expect(codesOf(answer)).toEqual(refusal);
    expect(answer.errors![0]!.extensions.fields![0]!.path).toBe('response');
    expect(await passkeys(account.userId)).toBe(0);
  });

  it('looks at no attestation that somebody else vouches for, and so at no certificate', async () => {
    const session = await openSessionOf(server, await openAccount(server));
    const options = await startRegistration(session);
    const authenticator = createAuthenticator({ origin: appOrigin });
    const isTaken = (forged: Forged) => isUnattested(readRegistration(authenticator.create(options, forged))!.answer);
    expect([isTaken({}), isTaken({ format: 'packed' })]).toEqual([true, true]);
    const statement = certified(Buffer.from('a certificate'));
    for (const format of ['packed', 'fido-u2f', 'tpm', 'apple', 'android-key', 'android-safetynet'])
      expect(isTaken({ format, statement }), format).toBe(false);
    expect(
      codesOf(await finishRegistration(session, authenticator.create(options, { format: 'packed', statement }))),
    ).toEqual(refusal);
  });

  it('refuses an answer that was taken before', async () => {
    const session = await openSessionOf(server, await openAccount(server));
    const answer = createAuthenticator({ origin: appOrigin }).create(await startRegistration(session));
    expect((await finishRegistration(session, answer)).errors).toBeUndefined();
    expect(codesOf(await finishRegistration(session, answer))).toEqual(refusal);
    expect(await passkeys(session.userId)).toBe(1);
  });

  it('refuses an honest answer to a challenge that was spent by a bad one', async () => {
    const session = await openSessionOf(server, await openAccount(server));
    const options = await startRegistration(session);
    const authenticator = createAuthenticator({ origin: appOrigin });
    await finishRegistration(session, authenticator.create(options, { isVerified: false }));
    expect(codesOf(await finishRegistration(session, authenticator.create(options)))).toEqual(refusal);
  });

  it('refuses the challenge of another user', async () => {
    const [ann, eve] = [await openAccount(server), await openAccount(server)];
    const hers = await openSessionOf(server, ann);
    const theirs = await openSessionOf(server, eve);
    const answer = createAuthenticator({ origin: appOrigin }).create(await startRegistration(hers));
    expect(codesOf(await finishRegistration(theirs, answer))).toEqual(refusal);
    expect((await passkeys(ann.userId)) + (await passkeys(eve.userId))).toBe(0);
  });

  it('refuses the challenge of another session of the same user', async () => {
    const account = await openAccount(server);
    const [first, second] = [await openSessionOf(server, account), await openSessionOf(server, account)];
    const answer = createAuthenticator({ origin: appOrigin }).create(await startRegistration(first));
    expect(codesOf(await finishRegistration(second, answer))).toEqual(refusal);
  });

  it('refuses a challenge that has expired', async () => {
    const session = await openSessionOf(server, await openAccount(server));
    const options = await startRegistration(session);
    await server.sql(`update millrace.auth_challenges set expires_at = now() where user_id = $1`, session.userId);
    const answer = createAuthenticator({ origin: appOrigin }).create(options);
    expect(codesOf(await finishRegistration(session, answer))).toEqual(refusal);
  });

  it('refuses an older challenge when there is a newer one', async () => {
    const session = await openSessionOf(server, await openAccount(server));
    const older = await startRegistration(session);
    await startRegistration(session);
    const answer = createAuthenticator({ origin: appOrigin }).create(older);
    expect(codesOf(await finishRegistration(session, answer))).toEqual(refusal);
  });

  it('refuses the challenge of a sign-in', async () => {
    const session = await openSessionOf(server, await openAccount(server));
    const { challenge } = await startPasskey(server, { address: address() });
    const answer = createAuthenticator({ origin: appOrigin }).create({ challenge, user: { id: 'AAAA' } });
    expect(codesOf(await finishRegistration(session, answer))).toEqual(refusal);
  });

  it('refuses a credential that somebody has already, in the words of any other', async () => {
    const victim = await openPasskeyAccount(server);
    const session = await openSessionOf(server, await openAccount(server));
    const authenticator = createAuthenticator({ origin: appOrigin });
    const taken = await finishRegistration(
      session,
      authenticator.create(await startRegistration(session), { id: victim.authenticator.credentials[0]!.id }),
    );
    const bad = await finishRegistration(
      session,
      authenticator.create(await startRegistration(session), { isVerified: false }),
    );
    expect(taken).toEqual(bad);
    expect(await passkeys(session.userId)).toBe(0);
    const options = await startPasskey(server, { address: address() });
    const signedIn = await signInWithPasskey(server, victim.authenticator.get(options), address());
    expect(signedIn.data.signInWithPasskey.session.userId).toBe(victim.userId);
  });

  it('tells the browser which there are already, so that none is made twice', async () => {
    const { session, authenticator } = await openPasskeyAccount(server);
    const options = (await startRegistration(session)) as unknown as { excludeCredentials: { id: string }[] };
    expect(options.excludeCredentials.map(({ id }) => id)).toEqual([authenticator.credentials[0]!.id]);
  });

  it('keeps one of 50 answers that come at once', async () => {
    const session = await openSessionOf(server, await openAccount(server));
    const answer = createAuthenticator({ origin: appOrigin }).create(await startRegistration(session));
    const answers = await Promise.all(Array.from({ length: 50 }, () => finishRegistration(session, answer)));
    expect(answers.filter(({ errors }) => !errors)).toHaveLength(1);
    expect(await passkeys(session.userId)).toBe(1);
  });

  it('keeps no more than 20, also when several are made at once', async () => {
    const { userId } = await openAccount(server);
    await server.sql(
      `with made as (insert into auth_passkeys (id, user_id, name) select gen_random_uuid(), $1, 'x' from generate_series(1, 19) returning id)
        insert into millrace.auth_passkeys (id, user_id, credential_id, public_key) select id, $1, id::text, '' from made`,
      userId,
    );
    const attempts = await Promise.all(
      [1, 2, 3].map(async () => {
        const session = await openSessionOf(server, { userId }, { assurance: 2 });
        return { session };
      }),
    );
    const challenges = await Promise.all(
      attempts.map(({ session }) =>
        challengeOf(server, 'passkey-registration', userId, { session: session.sessionId }),
      ),
    );
    const answers = await Promise.all(
      attempts.map(({ session }, i) =>
        finishRegistration(
          session,
          createAuthenticator({ origin: appOrigin }).create({ challenge: challenges[i]!, user: { id: 'AAAA' } }),
        ),
      ),
    );
    expect(answers.map(codesOf).filter((codes) => codes?.[0] === 'CONFLICT')).toHaveLength(2);
    expect(await passkeys(userId)).toBe(20);
  });

  it('takes a session that is fresh, and as strong as the account can show', async () => {
    const start = 'mutation { startPasskeyRegistration }';
    const account = await openAccount(server);
    const stale = await openSessionOf(server, account, { age: 700 });
    expect(codesOf(await stale.query(start))).toEqual(['FORBIDDEN']);
    const { userId } = await openPasskeyAccount(server);
    const weak = await openSessionOf(server, { userId }, { assurance: 1 });
    expect(codesOf(await weak.query(start))).toEqual(['FORBIDDEN']);
    const old = await openSessionOf(server, { userId }, { assurance: 2, age: 700 });
    expect(codesOf(await old.query(start))).toEqual(['FORBIDDEN']);
    expect(codesOf(await askAs(server, {}, start))).toEqual(['UNAUTHENTICATED']);
  });

  it('is not for the token of another issuer, nor for one without a session', async () => {
    const { userId } = await openAccount(server);
    expect(codesOf(await server.as({ sub: userId }).query('mutation { startPasskeyRegistration }'))).toEqual([
      'FORBIDDEN',
    ]);
  });

  it('fails on nothing that can be sent in the place of an answer', async () => {
    const session = await openSessionOf(server, await openAccount(server));
    const honest = createAuthenticator({ origin: appOrigin }).create(await startRegistration(session));
    const { response } = honest;
    const nested = Buffer.concat([Buffer.alloc(9000, 0x81), Buffer.from([0])]).toString('base64url');
    const hostile: unknown[] = [
      0,
      '',
      [],
      {},
      true,
      'x'.repeat(100_000),
      { ...honest, response: null },
      { ...honest, id: 7 },
      { ...honest, rawId: 'AAAA' },
      { ...honest, type: 'password' },
      { ...honest, response: { ...response, attestationObject: nested } },
      { ...honest, response: { ...response, attestationObject: 'oA' } },
      { ...honest, response: { ...response, clientDataJSON: Buffer.from('{').toString('base64url') } },
      { ...honest, response: { ...response, clientDataJSON: Buffer.from('null').toString('base64url') } },
      { ...honest, response: { ...response, clientDataJSON: 'A'.repeat(100_000) } },
      { ...honest, response: { ...response, transports: ['x'.repeat(1000)] } },
    ];
    for (const value of hostile) expect(codesOf(await finishRegistration(session, value))).toEqual(refusal);
  });
});

describe('signing in with a passkey', () => {
  const refusal = ['UNAUTHENTICATED'];
  const signIn = async (
    { authenticator }: { authenticator: ReturnType<typeof createAuthenticator> },
    forged: Forged = {},
  ) => {
    const from = address();
    const options = await startPasskey(server, { address: from });
    return signInWithPasskey(server, authenticator.get(options, forged), from);
  };

  it('is possible: what follows is refused for its own sake', async () => {
    const account = await openPasskeyAccount(server);
    const answer = await signIn(account);
    expect(answer.data.signInWithPasskey).toMatchObject({ session: { userId: account.userId }, secondFactor: null });
    const token = answer.data.signInWithPasskey.session.accessToken as string;
    const me = await askAs(server, { token }, '{ me { userId assurance } }');
    expect(me.data.me).toEqual({ userId: account.userId, assurance: 2 });
  });

  const otherKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const ofSignIn: [string, Forged][] = [
    ...forgeries,
    ['of the type of one that is made', { type: 'webauthn.create' }],
    ['that is signed by another key', { key: otherKey }],
    [
      'whose signature was changed',
      { tamper: (s) => Buffer.concat([s.subarray(0, -1), Buffer.from([s.at(-1)! ^ 1])]) },
    ],
    ['whose signature was cut short', { tamper: (s) => s.subarray(0, -2) }],
    ['of which nobody knows the id', { id: 'AAAAAAAAAAAAAAAAAAAAAA' }],
    ['that says it is somebody else’s', { userHandle: Buffer.alloc(32, 7).toString('base64url') }],
    ['that does not say whose it is', { userHandle: null }],
  ];
  it.each(ofSignIn)('refuses one %s', async (_title, forged) => {
    const account = await openPasskeyAccount(server);
    const before = await countSessions(server, account.userId);
    const answer = await signIn(account, forged);
    expect(codesOf(answer)).toEqual(refusal);
    expect(JSON.stringify(answer)).not.toContain('accessToken');
    expect(await countSessions(server, account.userId)).toBe(before);
  });

  it('answers all that is wrong in the same words', async () => {
    const account = await openPasskeyAccount(server);
    const disabled = await openPasskeyAccount(server);
    await server.sql('update auth_accounts set disabled_at = now() where user_id = $1', disabled.userId);
    const answers = [
      await signIn(account, { id: 'AAAAAAAAAAAAAAAAAAAAAA' }),
      await signIn(account, { isVerified: false }),
      await signIn(account, { challenge: 'B'.repeat(43) }),
      await signIn(account, { key: otherKey }),
      await signIn(disabled),
      await signInWithPasskey(server, {}, address()),
    ];
    for (const answer of answers) expect(answer).toEqual(answers[0]);
  });

  it('refuses an answer that was taken before', async () => {
    const { authenticator } = await openPasskeyAccount(server);
    const response = authenticator.get(await startPasskey(server, { address: address() }));
    expect((await signInWithPasskey(server, response, address())).errors).toBeUndefined();
    expect(codesOf(await signInWithPasskey(server, response, address()))).toEqual(refusal);
  });

  it('refuses an honest answer to a challenge that was spent by a bad one', async () => {
    const { authenticator } = await openPasskeyAccount(server);
    const options = await startPasskey(server, { address: address() });
    await signInWithPasskey(server, authenticator.get(options, { isVerified: false }), address());
    expect(codesOf(await signInWithPasskey(server, authenticator.get(options), address()))).toEqual(refusal);
  });

  it('refuses a challenge that has expired', async () => {
    const { authenticator } = await openPasskeyAccount(server);
    const options = await startPasskey(server, { address: address() });
    await server.sql(`update millrace.auth_challenges set expires_at = now() where kind = 'passkey-sign-in'`);
    expect(codesOf(await signInWithPasskey(server, authenticator.get(options), address()))).toEqual(refusal);
  });

  it('refuses the challenge of a registration', async () => {
    const { authenticator, session } = await openPasskeyAccount(server);
    const response = authenticator.get(await startRegistration(session));
    expect(codesOf(await signInWithPasskey(server, response, address()))).toEqual(refusal);
  });

  it('refuses the challenge of a second factor, and of a proof that is given once more', async () => {
    const { authenticator, session, userId } = await openPasskeyAccount(server);
    const second = await startPasskey(server, { secondFactorToken: await pendingOf(server, userId) });
    expect(codesOf(await signInWithPasskey(server, authenticator.get(second), address()))).toEqual(refusal);
    const again = await startPasskey(server, { session });
    expect(codesOf(await signInWithPasskey(server, authenticator.get(again), address()))).toEqual(refusal);
  });

  it('refuses a passkey whose owner was deleted', async () => {
    const account = await openPasskeyAccount(server);
    await server.sql('delete from users where id = $1', account.userId);
    expect(codesOf(await signIn(account))).toEqual(refusal);
  });

  it('refuses a passkey that was removed', async () => {
    const account = await openPasskeyAccount(server);
    const removed = await account.session.query('mutation ($id: ID!) { removePasskey(id: $id) }', {
      id: account.passkeyId,
    });
    expect(removed.errors).toBeUndefined();
    expect(codesOf(await signIn(account))).toEqual(refusal);
  });

  it('refuses a copy, whose count goes back or stands still, and writes it down', async () => {
    const account = await openPasskeyAccount(server);
    expect((await signIn(account, { counter: 9 })).errors).toBeUndefined();
    for (const counter of [9, 8, 0]) expect(codesOf(await signIn(account, { counter }))).toEqual(refusal);
    const events = await eventsOf(server, account.userId);
    expect(events.filter((kind) => kind === 'passkey-counter-went-back')).toHaveLength(3);
    expect((await signIn(account, { counter: 10 })).errors).toBeUndefined();
  });

  it('blames nobody’s count for an answer that is not signed by the passkey', async () => {
    const account = await openPasskeyAccount(server);
    expect(codesOf(await signIn(account, { counter: 0, key: otherKey }))).toEqual(refusal);
    expect(await eventsOf(server, account.userId)).not.toContain('passkey-counter-went-back');
  });

  it('lets in those that count nothing, again and again', async () => {
    const account = await openPasskeyAccount(server, createAuthenticator({ origin: appOrigin, counts: false }));
    for (let i = 0; i < 3; i++) expect((await signIn(account)).errors).toBeUndefined();
  });

  it('lets in one of 50 who send the same answer at once, in each round', async () => {
    const account = await openPasskeyAccount(server, createAuthenticator({ origin: appOrigin, counts: false }));
    for (let round = 0; round < roundsOf(4); round++) {
      const response = account.authenticator.get(await startPasskey(server, { address: address() }));
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => signInWithPasskey(server, response, `203.0.113.${round}`)),
      );
      expect(answers.filter(({ errors }) => !errors)).toHaveLength(1);
    }
    expect(await countSessions(server, account.userId)).toBe(5);
  });

  it('lets in one of two copies that count the same, with challenges of their own', async () => {
    const account = await openPasskeyAccount(server);
    const options = await Promise.all(Array.from({ length: 10 }, () => startPasskey(server, { address: address() })));
    const responses = options.map((each) => account.authenticator.get(each, { counter: 500 }));
    const answers = await Promise.all(responses.map((response) => signInWithPasskey(server, response, address())));
    expect(answers.filter(({ errors }) => !errors)).toHaveLength(1);
  });

  it('tells a stranger of nobody’s passkeys', async () => {
    await openPasskeyAccount(server);
    expect(await startPasskey(server, { address: address() })).not.toHaveProperty('allowCredentials');
  });

  it('fails on nothing that can be sent in the place of an answer', async () => {
    const { authenticator } = await openPasskeyAccount(server);
    const honest = authenticator.get(await startPasskey(server, { address: address() }));
    const { response } = honest;
    const hostile: unknown[] = [
      0,
      '',
      [],
      {},
      true,
      { ...honest, response: 7 },
      { ...honest, response: { ...response, authenticatorData: 'AA' } },
      { ...honest, response: { ...response, signature: '' } },
      { ...honest, response: { ...response, userHandle: 7 } },
      { ...honest, response: { ...response, clientDataJSON: 'A'.repeat(50_000) } },
      { ...honest, id: "'; drop table users; --" },
    ];
    for (const value of hostile) expect(codesOf(await signInWithPasskey(server, value, address()))).toEqual(refusal);
  });

  it('is bounded for each network', async () => {
    const from = '192.0.2.77';
    const answers: (string[] | undefined)[] = [];
    for (let i = 0; i < 101; i++) answers.push(codesOf(await signInWithPasskey(server, {}, from)));
    expect(answers.at(-2)).toEqual(refusal);
    expect(answers.at(-1)).toEqual(['RATE_LIMITED']);
  });
});

describe('a passkey as second factor', () => {
  const refusal = ['UNAUTHENTICATED'];

  it('completes a sign-in', async () => {
    const { authenticator, userId } = await openPasskeyAccount(server);
    const token = await pendingOf(server, userId);
    const options = await startPasskey(server, { secondFactorToken: token });
    expect(options.allowCredentials?.map(({ id }) => id)).toEqual([authenticator.credentials[0]!.id]);
    const answer = await completeSecondFactor(server, {
      token,
      passkey: authenticator.get(options, { userHandle: null }),
    });
    expect(answer.data.completeSecondFactor.session.userId).toBe(userId);
  });

  it('refuses the passkey of another account', async () => {
    const [ann, eve] = [await openPasskeyAccount(server), await openPasskeyAccount(server)];
    const token = await pendingOf(server, ann.userId);
    const options = await startPasskey(server, { secondFactorToken: token });
    const answer = await completeSecondFactor(server, { token, passkey: eve.authenticator.get(options) });
    expect(codesOf(answer)).toEqual(refusal);
    expect(await countSessions(server, ann.userId)).toBe(1);
  });

  it('refuses the challenge of another sign-in that waits, of a proof once more, and of a sign-in', async () => {
    const { authenticator, userId, session } = await openPasskeyAccount(server);
    const token = await pendingOf(server, userId);
    const others = [
      await startPasskey(server, { secondFactorToken: await pendingOf(server, userId) }),
      await startPasskey(server, { session }),
      await startPasskey(server, { address: address() }),
    ];
    for (const options of others)
      expect(codesOf(await completeSecondFactor(server, { token, passkey: authenticator.get(options) }))).toEqual(
        refusal,
      );
  });

  it('asks no passkeys for a token that is unknown', async () => {
    const answer = await askAs(
      server,
      {},
      'mutation { startPasskeySignIn(secondFactorToken: "AAAAAAAAAAAAAAAAAAAAAAAAAAAA") }',
    );
    expect(codesOf(answer)).toEqual(refusal);
  });

  it('proves once more who one is, in the session that asked', async () => {
    const { authenticator, userId, passkeyId } = await openPasskeyAccount(server);
    const session = await openSessionOf(server, { userId }, { assurance: 1, age: 900 });
    const other = await openSessionOf(server, { userId }, { assurance: 1, age: 900 });
    const prove = 'mutation ($passkey: JSON!) { reauthenticate(passkey: $passkey) }';
    const foreign = authenticator.get(await startPasskey(server, { session: other }));
    expect(codesOf(await session.query(prove, { passkey: foreign }))).toEqual(refusal);
    const own = authenticator.get(await startPasskey(server, { session }));
    expect((await session.query(prove, { passkey: own })).data).toEqual({ reauthenticate: true });
    const renamed = await session.query('mutation ($id: ID!) { removePasskey(id: $id) }', { id: passkeyId });
    expect(renamed.errors).toBeUndefined();
    expect(codesOf(await other.query('mutation { startPasskeyRegistration }'))).toEqual(['FORBIDDEN']);
  });
});

describe('looking after passkeys', () => {
  it('neither names nor removes those of others', async () => {
    const [ann, eve] = [await openPasskeyAccount(server), await openPasskeyAccount(server)];
    const variables = { id: ann.passkeyId };
    const rename = await eve.session.query('mutation ($id: ID!) { renamePasskey(id: $id, name: "Hers") }', variables);
    const remove = await eve.session.query('mutation ($id: ID!) { removePasskey(id: $id) }', variables);
    expect([codesOf(rename), codesOf(remove)]).toEqual([['NOT_FOUND'], ['NOT_FOUND']]);
    const list = await eve.session.query('{ authPasskeys { edges { node { id name } } } }');
    expect(list.data.authPasskeys.edges.map(({ node }: { node: { id: string } }) => node.id)).toEqual([eve.passkeyId]);
  });

  it('keeps the last way in, also from two removals at once', async () => {
    const { userId, session, passkeyId, authenticator } = await openPasskeyAccount(server);
    const second = await finishRegistration(session, authenticator.create(await startRegistration(session)));
    await server.sql('delete from millrace.auth_passwords where user_id = $1', userId);
    await server.sql('update auth_accounts set email = null where user_id = $1', userId);
    const ids = [passkeyId, second.data.finishPasskeyRegistration.id as string];
    const answers = await Promise.all(
      ids.map((id) => session.query('mutation ($id: ID!) { removePasskey(id: $id) }', { id })),
    );
    expect(answers.map(codesOf).filter((codes) => codes?.[0] === 'CONFLICT')).toHaveLength(1);
    const [left] = await server.sql('select id from millrace.auth_passkeys where user_id = $1', userId);
    expect(left).toBeDefined();
  });

  it('shows no key, no count and no credential anywhere in the API', async () => {
    const { types } = (await server.as({ role: 'admin' }).query('{ __schema { types { name fields { name } } } }')).data
      .__schema;
    const { fields } = types.find(({ name }: { name: string }) => name === 'AuthPasskey');
    expect(fields.map(({ name }: { name: string }) => name).sort()).toEqual([
      'account',
      'createdAt',
      'id',
      'isBackedUp',
      'lastUsedAt',
      'name',
      'userId',
    ]);
  });
});
