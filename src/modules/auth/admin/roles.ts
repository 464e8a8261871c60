import { invalidInput, MillraceError } from '../../../errors.ts';
import type { Queryable } from '../../../platform/db.ts';
import type { AccountsPlan } from '../plan.ts';
import { isKnownRole } from '../roles.ts';
import type { Account } from '../users.ts';
import { endActing, holdAdmins, holdUserAccount, requireOtherAdmin } from './authority.ts';

const mostRoles = 50;

/** Reads roles that are to be given. @throws INVALID_INPUT for what is none */
export function readRoles(given: readonly string[], { roles, adminRole }: Pick<AccountsPlan, 'roles' | 'adminRole'>) {
  const wanted = [...new Set(given)];
  if (wanted.length > mostRoles) throw invalidInput('roles', `must be at most ${mostRoles}`);
  for (const [i, role] of wanted.entries()) {
    if (!isKnownRole(role, roles, adminRole)) throw invalidInput(`roles.${i}`, 'is no role of app/accounts.ts');
  }
  return wanted;
}

/**
 * Gives an account other roles, in a transaction; resolves to it as it was. Who stops being an admin stops acting as others; as who
 * becomes one, nobody acts any more.
 * @throws NOT_FOUND, INVALID_INPUT; FORBIDDEN for guests; CONFLICT for the last admin
 */
export async function changeRoles(
  db: Queryable,
  plan: Pick<AccountsPlan, 'roles' | 'adminRole'>,
  userId: string,
  change: (roles: readonly string[]) => readonly string[],
): Promise<Account> {
  await holdAdmins(db);
  const account = await holdUserAccount(db, userId);
  const roles = readRoles(change(account.roles), plan);
  const { adminRole } = plan;
  if (account.kind === 'guest' && roles.length > 0)
    throw new MillraceError('FORBIDDEN', 'a guest has no roles: anybody can be one');
  if (!roles.includes(adminRole)) await requireOtherAdmin(db, account, adminRole);
  await db.query({ text: 'update auth_accounts set roles = $2 where user_id = $1', values: [userId, roles] });
  if (roles.includes(adminRole))
    await db.query({
      text: 'delete from auth_sessions where user_id = $1 and actor_id is not null',
      values: [userId],
    });
  else await endActing(db, userId);
  return account;
}
