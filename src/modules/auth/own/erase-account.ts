import { columnRef, tableRef } from '../../../data/planner/statement.ts';
import { MillraceError } from '../../../errors.ts';
import { holdAdmins, holdUserAccount, requireOtherAdmin } from '../admin/authority.ts';
import { recordEvent } from '../audit.ts';
import { endOwnOrganizations } from '../organizations/end-own.ts';
import { sessionOver } from '../refusals.ts';
import { takeCookies } from '../sessions/delivery.ts';
import { secondFactorsOf } from '../sessions/sign-in.ts';
import { findAccount } from '../users.ts';
import { requireFresh, requireSession } from '../viewers.ts';
import { deletePersonalRows, type PersonalNeeds } from './personal-rows.ts';

/** Deletes the viewer's own account. A guest, whose session is all there is of them, need not prove it anew. @throws as `eraseAccount`; FORBIDDEN */
export async function deleteMyAccount(ctx: PersonalNeeds): Promise<void> {
  const { id } = requireSession(ctx);
  const account = await findAccount(ctx.db, id);
  if (!account) throw sessionOver();
  if (account.kind !== 'guest') await requireFresh(ctx, (userId) => secondFactorsOf(ctx, userId));
  await eraseAccount(ctx, id);
  takeCookies(ctx);
}

/**
 * Deletes a user: the rows that are their own, the user's row, the account with everything that signs in. What has happened stays known,
 * by kind and time, without where it came from.
 * @throws NOT_FOUND; CONFLICT for the last admin, for the last owner of an organisation with other members, and where rows hang on the user
 */
export async function eraseAccount(ctx: PersonalNeeds, userId: string): Promise<void> {
  const { plan } = ctx.accounts!;
  const { db } = ctx;
  await holdAdmins(db);
  const account = await holdUserAccount(db, userId);
  await requireOtherAdmin(db, account, plan.adminRole);
  if (plan.hasOrganizations) await endOwnOrganizations(db, userId);
  try {
    await deletePersonalRows(ctx, userId);
    await db.query({
      text: `delete from ${tableRef(plan.user.model.table)} t where ${columnRef('t', plan.userKey)}::text = $1`,
      values: [userId],
    });
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== 'CONFLICT') throw error;
    throw new MillraceError('CONFLICT', 'other rows depend on this user: name them in `personalData`, or let them go');
  }
  // Of programs, which have no user.
  await db.query({ text: 'delete from auth_accounts where user_id = $1', values: [userId] });
  await recordEvent(ctx, db, 'account-deleted', { userId, isTraceless: ctx.viewer.id === userId });
}
