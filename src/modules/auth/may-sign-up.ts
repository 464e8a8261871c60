import { MillraceError } from '../../errors.ts';
import type { Needs } from './users.ts';

/**
 * Whether there may be a new account of its own accord. @throws FORBIDDEN as `signUp` of app/accounts.ts says
 * @param email an address that is proved to be theirs: of whoever was invited at another one nobody knows
 */
export async function requireMaySignUp({ db, accounts }: Needs, email: string | undefined): Promise<void> {
  const { signUp, hasOrganizations } = accounts!.plan;
  if (signUp === 'open') return;
  if (signUp === 'invited' && hasOrganizations && email !== undefined) {
    const [row] = await db.query({
      text: 'select exists (select from organization_invitations where email = $1 and expires_at > now())',
      values: [email],
    });
    if (row![0] === true) return;
  }
  throw new MillraceError('FORBIDDEN', 'Nobody signs up here who was not invited.');
}
