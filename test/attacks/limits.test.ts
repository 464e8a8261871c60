import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import {
  askBy,
  cheap,
  codesOf,
  newAddress,
  newEmail,
  openAccount,
  password,
  postAs,
  resetTokenOf,
  resetWith,
  signInText,
  signInWith,
  withPasswords,
} from '../support/passwords.ts';
import { ask } from '../support/postgres.ts';
import { startWholeServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startWholeServer({ config: withPasswords });
});
afterAll(() => server[Symbol.asyncDispose]());

const limited = ['RATE_LIMITED'];
const wrong = 'something else altogether';

/** How many of so many tries came as far as the password. */
async function countJudged(tries: readonly (() => Promise<string[] | undefined>)[]): Promise<number> {
  const answers = await Promise.all(tries.map((attempt) => attempt()));
  for (const codes of answers) expect([['UNAUTHENTICATED'], limited]).toContainEqual(codes);
  return answers.filter((codes) => codes?.[0] === 'UNAUTHENTICATED').length;
}

const tryOf =
  (email: string, address: string, headers: Record<string, string> = {}) =>
  async () =>
    codesOf(await signInWith(server, { email, password: wrong }, { address, headers }));

describe('stuffing', () => {
  it('of many accounts from one network ends after a hundred tries, and concerns no other network', async () => {
    const address = newAddress();
    const tries = Array.from({ length: 130 }, () => tryOf(newEmail(), address));
    expect(await countJudged(tries)).toBe(100);
    const { email } = await openAccount(server);
    expect(codesOf(await signInWith(server, { email, password }, { address }))).toEqual(limited);
    expect(codesOf(await signInWith(server, { email, password }))).toBeUndefined();
  });

  it('of many accounts from many addresses of one IPv6 network counts as from one', async () => {
    const tries = Array.from({ length: 130 }, (_, n) => tryOf(newEmail(), `2001:db8:7:7::${n.toString(16)}`));
    expect(await countJudged(tries)).toBe(100);
  });

  it('is told when to come back, in the answer and in the header', async () => {
    const { email } = await openAccount(server);
    const address = newAddress();
    for (let n = 0; n < 10; n += 1) await tryOf(email, address)();
    const response = await postAs(server, { address }, signInText, { email, password });
    const { errors } = (await response.json()) as { errors: { extensions: { retryAfter: number } }[] };
    expect(errors[0]!.extensions.retryAfter).toBeGreaterThan(3000);
  });
});

describe('guessing one account’s password', () => {
  it('ends after ten tries from one network, however many are made at once', async () => {
    const { email } = await openAccount(server);
    const address = newAddress();
    expect(await countJudged(Array.from({ length: 50 }, () => tryOf(email, address)))).toBe(10);
    expect(codesOf(await signInWith(server, { email, password }, { address }))).toEqual(limited);
    expect(codesOf(await signInWith(server, { email, password }))).toBeUndefined();
  });

  it('ends after a hundred tries from all networks, at an account and at an address that has none', async () => {
    const { email } = await openAccount(server);
    for (const target of [email, newEmail()]) {
      const tries = Array.from({ length: 120 }, () => tryOf(target, newAddress()));
      expect(await countJudged(tries)).toBe(100);
    }
  });

  it('is not helped by other spellings of the address', async () => {
    const { email } = await openAccount(server);
    const address = newAddress();
    const spellings = [
      email,
      email.toUpperCase(),
      ` ${email} `,
      email.replace('e', 'ｅ'),
      email.replace('@', '@ '.trim()),
    ];
    const tries = Array.from({ length: 40 }, (_, n) => tryOf(spellings[n % spellings.length]!, address));
    expect(await countJudged(tries)).toBe(10);
  });

  it('is not helped by aliases: each try counts, and the first that fails ends the operation', async () => {
    const { email } = await openAccount(server);
    const address = newAddress();
    const fields = Array.from(
      { length: 10 },
      (_, n) => `a${n}: signIn(email: "${email}", password: "${wrong} ${n}") { session { userId } }`,
    );
    const perOperation = [];
    for (let n = 0; n < 12; n += 1)
      perOperation.push(codesOf(await askBy(server, { address }, `mutation { ${fields.join(' ')} }`)));
    const judged = perOperation.filter((codes) => codes?.includes('UNAUTHENTICATED'));
    expect(judged).toHaveLength(10);
    expect(perOperation.at(-1)).toContain('RATE_LIMITED');
  });

  it('is not helped by batches: each try counts', async () => {
    const { email } = await openAccount(server);
    const one = { query: signInText, variables: { email, password: wrong } };
    const headers = { 'x-forwarded-for': newAddress() };
    const codes: string[] = [];
    for (let n = 0; n < 4; n += 1) {
      const response = await server.stranger.post(
        Array.from({ length: 5 }, () => one),
        headers,
      );
      for (const answer of (await response.json()) as never[]) codes.push(...codesOf(answer)!);
    }
    expect(codes.filter((code) => code === 'UNAUTHENTICATED')).toHaveLength(10);
    expect(codes.filter((code) => code === 'RATE_LIMITED')).toHaveLength(10);
  });

  it('is not helped by a socket: its address counts as any other', async () => {
    const { email } = await openAccount(server);
    const address = newAddress();
    class FromThere extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols, { headers: { 'x-forwarded-for': address } });
      }
    }
    const client = createClient({ url: `${server.url.replace('http', 'ws')}/graphql`, webSocketImpl: FromThere });
    const codes: string[] = [];
    for (let n = 0; n < 15; n += 1) {
      for await (const result of client.iterate({ query: signInText, variables: { email, password: wrong } }))
        codes.push(String(result.errors?.[0]?.extensions?.code));
    }
    await client.dispose();
    expect(codes.filter((code) => code === 'UNAUTHENTICATED')).toHaveLength(10);
    expect(codesOf(await signInWith(server, { email, password }, { address }))).toEqual(limited);
  });
});

describe('an address that is forged', () => {
  it('is nobody’s where no proxy is trusted', async () => {
    await using open = await startWholeServer({
      config: (config) => ({ ...withPasswords(config), http: { ...config.http, trustProxy: false } }),
    });
    const { email } = await openAccount(open);
    const codes: (string[] | undefined)[] = [];
    for (let n = 0; n < 14; n += 1) {
      const headers = {
        forwarded: `for=198.51.100.${n}`,
        'x-real-ip': `198.51.100.${n}`,
        'cf-connecting-ip': `198.51.100.${n}`,
      };
      codes.push(codesOf(await signInWith(open, { email, password: wrong }, { address: `198.51.100.${n}`, headers })));
    }
    expect(codes.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => ['UNAUTHENTICATED']));
    expect(codes.slice(10)).toEqual(Array.from({ length: 4 }, () => limited));
    const [event] = await ask<{ address: string }>(open.databaseUrl, 'select distinct address from auth_events');
    expect(event!.address).toBe('127.0.0.1');
  });

  it('changes nothing in front of what the trusted proxy has written', async () => {
    const { email } = await openAccount(server);
    const own = newAddress();
    const forged = (n: number) =>
      [`${newAddress()}, ${own}`, `garbage ${n}, ${own}`, `${'1.1.1.1, '.repeat(n)}${own}`][n % 3]!;
    expect(await countJudged(Array.from({ length: 40 }, (_, n) => tryOf(email, forged(n))))).toBe(10);
  });

  it('is that of the proxy where it is no address, and no name of its own', async () => {
    const { email } = await openAccount(server);
    const nonsense = (n: number) =>
      ['', 'unknown', `x${n}`, '0x7f.1', `${n}`, '<script>', '1.2.3.4.5', 'ｘ'.charCodeAt(0).toString()][n % 8]!;
    expect(await countJudged(Array.from({ length: 40 }, (_, n) => tryOf(email, nonsense(n))))).toBe(10);
  });
});

describe('a lock-out', () => {
  /** An account that is guessed at from everywhere, and a device that it was signed in on before. */
  async function underAttack() {
    const account = await openAccount(server);
    const { data } = await signInWith(server, account);
    const deviceToken = data.signIn.deviceToken as string;
    await countJudged(Array.from({ length: 110 }, () => tryOf(account.email, newAddress())));
    expect(codesOf(await signInWith(server, account))).toEqual(limited);
    return { ...account, deviceToken };
  }

  it('does not touch a device on which its owner was signed in', async () => {
    const { email, deviceToken } = await underAttack();
    for (let n = 0; n < 12; n += 1)
      expect(codesOf(await signInWith(server, { email, password, deviceToken }))).toBeUndefined();
  });

  it('does not touch a browser either, in which the device is a cookie that no script reads', async () => {
    const account = await openAccount(server);
    const headers = { 'x-millrace-session': 'cookie', 'x-millrace-csrf': '1', origin: server.url };
    const response = await postAs(server, { headers }, signInText, { email: account.email, password });
    const { data } = (await response.json()) as { data: { signIn: object } };
    expect(data.signIn).toMatchObject({ deviceToken: null, session: { accessToken: null, refreshToken: null } });
    const cookie = response.headers.getSetCookie().find((text) => text.includes('device='))!;
    expect(cookie).toMatch(/^millrace-device=mrd_[\w.-]+; .*HttpOnly.*SameSite=Lax/i);
    await countJudged(Array.from({ length: 110 }, () => tryOf(account.email, newAddress())));
    const again = { ...headers, cookie: cookie.split(';', 1)[0]! };
    expect(codesOf(await signInWith(server, account))).toEqual(limited);
    expect(codesOf(await signInWith(server, account, { headers: again }))).toBeUndefined();
    // A page of another site sends the cookie too, and it counts for nothing.
    const foreign = { ...again, origin: 'https://evil.example' };
    expect(codesOf(await signInWith(server, account, { headers: foreign }))).not.toBeUndefined();
  });

  it('is not passed with a forged device, or with one of another account', async () => {
    const { email } = await underAttack();
    const other = await openAccount(server);
    const { data } = await signInWith(server, other);
    const theirs = data.signIn.deviceToken as string;
    const [, mac] = theirs.split('.');
    for (const deviceToken of [
      theirs,
      `mrd_${'A'.repeat(22)}.${mac}`,
      `mrd_${'A'.repeat(22)}.${'A'.repeat(43)}`,
      '',
      'x',
    ])
      expect(codesOf(await signInWith(server, { email, password, deviceToken }))).toEqual(limited);
  });

  it('comes to a known device too, after ten wrong tries of its own', async () => {
    const account = await underAttack();
    const { email, deviceToken } = account;
    const tries = Array.from(
      { length: 30 },
      () => async () => codesOf(await signInWith(server, { email, password: wrong, deviceToken })),
    );
    expect(await countJudged(tries)).toBe(10);
  });

  it('leaves the way by mail: a new password is asked for, set, and signs in from anywhere', async () => {
    const { email } = await underAttack();
    const token = await resetTokenOf(server, email);
    const newPassword = 'ein Berg im Winter';
    expect((await resetWith(server, token, newPassword)).data).toEqual({ resetPassword: true });
    await expect
      .poll(async () => codesOf(await signInWith(server, { email, password: newPassword })), { interval: 50 })
      .toBeUndefined();
  });

  it('does not come of signing in: who has the right password may do so as often as they like', async () => {
    const account = await openAccount(server);
    const address = newAddress();
    for (let n = 0; n < 15; n += 1) {
      for (let m = 0; m < 2; m += 1) expect(await tryOf(account.email, address)()).toEqual(['UNAUTHENTICATED']);
      expect(codesOf(await signInWith(server, account, { address }))).toBeUndefined();
    }
  });
});

describe('mails that strangers ask for', () => {
  const request = (email: string, address?: string) =>
    askBy(server, { address }, 'mutation ($email: String!) { requestPasswordReset(email: $email) }', { email });

  it('are so many to one address, whether it has an account or not', async () => {
    const { email } = await openAccount(server);
    for (const target of [email, newEmail()]) {
      const codes = await Promise.all(Array.from({ length: 30 }, async () => codesOf(await request(target))));
      expect(codes.filter((code) => code === undefined)).toHaveLength(20);
    }
  });

  it('are five an hour to one address from one network, and fifty from one network', async () => {
    const address = newAddress();
    const target = newEmail();
    const one = await Promise.all(Array.from({ length: 10 }, async () => codesOf(await request(target, address))));
    expect(one.filter((code) => code === undefined)).toHaveLength(5);
    const all = await Promise.all(Array.from({ length: 60 }, async () => codesOf(await request(newEmail(), address))));
    expect(all.filter((code) => code === undefined)).toHaveLength(40);
  });
});

describe('hashing', () => {
  it('refuses what would wait too long, the same for every address, and serves on', async () => {
    await using small = await startWholeServer({
      config: (config) => {
        const base = withPasswords(config);
        return {
          ...base,
          accounts: { ...base.accounts, hashing: { ...cheap, memory: 8192, atOnce: 1, waiting: 2 } },
        };
      },
    });
    const account = await openAccount(small);
    const tries = Array.from({ length: 60 }, (_, n) =>
      signInWith(small, { email: n % 2 ? account.email : newEmail(), password: wrong }),
    );
    const codes = (await Promise.all(tries)).map((answer) => codesOf(answer)![0]);
    expect(new Set(codes)).toEqual(new Set(['UNAUTHENTICATED', 'UNAVAILABLE']));
    expect(codesOf(await signInWith(small, account))).toBeUndefined();
  });
});
