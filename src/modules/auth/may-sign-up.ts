import { MillraceError } from '../../errors.ts';
import { isInvited } from './password/sign-up.ts';
import type { Needs } from './users.ts';

/**
 * Whether there may be a new account of its own accord. @throws FORBIDDEN as `signUp` of app/accounts.ts says
 * @param email an address that is proved to be theirs: of whoever was invited at another one nobody knows
 */
export async function requireMaySignUp(ctx: Pick<Needs, 'db' | 'accounts'>, email: string | undefined): Promise<void> {
  const { signUp } = ctx.accounts!.plan;
  if (signUp === 'open') return;
  if (signUp === 'invited' && email !== undefined && (await isInvited(ctx, email))) return;
  throw new MillraceError('FORBIDDEN', 'Nobody signs up here who was not invited.');
}
