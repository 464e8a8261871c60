/** Members of organisations: their roles, and how they go. An organisation always has an owner. */
import { MillraceError } from '../../../errors.ts';
import type { Queryable } from '../../../platform/db.ts';
import { recordEvent } from '../audit.ts';
import type { Needs } from '../users.ts';
import {
  type Authority,
  enterOrganization,
  hasOtherOwner,
  rankOf,
  readOrganizationRole,
  requireRankFor,
  roleOf,
} from './authority.ts';
import { maxMemberships } from './limits.ts';
import type { Membership } from './organization.ts';

/** Gives a member another role. @throws NOT_FOUND, FORBIDDEN; CONFLICT for the last owner */
export async function setOrganizationRole(ctx: Needs, id: string, userId: string, role: string): Promise<Membership> {
  const wanted = readOrganizationRole(role);
  const authority = await enterOrganization(ctx, id, 'admin');
  const { organizationId } = authority;
  const before = await requireMember(ctx.db, organizationId, userId);
  requireRankFor(authority, before, wanted);
  if (before === 'owner' && wanted !== 'owner') await requireOtherOwner(ctx.db, organizationId, userId);
  await ctx.db.query({
    text: 'update organization_members set role = $3 where organization_id = $1 and user_id = $2',
    values: [organizationId, userId, wanted],
  });
  await endInvitationsOf(ctx.db, organizationId, userId, rankOf(wanted));
  const details = { organization: organizationId, from: before, to: wanted };
  await recordEvent(ctx, ctx.db, 'member-role-changed', { userId, details });
  return { organizationId, userId, role: wanted };
}

/** Takes a member out. @throws NOT_FOUND, FORBIDDEN; CONFLICT for the last owner */
export async function removeFromOrganization(ctx: Needs, id: string, userId: string): Promise<void> {
  const authority = await enterOrganization(ctx, id, 'admin');
  requireRankFor(authority, await requireMember(ctx.db, authority.organizationId, userId));
  await takeOut(ctx, authority, userId);
  const details = { organization: authority.organizationId };
  await recordEvent(ctx, ctx.db, 'member-removed', { userId, details });
}

/** Takes the viewer out. @throws NOT_FOUND; CONFLICT for the last owner */
export async function leaveOrganization(ctx: Needs, id: string): Promise<void> {
  const authority = await enterOrganization(ctx, id, 'member');
  const { organizationId, actorId } = authority;
  if (actorId === undefined) throw noSuchMember();
  await requireMember(ctx.db, organizationId, actorId);
  await takeOut(ctx, authority, actorId);
  await recordEvent(ctx, ctx.db, 'member-left', { userId: actorId, details: { organization: organizationId } });
}

async function takeOut({ db }: Needs, { organizationId }: Authority, userId: string): Promise<void> {
  if ((await roleOf(db, organizationId, userId)) === 'owner') await requireOtherOwner(db, organizationId, userId);
  await db.query({
    text: 'delete from organization_members where organization_id = $1 and user_id = $2',
    values: [organizationId, userId],
  });
  await endInvitationsOf(db, organizationId, userId, 0);
}

/** Makes a user a member, unless they are one. @throws CONFLICT for who belongs to too many */
export async function addMember(db: Queryable, organizationId: string, userId: string, role: string): Promise<void> {
  const [row] = await db.query({
    text: 'select count(*)::int from organization_members where user_id = $1',
    values: [userId],
  });
  if ((row![0] as number) >= maxMemberships)
    throw new MillraceError('CONFLICT', `nobody belongs to more than ${maxMemberships} organizations`);
  await db.query({
    text: `insert into organization_members (organization_id, user_id, role) values ($1, $2, $3)
      on conflict (organization_id, user_id) do nothing`,
    values: [organizationId, userId, role],
  });
}

/** @NOTE who may not invite any more must not have done so in advance: nobody is let in later by whoever was put out. */
async function endInvitationsOf(db: Queryable, organizationId: string, userId: string, rank: number): Promise<void> {
  if (rank >= rankOf('owner')) return;
  await db.query({
    text: `delete from organization_invitations where organization_id = $1 and invited_by = $2 and ($3 or role = 'owner')`,
    values: [organizationId, userId, rank < rankOf('admin')],
  });
}

async function requireMember(db: Queryable, organizationId: string, userId: string): Promise<string> {
  const role = await roleOf(db, organizationId, userId);
  if (role === undefined) throw noSuchMember();
  return role;
}

async function requireOtherOwner(db: Queryable, organizationId: string, userId: string): Promise<void> {
  if (await hasOtherOwner(db, organizationId, userId)) return;
  throw new MillraceError('CONFLICT', 'an organization has an owner: hand it over, or delete it');
}

/** Nobody of that id is a member. */
export const noSuchMember = (): MillraceError => new MillraceError('NOT_FOUND', 'there is no such member');
