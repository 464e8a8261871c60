/** The second half of signing in, and proving once more who one is. */
import { invalidInput, MillraceError } from '../../../errors.ts';
import { recordEvent } from '../audit.ts';
import { countTry, takeChallenge } from '../challenges.ts';
import { sendNotice } from '../notices.ts';
import { holderOf } from '../passkeys/passkeys.ts';
import { isOwnPassword } from '../password/sign-in.ts';
import { signInRefused } from '../refusals.ts';
import { completeSignIn, type SignInResult, secondFactorsOf } from '../sessions/sign-in.ts';
import { findAccount, type Needs } from '../users.ts';
import { requireSession } from '../viewers.ts';
import { raiseSession } from './factor-changes.ts';
import { type GivenFactor, requireOne, takeFactor } from './show-factor.ts';

/** Tries at one sign-in. */
const maxTries = 5;

/**
 * Completes a sign-in that waits for a second factor.
 * @throws UNAUTHENTICATED in one sentence, whatever is wrong: the token, the factor, too many tries
 */
export async function completeSecondFactor(
  ctx: Needs,
  { token, code, recoveryCode, passkey }: { token: string } & GivenFactor,
): Promise<SignInResult> {
  const given = { code, recoveryCode, passkey };
  requireOne(given);
  const { db } = ctx.accounts!;
  const pending = await countTry(db, 'second-factor', token, maxTries);
  if (pending?.userId === undefined) throw signInRefused();
  const { userId, data } = pending;
  const shown = await takeFactor(ctx, userId, given, { for: 'second-factor', userId, holder: holderOf(token) });
  const method = String(data.method);
  if (!shown) {
    await recordEvent(ctx, db, 'second-factor-refused', { userId, details: { method } });
    throw signInRefused();
  }
  const isOurs = (await takeChallenge(db, 'second-factor', token)) !== undefined;
  const account = isOurs ? await findAccount(db, userId) : undefined;
  if (!account) throw signInRefused();
  if (shown.method === 'recovery-code') await sendNotice(ctx, userId, 'recovery-code-used');
  const amr = [...new Set([...(data.amr as string[]), ...shown.amr, 'mfa'])];
  return completeSignIn(ctx, account, { method, amr, isStrong: true, isFirst: data.isFirst === true });
}

/**
 * Proves once more that the user of this session is there, so that what takes a fresh proof may be done.
 * @throws UNAUTHENTICATED when the proof is not good; INVALID_INPUT for a password of somebody who has a second factor
 */
export async function reauthenticate(
  ctx: Needs,
  { password, code, passkey }: { password?: string | null; code?: string | null; passkey?: unknown },
): Promise<void> {
  const given = { code, passkey };
  requireOne({ password, ...given });
  const viewer = requireSession(ctx);
  const { id: userId, session } = viewer;
  if (session.impersonatorId !== undefined) throw new MillraceError('FORBIDDEN', 'not while acting as somebody else');
  const shown =
    typeof password === 'string'
      ? await takePassword(ctx, userId, password)
      : await takeFactor(ctx, userId, given, { for: 'reauthentication', userId, holder: session.id });
  if (!shown) {
    await recordEvent(ctx, ctx.accounts!.db, 'second-factor-refused', {
      userId,
      details: { method: 'reauthenticate' },
    });
    throw signInRefused();
  }
  const isStrong = shown.method !== 'password';
  await raiseSession(ctx, viewer, { amr: isStrong ? [...shown.amr, 'mfa'] : shown.amr, assurance: isStrong ? 2 : 1 });
  await recordEvent(ctx, ctx.db, 'reauthenticated', { userId, details: { method: shown.method } });
}

async function takePassword(ctx: Needs, userId: string, password: string) {
  if ((await secondFactorsOf(ctx.accounts!, userId)).length > 0)
    throw invalidInput('password', 'you have a second factor: show that one');
  return (await isOwnPassword(ctx, userId, password)) ? { method: 'password' as const, amr: ['pwd'] } : undefined;
}
