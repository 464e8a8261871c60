/** Organisations: they are made, named, handed over and taken down. */
import { v7 } from 'uuid';
import { MillraceError } from '../../../errors.ts';
import { recordEvent } from '../audit.ts';
import { readLabel } from '../label.ts';
import { findAccount, type Needs } from '../users.ts';
import { enterOrganization, requirePerson, roleOf } from './authority.ts';
import { organizationLimits } from './limits.ts';
import { addMember, noSuchMember } from './members.ts';

/** Somebody's place in an organisation. */
export interface Membership {
  organizationId: string;
  userId: string;
  role: string;
}

/** Makes an organisation, which whoever asks owns. @throws FORBIDDEN with an address that is not verified; RATE_LIMITED; CONFLICT for who belongs to too many */
export async function createOrganization(ctx: Needs, name: string): Promise<Membership> {
  const { id: userId } = requirePerson(ctx);
  const account = await findAccount(ctx.db, userId);
  // @NOTE an account that has memberships is not handed over to the owner of its address, which anybody could take for good by this.
  if (account?.email !== undefined && !account.isEmailVerified)
    throw new MillraceError('FORBIDDEN', 'verify your address first');
  const label = readLabel(name, 'name', 120);
  await ctx.accounts!.limits.take(organizationLimits.creations, userId);
  const organizationId = v7();
  await ctx.db.query({
    text: 'insert into organizations (id, name) values ($1, $2)',
    values: [organizationId, label],
  });
  await addMember(ctx.db, organizationId, userId, 'owner');
  await recordEvent(ctx, ctx.db, 'organization-created', { userId, details: { organization: organizationId } });
  return { organizationId, userId, role: 'owner' };
}

/** Gives an organisation another name. @throws NOT_FOUND, FORBIDDEN */
export async function updateOrganization(ctx: Needs, id: string, name: string): Promise<void> {
  const label = readLabel(name, 'name', 120);
  const { organizationId, actorId } = await enterOrganization(ctx, id, 'admin');
  await ctx.db.query({ text: 'update organizations set name = $2 where id = $1', values: [organizationId, label] });
  const details = { organization: organizationId };
  await recordEvent(ctx, ctx.db, 'organization-updated', { userId: actorId, details });
}

/** Takes an organisation down, with its memberships and invitations. @throws NOT_FOUND, FORBIDDEN; CONFLICT where rows hang on it */
export async function deleteOrganization(ctx: Needs, id: string): Promise<void> {
  const { organizationId, actorId } = await enterOrganization(ctx, id, 'owner', { fresh: true });
  await ctx.db.query({ text: 'delete from organizations where id = $1', values: [organizationId] });
  const details = { organization: organizationId };
  await recordEvent(ctx, ctx.db, 'organization-deleted', { userId: actorId, details });
}

/**
 * Makes a member the owner. Whoever hands over stays as an admin; where an admin of the installation does it, so do all owners.
 * @throws NOT_FOUND, FORBIDDEN; CONFLICT where nobody can sign in as the member
 */
export async function transferOrganization(ctx: Needs, id: string, userId: string): Promise<void> {
  const { organizationId, actorId } = await enterOrganization(ctx, id, 'owner', { fresh: true });
  if ((await roleOf(ctx.db, organizationId, userId)) === undefined) throw noSuchMember();
  const account = await findAccount(ctx.db, userId);
  if (account?.kind !== 'person' || account.isDisabled)
    throw new MillraceError('CONFLICT', 'this member cannot sign in, and so cannot own the organization');
  const isOwner = actorId !== undefined && (await roleOf(ctx.db, organizationId, actorId)) === 'owner';
  await ctx.db.query({
    text: `update organization_members set role = 'admin'
      where organization_id = $1 and role = 'owner' and user_id <> $2 and ($3::text is null or user_id = $3)`,
    values: [organizationId, userId, isOwner ? actorId : null],
  });
  await ctx.db.query({
    text: `update organization_members set role = 'owner' where organization_id = $1 and user_id = $2`,
    values: [organizationId, userId],
  });
  await recordEvent(ctx, ctx.db, 'organization-transferred', { userId, details: { organization: organizationId } });
}
