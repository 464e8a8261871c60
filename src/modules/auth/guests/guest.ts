import { MillraceError } from '../../../errors.ts';
import { recordEvent } from '../audit.ts';
import { limits } from '../limits.ts';
import { completeSignIn, type SignInResult } from '../sessions/sign-in.ts';
import { makeAccount, type Needs } from '../users.ts';

/** Makes a guest, a user who has not said who they are, and signs them in. @throws FORBIDDEN where there are none; RATE_LIMITED */
export async function signInAsGuest(ctx: Needs): Promise<SignInResult> {
  const { plan, limits: counted } = ctx.accounts!;
  if (!plan.guests) throw new MillraceError('FORBIDDEN', 'there are no guests here');
  await counted.take(limits.guests, ctx.client.network);
  const account = await makeAccount(ctx, {
    kind: 'guest',
    email: undefined,
    name: undefined,
    profile: {},
    method: 'guest',
  });
  await recordEvent(ctx, ctx.db, 'signed-up', { userId: account.userId, details: { method: 'guest' } });
  return completeSignIn(ctx, account, { method: 'guest', amr: ['guest'], needsNoSecond: true, isFirst: true });
}
