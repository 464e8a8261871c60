import { MillraceError } from '../../errors.ts';
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

/** Whether an organisation has invited an address. */
export async function isInvited({ db, accounts }: Pick<Needs, 'db' | 'accounts'>, email: string): Promise<boolean> {
  if (!accounts!.plan.hasOrganizations) return false;
  const rows = await db.query({
    text: 'select 1 from organization_invitations where email = $1 and expires_at > now() limit 1',
    values: [email],
  });
  return rows.length > 0;
}
