/** Service accounts: programs with roles of their own, which ask by API keys alone. Administrators make and end them. */
import { v7 } from 'uuid';
import { invalidInput, MillraceError } from '../../../errors.ts';
import { recordEvent } from '../audit.ts';
import { isKnownRole } from '../roles.ts';
import { secondFactorsOf } from '../sessions/sign-in.ts';
import type { Needs } from '../users.ts';
import { requireFresh } from '../viewers.ts';

const most = { name: 100, roles: 20 };

/** Makes an account of a program; resolves to its id. @NOTE a UUID, since rules compare it with what keys of users are. */
export async function createServiceAccount(ctx: Needs, name: string, wanted: readonly string[]): Promise<string> {
  await requireAdmin(ctx);
  const { plan } = ctx.accounts!;
  const trimmed = name.trim();
  if (trimmed === '' || trimmed.length > most.name) throw invalidInput('name', `1 to ${most.name} characters`);
  const roles = [...new Set(wanted)];
  if (roles.length > most.roles) throw invalidInput('roles', `at most ${most.roles} roles`);
  const unknown = roles.find((role) => !isKnownRole(role, plan.roles, plan.adminRole));
  if (unknown !== undefined) throw invalidInput('roles', `${JSON.stringify(unknown.slice(0, 60))} is no role`);
  const userId = v7();
  await ctx.db.query({
    text: `insert into auth_accounts (user_id, kind, name, roles) values ($1, 'service', $2, $3)`,
    values: [userId, trimmed, roles],
  });
  await recordEvent(ctx, ctx.db, 'service-account-created', { userId, details: { name: trimmed, roles } });
  return userId;
}

/** Ends a program's account, with all its keys. @throws NOT_FOUND for whatever is no service account */
export async function deleteServiceAccount(ctx: Needs, id: string): Promise<void> {
  await requireAdmin(ctx);
  const rows = await ctx.db.query({
    text: `delete from auth_accounts where user_id = $1 and kind = 'service' returning name`,
    values: [id],
  });
  if (rows.length === 0) throw new MillraceError('NOT_FOUND', 'there is no such program');
  await recordEvent(ctx, ctx.db, 'service-account-deleted', { userId: id, details: { name: rows[0]![0] } });
}

/** @NOTE a token of the command line has no session that could be fresh. */
async function requireAdmin(ctx: Needs): Promise<void> {
  if (!ctx.viewer.isAdmin) throw new MillraceError('FORBIDDEN', 'only administrators may do this');
  if (ctx.viewer.session) await requireFresh(ctx, (userId) => secondFactorsOf(ctx, userId));
}
