/**
 * How long a sign-in takes must not tell whether its address has an account. Known and unknown addresses are tried in random order,
 * one after the other, and the two samples are compared by Kolmogorov and Smirnov's test.
 */
import { performance } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHasher } from '../../src/modules/auth/password/hasher.ts';
import { cheap, newEmail, openAccount, postAs, signInText, withPasswords } from '../support/passwords.ts';
import { ask } from '../support/postgres.ts';
import { startWholeServer, type TestServer } from '../support/server.ts';

/** The share of pairs of like samples that are taken for unlike ones. */
const significance = 0.01;

/** Whether two samples come of one distribution, as far as can be told. */
function areAlike(one: readonly number[], other: readonly number[]): boolean {
  const [a, b] = [one.toSorted(byValue), other.toSorted(byValue)];
  let [i, j, distance] = [0, 0, 0];
  while (i < a.length && j < b.length) {
    const value = Math.min(a[i]!, b[j]!);
    while (a[i]! <= value) i += 1;
    while (b[j]! <= value) j += 1;
    distance = Math.max(distance, Math.abs(i / a.length - j / b.length));
  }
  const factor = Math.sqrt(-Math.log(significance / 2) / 2);
  return distance <= factor * Math.sqrt((a.length + b.length) / (a.length * b.length));
}

const byValue = (one: number, other: number) => one - other;

/** Milliseconds of tries at each kind of address, in random order, half of them each. */
async function measure(server: TestServer, tries: number, emailsOf: Record<'known' | 'unknown', readonly string[]>) {
  const times = { known: [] as number[], unknown: [] as number[] };
  const kinds = Array.from({ length: tries }, (_, n) => (n % 2 ? 'known' : 'unknown') as keyof typeof times);
  for (const kind of kinds.sort(() => Math.random() - 0.5)) {
    const emails = emailsOf[kind];
    const email = emails[times[kind].length % emails.length]!;
    const begun = performance.now();
    const response = await postAs(server, {}, signInText, { email, password: 'something else altogether' });
    await response.text();
    times[kind].push(performance.now() - begun);
  }
  return times;
}

describe('the test of likeness', () => {
  it('tells samples apart that differ by a tenth of their spread, and no others', () => {
    const sample = (shift: number) => Array.from({ length: 20_000 }, () => Math.random() + Math.random() + shift);
    expect(areAlike(sample(0), sample(0.1))).toBe(false);
    const alike = Array.from({ length: 20 }, () => areAlike(sample(0), sample(0)));
    expect(alike.filter(Boolean).length).toBeGreaterThan(16);
  });
});

describe.each([
  { title: 'cheap hashes', hashing: cheap, tries: 2000, accounts: 40 },
  { title: 'hashes as they are', hashing: { atOnce: 2 }, tries: 80, accounts: 10 },
])('the time of a sign-in with $title', ({ hashing, tries, accounts }) => {
  let server: TestServer;
  const known: string[] = [];
  beforeAll(async () => {
    server = await startWholeServer({
      config: (config) => {
        const base = withPasswords(config);
        return { ...base, accounts: { ...base.accounts, hashing } };
      },
    });
    const hash = await createHasher(hashing).hash('ein Fluss im Mai');
    for (let n = 0; n < accounts; n += 1) {
      const { email, userId } = await openAccount(server);
      await ask(server.databaseUrl, 'update millrace.auth_passwords set hash = $2 where user_id = $1', [userId, hash]);
      known.push(email);
    }
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it('does not tell a known address from an unknown one', { timeout: 120_000, retry: 1 }, async () => {
    const unknown = known.map(newEmail);
    await measure(server, Math.min(tries, 200), { known: known.slice(0, 3), unknown: unknown.slice(0, 3) });
    const times = await measure(server, tries, { known: known.slice(3), unknown: unknown.slice(3) });
    expect(areAlike(times.known, times.unknown)).toBe(true);
  });
});
