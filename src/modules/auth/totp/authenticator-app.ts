/** An authenticator app as second factor: set up, confirmed by a code, removed; and the codes for when it is lost. */
import { invalidInput, MillraceError } from '../../../errors.ts';
import {
  dropIdleCodes,
  firstRecoveryCodes,
  raiseSession,
  requireFactorChange,
  tellChange,
} from '../factors/factor-changes.ts';
import { limits } from '../limits.ts';
import { secondFactorsOf } from '../sessions/sign-in.ts';
import { findAccount, type Needs } from '../users.ts';
import { renewCodes } from './recovery-codes.ts';
import { offerSecret, removeSecret, type TotpSecret, takeTotp } from './totp.ts';

/** Offers a secret for an app; nothing is asked for until a code of it has confirmed it. @throws CONFLICT when there is one */
export async function startTotp(ctx: Needs): Promise<TotpSecret> {
  const { plan, secrets } = ctx.accounts!;
  const { id: userId } = await requireFactorChange(ctx);
  const account = await findAccount(ctx.db, userId);
  if (account?.kind !== 'person')
    throw new MillraceError('FORBIDDEN', 'a second factor needs a first one: add a way to sign in first');
  const label = account.email ?? userId;
  const offered = await offerSecret(ctx.db, secrets, { userId, issuer: plan.name, label });
  if (offered) return offered;
  throw new MillraceError('CONFLICT', 'an authenticator app is set up already: remove it first');
}

/** Makes the secret count that was offered; resolves to the first recovery codes, or to none where there are some already. */
export async function confirmTotp(ctx: Needs, code: string): Promise<string[]> {
  const { limits: counted, secrets } = ctx.accounts!;
  const viewer = await requireFactorChange(ctx);
  const { id: userId } = viewer;
  await counted.take(limits.appCodes, userId);
  if (!(await takeTotp(ctx.db, secrets, { userId, code, confirms: true })))
    throw invalidInput(
      'code',
      'this is no code of the app that was set up with startTotp: look whether its clock is right',
    );
  await raiseSession(ctx, viewer, { amr: ['otp', 'mfa'], assurance: 2 });
  await tellChange(ctx, userId, 'totp-added');
  return firstRecoveryCodes(ctx, userId);
}

/** False when no app was set up. */
export async function removeTotp(ctx: Needs): Promise<boolean> {
  const { id: userId } = await requireFactorChange(ctx);
  if (!(await removeSecret(ctx.db, userId))) return false;
  await dropIdleCodes(ctx, userId);
  await tellChange(ctx, userId, 'totp-removed');
  return true;
}

/** New recovery codes in the place of all others. @throws CONFLICT without a second factor */
export async function renewRecoveryCodes(ctx: Needs): Promise<string[]> {
  const { id: userId } = await requireFactorChange(ctx);
  if ((await secondFactorsOf(ctx, userId)).length === 0)
    throw new MillraceError('CONFLICT', 'recovery codes stand for a second factor, and you have none');
  await tellChange(ctx, userId, 'recovery-codes-renewed');
  return renewCodes(ctx.db, userId);
}
