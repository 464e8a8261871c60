/**
 * Signing in by password.
 *
 * @NOTE an unknown address, a wrong password, an account without one and a disabled one cost the same and are answered alike: the
 * same statements, one argon2id, one event. Whatever is added here has to be done for all of them, or after the password was right.
 */
import { MillraceError } from '../../../errors.ts';
import { recordEvent } from '../audit.ts';
import { readEmailAddress } from '../email-address.ts';
import { signInRefused } from '../refusals.ts';
import { completeSignIn, type SignInResult } from '../sessions/sign-in.ts';
import { findAccountByEmail, type Needs } from '../users.ts';
import { deviceTokenOf, knownDevice, newDeviceToken } from './known-device.ts';
import { takeCurrentTry, takeTry } from './limits.ts';
import { readPassword } from './password-policy.ts';
import { findHash, findHashByEmail, isStillHash, renewHash } from './stored-hash.ts';

/** What somebody signs in with. */
export interface PasswordSignIn {
  email: string;
  password: string;
  /** Told by an earlier sign-in on the same device. */
  deviceToken?: string | null | undefined;
}

/** What comes of it, with the token by which the device is known from now on. */
export interface PasswordSignedIn extends SignInResult {
  deviceToken: string;
}

/** Signs in. @throws UNAUTHENTICATED; RATE_LIMITED; FORBIDDEN for the right password of an address that was not verified */
export async function signIn(ctx: Needs, input: PasswordSignIn): Promise<PasswordSignedIn> {
  const { db, secrets, hasher, plan } = ctx.accounts!;
  const email = readEmailAddress(input.email);
  const given = deviceTokenOf(ctx, input.deviceToken);
  const device = knownDevice(secrets, email, given);
  const attempt = await takeTry(ctx, email, device);
  const password = readPassword(input.password);
  // Nobody has such a password, whatever the address.
  if (password === undefined) throw signInRefused();
  const [account, hash] = await Promise.all([findAccountByEmail(db, email), findHashByEmail(db, email)]);
  const isRight = await hasher.verify(hash, password);
  if (!account || !hash || !isRight || account.isDisabled) {
    await recordEvent(ctx, db, 'sign-in-refused', { userId: account?.userId, details: { method: 'password' } });
    throw signInRefused();
  }
  if (plan.verifyEmail && !account.isEmailVerified)
    throw new MillraceError('FORBIDDEN', 'this address was not verified yet: ask for a password reset, which does');
  const renewed = hasher.isOutdated(hash) ? await hasher.hash(password) : undefined;
  if (!(await isStillHash(ctx.db, account.userId, hash))) throw signInRefused();
  if (renewed !== undefined) await renewHash(ctx.db, account.userId, hash, renewed);
  const result = await completeSignIn(ctx, account, { method: 'password', amr: ['pwd'] });
  ctx.afterCommit(() => void attempt.succeeded().catch(() => {}));
  return { ...result, deviceToken: device === undefined ? newDeviceToken(secrets, email) : given! };
}

/**
 * Whether this is the password of somebody who is signed in; counts the tries. Every other path to a fresh session goes by it too.
 * @throws RATE_LIMITED
 */
export async function isOwnPassword(ctx: Needs, userId: string, typed: string): Promise<boolean> {
  const { db, hasher } = ctx.accounts!;
  const attempt = await takeCurrentTry(ctx, userId);
  const password = readPassword(typed);
  if (password === undefined) return false;
  const isRight = await hasher.verify(await findHash(db, userId), password);
  if (isRight) await attempt.succeeded();
  return isRight;
}
