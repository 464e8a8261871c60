/**
 * Signing up by password.
 *
 * Nothing is made before an address is verified: `signUp` queues a mail, with the same work for every address, and says so. What the
 * mail holds is found out when it is sent: a link for a new address, a word to the owner of one that has an account. The link alone
 * makes no account either, it takes the password of the sign-up beside it: so whoever signs up by somebody else's address has
 * the password and not the mail, and who follows the link of a stranger's sign-up has the mail and not the password.
 */
import { invalidInput, MillraceError } from '../../../errors.ts';
import { recordEvent } from '../audit.ts';
import { countTry, peekChallenge, takeChallenge } from '../challenges.ts';
import type { NewUser } from '../define-accounts.ts';
import { readEmailAddress } from '../email-address.ts';
import { type MailJobs, queueMail, sendsMails } from '../mail/jobs.ts';
import { takeMail } from '../mail/limits.ts';
import { pageFor } from '../mail/sign-in.ts';
import { isInvited } from '../may-sign-up.ts';
import { linkRefused, signInRefused } from '../refusals.ts';
import { completeSignIn } from '../sessions/sign-in.ts';
import { makeAccount, type Needs } from '../users.ts';
import { newDeviceToken } from './known-device.ts';
import { takeSignUp } from './limits.ts';
import { readPassword } from './password-policy.ts';
import type { PasswordSignedIn } from './sign-in.ts';
import { setHash } from './stored-hash.ts';

/** What somebody signs up with. */
export interface SignUp {
  email: string;
  password: string;
  name?: string | null | undefined;
  profile?: unknown;
  redirectTo?: string | null | undefined;
}

/** What comes of it. */
export interface SignedUp {
  /** There where addresses need not be verified first. */
  signIn: PasswordSignedIn | null;
  /** A mail is on its way. */
  verificationSent: boolean;
}

/** Tries at the password beside a link. */
const mostTries = 10;
/** Bytes of a profile, as JSON. */
const largestProfile = 10_000;

/** Begins a sign-up, or, where addresses need not be verified first, makes the account. @throws CONFLICT in that case, for a taken address */
export async function signUp(ctx: Needs, input: SignUp): Promise<SignedUp> {
  const { plan, hasher, readNewPassword } = ctx.accounts!;
  if (plan.signUp === 'closed') throw new MillraceError('FORBIDDEN', 'nobody can sign up here');
  await takeSignUp(ctx);
  const email = readEmailAddress(input.email, 'input.email');
  const user: NewUser = { email, name: readName(input.name), profile: readProfile(input.profile), method: 'password' };
  const { name, profile } = user;
  const about = [plan.name, email, name ?? ''];
  const policy = { minLength: plan.minPasswordLength, about };
  const password = await readNewPassword(input.password, policy, 'input.password');
  // An invitation is to a mailbox, so it has to be seen that it is theirs.
  if (plan.verifyEmail || plan.signUp === 'invited') {
    const redirectTo = pageFor(ctx, input.redirectTo);
    await takeMail(ctx, email);
    await askHook(ctx, user);
    const hash = await hasher.hash(password);
    await queueMail(ctx, 'sign-up', { email, name, profile, hash, redirectTo });
    return { signIn: null, verificationSent: true };
  }
  const hash = await hasher.hash(password);
  const signedUp = await makeSignedUp(ctx, user, hash, false);
  const verificationSent = sendsMails(ctx);
  if (verificationSent) await queueMail(ctx, 'verify-email', { userId: signedUp.userId });
  return { signIn: signedUp.signIn, verificationSent };
}

/** Makes the account of a sign-up, by the link and the password of it, and signs in. @throws UNAUTHENTICATED */
export async function completeSignUp(ctx: Needs, token: string, typed: string): Promise<PasswordSignedIn> {
  const { db, hasher, plan } = ctx.accounts!;
  if (!(await peekChallenge(db, 'sign-up', token))) throw linkRefused();
  const password = readPassword(typed);
  const tried = await countTry(db, 'sign-up', token, mostTries);
  if (!tried) throw linkRefused();
  const { email, name, profile, hash } = tried.data as unknown as MailJobs['sign-up'];
  if (password === undefined || !(await hasher.verify(hash, password))) throw signInRefused();
  if (!(await takeChallenge(ctx.db, 'sign-up', token))) throw linkRefused();
  if (plan.signUp === 'closed' || (plan.signUp === 'invited' && !(await isInvited(ctx, email)))) throw linkRefused();
  const { signIn } = await makeSignedUp(ctx, { email, name, profile, method: 'password' }, hash, true);
  return signIn;
}

async function makeSignedUp(
  ctx: Needs,
  user: NewUser,
  hash: string,
  isEmailVerified: boolean,
): Promise<{ userId: string; signIn: PasswordSignedIn }> {
  const account = await makeAccount(ctx, { ...user, isEmailVerified });
  const { userId } = account;
  await setHash(ctx.db, userId, hash);
  await recordEvent(ctx, ctx.db, 'signed-up', { userId, details: { method: 'password' } });
  const result = await completeSignIn(ctx, account, { method: 'password', amr: ['pwd'], isFirst: true });
  return { userId, signIn: { ...result, deviceToken: newDeviceToken(ctx.accounts!.secrets, user.email!) } };
}

async function askHook({ accounts }: Needs, user: NewUser): Promise<void> {
  const refusal = await accounts!.plan.definition.beforeSignUp?.(user);
  if (typeof refusal === 'string') throw new MillraceError('FORBIDDEN', refusal);
}

/** @throws INVALID_INPUT for what is no name */
function readName(given: string | null | undefined): string | undefined {
  const name = given?.trim();
  if (!name) return undefined;
  if (name.length > 100) throw invalidInput('input.name', 'must have at most 100 characters');
  if (/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(name)) throw invalidInput('input.name', 'must be one line of text');
  return name;
}

/** @throws INVALID_INPUT for what is no object of a modest size */
function readProfile(given: unknown): Readonly<Record<string, unknown>> {
  if (given === undefined || given === null) return {};
  if (typeof given !== 'object' || Array.isArray(given)) throw invalidInput('input.profile', 'must be an object');
  const text = JSON.stringify(given);
  if (Buffer.byteLength(text) > largestProfile)
    throw invalidInput('input.profile', `must have at most ${largestProfile} bytes`);
  if (text.includes('\\u0000')) throw invalidInput('input.profile', 'must not hold the character U+0000');
  return given as Readonly<Record<string, unknown>>;
}
