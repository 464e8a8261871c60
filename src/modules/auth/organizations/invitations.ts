/**
 * Invitations: a role in an organisation, kept for whoever has an address. Whether that has an account is asked by nobody: the answer,
 * the row and the mail are the same. The token of the mail alone is good for nothing; it takes the account of that address, proved.
 */
import { v7 } from 'uuid';
import { MillraceError } from '../../../errors.ts';
import type { Queryable } from '../../../platform/db.ts';
import { recordEvent } from '../audit.ts';
import { type Challenge, peekChallenge, takeChallenge } from '../challenges.ts';
import { readEmailAddress } from '../email-address.ts';
import { queueMail } from '../mail/jobs.ts';
import { pageFor } from '../mail/sign-in.ts';
import { linkRefused } from '../refusals.ts';
import type { Needs } from '../users.ts';
import {
  enterOrganization,
  holdOrganization,
  readOrganizationRole,
  requirePerson,
  requireRankFor,
  roleOf,
} from './authority.ts';
import { maxInvitations, organizationLimits } from './limits.ts';
import { addMember } from './members.ts';
import type { Membership } from './organization.ts';

/** Seconds for which an invitation is good. */
export const invitationLifetime = 7 * 86_400;

/** Who is asked to join, as what, and where the link of the mail leads. */
export interface NewInvitation {
  email: string;
  role: string;
  redirectTo?: string | null | undefined;
}

/** Asks somebody to join, in the place of what they were asked before. @throws NOT_FOUND, FORBIDDEN, RATE_LIMITED, UNAVAILABLE */
export async function inviteToOrganization(ctx: Needs, id: string, wanted: NewInvitation): Promise<void> {
  const email = readEmailAddress(wanted.email);
  const role = readOrganizationRole(wanted.role);
  const page = pageFor(ctx, wanted.redirectTo);
  const authority = await enterOrganization(ctx, id, 'admin');
  const { organizationId, actorId } = authority;
  requireRankFor(authority, role);
  const before = await removeInvitation(ctx.db, organizationId, email);
  if (before !== undefined) requireRankFor(authority, before);
  const { limits } = ctx.accounts!;
  await limits.take(organizationLimits.account, actorId ?? 'admin');
  await limits.take(organizationLimits.organization, organizationId);
  await limits.take(organizationLimits.address, email);
  const invitationId = v7();
  const added = await ctx.db.query({
    text: `insert into organization_invitations (id, organization_id, email, role, invited_by, expires_at)
      select $1, $2::uuid, $3, $4, $5, now() + make_interval(secs => $6)
      where (select count(*) from organization_invitations where organization_id = $2::uuid) < $7 returning 1`,
    values: [invitationId, organizationId, email, role, actorId ?? 'admin', invitationLifetime, maxInvitations],
  });
  if (added.length === 0)
    throw new MillraceError('CONFLICT', `at most ${maxInvitations} people are asked to join at a time`);
  await queueMail(ctx, 'invitation', { invitationId, redirectTo: page });
  await recordEvent(ctx, ctx.db, 'member-invited', {
    userId: actorId,
    details: { organization: organizationId, role },
  });
}

/**
 * Joins by the token of a mail, as the account of the address that it was sent to.
 * @throws UNAUTHENTICATED when it is not good any more, or for another address; FORBIDDEN while the address is not proved
 */
export async function acceptInvitation(ctx: Needs, token: string): Promise<Membership> {
  const { db } = ctx;
  const { id: userId } = requirePerson(ctx);
  const known = await peekInvitation(db, token);
  if (!known) throw linkRefused();
  // Held, so that the address is not given up, and the account not disabled, while this is under way.
  const [account] = await db.query({
    text: `select email_verified_at is not null from auth_accounts
      where user_id = $1 and email = $2 and disabled_at is null for share`,
    values: [userId, known.email],
  });
  if (!account) throw linkRefused();
  if (account[0] !== true) throw new MillraceError('FORBIDDEN', 'verify your address first');
  const { organizationId } = known;
  if (!(await holdOrganization(db, organizationId))) throw linkRefused();
  const role = await takeInvitation(db, token, known);
  if (role === undefined) throw linkRefused();
  await addMember(db, organizationId, userId, role);
  await recordEvent(ctx, db, 'member-joined', { userId, details: { organization: organizationId, role } });
  // Who was a member already stays what they were.
  return { organizationId, userId, role: (await roleOf(db, organizationId, userId))! };
}

/** Turns an invitation down, with or without an account. @throws UNAUTHENTICATED when it is not good any more; RATE_LIMITED */
export async function declineInvitation(ctx: Needs, token: string): Promise<void> {
  await ctx.accounts!.limits.take(organizationLimits.declines, ctx.client.network);
  const known = await peekInvitation(ctx.db, token);
  if (!known || (await takeInvitation(ctx.db, token, known)) === undefined) throw linkRefused();
  const details = { organization: known.organizationId };
  await recordEvent(ctx, ctx.db, 'invitation-declined', { userId: ctx.viewer.id, details });
}

/** Takes an invitation back. @throws NOT_FOUND, FORBIDDEN */
export async function revokeInvitation(ctx: Needs, id: string): Promise<void> {
  const [row] = await ctx.db.query({
    text: 'select organization_id::text from organization_invitations where id::text = lower($1)',
    values: [id],
  });
  const missing = () => new MillraceError('NOT_FOUND', 'there is no such invitation');
  if (!row) throw missing();
  const authority = await enterOrganization(ctx, row[0] as string, 'admin').catch((error: unknown) => {
    throw error instanceof MillraceError && error.code === 'NOT_FOUND' ? missing() : error;
  });
  const { organizationId, actorId } = authority;
  const [gone] = await ctx.db.query({
    text: 'delete from organization_invitations where id::text = lower($1) and organization_id = $2 returning role',
    values: [id, organizationId],
  });
  if (!gone) throw missing();
  requireRankFor(authority, gone[0] as string);
  const details = { organization: organizationId };
  await recordEvent(ctx, ctx.db, 'invitation-revoked', { userId: actorId, details });
}

interface KnownInvitation {
  invitationId: string;
  organizationId: string;
  email: string;
}

async function peekInvitation(db: Queryable, token: string): Promise<KnownInvitation | undefined> {
  const challenge: Challenge | undefined = await peekChallenge(db, 'invitation', token);
  return challenge?.data as KnownInvitation | undefined;
}

/** Takes the token and the row that it speaks of, once; resolves to the role. */
async function takeInvitation(db: Queryable, token: string, known: KnownInvitation): Promise<string | undefined> {
  if (!(await takeChallenge(db, 'invitation', token))) return undefined;
  const [row] = await db.query({
    text: `delete from organization_invitations
      where id = $1 and organization_id = $2 and email = $3 returning role, expires_at > now()`,
    values: [known.invitationId, known.organizationId, known.email],
  });
  return row?.[1] === true ? (row[0] as string) : undefined;
}

async function removeInvitation(db: Queryable, organizationId: string, email: string): Promise<string | undefined> {
  const [row] = await db.query({
    text: 'delete from organization_invitations where organization_id = $1 and email = $2 returning role',
    values: [organizationId, email],
  });
  return row?.[0] as string | undefined;
}
