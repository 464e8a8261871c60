/**
 * The address of an account: that it is verified, and that it becomes another one. Both take the mail and a session of the account:
 * whoever has made an account with somebody else's address has no mail of theirs, and whoever follows a link in a mail that a
 * stranger has caused has no session of the stranger's.
 */
import { invalidInput, MillraceError } from '../../../errors.ts';
import type { Queryable } from '../../../platform/db.ts';
import { recordEvent } from '../audit.ts';
import { type ChallengeKind, endChallenges, takeChallenge } from '../challenges.ts';
import { readEmailAddress } from '../email-address.ts';
import { dropIdleCodes } from '../factors/factor-changes.ts';
import { linkRefused } from '../refusals.ts';
import { endSessions } from '../sessions/session.ts';
import { secondFactorsOf } from '../sessions/sign-in.ts';
import { type Account, findAccount, findAccountByEmail, type Needs } from '../users.ts';
import { requireFresh, requireSession } from '../viewers.ts';
import { queueMail, sendsMails } from './jobs.ts';
import { takeMail, takeOwnMail } from './limits.ts';
import { markVerified } from './proven-address.ts';
import { pageFor } from './sign-in.ts';
import { writeUserEmail } from './user-email.ts';

/** What was sent to an address, and ends when it is not the account's any more. */
const sentToIt: ChallengeKind[] = [
  'sign-in-link',
  'sign-in-code',
  'second-factor',
  'verify-email',
  'change-email',
  'reset-password',
];

/** Has a link sent to the viewer's own address, unless that is verified. @throws RATE_LIMITED, UNAVAILABLE */
export async function requestEmailVerification(ctx: Needs, redirectTo?: string | null): Promise<void> {
  const { id } = requireOwn(ctx);
  const account = await findAccount(ctx.accounts!.db, id);
  if (account?.email === undefined) throw new MillraceError('FORBIDDEN', 'this account has no address');
  const page = pageFor(ctx, redirectTo);
  await takeOwnMail(ctx, id);
  await takeMail(ctx, account.email);
  await queueMail(ctx, 'verify-email', { userId: id, redirectTo: page });
}

/** Verifies the viewer's own address. @throws UNAUTHENTICATED for a link that is not good, or another account's */
export async function verifyEmail(ctx: Needs, token: string): Promise<void> {
  const { account, email } = await takeOwnLink(ctx, 'verify-email', token);
  if (account.email !== email) throw linkRefused();
  await markVerified(ctx.db, account.userId);
  await recordEvent(ctx, ctx.db, 'email-verified', { userId: account.userId });
}

/** Has a link sent to another address, which becomes the viewer's when it is followed. @throws FORBIDDEN, RATE_LIMITED, UNAVAILABLE */
export async function requestEmailChange(ctx: Needs, address: string, redirectTo?: string | null): Promise<void> {
  const { db } = ctx.accounts!;
  const { id } = await requireFresh(ctx, (userId) => secondFactorsOf({ db }, userId));
  const email = readEmailAddress(address, 'newEmail');
  const page = pageFor(ctx, redirectTo);
  const account = await findAccount(db, id);
  if (account?.kind !== 'person') throw new MillraceError('FORBIDDEN', 'a guest is given an address by upgradeGuest');
  if (account.email === email) throw invalidInput('newEmail', 'is the address of this account already');
  await takeOwnMail(ctx, id);
  await takeMail(ctx, email);
  await queueMail(ctx, 'change-email', { userId: id, email, redirectTo: page });
}

/** Gives the viewer the address that the link was sent to, and tells the one that they had. @throws UNAUTHENTICATED, CONFLICT */
export async function confirmEmailChange(ctx: Needs, token: string): Promise<void> {
  const { account, email, data } = await takeOwnLink(ctx, 'change-email', token);
  const { userId, email: before = null } = account;
  if (before !== data.from || (await findAccountByEmail(ctx.db, email))) throw linkRefused();
  const [changed] = await ctx.db.query({
    text: `update auth_accounts set email = $2, email_verified_at = now()
      where user_id = $1 and email is not distinct from $3 and disabled_at is null
      returning (extract(epoch from now()) * 1000)::float8`,
    values: [userId, email, before],
  });
  if (!changed) throw linkRefused();
  await writeUserEmail(ctx, userId, before ?? undefined, email);
  await endChallenges(ctx.db, userId, sentToIt);
  await recordEvent(ctx, ctx.db, 'email-changed', { userId });
  // @NOTE an address that was never proved is perhaps somebody else's, who is not to be given a way in.
  if (before !== null && account.isEmailVerified && sendsMails(ctx))
    await queueMail(ctx, 'email-changed', { userId, email: before, changedAt: changed[0] as number });
}

/**
 * Puts back the address to which the link was sent, for whoever has it: the account was perhaps taken from them. All sessions end, the
 * password goes, and so do the ways in and the factors that were added since, or up to a day before. @throws UNAUTHENTICATED, CONFLICT
 */
export async function undoEmailChange(ctx: Needs, token: string): Promise<void> {
  const taken = await takeChallenge(ctx.db, 'undo-email-change', token);
  const account = taken?.userId === undefined ? undefined : await findAccount(ctx.db, taken.userId);
  if (!taken || !account || account.isDisabled) throw linkRefused();
  const { userId } = account;
  const { email, changedAt } = taken.data as { email: string; changedAt: number };
  const holder = await findAccountByEmail(ctx.db, email);
  if (holder) throw linkRefused();
  await ctx.db.query({
    text: 'update auth_accounts set email = $2, email_verified_at = now() where user_id = $1',
    values: [userId, email],
  });
  await writeUserEmail(ctx, userId, account.email, email);
  await endSessions(ctx, userId);
  await ctx.db.query({ text: 'delete from millrace.auth_passwords where user_id = $1', values: [userId] });
  await removeSince(ctx.db, userId, changedAt - before);
  await dropIdleCodes(ctx, userId);
  await endChallenges(ctx.db, userId, [...sentToIt, 'undo-email-change']);
  await recordEvent(ctx, ctx.db, 'email-changed', { userId, details: { undone: true } });
}

/** Milliseconds before the change of the address in which whoever made it may have added ways in: they had the session already. */
const before = 24 * 3600 * 1000;

async function removeSince(db: Queryable, userId: string, since: number): Promise<void> {
  for (const table of ['auth_identities', 'auth_passkeys', 'auth_devices', 'auth_api_keys']) {
    await db.query({
      text: `delete from ${table} where user_id = $1 and created_at >= to_timestamp($2::float8 / 1000)`,
      values: [userId, since],
    });
  }
  // An authenticator app is no way in, and keeps the owner out.
  await db.query({
    text: `delete from millrace.auth_totp where user_id = $1 and confirmed_at >= to_timestamp($2::float8 / 1000)`,
    values: [userId, since],
  });
}

/** A link of the viewer's own account, which is used up by that. */
async function takeOwnLink(ctx: Needs, kind: ChallengeKind, token: string) {
  const { id } = requireOwn(ctx);
  const taken = await takeChallenge(ctx.db, kind, token);
  const account: Account | undefined = taken && (await findAccount(ctx.db, id));
  // Thrown, all of it is undone: the link stays good for whose it is.
  if (!taken || taken.userId !== id || !account || account.isDisabled) throw linkRefused();
  return { account, email: taken.data.email as string, data: taken.data };
}

/** A session of the account's owner, not of an admin who acts as they. @throws UNAUTHENTICATED, FORBIDDEN */
function requireOwn(ctx: Needs) {
  const viewer = requireSession(ctx);
  if (viewer.session.impersonatorId !== undefined)
    throw new MillraceError('FORBIDDEN', 'not while acting as somebody else');
  return viewer;
}
