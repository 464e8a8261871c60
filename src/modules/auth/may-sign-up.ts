import { MillraceError } from '../../errors.ts';
import type { Queryable } from '../../platform/db.ts';
import type { NewUser } from './define-accounts.ts';
import type { AccountsPlan } from './plan.ts';
import type { Needs } from './users.ts';

/**
 * Whether there may be a new account of its own accord, as `signUp` of app/accounts.ts says.
 * @param email an address that is proved to be theirs, or is going to be: of whoever was invited at another one nobody knows
 */
export async function maySignUp(
  { plan, db }: { plan: AccountsPlan; db: Queryable },
  email: string | undefined,
): Promise<boolean> {
  if (plan.signUp !== 'invited') return plan.signUp === 'open';
  if (email === undefined || !plan.hasOrganizations) return false;
  const invited = await db.query({
    text: 'select 1 from organization_invitations where email = $1 and expires_at > now() limit 1',
    values: [email],
  });
  return invited.length > 0;
}

/** The same, in the operation's transaction. @throws FORBIDDEN */
export async function requireMaySignUp(
  { db, accounts }: Pick<Needs, 'db' | 'accounts'>,
  email: string | undefined,
): Promise<void> {
  if (await maySignUp({ plan: accounts!.plan, db }, email)) return;
  throw new MillraceError('FORBIDDEN', 'Nobody signs up here who was not invited.');
}

/** Asks the application whether somebody may sign up. @throws FORBIDDEN in its words */
export async function askBeforeSignUp({ accounts }: Pick<Needs, 'accounts'>, user: NewUser): Promise<void> {
  const refusal = await accounts!.plan.definition.beforeSignUp?.(user);
  if (typeof refusal === 'string') throw new MillraceError('FORBIDDEN', refusal);
}
