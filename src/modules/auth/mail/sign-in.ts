/** Signing in, and up, by what was sent to an address: a link, or a code. */
import { recordEvent } from '../audit.ts';
import { type Challenge, newToken, takeChallenge, tryCode } from '../challenges.ts';
import { readEmailAddress } from '../email-address.ts';
import { maySignUp } from '../may-sign-up.ts';
import { readRedirect } from '../oauth/redirects.ts';
import { linkRefused } from '../refusals.ts';
import { completeSignIn, type SignInResult } from '../sessions/sign-in.ts';
import { type Account, findAccount, findAccountByEmail, makeAccount, type Needs } from '../users.ts';
import { queueMail } from './jobs.ts';
import { giveBackCodeTry, takeCodeTry, takeMail } from './limits.ts';
import { codeHash, codePurpose } from './mail-kinds.ts';
import { holdAccount, proveAddress } from './proven-address.ts';

/** A code that is on its way. */
export interface SignInCodeRequest {
  /** Given back with the code; alone it is good for nothing. */
  challenge: string;
  expiresAt: Date;
}

/** Seconds for which a code is good, from when it was asked for. */
const codeLifetime = 600;

/** Has a link sent to an address. Nobody is told whether it has an account. @throws RATE_LIMITED, UNAVAILABLE */
export async function requestSignInLink(ctx: Needs, address: string, redirectTo?: string | null): Promise<void> {
  const email = readEmailAddress(address);
  const page = pageFor(ctx, redirectTo);
  await takeMail(ctx, email);
  await queueMail(ctx, 'sign-in-link', { email, redirectTo: page });
}

/** Has a code sent to an address. Nobody is told whether it has an account. @throws RATE_LIMITED, UNAVAILABLE */
export async function requestSignInCode(ctx: Needs, address: string): Promise<SignInCodeRequest> {
  const email = readEmailAddress(address);
  await takeMail(ctx, email);
  const challenge = newToken();
  const expiresAt = new Date(Date.now() + codeLifetime * 1000);
  const sealed = ctx.accounts!.secrets.seal(codePurpose, challenge);
  await queueMail(ctx, 'sign-in-code', { email, challenge: sealed, expiresAt: expiresAt.getTime() });
  return { challenge, expiresAt };
}

/** Signs in by the token of a link. @throws UNAUTHENTICATED when it is unknown, used or expired */
export async function signInWithLink(ctx: Needs, token: string): Promise<SignInResult> {
  const taken = await takeChallenge(ctx.db, 'sign-in-link', token);
  if (!taken) throw linkRefused();
  return signInByMail(ctx, taken, 'link');
}

/** Signs in by a code. @throws UNAUTHENTICATED when it is wrong, was tried too often, or is not good any more; RATE_LIMITED */
export async function signInWithCode(ctx: Needs, challenge: string, code: string): Promise<SignInResult> {
  const { accounts } = ctx;
  await takeCodeTry(ctx);
  const given = codeHash(accounts!, challenge, code.length <= 100 ? code : '');
  // @NOTE by the pool: a wrong try is counted though the operation fails.
  const right = await tryCode(accounts!.db, 'sign-in-code', challenge, given);
  const taken = right && (await takeChallenge(ctx.db, 'sign-in-code', challenge));
  if (!taken) throw linkRefused();
  await giveBackCodeTry(ctx);
  return signInByMail(ctx, taken, 'code');
}

async function signInByMail(ctx: Needs, { userId, data }: Challenge, method: string): Promise<SignInResult> {
  const email = data.email as string;
  const account = userId === undefined ? await findAccountByEmail(ctx.db, email) : await findAccount(ctx.db, userId);
  if (!account) return signUpByMail(ctx, userId === undefined ? email : undefined, method);
  if (account.email !== email) throw linkRefused();
  await holdAccount(ctx, account);
  return complete(ctx, await proveAddress(ctx, account), method, false);
}

/** @param email undefined where the account that a link was sent for is gone */
async function signUpByMail(ctx: Needs, email: string | undefined, method: string): Promise<SignInResult> {
  const { plan } = ctx.accounts!;
  // What was so when the mail was sent may not be so any more: an invitation can be taken back.
  if (email === undefined || !(await maySignUp({ plan, db: ctx.db }, email))) throw linkRefused();
  const account = await makeAccount(ctx, {
    email,
    name: undefined,
    profile: {},
    method: 'link',
    isEmailVerified: true,
  });
  await recordEvent(ctx, ctx.db, 'signed-up', { userId: account.userId, details: { method } });
  return complete(ctx, account, method, true);
}

const complete = (ctx: Needs, account: Account, method: string, isFirst: boolean): Promise<SignInResult> =>
  // RFC 8176 has no word for a mailbox.
  completeSignIn(ctx, account, { method, amr: ['mail'], isFirst });

/** The page that a link leads to; undefined for ours. @throws UNAVAILABLE where this server does not know its own address */
export function pageFor(ctx: Needs, redirectTo: string | null | undefined): string | undefined {
  ctx.accounts!.publicUrl();
  return redirectTo ? readRedirect(ctx, redirectTo).href : undefined;
}
