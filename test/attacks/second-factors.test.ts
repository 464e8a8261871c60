import { readdirSync, readFileSync } from 'node:fs';
import { createClient } from 'graphql-ws';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createHasher } from '../../src/modules/auth/password/hasher.ts';
import { renewCodes, takeRecoveryCode } from '../../src/modules/auth/totp/recovery-codes.ts';
import { offerSecret, takeTotp } from '../../src/modules/auth/totp/totp.ts';
import { openSecrets, type Secrets } from '../../src/platform/secrets.ts';
import { startServer } from '../../src/server.ts';
import { cheapHashing } from '../support/accounts.ts';
import {
  askAs,
  challengeOf,
  codeOf,
  codesOf,
  completeSecondFactor,
  countSessions,
  eventsOf,
  type FactorServer,
  forgetUsedCodes,
  openAccount,
  openPasskeyAccount,
  openSessionOf,
  openTotpAccount,
  pendingOf,
  type SignedIn,
  startFactorServer,
} from '../support/factors.ts';
import { roundsOf } from '../support/rounds.ts';
import type { Answer } from '../support/server.ts';

const rounds = 100;

let server: FactorServer;
/** Another secret than the server's, for what is tried behind its fields. */
let secrets: Secrets;
/** What the server has logged, all of it. */
const lines: string[] = [];
beforeAll(async () => {
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
  server = await startFactorServer({ start: (config, overrides) => startServer(config, { ...overrides, log }) });
  secrets = await openSecrets({ secret: 'a secret that only this test knows', directory: '' });
});
afterAll(() => server[Symbol.asyncDispose]());

const refused = ['UNAUTHENTICATED'];
const fails = async (given: Parameters<typeof completeSecondFactor>[1], address?: string) =>
  codesOf(await completeSecondFactor(server, given, address));

describe('a code of an app', () => {
  it('completes a sign-in: what follows is refused for its own sake', async () => {
    const { userId, secret } = await openTotpAccount(server);
    const answer = await completeSecondFactor(server, { token: await pendingOf(server, userId), code: codeOf(secret) });
    const { session, secondFactor } = answer.data.completeSecondFactor;
    expect([session.userId, secondFactor]).toEqual([userId, null]);
    const me = await askAs(server, { token: session.accessToken }, '{ me { assurance secondFactors } }');
    expect(me.data.me).toEqual({ assurance: 2, secondFactors: ['totp', 'recovery-code'] });
  });

  it('is good one step early and one step late, and no further', async () => {
    const { userId, secret } = await openTotpAccount(server);
    for (const [steps, isGood] of [
      [-1, true],
      [1, true],
      [-3, false],
      [3, false],
    ] as const) {
      await forgetUsedCodes(server, userId);
      const codes = await fails({ token: await pendingOf(server, userId), code: codeOf(secret, steps) });
      expect([steps, codes]).toEqual([steps, isGood ? undefined : refused]);
    }
  });

  it('is not good twice', async () => {
    const { userId, secret } = await openTotpAccount(server);
    const code = codeOf(secret);
    expect(await fails({ token: await pendingOf(server, userId), code })).toBeUndefined();
    expect(await fails({ token: await pendingOf(server, userId), code })).toEqual(refused);
  });

  it('is not good when a newer one was used', async () => {
    const { userId, secret } = await openTotpAccount(server);
    expect(await fails({ token: await pendingOf(server, userId), code: codeOf(secret, 1) })).toBeUndefined();
    for (const steps of [0, -1])
      expect(await fails({ token: await pendingOf(server, userId), code: codeOf(secret, steps) })).toEqual(refused);
  });

  it('that has set the app up signs nobody in', async () => {
    const session = await openSessionOf(server, await openAccount(server));
    const { secret } = (await session.query('mutation { startTotp { secret } }')).data.startTotp;
    const code = codeOf(secret, 1);
    expect((await session.query(`mutation { confirmTotp(code: "${code}") }`)).errors).toBeUndefined();
    expect(await fails({ token: await pendingOf(server, session.userId), code })).toEqual(refused);
  });

  it('lets in one of 50 who send it at once, each with a sign-in of their own', async () => {
    for (let round = 0; round < roundsOf(3); round++) {
      const { userId, secret } = await openTotpAccount(server);
      const before = await countSessions(server, userId);
      const tokens = await Promise.all(Array.from({ length: 50 }, () => pendingOf(server, userId)));
      const code = codeOf(secret);
      const answers = await Promise.all(
        tokens.map((token, i) => completeSecondFactor(server, { token, code }, `198.18.${round}.${i + 1}`)),
      );
      expect(answers.filter(({ errors }) => !errors)).toHaveLength(1);
      expect(await countSessions(server, userId)).toBe(before + 1);
    }
  });

  it('is taken by one of 50 at once, in each of 100 rounds', async () => {
    const { db } = server;
    const { userId } = await openAccount(server);
    const { secret } = (await offerSecret(db, secrets, { userId, issuer: 'Test', label: 'x' }))!;
    await takeTotp(db, secrets, { userId, code: codeOf(secret), confirms: true });
    for (let round = 0; round < rounds; round++) {
      await forgetUsedCodes(server, userId);
      const code = codeOf(secret);
      const taken = await Promise.all(Array.from({ length: 50 }, () => takeTotp(db, secrets, { userId, code })));
      expect(taken.filter(Boolean)).toHaveLength(1);
    }
  });

  it('of a secret that was not confirmed signs nobody in', async () => {
    const { userId } = await openPasskeyAccount(server);
    const session = await openSessionOf(server, { userId }, { assurance: 2 });
    const { secret } = (await session.query('mutation { startTotp { secret } }')).data.startTotp;
    expect(await fails({ token: await pendingOf(server, userId), code: codeOf(secret) })).toEqual(refused);
  });

  it('of a secret that was removed signs nobody in', async () => {
    const { userId, secret, session } = await openTotpAccount(server);
    const token = await pendingOf(server, userId);
    expect((await session.query('mutation { removeTotp }')).data).toEqual({ removeTotp: true });
    expect(await fails({ token, code: codeOf(secret) })).toEqual(refused);
  });

  it('of a secret that another one has replaced confirms nothing', async () => {
    const session = await openSessionOf(server, await openAccount(server));
    const first = (await session.query('mutation { startTotp { secret } }')).data.startTotp.secret as string;
    await session.query('mutation { startTotp { secret } }');
    expect(codesOf(await session.query(`mutation { confirmTotp(code: "${codeOf(first)}") }`))).toEqual([
      'INVALID_INPUT',
    ]);
  });

  it('of another account signs nobody in, nor does a secret that was moved to it', async () => {
    const [ann, eve] = [await openTotpAccount(server), await openTotpAccount(server)];
    expect(await fails({ token: await pendingOf(server, ann.userId), code: codeOf(eve.secret) })).toEqual(refused);
    await server.sql(
      'update millrace.auth_totp set secret = (select secret from millrace.auth_totp where user_id = $2) where user_id = $1',
      ann.userId,
      eve.userId,
    );
    expect(await fails({ token: await pendingOf(server, ann.userId), code: codeOf(eve.secret) })).toEqual(refused);
  });

  it('is six digits and nothing else', async () => {
    const { userId, secret } = await openTotpAccount(server);
    const arabic = codeOf(secret).replace(/\d/g, (digit) => String.fromCodePoint(0x660 + Number(digit)));
    const odd = [
      '',
      '0',
      `${codeOf(secret)}0`,
      arabic,
      `${codeOf(secret)}\u0000`,
      '1e5000',
      '-12345',
      '9'.repeat(10_000),
    ];
    for (const [i, code] of odd.entries())
      expect(await fails({ token: await pendingOf(server, userId), code }, `198.19.0.${i + 1}`)).toEqual(refused);
    const spaced = codeOf(secret).replace(/^(...)/, '$1 ');
    expect(await fails({ token: await pendingOf(server, userId), code: spaced }, '198.19.1.1')).toBeUndefined();
  });
});

describe('guessing codes', () => {
  const wrong = '000000';

  it('ends with the fifth try at one sign-in, even by the right one', async () => {
    const { userId, secret } = await openTotpAccount(server);
    const token = await pendingOf(server, userId);
    for (let i = 0; i < 5; i++) expect(await fails({ token, code: wrong })).toEqual(refused);
    expect(await fails({ token, code: codeOf(secret) })).toEqual(refused);
    expect(await eventsOf(server, userId)).toContain('second-factor-refused');
  });

  it('gets no further by many aliases in one document', async () => {
    const { userId, secret } = await openTotpAccount(server);
    const token = await pendingOf(server, userId);
    const fields = Array.from(
      { length: 20 },
      (_, i) => `f${i}: completeSecondFactor(token: "${token}", code: "${wrong}") { session { userId } }`,
    );
    await askAs(server, {}, `mutation { ${fields.join(' ')} }`);
    for (let i = 0; i < 4; i++) await askAs(server, {}, `mutation { ${fields.join(' ')} }`);
    expect(await fails({ token, code: codeOf(secret) })).toEqual(refused);
    expect(await countSessions(server, userId)).toBe(1);
  });

  it('gets no further by a batch', async () => {
    const { userId, secret } = await openTotpAccount(server);
    const token = await pendingOf(server, userId);
    const query = `mutation { completeSecondFactor(token: "${token}", code: "${wrong}") { session { userId } } }`;
    const response = await server.stranger.post(Array.from({ length: 10 }, () => ({ query })));
    expect(await response.text()).not.toContain('userId');
    expect(await fails({ token, code: codeOf(secret) }, '198.20.0.1')).toEqual(refused);
  });

  it('gets no further by many at once', async () => {
    const { userId, secret } = await openTotpAccount(server);
    const token = await pendingOf(server, userId);
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, i) => completeSecondFactor(server, { token, code: wrong }, `198.21.0.${i + 1}`)),
    );
    expect(answers.every(({ errors }) => errors)).toBe(true);
    const [left] = await server.sql(
      `select tries from millrace.auth_challenges where user_id = $1 and kind = 'second-factor'`,
      userId,
    );
    expect(left).toEqual([5]);
    expect(await fails({ token, code: codeOf(secret) }, '198.21.1.1')).toEqual(refused);
  });

  it('gets no further by a new sign-in for each try: one network has ten', async () => {
    const { userId } = await openTotpAccount(server);
    const outcomes: (string[] | undefined)[] = [];
    for (let i = 0; i < 11; i++)
      outcomes.push(await fails({ token: await pendingOf(server, userId), code: wrong }, '198.22.0.1'));
    expect(outcomes.slice(0, 10)).toEqual(Array(10).fill(refused));
    expect(outcomes[10]).toEqual(['RATE_LIMITED']);
  });

  it('gets no further by many networks; its owner still gets in from a known place, and by a recovery code', async () => {
    const { userId, secret, recoveryCodes } = await openTotpAccount(server);
    const outcomes: (string[] | undefined)[] = [];
    for (let i = 0; i < 51; i++)
      outcomes.push(await fails({ token: await pendingOf(server, userId), code: wrong }, `198.23.0.${i + 1}`));
    expect(outcomes[50]).toEqual(['RATE_LIMITED']);
    const token = await pendingOf(server, userId);
    expect(await fails({ token, code: codeOf(secret) }, '198.23.1.1')).toEqual(['RATE_LIMITED']);
    await server.sql(`update auth_sessions set address = '198.23.2.2' where user_id = $1`, userId);
    expect(await fails({ token, code: codeOf(secret) }, '198.23.2.2')).toBeUndefined();
    const again = await pendingOf(server, userId);
    expect(await fails({ token: again, recoveryCode: recoveryCodes[0]! }, '198.23.3.3')).toBeUndefined();
  });

  it('gets no further where an app is set up', async () => {
    const session = await openSessionOf(server, await openAccount(server));
    await session.query('mutation { startTotp { secret } }');
    const outcomes: (string[] | undefined)[] = [];
    for (let i = 0; i < 11; i++)
      outcomes.push(codesOf(await session.query(`mutation { confirmTotp(code: "${wrong}") }`)));
    expect(outcomes.at(-1)).toEqual(['RATE_LIMITED']);
  });
});

describe('a recovery code', () => {
  it('completes one sign-in, however it is typed, and no second one', async () => {
    const { userId, recoveryCodes } = await openTotpAccount(server);
    expect(new Set(recoveryCodes).size).toBe(10);
    const typed = recoveryCodes[0]!.toLowerCase().replaceAll('-', ' ');
    expect(await fails({ token: await pendingOf(server, userId), recoveryCode: typed })).toBeUndefined();
    expect(await fails({ token: await pendingOf(server, userId), recoveryCode: recoveryCodes[0]! })).toEqual(refused);
    expect(await eventsOf(server, userId)).toContain('recovery-code-used');
  });

  it('is good for one of 50 who send it at once', async () => {
    const { userId, recoveryCodes } = await openTotpAccount(server);
    const tokens = await Promise.all(Array.from({ length: 50 }, () => pendingOf(server, userId)));
    const answers = await Promise.all(
      tokens.map((token, i) =>
        completeSecondFactor(server, { token, recoveryCode: recoveryCodes[1]! }, `198.24.0.${i + 1}`),
      ),
    );
    expect(answers.filter(({ errors }) => !errors)).toHaveLength(1);
  });

  it('is taken by one of 50 at once, in each of 100 rounds', async () => {
    const { db } = server;
    const { userId } = await openAccount(server);
    for (let round = 0; round < rounds; round++) {
      const [code] = await db.transaction((tx) => renewCodes(tx, userId));
      const taken = await Promise.all(Array.from({ length: 50 }, () => takeRecoveryCode(db, userId, code!)));
      expect(taken.filter((left) => left !== undefined)).toEqual([9]);
    }
  });

  it('is not good for another account', async () => {
    const [ann, eve] = [await openTotpAccount(server), await openTotpAccount(server)];
    expect(await fails({ token: await pendingOf(server, ann.userId), recoveryCode: eve.recoveryCodes[0]! })).toEqual(
      refused,
    );
  });

  it('is not good when there are newer ones, nor when there is no second factor any more', async () => {
    const { userId, recoveryCodes, session } = await openTotpAccount(server);
    const newer = (await session.query('mutation { renewRecoveryCodes }')).data.renewRecoveryCodes as string[];
    expect(await fails({ token: await pendingOf(server, userId), recoveryCode: recoveryCodes[0]! })).toEqual(refused);
    await session.query('mutation { removeTotp }');
    expect(await fails({ token: await pendingOf(server, userId), recoveryCode: newer[0]! })).toEqual(refused);
  });

  it('stands nowhere in the database', async () => {
    const { recoveryCodes, secret } = await openTotpAccount(server);
    const tables =
      await server.sql(`select quote_ident(table_schema) || '.' || quote_ident(table_name) name from information_schema.tables
        where table_schema in ('public', 'millrace') and table_type = 'BASE TABLE'`);
    const words = [secret, ...recoveryCodes, ...recoveryCodes.map((code) => code.replaceAll('-', ''))];
    for (const [name] of tables) {
      const rows = await server.sql(`select t::text as row from ${name} t`);
      for (const [row] of rows)
        for (const word of words) expect((row as string).includes(word), name as string).toBe(false);
    }
  });
});

describe('the token of a sign-in that waits', () => {
  const me = '{ me { userId } }';

  it('opens nothing over HTTP, as an API key, as a cookie or in an address', async () => {
    const { userId } = await openTotpAccount(server);
    const token = await pendingOf(server, userId);
    expect(codesOf(await askAs(server, { token }, me))).toEqual(refused);
    const tries: Record<string, string>[] = [
      { 'x-api-key': token },
      { authorization: `ApiKey ${token}` },
      { cookie: `__Host-millrace_access=${token}; __Host-access=${token}; access=${token}` },
    ];
    for (const headers of tries) {
      const answer = await (await server.stranger.post({ query: me }, headers)).text();
      expect(answer).not.toContain(userId);
    }
    const address = await fetch(`${server.url}/graphql?query=${encodeURIComponent(me)}&access_token=${token}`);
    expect(await address.text()).not.toContain(userId);
  });

  it('opens nothing on event streams', async () => {
    const { userId } = await openTotpAccount(server);
    const token = await pendingOf(server, userId);
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: me }),
    });
    const text = await response.text();
    expect(text).toContain('UNAUTHENTICATED');
    expect(text).not.toContain(userId);
  });

  it('opens no socket', async () => {
    const { userId } = await openTotpAccount(server);
    const client = createClient({
      url: `${server.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      connectionParams: { authorization: `Bearer ${await pendingOf(server, userId)}` },
    });
    const outcome = new Promise((resolve, reject) => {
      client.subscribe({ query: me }, { next: resolve, error: reject, complete: () => resolve('nothing') });
    });
    await expect(outcome).rejects.toBeDefined();
    await client.dispose();
  });

  it('refreshes no session', async () => {
    const { userId } = await openTotpAccount(server);
    const token = await pendingOf(server, userId);
    const answer = await askAs(
      server,
      {},
      'mutation ($token: String) { refreshSession(refreshToken: $token) { accessToken } }',
      { token },
    );
    expect(codesOf(answer)).toEqual(refused);
  });

  it('is of use once', async () => {
    const { userId, secret, recoveryCodes } = await openTotpAccount(server);
    const token = await pendingOf(server, userId);
    expect(await fails({ token, code: codeOf(secret) })).toBeUndefined();
    expect(await fails({ token, recoveryCode: recoveryCodes[0]! })).toEqual(refused);
  });

  it('lets in one of 50 who show different factors with it at once', async () => {
    const { userId, secret, recoveryCodes } = await openTotpAccount(server);
    const token = await pendingOf(server, userId);
    const factors = [{ code: codeOf(secret) }, ...recoveryCodes.map((recoveryCode) => ({ recoveryCode }))];
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        completeSecondFactor(server, { token, ...factors[i % factors.length] }, `198.25.0.${i + 1}`),
      ),
    );
    expect(answers.filter(({ errors }) => !errors)).toHaveLength(1);
    expect(await countSessions(server, userId)).toBe(2);
  });

  it('is not good after five minutes', async () => {
    const { userId, secret } = await openTotpAccount(server);
    const token = await pendingOf(server, userId);
    await server.sql('update millrace.auth_challenges set expires_at = now() where user_id = $1', userId);
    expect(await fails({ token, code: codeOf(secret) })).toEqual(refused);
  });

  it('is of one account: another one’s factors do not complete it', async () => {
    const [ann, eve] = [await openTotpAccount(server), await openTotpAccount(server)];
    const token = await pendingOf(server, ann.userId);
    expect(await fails({ token, code: codeOf(eve.secret) })).toEqual(refused);
    expect(await countSessions(server, ann.userId)).toBe(1);
  });

  it('is nothing that any other challenge is', async () => {
    const { userId, secret } = await openTotpAccount(server);
    for (const kind of ['sign-in-link', 'passkey-sign-in', 'reset-password', 'oauth-exchange'] as const)
      expect(
        await fails({ token: await challengeOf(server, kind, userId, { amr: [] }), code: codeOf(secret) }),
      ).toEqual(refused);
  });

  it('lets nobody in whose account was disabled meanwhile', async () => {
    const { userId, secret } = await openTotpAccount(server);
    const token = await pendingOf(server, userId);
    await server.sql('update auth_accounts set disabled_at = now() where user_id = $1', userId);
    expect(await fails({ token, code: codeOf(secret) })).toEqual(refused);
  });

  it('answers all that is wrong in the same words', async () => {
    const { userId, secret } = await openTotpAccount(server);
    const token = await pendingOf(server, userId);
    const answers = [
      await completeSecondFactor(server, { token: 'A'.repeat(43), code: codeOf(secret) }),
      await completeSecondFactor(server, { token: '', code: codeOf(secret) }),
      await completeSecondFactor(server, { token, code: '000000' }),
      await completeSecondFactor(server, { token, recoveryCode: 'AAAA-BBBB-CCCC-DDDD' }),
      await completeSecondFactor(server, { token, passkey: {} }),
    ];
    for (const answer of answers) expect(answer).toEqual(answers[0]);
  });

  it('takes one factor at a time', async () => {
    const { userId, secret } = await openTotpAccount(server);
    const token = await pendingOf(server, userId);
    expect(await fails({ token })).toEqual(['INVALID_INPUT']);
    expect(await fails({ token, code: codeOf(secret), recoveryCode: 'x' })).toEqual(['INVALID_INPUT']);
  });
});

describe('ways around a second factor', () => {
  /** What each way answers, for an account that has an app. */
  type Way = (account: { userId: string; email: string; session: SignedIn }) => Promise<Answer>;
  const both = '{ session { userId accessToken } secondFactor { token methods } }';
  const password = 'four words of no kin';
  const ways: [field: string, way: Way][] = [
    [
      'signInWithLink',
      async ({ userId, email }) =>
        askAs(server, {}, `mutation ($token: String!) { answer: signInWithLink(token: $token) ${both} }`, {
          token: await challengeOf(server, 'sign-in-link', userId, { email }),
        }),
    ],
    [
      'signIn',
      async ({ userId, email }) => {
        const hash = await createHasher(cheapHashing).hash(password);
        await server.sql('update millrace.auth_passwords set hash = $2 where user_id = $1', userId, hash);
        return askAs(
          server,
          {},
          `mutation ($email: String!) { answer: signIn(email: $email, password: "${password}") ${both} }`,
          { email },
        );
      },
    ],
  ];

  it.for(ways)('%s asks for it, and opens no session', async ([field, way], { skip }) => {
    const { fields } = (await server.as({ role: 'admin' }).query('{ __schema { mutationType { fields { name } } } }'))
      .data.__schema.mutationType;
    if (!fields.some(({ name }: { name: string }) => name === field)) skip('this server has no such way in');
    const account = await openTotpAccount(server);
    const before = await countSessions(server, account.userId);
    const { data } = await way(account);
    expect(data.answer.session).toBeNull();
    expect(data.answer.secondFactor.methods).toEqual(['totp', 'recovery-code']);
    expect(await countSessions(server, account.userId)).toBe(before);
  });

  it('leads none by a new password: the factors stay, and are asked for', async () => {
    const { userId, email, secret } = await openTotpAccount(server);
    const pending = await pendingOf(server, userId);
    const reset = await askAs(
      server,
      {},
      `mutation ($token: String!) { resetPassword(token: $token, newPassword: "${password}") }`,
      { token: await challengeOf(server, 'reset-password', userId, { email }) },
    );
    expect(reset.data).toEqual({ resetPassword: true });
    expect(await countSessions(server, userId)).toBe(0);
    expect(await fails({ token: pending, code: codeOf(secret) })).toEqual(refused);
    const { data } = await askAs(
      server,
      {},
      `mutation ($email: String!) { answer: signIn(email: $email, password: "${password}") ${both} }`,
      { email },
    );
    expect(data.answer.session).toBeNull();
    expect(await fails({ token: data.answer.secondFactor.token, code: codeOf(secret) })).toBeUndefined();
  });

  it('leads none by a refresh: a session stays as strong as it was', async () => {
    const { userId, secret } = await openTotpAccount(server);
    const answer = await completeSecondFactor(server, { token: await pendingOf(server, userId), code: codeOf(secret) });
    const { refreshToken, sessionId } = answer.data.completeSecondFactor.session;
    await server.sql(
      'update auth_sessions set assurance = 1, authenticated_at = now() - interval $$1 hour$$ where id = $1',
      sessionId,
    );
    const refreshed = await askAs(
      server,
      {},
      'mutation ($token: String) { refreshSession(refreshToken: $token) { accessToken } }',
      { token: refreshToken },
    );
    const token = refreshed.data.refreshSession.accessToken as string;
    expect(codesOf(await askAs(server, { token }, 'mutation { removeTotp }'))).toEqual(['FORBIDDEN']);
    const [claims] = [JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())];
    expect([claims.acr, claims.auth_time < Date.now() / 1000 - 3500]).toEqual(['1', true]);
  });

  it('is left by nothing in the code: who opens sessions, and whom no second factor is asked of, is all of this', () => {
    const files = readdirSync('src/modules/auth', { recursive: true, encoding: 'utf8' }).filter((f) =>
      f.endsWith('.ts'),
    );
    const having = (pattern: RegExp) =>
      files
        .filter((file) => pattern.test(readFileSync(`src/modules/auth/${file}`, 'utf8')))
        .map((file) => file.replaceAll('\\', '/'));
    const allowed: [RegExp, string[]][] = [
      [/\bawait openSession\(/, ['sessions/sign-in.ts', 'admin/impersonation.ts']],
      [/isStrong: true/, ['factors/second-factor.ts', 'passkeys/passkeys.ts']],
      [/needsNoSecond: true/, ['guests/guest.ts', 'devices/device.ts']],
      [/insert into auth_sessions/, ['sessions/session.ts']],
    ];
    for (const [pattern, names] of allowed) {
      const found = having(pattern);
      expect(found.length).toBeGreaterThan(0);
      expect(found.filter((file) => !names.includes(file))).toEqual([]);
    }
  });
});

describe('proving it once more by a password', () => {
  it('is for whoever has no second factor, counts the tries, and makes the session fresh', async () => {
    const account = await openAccount(server);
    const hash = await createHasher(cheapHashing).hash('four words of no kin');
    await server.sql('update millrace.auth_passwords set hash = $2 where user_id = $1', account.userId, hash);
    const session = await openSessionOf(server, account, { age: 900 });
    const prove = (password: string) =>
      session.query('mutation ($password: String!) { reauthenticate(password: $password) }', { password });
    expect(codesOf(await session.query('mutation { startTotp { secret } }'))).toEqual(['FORBIDDEN']);
    for (const wrong of ['', 'another', 'x'.repeat(100_000)]) expect(codesOf(await prove(wrong))).toEqual(refused);
    expect((await prove('four words of no kin')).data).toEqual({ reauthenticate: true });
    expect((await session.query('mutation { startTotp { secret } }')).errors).toBeUndefined();
    const outcomes: (string[] | undefined)[] = [];
    for (let i = 0; i < 11; i++) outcomes.push(codesOf(await prove('wrong again')));
    expect(outcomes.at(-1)).toEqual(['RATE_LIMITED']);
  });
});

describe('changing factors', () => {
  const changes: [string, string][] = [
    ['setting up an app', 'mutation { startTotp { secret } }'],
    ['confirming an app', 'mutation { confirmTotp(code: "123456") }'],
    ['removing the app', 'mutation { removeTotp }'],
    ['renewing recovery codes', 'mutation { renewRecoveryCodes }'],
    ['making a passkey', 'mutation { startPasskeyRegistration }'],
    ['removing a passkey', 'mutation { removePasskey(id: "00000000-0000-7000-8000-000000000000") }'],
  ];

  it.each(changes)(
    '%s takes a second factor where there is one, a fresh proof, and a session',
    async (_title, query) => {
      const { userId, session } = await openTotpAccount(server);
      const weak = await openSessionOf(server, { userId }, { assurance: 1 });
      expect(codesOf(await weak.query(query))).toEqual(['FORBIDDEN']);
      const stale = await openSessionOf(server, { userId }, { assurance: 2, age: 601 });
      expect(codesOf(await stale.query(query))).toEqual(['FORBIDDEN']);
      expect(codesOf(await server.as({ sub: userId }).query(query))).toEqual(['FORBIDDEN']);
      expect(codesOf(await askAs(server, {}, query))).toEqual(['UNAUTHENTICATED']);
      await server.sql(`insert into auth_accounts (user_id, roles) values ('admin', '{admin}') on conflict do nothing`);
      await server.sql('update auth_sessions set actor_id = $2 where id = $1', session.sessionId, 'admin');
      const acting = await openSessionOf(server, { userId }, { assurance: 2 });
      await server.sql('update auth_sessions set actor_id = $2 where id = $1', acting.sessionId, 'admin');
      expect(codesOf(await acting.query(query))).toEqual(['FORBIDDEN']);
      const [left] = await server.sql(
        `select exists (select from millrace.auth_totp where user_id = $1 and confirmed_at is not null) totp,
        (select count(*)::int from millrace.auth_recovery_codes where user_id = $1) codes`,
        userId,
      );
      expect(left).toEqual([true, 10]);
    },
  );

  it('believes a password no more than that: whoever has a second factor proves it by that one', async () => {
    const { userId } = await openTotpAccount(server);
    const session = await openSessionOf(server, { userId }, { assurance: 2, age: 900 });
    const answer = await session.query('mutation { reauthenticate(password: "whatever it is") }');
    expect(codesOf(answer)).toEqual(['INVALID_INPUT']);
    expect(codesOf(await session.query('mutation { removeTotp }'))).toEqual(['FORBIDDEN']);
  });

  it('is possible after a code was shown in this session, and in no other one', async () => {
    const { userId, secret } = await openTotpAccount(server);
    const session = await openSessionOf(server, { userId }, { assurance: 1, age: 900 });
    const other = await openSessionOf(server, { userId }, { assurance: 1, age: 900 });
    expect(codesOf(await session.query('mutation { reauthenticate(code: "000000") }'))).toEqual(refused);
    const proved = await session.query(`mutation { reauthenticate(code: "${codeOf(secret)}") }`);
    expect(proved.data).toEqual({ reauthenticate: true });
    expect(codesOf(await other.query('mutation { removeTotp }'))).toEqual(['FORBIDDEN']);
    expect((await session.query('mutation { removeTotp }')).data).toEqual({ removeTotp: true });
    expect(await eventsOf(server, userId)).toEqual(
      expect.arrayContaining(['totp-added', 'reauthenticated', 'totp-removed']),
    );
  });

  it('replays no code from a sign-in to a change, nor the other way round', async () => {
    const { userId, secret } = await openTotpAccount(server);
    const session = await openSessionOf(server, { userId }, { assurance: 1 });
    const code = codeOf(secret);
    expect(await fails({ token: await pendingOf(server, userId), code })).toBeUndefined();
    expect(codesOf(await session.query(`mutation { reauthenticate(code: "${code}") }`))).toEqual(refused);
  });

  it('tells its owner by mail, without anything secret in it', async () => {
    const { userId, email, secret, recoveryCodes, session } = await openTotpAccount(server);
    await session.query('mutation { removeTotp }');
    // As jobs that wait, or as mails that were sent.
    const own = () =>
      server.sql(
        `select payload::text from millrace.mail_jobs where payload->>'userId' = $1
          union all select to_jsonb(o)::text from millrace.outbox o where to_jsonb(o)::text like '%' || $2 || '%'`,
        userId,
        email,
      );
    await expect.poll(async () => (await own()).length).toBe(2);
    for (const [mail] of await own())
      for (const word of [secret, ...recoveryCodes]) expect(mail as string).not.toContain(word);
  });

  it('gives a guest no second factor, who has no first one', async () => {
    const guest = await askAs(server, {}, 'mutation { signInAsGuest { session { accessToken } } }');
    const token = guest.data.signInAsGuest.session.accessToken as string;
    expect(codesOf(await askAs(server, { token }, 'mutation { startTotp { secret } }'))).toEqual(['FORBIDDEN']);
    expect(codesOf(await askAs(server, { token }, 'mutation { renewRecoveryCodes }'))).toEqual(['CONFLICT']);
  });

  it('sets up one app of two at once', async () => {
    const session = await openSessionOf(server, await openAccount(server));
    const { secret } = (await session.query('mutation { startTotp { secret } }')).data.startTotp;
    const query = `mutation { confirmTotp(code: "${codeOf(secret)}") }`;
    const answers = await Promise.all(Array.from({ length: 8 }, () => session.query(query)));
    expect(answers.filter(({ errors }) => !errors)).toHaveLength(1);
    const again = await session.query('mutation { startTotp { secret } }');
    expect(codesOf(again)).toEqual(['CONFLICT']);
  });
});

describe('the secret of an app', () => {
  it('is told once, and stands in no field, event or log', async () => {
    const { userId, secret } = await openTotpAccount(server);
    const account = await openSessionOf(server, { userId }, { assurance: 2 });
    const all = await account.query(
      '{ authAccounts { edges { node { userId claims sessions { edges { node { id methods } } } } } } authEvents { edges { node { kind details } } } me { secondFactors } }',
    );
    expect(all.errors).toBeUndefined();
    expect(JSON.stringify(all)).not.toContain(secret);
    const { types } = (await server.as({ role: 'admin' }).query('{ __schema { types { name fields { name } } } }')).data
      .__schema;
    const own = types.filter(({ name }: { name: string }) => /^(?:Auth|Me$)/.test(name));
    expect(own.length).toBeGreaterThan(5);
    expect(JSON.stringify(own)).not.toMatch(/"(?:secret|totp|recovery|lastStep)/i);
    const [logged] = await server.sql(
      `select count(*)::int n from millrace.event_log where to_jsonb(event_log)::text like '%' || $1 || '%'`,
      secret,
    );
    expect(logged).toEqual([0]);
  });

  it('is in no line of the server’s log, nor is any code, token or passkey, whatever fails', async () => {
    const { userId, secret, recoveryCodes, session } = await openTotpAccount(server);
    const token = await pendingOf(server, userId);
    const code = codeOf(secret);
    await server.sql('alter table auth_sessions add constraint broken check (user_id <> $$' + userId + '$$) not valid');
    const broken = await completeSecondFactor(server, { token, code });
    await server.sql('alter table auth_sessions drop constraint broken');
    expect(broken.data).toBeNull();
    expect(JSON.stringify(broken)).not.toContain('broken');
    await completeSecondFactor(server, { token: await pendingOf(server, userId), recoveryCode: recoveryCodes[0]! });
    expect(lines.length).toBeGreaterThan(0);
    for (const word of [secret, token, session.accessToken, ...recoveryCodes])
      expect(lines.filter((line) => line.includes(word))).toEqual([]);
    // Six digits may be a part of any other number.
    expect(lines.filter((line) => line.includes(`"${code}"`))).toEqual([]);
  });

  it('is told under no key a second time, and in no preview', async () => {
    const session = await openSessionOf(server, await openAccount(server));
    const query = 'mutation { startTotp { secret } }';
    const headers = { authorization: `Bearer ${session.accessToken}` };
    const keyed = await server.stranger.post({ query }, { ...headers, 'idempotency-key': '"twice"' });
    expect(codesOf((await keyed.json()) as never)).toEqual(['INVALID_INPUT']);
    const preview = await session.query('mutation @preview { startTotp { secret } }');
    expect(codesOf(preview)).toEqual(['INVALID_INPUT']);
  });
});
