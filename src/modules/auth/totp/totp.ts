/**
 * Codes of authenticator apps (RFC 6238). The secret is sealed before it is stored, and told once; each code is good once, and none
 * is that is older than one that was used.
 */
import { Secret, TOTP } from 'otpauth';
import type { Queryable } from '../../../platform/db.ts';

/** What seals secrets: the installation's own (`platform/secrets.ts`). */
export interface Sealing {
  seal(purpose: string, content: string): string;
  open(purpose: string, sealed: string): Buffer | undefined;
}

/** A secret that an app is to be given. */
export interface TotpSecret {
  /** In Base32 (RFC 4648), to be typed. */
  secret: string;
  /** An `otpauth://` address, to be shown as a QR code. */
  uri: string;
}

// @NOTE SHA-1, six digits, 30 seconds: what all apps do; several ignore what the address says of them.
const parameters = { algorithm: 'SHA1', digits: 6, period: 30 };
/** 160 bits (RFC 4226 §4). */
const secretBytes = 20;
/** Steps before and behind the clock's own that are taken (RFC 6238 §5.2). */
const window = 1;

/** The purpose names the account: what was sealed for one is nothing to another. */
const purpose = (userId: string): string => `totp ${userId}`;

/**
 * Stores a new secret for a user, to be confirmed by a code of it, in the place of one that is not confirmed.
 * Undefined when they have one that is.
 */
export async function offerSecret(
  db: Queryable,
  sealing: Sealing,
  { userId, issuer, label }: { userId: string; issuer: string; label: string },
): Promise<TotpSecret | undefined> {
  const secret = new Secret({ size: secretBytes });
  const stored = await db.query({
    text: `insert into millrace.auth_totp (user_id, secret) values ($1, $2)
      on conflict (user_id) do update set secret = excluded.secret, last_step = 0
      where auth_totp.confirmed_at is null returning user_id`,
    values: [userId, sealing.seal(purpose(userId), secret.base32)],
  });
  if (stored.length === 0) return undefined;
  // @NOTE a colon would part issuer and label anew in some apps.
  const named = { issuer: issuer.replaceAll(':', ' '), label: label.replaceAll(':', ' ') };
  return { secret: secret.base32, uri: new TOTP({ ...named, secret, ...parameters }).toString() };
}

/** The step of the clock that a code is of; undefined when it is of none that is taken now. */
function stepOf(secret: string, code: string, now: number): number | undefined {
  const given = code.replace(/[\s-]/g, '');
  if (!/^[0-9]{6}$/.test(given)) return undefined;
  const delta = TOTP.validate({
    token: given,
    secret: Secret.fromBase32(secret),
    ...parameters,
    window,
    timestamp: now,
  });
  return delta === null ? undefined : TOTP.counter({ period: parameters.period, timestamp: now }) + delta;
}

/**
 * Takes a code, so that neither it nor an older one is good any more; true when it was good. With `confirms` it is of a secret
 * that was offered, which counts from then on; without, of one that was confirmed.
 */
export async function takeTotp(
  db: Queryable,
  sealing: Sealing,
  {
    userId,
    code,
    now = Date.now(),
    confirms = false,
  }: { userId: string; code: string; now?: number; confirms?: boolean },
): Promise<boolean> {
  const [row] = await db.query({
    text: 'select secret from millrace.auth_totp where user_id = $1 and (confirmed_at is null) = $2',
    values: [userId, confirms],
  });
  const sealed = row?.[0] as string | undefined;
  const secret = sealed && sealing.open(purpose(userId), sealed)?.toString();
  const step = secret && stepOf(secret, code, now);
  if (!step) return false;
  const taken = await db.query({
    text: `update millrace.auth_totp set last_step = $3, confirmed_at = coalesce(confirmed_at, now())
      where user_id = (
        select user_id from millrace.auth_totp
        where user_id = $1 and secret = $2 and last_step < $3 and (confirmed_at is null) = $4 for no key update skip locked
      ) returning user_id`,
    values: [userId, sealed, step, confirms],
  });
  return taken.length > 0;
}

/** Removes a user's secret, confirmed or not; true when it was confirmed. */
export async function removeSecret(db: Queryable, userId: string): Promise<boolean> {
  const [row] = await db.query({
    text: 'delete from millrace.auth_totp where user_id = $1 returning confirmed_at is not null',
    values: [userId],
  });
  return row?.[0] === true;
}
