/** What admins do to accounts; each of it is an event of the account, with who did it. */
import { identifier, tableRef } from '../../../data/planner/statement.ts';
import { MillraceError } from '../../../errors.ts';
import { recordEvent } from '../audit.ts';
import { type ChallengeKind, endChallenges } from '../challenges.ts';
import { readEmailAddress } from '../email-address.ts';
import { readLabel } from '../label.ts';
import { queueMail } from '../mail/jobs.ts';
import { pageFor } from '../mail/sign-in.ts';
import { eraseAccount } from '../own/erase-account.ts';
import type { PersonalNeeds } from '../own/personal-rows.ts';
import { endSessions } from '../sessions/session.ts';
import { makeAccount, type Needs } from '../users.ts';
import {
  endActing,
  holdAdmins,
  holdUserAccount,
  noSuchAccount,
  requireAdmin,
  requireFreshAdmin,
  requireOtherAdmin,
} from './authority.ts';
import { readClaims } from './claims.ts';
import { changeRoles, readRoles } from './roles.ts';

/** An account that an admin makes. */
export interface AccountByAdmin {
  email: string;
  name?: string | null | undefined;
  /** A user's row that is there already. */
  userId?: string | null | undefined;
  roles?: readonly string[] | null | undefined;
  sendInvitation?: boolean | null | undefined;
  redirectTo?: string | null | undefined;
}

/** Makes an account, and its user unless that is there; resolves to the user's id. @throws CONFLICT when the address or the user has one */
export async function createAccount(ctx: Needs, input: AccountByAdmin): Promise<string> {
  await requireFreshAdmin(ctx);
  const { plan } = ctx.accounts!;
  const email = readEmailAddress(input.email, 'input.email');
  const name = input.name == null ? undefined : readLabel(input.name, 'input.name');
  const roles = input.roles ? readRoles(input.roles, plan) : undefined;
  const page = input.sendInvitation ? pageFor(ctx, input.redirectTo) : undefined;
  const given = input.userId ?? undefined;
  if (given !== undefined && !(await isUser(ctx, given))) throw new MillraceError('NOT_FOUND', 'there is no such user');
  await requireNewAddress(ctx, email);
  const { userId } = await makeAccount(ctx, { email, name, profile: {}, method: 'admin', userId: given, roles });
  if (input.sendInvitation) await queueMail(ctx, 'account-invitation', { userId, redirectTo: page });
  await recordEvent(ctx, ctx.db, 'account-created', { userId, details: { roles: roles ?? [] } });
  return userId;
}

async function isUser({ db, accounts }: Needs, id: string): Promise<boolean> {
  const { user, userKey } = accounts!.plan;
  const rows = await db.query({
    text: `select 1 from ${tableRef(user.model.table)} where ${identifier(userKey.column)}::text = $1`,
    values: [id],
  });
  return rows.length > 0;
}

async function requireNewAddress({ db }: Needs, email: string): Promise<void> {
  const rows = await db.query({ text: 'select 1 from auth_accounts where email = $1', values: [email] });
  if (rows.length > 0) throw new MillraceError('CONFLICT', 'the address has an account already');
}

/** Gives an account these roles and no others. @throws NOT_FOUND, INVALID_INPUT, FORBIDDEN; CONFLICT for the last admin */
export async function setRoles(ctx: Needs, userId: string, roles: readonly string[]): Promise<void> {
  await requireFreshAdmin(ctx);
  const { roles: from } = await changeRoles(ctx.db, ctx.accounts!.plan, userId, () => roles);
  await recordEvent(ctx, ctx.db, 'roles-changed', { userId, details: { from, to: roles } });
}

/** Gives an account these claims and no others. @throws NOT_FOUND, INVALID_INPUT */
export async function setClaims(ctx: Needs, userId: string, given: unknown): Promise<void> {
  await requireFreshAdmin(ctx);
  const claims = readClaims(given);
  const rows = await ctx.db.query({
    text: 'update auth_accounts set claims = $2 where user_id = $1 returning 1',
    values: [userId, JSON.stringify(claims)],
  });
  if (rows.length === 0) throw noSuchAccount();
  await recordEvent(ctx, ctx.db, 'claims-changed', { userId, details: { names: Object.keys(claims) } });
}

/** Lets nobody in by an account any more; whoever was is out. @throws NOT_FOUND; CONFLICT for the last admin */
export async function disableAccount(ctx: Needs, userId: string): Promise<void> {
  requireAdmin(ctx);
  await holdAdmins(ctx.db);
  const account = await holdUserAccount(ctx.db, userId);
  await requireOtherAdmin(ctx.db, account, ctx.accounts!.plan.adminRole);
  await ctx.db.query({
    text: 'update auth_accounts set disabled_at = coalesce(disabled_at, now()) where user_id = $1',
    values: [userId],
  });
  await cutOff(ctx, userId);
  await recordEvent(ctx, ctx.db, 'account-disabled', { userId });
}

/** Lets an account sign in again. @throws NOT_FOUND */
export async function enableAccount(ctx: Needs, userId: string): Promise<void> {
  await requireFreshAdmin(ctx);
  const rows = await ctx.db.query({
    text: 'update auth_accounts set disabled_at = null where user_id = $1 returning 1',
    values: [userId],
  });
  if (rows.length === 0) throw noSuchAccount();
  await recordEvent(ctx, ctx.db, 'account-enabled', { userId });
}

/** Ends all sessions of an account, and what it does as others; resolves to how many of its own there were. @throws NOT_FOUND */
export async function signOutAccount(ctx: Needs, userId: string): Promise<number> {
  requireAdmin(ctx);
  await holdUserAccount(ctx.db, userId);
  const sessions = await cutOff(ctx, userId);
  await recordEvent(ctx, ctx.db, 'signed-out', { userId, details: { sessions } });
  return sessions;
}

/** @NOTE not what puts an account back into its owner's hands. */
const waiting: ChallengeKind[] = ['second-factor', 'sign-in-link', 'sign-in-code', 'passkey-sign-in', 'oauth-exchange'];

/** Ends what is signed in, and what was about to be. */
async function cutOff({ db }: Needs, userId: string): Promise<number> {
  await endActing(db, userId);
  await endChallenges(db, userId, waiting);
  return endSessions({ db }, userId);
}

/** Deletes an account with its user, and the rows that are the user's own. @throws NOT_FOUND; CONFLICT for the last admin and last owners */
export async function deleteAccount(ctx: PersonalNeeds, userId: string): Promise<void> {
  await requireFreshAdmin(ctx);
  await eraseAccount(ctx, userId);
}
