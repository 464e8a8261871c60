import { MillraceError } from '../../../errors.ts';
import type { Queryable } from '../../../platform/db.ts';
import { hasOtherOwner, holdOrganization, roleOf } from './authority.ts';

/**
 * Deletes the organisations of which a user who is to be erased is the only member; other memberships go with the user's row.
 * @throws CONFLICT for the last owner of one that has other members
 */
export async function endOwnOrganizations(db: Queryable, userId: string): Promise<void> {
  const rows = await db.query({
    text: 'select organization_id::text from organization_members where user_id = $1 order by organization_id',
    values: [userId],
  });
  for (const [id] of rows as [string][]) {
    if (!(await holdOrganization(db, id)) || (await roleOf(db, id, userId)) !== 'owner') continue;
    if (await hasOtherOwner(db, id, userId)) continue;
    const others = await db.query({
      text: 'select 1 from organization_members where organization_id = $1 and user_id <> $2 limit 1',
      values: [id, userId],
    });
    if (others.length > 0)
      throw new MillraceError('CONFLICT', `the organization ${id} has no other owner: hand it over, or delete it`);
    await db.query({ text: 'delete from organizations where id = $1', values: [id] });
  }
}
