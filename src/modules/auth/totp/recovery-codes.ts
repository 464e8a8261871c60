/**
 * Codes for when the app or the passkey is lost: each is good once. They have 80 bits, so a plain hash keeps them; and one without
 * a key, so that they outlive the installation's secret, with which the secrets of apps are lost.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Queryable } from '../../../platform/db.ts';

const count = 10;
const bytes = 10;
/** Crockford's Base32: no letter of it is read as another, or as a digit. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A new code, as `7XQ2-M0KD-93PA-VW1H`. */
function drawCode(): string {
  let bits = BigInt(`0x${randomBytes(bytes).toString('hex')}`);
  let text = '';
  for (let i = 0; i < (bytes * 8) / 5; i++) {
    text = alphabet[Number(bits & 31n)] + text;
    bits >>= 5n;
  }
  return text.replace(/(.{4})(?=.)/g, '$1-');
}

/** However it was typed: small letters, blanks, an O for a nought. */
const normalized = (code: string): string =>
  code.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');

const hashOf = (userId: string, code: string): Buffer =>
  createHash('sha256')
    .update(`millrace recovery code\0${userId}\0${normalized(code)}`)
    .digest();

/** Gives a user new codes in the place of all that they had; they are told by this answer only. @param db a transaction */
export async function renewCodes(db: Queryable, userId: string): Promise<string[]> {
  const codes = Array.from({ length: count }, drawCode);
  await removeCodes(db, userId);
  await db.query({
    text: 'insert into millrace.auth_recovery_codes (user_id, hash) select $1, unnest($2::bytea[])',
    values: [userId, codes.map((code) => hashOf(userId, code))],
  });
  return codes;
}

/** Takes a code, so that nobody else can; undefined when it is none of this user's, otherwise how many are left. */
export async function takeRecoveryCode(db: Queryable, userId: string, code: string): Promise<number | undefined> {
  if (code.length > 100) return undefined;
  const [row] = await db.query({
    text: `with taken as (
        delete from millrace.auth_recovery_codes c using (
          select user_id, hash from millrace.auth_recovery_codes where user_id = $1 and hash = $2 for update skip locked
        ) free where c.user_id = free.user_id and c.hash = free.hash returning 1
      )
      select (select count(*)::int from taken), (select count(*)::int from millrace.auth_recovery_codes where user_id = $1)`,
    values: [userId, hashOf(userId, code)],
  });
  // What is counted is what was there before the statement.
  return row![0] === 1 ? (row![1] as number) - 1 : undefined;
}

/** Removes all codes of a user. */
export async function removeCodes(db: Queryable, userId: string): Promise<void> {
  await db.query({ text: 'delete from millrace.auth_recovery_codes where user_id = $1', values: [userId] });
}
