/**
 * A guest says who they are, and stays the same user with the same rows.
 *
 * Nothing changes before the address is verified: `upgradeGuest` does the same work for every address and says so. What the mail holds is
 * found out when it is sent: a link for a new address, a word to the owner of one that has an account. The link takes the guest's
 * session beside it, so whoever gives somebody else's address has the session and not the mail, and its owner the mail alone.
 */
import { MillraceError } from '../../../errors.ts';
import type { RateRule } from '../../../platform/rate-limits/rate-limits.ts';
import { holdUserAccount } from '../admin/authority.ts';
import { recordEvent } from '../audit.ts';
import { endChallenges, takeChallenge } from '../challenges.ts';
import { readEmailAddress } from '../email-address.ts';
import { readLabel } from '../label.ts';
import { queueMail, sendsMails } from '../mail/jobs.ts';
import { pageFor } from '../mail/sign-in.ts';
import { askBeforeSignUp, maySignUp } from '../may-sign-up.ts';
import { setHash } from '../password/stored-hash.ts';
import { linkRefused } from '../refusals.ts';
import { endSessions } from '../sessions/session.ts';
import { completeSignIn, type SignInResult } from '../sessions/sign-in.ts';
import { findAccount, findAccountByEmail, type Needs } from '../users.ts';
import { requireSession } from '../viewers.ts';
import { rewriteUser } from './rewrite-user.ts';

/** Who a guest says that they are. */
export interface GuestUpgrade {
  email: string;
  password: string;
  name?: string | null | undefined;
  redirectTo?: string | null | undefined;
}

/** What comes of it. */
export interface UpgradedGuest {
  /** There where addresses need not be verified first. */
  signIn: SignInResult | null;
  verificationSent: boolean;
}

const hour = 3600;
/** @NOTE by the address that is typed, whether it has an account or not: a limit must not tell. */
const rules = {
  account: { name: 'upgrades by account', points: 10, seconds: hour },
  network: { name: 'upgrades by network', points: 50, seconds: hour },
  address: { name: 'upgrades by address', points: 20, seconds: 24 * hour },
} satisfies Record<string, RateRule>;

/** Begins to make a person of a guest; where addresses need not be verified first, does so. @throws FORBIDDEN, INVALID_INPUT, RATE_LIMITED, UNAVAILABLE */
export async function upgradeGuest(ctx: Needs, input: GuestUpgrade): Promise<UpgradedGuest> {
  const { plan, hasher, readNewPassword, limits, db } = ctx.accounts!;
  const { id: userId } = requireSession(ctx);
  if ((await findAccount(db, userId))?.kind !== 'guest')
    throw new MillraceError('FORBIDDEN', 'only a guest has not said who they are');
  if (plan.signUp === 'closed') throw new MillraceError('FORBIDDEN', 'nobody can sign up here');
  const email = readEmailAddress(input.email, 'input.email');
  const name = input.name ? readLabel(input.name, 'input.name') : undefined;
  const policy = { minLength: plan.minPasswordLength, about: [plan.name, email, name ?? ''] };
  const password = await readNewPassword(input.password, policy, 'input.password');
  const mustVerify = plan.verifyEmail || plan.signUp === 'invited';
  const page = mustVerify ? pageFor(ctx, input.redirectTo) : undefined;
  await limits.take(rules.account, userId);
  await limits.take(rules.network, ctx.client.network);
  await limits.take(rules.address, email);
  await askBeforeSignUp(ctx, { email, name, profile: {}, method: 'password' });
  const hash = await hasher.hash(password);
  if (mustVerify) {
    await queueMail(ctx, 'upgrade-guest', {
      userId,
      email,
      ...(name !== undefined && { name }),
      hash,
      redirectTo: page,
    });
    return { signIn: null, verificationSent: true };
  }
  const signIn = await makePerson(ctx, userId, { email, name, hash, isVerified: false });
  const verificationSent = sendsMails(ctx);
  if (verificationSent) await queueMail(ctx, 'verify-email', { userId });
  return { signIn, verificationSent };
}

/** Makes a person of the guest who asks, by the link of the mail; all sessions of before end. @throws UNAUTHENTICATED */
export async function confirmGuestUpgrade(ctx: Needs, token: string): Promise<SignInResult> {
  const { id: userId } = requireSession(ctx);
  const taken = await takeChallenge(ctx.db, 'upgrade-guest', token);
  // Thrown, all of it is undone: the link stays good for whose it is.
  if (!taken || taken.userId !== userId) throw linkRefused();
  const { email, name, hash } = taken.data as { email: string; name?: string; hash: string };
  const { plan } = ctx.accounts!;
  if (!(await maySignUp({ plan, db: ctx.db }, email)) || (await findAccountByEmail(ctx.db, email))) throw linkRefused();
  await askBeforeSignUp(ctx, { email, name, profile: {}, method: 'password' });
  return makePerson(ctx, userId, { email, name, hash, isVerified: true });
}

interface Person {
  email: string;
  name: string | undefined;
  hash: string;
  isVerified: boolean;
}

async function makePerson(ctx: Needs, userId: string, person: Person): Promise<SignInResult> {
  const { db } = ctx;
  const { email, name, hash, isVerified } = person;
  const account = await holdUserAccount(db, userId);
  if (account.kind !== 'guest' || account.isDisabled) throw linkRefused();
  const roles = account.roles.length > 0 ? account.roles : (ctx.accounts!.plan.definition.defaultRoles ?? []);
  await db.query({
    text: `update auth_accounts set kind = 'person', email = $2, email_verified_at = case when $3::boolean then now() end, roles = $4
      where user_id = $1`,
    values: [userId, email, isVerified, roles],
  });
  await setHash(db, userId, hash);
  await rewriteUser(ctx, userId, { email, name, profile: {}, method: 'password' });
  await endChallenges(db, userId, ['upgrade-guest']);
  await endSessions(ctx, userId);
  await recordEvent(ctx, db, 'guest-upgraded', { userId });
  const upgraded = { ...account, kind: 'person' as const, email, isEmailVerified: isVerified, roles };
  // RFC 8176 has no word for a mailbox.
  return completeSignIn(ctx, upgraded, { method: 'upgrade', amr: isVerified ? ['mail'] : ['pwd'], isFirst: true });
}
