/** What admins do to accounts, and that there is always one who can. */
import { MillraceError } from '../../../errors.ts';
import type { Queryable } from '../../../platform/db.ts';
import { secondFactorsOf } from '../sessions/sign-in.ts';
import { adminsLock } from '../tables.ts';
import { type Account, findAccount, type Needs } from '../users.ts';
import { requireFresh } from '../viewers.ts';

/**
 * The viewer is an admin, not by a key that is limited, and where they have a session they have signed in just now. A token of
 * `npx millrace token` has none: whoever can make one has the server.
 * @throws FORBIDDEN
 */
export async function requireFreshAdmin(ctx: Needs): Promise<void> {
  requireAdmin(ctx);
  if (ctx.viewer.session) await requireFresh(ctx, (userId) => secondFactorsOf(ctx, userId));
}

/** The same without a fresh sign-in, for what must be done at once. @throws FORBIDDEN */
export function requireAdmin({ viewer }: Pick<Needs, 'viewer'>): void {
  if (!viewer.isAdmin || viewer.scopes !== undefined) throw new MillraceError('FORBIDDEN', 'not allowed');
}

/** The account of a user, which is held until the transaction ends. @throws NOT_FOUND */
export async function holdUserAccount(db: Queryable, userId: string): Promise<Account> {
  const rows = await db.query({ text: 'select 1 from auth_accounts where user_id = $1 for update', values: [userId] });
  const account = rows.length > 0 ? await findAccount(db, userId) : undefined;
  if (!account) throw noSuchAccount();
  return account;
}

/** Nobody of that id has an account. */
export const noSuchAccount = (): MillraceError => new MillraceError('NOT_FOUND', 'there is no such account');

/**
 * Keeps the admins as they are until the transaction ends.
 * @NOTE called before the account is read: whoever does the like at the same time has finished when this one goes on.
 */
export async function holdAdmins(db: Queryable): Promise<void> {
  await db.query({ text: `select pg_advisory_xact_lock(${adminsLock})`, values: [] });
}

/** Passes where an admin remains without this account. @throws CONFLICT for the last one; call `holdAdmins` before */
export async function requireOtherAdmin(db: Queryable, account: Account, adminRole: string): Promise<void> {
  if (account.isDisabled || account.kind !== 'person' || !account.roles.includes(adminRole)) return;
  const others = await db.query({
    text: `select 1 from auth_accounts
      where kind = 'person' and disabled_at is null and $2 = any(roles) and user_id <> $1 limit 1`,
    values: [account.userId, adminRole],
  });
  if (others.length === 0) throw new MillraceError('CONFLICT', 'this is the last admin: make another one first');
}

/** Ends what an admin does as somebody else. */
export async function endActing(db: Queryable, actorId: string): Promise<void> {
  await db.query({ text: 'delete from auth_sessions where actor_id = $1', values: [actorId] });
}
