/**
 * Challenges: secrets that are used once and do not live long. Links, codes, sign-ins that wait for a second factor, WebAuthn's
 * and OAuth's. Only a hash of each is kept; whoever takes one has it alone, however many try at the same time.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Queryable } from '../../platform/db.ts';

/** What a challenge is for; one of a kind is good for nothing else. */
export type ChallengeKind =
  | 'second-factor'
  | 'sign-in-link'
  | 'sign-in-code'
  | 'verify-email'
  | 'change-email'
  | 'undo-email-change'
  | 'reset-password'
  | 'sign-up'
  | 'passkey-registration'
  | 'passkey-sign-in'
  | 'oauth-flow'
  | 'oauth-exchange'
  | 'invitation'
  | 'upgrade-guest';

/** What is kept with a challenge. */
export interface Challenge {
  userId: string | undefined;
  data: Readonly<Record<string, unknown>>;
}

/** A challenge to be made. */
export interface NewChallenge {
  kind: ChallengeKind;
  /** Whose it is: it goes with their account. */
  userId?: string;
  data?: Readonly<Record<string, unknown>>;
  /** Seconds for which it is good. */
  lifetime: number;
  /** A short secret that is typed beside it, as its keyed hash; see `tryCode`. */
  code?: Buffer;
  /** The secret itself, where it was told before; drawn otherwise. */
  token?: string;
}

const hashOf = (kind: ChallengeKind, token: string): Buffer =>
  createHash('sha256').update(`${kind}\0${token}`).digest();

/** A secret of 256 bits, as a text that stands in links. */
export const newToken = (): string => randomBytes(32).toString('base64url');

/** Keeps a new challenge; resolves to its secret. */
export async function createChallenge(db: Queryable, challenge: NewChallenge): Promise<string> {
  const { kind, userId = null, data = {}, lifetime, code = null, token = newToken() } = challenge;
  await db.query({
    text: `insert into millrace.auth_challenges (hash, kind, user_id, data, code, expires_at)
      values ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))`,
    values: [hashOf(kind, token), kind, userId, JSON.stringify(data), code, lifetime],
  });
  return token;
}

const isToken = (token: unknown): token is string => typeof token === 'string' && /^[\w-]{20,100}$/.test(token);

/**
 * Takes a challenge, so that nobody else can; undefined when there is none of that kind, or it has expired.
 * @NOTE one that is locked is being taken, perhaps by the very operation that takes it here by the pool, which would wait for itself.
 */
export async function takeChallenge(db: Queryable, kind: ChallengeKind, token: string): Promise<Challenge | undefined> {
  if (!isToken(token)) return undefined;
  const [row] = await db.query({
    text: `delete from millrace.auth_challenges where hash =
        (select hash from millrace.auth_challenges where hash = $1 and kind = $2 for update skip locked)
      returning user_id, data, expires_at > now()`,
    values: [hashOf(kind, token), kind],
  });
  return row?.[2] === true ? challengeOf(row) : undefined;
}

/** Looks at a challenge without taking it. */
export async function peekChallenge(db: Queryable, kind: ChallengeKind, token: string): Promise<Challenge | undefined> {
  if (!isToken(token)) return undefined;
  const [row] = await db.query({
    text: `select user_id, data from millrace.auth_challenges where hash = $1 and kind = $2 and expires_at > now()`,
    values: [hashOf(kind, token), kind],
  });
  return row && challengeOf(row);
}

/**
 * @NOTE one that is locked is passed over, not waited for: it is being taken, perhaps by the very operation that tries it a second
 * time, by an alias, which would wait for itself.
 */
const countedTry = `with tried as (
    select hash from millrace.auth_challenges
    where hash = $1 and kind = $2 and expires_at > now() and tries < $3 for update skip locked
  )
  update millrace.auth_challenges c set tries = tries + 1 from tried where c.hash = tried.hash
  returning c.user_id, c.data, c.code`;

/**
 * Counts one more try at a challenge; undefined when there have been too many, or there is none.
 * @param db the pool, not the operation's transaction: a try that fails must be counted
 */
export async function countTry(
  db: Queryable,
  kind: ChallengeKind,
  token: string,
  most: number,
): Promise<Challenge | undefined> {
  if (!isToken(token)) return undefined;
  const [row] = await db.query({
    text: countedTry,
    values: [hashOf(kind, token), kind, most],
  });
  return row && challengeOf(row);
}

/** Counts a try at a challenge's code; the challenge where it is the right one, which is to be taken then. */
export async function tryCode(
  db: Queryable,
  kind: ChallengeKind,
  token: string,
  given: Buffer,
  most = 5,
): Promise<Challenge | undefined> {
  if (!isToken(token)) return undefined;
  const [row] = await db.query({
    text: countedTry,
    values: [hashOf(kind, token), kind, most],
  });
  const code = row?.[2];
  if (!Buffer.isBuffer(code) || code.length !== given.length || !timingSafeEqual(code, given)) return undefined;
  return challengeOf(row!);
}

/** Ends an account's challenges of these kinds. */
export async function endChallenges(db: Queryable, userId: string, kinds: readonly ChallengeKind[]): Promise<void> {
  await db.query({
    text: `delete from millrace.auth_challenges where user_id = $1 and kind = any($2)`,
    values: [userId, kinds],
  });
}

const challengeOf = ([userId, data]: readonly unknown[]): Challenge => ({
  userId: (userId as string | null) ?? undefined,
  data: data as Challenge['data'],
});
