/** Factors that are shown again, or as the second one: each try is counted, each code and answer is good once. */
import { invalidInput } from '../../../errors.ts';
import { recordEvent } from '../audit.ts';
import { limits } from '../limits.ts';
import { type PasskeyUse, takePasskey } from '../passkeys/passkeys.ts';
import { takeRecoveryCode } from '../totp/recovery-codes.ts';
import { takeTotp } from '../totp/totp.ts';
import type { Needs } from '../users.ts';

/** What was given; exactly one of them. */
export interface GivenFactor {
  code?: string | null;
  recoveryCode?: string | null;
  passkey?: unknown;
}

/** A factor that was shown. */
export interface ShownFactor {
  method: 'totp' | 'recovery-code' | 'passkey';
  /** RFC 8176. */
  amr: readonly string[];
}

/** Holds that exactly one is given. @throws INVALID_INPUT */
export function requireOne(given: object): void {
  const names = Object.keys(given);
  if (Object.values(given).filter((value) => value !== null && value !== undefined).length !== 1)
    throw invalidInput('', `give exactly one of ${names.join(', ')}`);
}

/**
 * Takes the factor that was given; undefined when it is not good. By the pool: what is used is used, whatever becomes of the operation.
 * @throws RATE_LIMITED
 */
export async function takeFactor(
  ctx: Needs,
  userId: string,
  given: GivenFactor,
  use: Exclude<PasskeyUse, { for: 'sign-in' }>,
): Promise<ShownFactor | undefined> {
  const { code, recoveryCode, passkey } = given;
  if (typeof code === 'string') return takeCode(ctx, userId, code);
  if (typeof recoveryCode === 'string') return takeRecovery(ctx, userId, recoveryCode);
  const shown = await takePasskey(ctx, use, passkey);
  return shown && { method: 'passkey', amr: shown.amr };
}

async function takeCode(ctx: Needs, userId: string, code: string): Promise<ShownFactor | undefined> {
  const { limits: counted, db, secrets } = ctx.accounts!;
  const isKnown = await isKnownPlace(ctx, userId);
  const key = `${userId} ${ctx.client.network}`;
  await counted.take(limits.codesFromNetwork, key);
  if (!isKnown) await counted.take(limits.codesFromAnywhere, userId);
  if (!(await takeTotp(db, secrets, { userId, code }))) return undefined;
  await counted.giveBack(limits.codesFromNetwork, key);
  if (!isKnown) await counted.giveBack(limits.codesFromAnywhere, userId);
  return { method: 'totp', amr: ['otp'] };
}

async function takeRecovery(ctx: Needs, userId: string, code: string): Promise<ShownFactor | undefined> {
  const { limits: counted, db } = ctx.accounts!;
  await counted.take(limits.codesFromNetwork, `${userId} ${ctx.client.network}`);
  const left = await takeRecoveryCode(db, userId, code);
  if (left === undefined) return undefined;
  await recordEvent(ctx, db, 'recovery-code-used', { userId, details: { left } });
  return { method: 'recovery-code', amr: ['otp'] };
}

/** Whether the account is signed in from this address already. */
async function isKnownPlace({ client, accounts }: Needs, userId: string): Promise<boolean> {
  const [row] = await accounts!.db.query({
    text: 'select exists (select from auth_sessions where user_id = $1 and address = $2 and expires_at > now())',
    values: [userId, client.address],
  });
  return row![0] === true;
}
