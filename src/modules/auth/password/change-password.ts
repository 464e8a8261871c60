/** A password becomes another one: by whoever is signed in, or by a link to the account's mailbox. */
import { invalidInput, MillraceError } from '../../../errors.ts';
import { recordEvent } from '../audit.ts';
import { type ChallengeKind, endChallenges, peekChallenge, takeChallenge } from '../challenges.ts';
import { readEmailAddress } from '../email-address.ts';
import { queueMail, sendsMails } from '../mail/jobs.ts';
import { takeMail } from '../mail/limits.ts';
import { holdAccount, proveAddress } from '../mail/proven-address.ts';
import { pageFor } from '../mail/sign-in.ts';
import { linkRefused } from '../refusals.ts';
import { endSessions } from '../sessions/session.ts';
import { secondFactorsOf } from '../sessions/sign-in.ts';
import { type Account, findAccount, type Needs } from '../users.ts';
import { requireFresh, requireSession } from '../viewers.ts';
import { forgetTries } from './limits.ts';
import { minLengths } from './password-policy.ts';
import { isOwnPassword } from './sign-in.ts';
import { setHash } from './stored-hash.ts';

/** What was begun with the old password, or may have been by somebody who had it. */
const begun: ChallengeKind[] = ['second-factor', 'sign-in-link', 'sign-in-code', 'reset-password', 'change-email'];

/**
 * Gives whoever is signed in a new password, and ends all their other sessions. Without the current one the session has to be
 * fresh, as of somebody who has had no password so far.
 * @throws FORBIDDEN; INVALID_INPUT; RATE_LIMITED
 */
export async function changePassword(ctx: Needs, current: string | null | undefined, wanted: string): Promise<void> {
  const { id, session } = requireSession(ctx);
  if (session.impersonatorId !== undefined) throw new MillraceError('FORBIDDEN', 'not while acting as somebody else');
  const { db } = ctx.accounts!;
  const account = await findAccount(db, id);
  if (account?.kind !== 'person' || account.email === undefined)
    throw new MillraceError('FORBIDDEN', 'a password belongs to an address, and this account has none');
  // @NOTE by the pool: the operation's connection must not wait for a hash.
  if (current === undefined || current === null)
    await requireFresh({ ...ctx, db }, (userId) => secondFactorsOf({ db }, userId));
  else if (!(await isOwnPassword(ctx, id, current))) throw invalidInput('current', 'is not the password');
  const hash = await hashNew(ctx, account, wanted);
  await putInPlace(ctx, account, hash, session.id);
  await recordEvent(ctx, ctx.db, 'password-changed', { userId: id });
  await tellOwner(ctx, id, 'password-changed');
}

/** Has a link sent to an address, if it has an account; nobody is told whether it has. @throws RATE_LIMITED */
export async function requestPasswordReset(
  ctx: Needs,
  address: string,
  page: string | null | undefined,
): Promise<void> {
  const email = readEmailAddress(address);
  const redirectTo = pageFor(ctx, page);
  await takeMail(ctx, email);
  await queueMail(ctx, 'password-reset', { email, redirectTo });
}

/**
 * Gives the account that a link was sent for a new password, and ends all its sessions. Signs nobody in: that is done with the new
 * password, and with the second factor that the account has.
 * @throws UNAUTHENTICATED for a link that is not good any more; INVALID_INPUT, which leaves the link good
 */
export async function resetPassword(ctx: Needs, token: string, wanted: string): Promise<void> {
  const { db } = ctx.accounts!;
  const asked = await peekChallenge(db, 'reset-password', token);
  const account = asked?.userId === undefined ? undefined : await findAccount(db, asked.userId);
  if (!asked || !account || account.isDisabled || account.email !== asked.data.email) throw linkRefused();
  const hash = await hashNew(ctx, account, wanted);
  if (!(await takeChallenge(ctx.db, 'reset-password', token))) throw linkRefused();
  const { userId } = account;
  await holdAccount(ctx, account);
  await proveAddress(ctx, account);
  await putInPlace(ctx, account, hash, undefined);
  await recordEvent(ctx, ctx.db, 'password-reset', { userId });
  await tellOwner(ctx, userId, 'password-reset');
}

/** The hash of a password that somebody chooses for an account. @throws INVALID_INPUT */
async function hashNew(ctx: Needs, account: Account, wanted: string): Promise<string> {
  const { db, hasher, readNewPassword, plan } = ctx.accounts!;
  const factors = await secondFactorsOf({ db }, account.userId);
  const least = factors.length > 0 ? minLengths.besideSecondFactor : plan.minPasswordLength;
  const policy = { minLength: Math.min(least, plan.minPasswordLength), about: [plan.name, account.email ?? ''] };
  return hasher.hash(await readNewPassword(wanted, policy, 'newPassword'));
}

async function putInPlace(ctx: Needs, account: Account, hash: string, except: string | undefined): Promise<void> {
  const { userId, email } = account;
  await setHash(ctx.db, userId, hash);
  await endSessions(ctx, userId, except);
  await endChallenges(ctx.db, userId, begun);
  if (email !== undefined) ctx.afterCommit(() => void forgetTries(ctx, email).catch(() => {}));
}

async function tellOwner(ctx: Needs, userId: string, event: 'password-changed' | 'password-reset'): Promise<void> {
  if (sendsMails(ctx)) await queueMail(ctx, 'security-notice', { userId, event });
}
