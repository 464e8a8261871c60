/** Who may do what in an organisation: an owner everything, an admin all but what concerns owners, every other role is a member's. */
import { invalidInput, MillraceError } from '../../../errors.ts';
import type { Queryable } from '../../../platform/db.ts';
import { secondFactorsOf } from '../sessions/sign-in.ts';
import type { Needs } from '../users.ts';
import { requireFresh, requireSession } from '../viewers.ts';

/** What a role may: the application's own count as a member's. */
export const rankOf = (role: string): number => (role === 'owner' ? 3 : role === 'admin' ? 2 : 1);

const ranks = { member: 1, admin: 2, owner: 3 };

/** Somebody at work in an organisation, which is held until the transaction ends. */
export interface Authority {
  organizationId: string;
  /** Undefined for an admin whose token is of no account. */
  actorId: string | undefined;
  rank: number;
}

/** A viewer who has signed in, and has said who they are. @throws UNAUTHENTICATED, FORBIDDEN */
export function requirePerson(ctx: Needs) {
  const viewer = requireSession(ctx);
  if (viewer.isGuest) throw new MillraceError('FORBIDDEN', 'guests belong to no organization: say who you are first');
  return viewer;
}

/**
 * Enters an organisation to change it: whoever else would do so waits until this is done.
 * @throws NOT_FOUND where it is not there, or the viewer is no member; FORBIDDEN where they are, and may not
 */
export async function enterOrganization(
  ctx: Needs,
  id: string,
  least: 'member' | 'admin' | 'owner',
  { fresh = false } = {},
): Promise<Authority> {
  const { viewer, db } = ctx;
  const isAdmin = viewer.isAdmin && viewer.scopes === undefined;
  if (!isAdmin) requirePerson(ctx);
  const organizationId = readOrganizationId(id);
  const roleHere = () => (viewer.id === undefined ? undefined : roleOf(db, organizationId, viewer.id));
  // @NOTE asked before and after: a stranger is not to hold anything, and what was read before the lock may not be true any more.
  if (!isAdmin && (await roleHere()) === undefined) throw noSuchOrganization();
  if (!(await holdOrganization(db, organizationId))) throw noSuchOrganization();
  const role = await roleHere();
  if (!isAdmin && role === undefined) throw noSuchOrganization();
  const rank = isAdmin ? ranks.owner : rankOf(role!);
  if (rank < ranks[least]) throw new MillraceError('FORBIDDEN', `this takes an ${least} of the organization`);
  if (fresh && viewer.session) await requireFresh(ctx, (userId) => secondFactorsOf(ctx, userId));
  return { organizationId, actorId: viewer.id, rank };
}

/** Holds an organisation until the transaction ends; false where there is none. */
export async function holdOrganization(db: Queryable, id: string): Promise<boolean> {
  const rows = await db.query({ text: 'select 1 from organizations where id = $1 for no key update', values: [id] });
  return rows.length > 0;
}

/** A user's role in an organisation; undefined where they are no member. */
export async function roleOf(db: Queryable, organizationId: string, userId: string): Promise<string | undefined> {
  const [row] = await db.query({
    text: 'select role from organization_members where organization_id = $1 and user_id = $2',
    values: [organizationId, userId],
  });
  return row?.[0] as string | undefined;
}

/** Whether somebody else owns the organisation too; it is held already. */
export async function hasOtherOwner(db: Queryable, organizationId: string, userId: string): Promise<boolean> {
  const rows = await db.query({
    text: `select 1 from organization_members where organization_id = $1 and role = 'owner' and user_id <> $2 limit 1`,
    values: [organizationId, userId],
  });
  return rows.length > 0;
}

/** Passes where no role is an owner's, or the viewer is one: an admin neither makes nor unmakes an owner. @throws FORBIDDEN */
export function requireRankFor({ rank }: Authority, ...roles: string[]): void {
  if (rank < ranks.owner && roles.includes('owner'))
    throw new MillraceError('FORBIDDEN', 'what concerns owners takes an owner of the organization');
}

/** Reads a role of organisations. @throws INVALID_INPUT */
export function readOrganizationRole(role: string): string {
  if (/^[a-z][a-z0-9_.:-]{0,59}$/.test(role)) return role;
  throw invalidInput('role', 'must be owner, admin, member, or a name of your own: a-z, 0-9, _ . : -');
}

/** One answer for organisations that are not there, and for those of others. */
export const noSuchOrganization = (): MillraceError => new MillraceError('NOT_FOUND', 'there is no such organization');

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function readOrganizationId(id: string): string {
  if (uuid.test(id)) return id.toLowerCase();
  throw noSuchOrganization();
}
