import { recordEvent } from './audit.ts';
import type { Account, Needs } from './users.ts';

/**
 * Gives an account whose address was never proved to whoever proves it. Whoever made it may have waited for that, so nothing that
 * they have set up goes on: password, sessions, providers, passkeys, apps, devices, keys.
 * Undefined, and nothing is done, where the account may more than a new one: what it may was not given to an address.
 */
export async function takeOver(ctx: Needs, account: Account): Promise<Account | undefined> {
  const { userId } = account;
  if (await mayMore(ctx, account)) return undefined;
  for (const table of waysIn) {
    await ctx.db.query({ text: `delete from ${table} where user_id = $1`, values: [userId] });
  }
  await ctx.db.query({
    text: `update auth_accounts set kind = 'person', email_verified_at = now() where user_id = $1`,
    values: [userId],
  });
  await recordEvent(ctx, ctx.db, 'account-taken-over', { userId });
  return { ...account, kind: 'person', isEmailVerified: true };
}

const waysIn = [
  'auth_sessions',
  'auth_identities',
  'auth_passkeys',
  'auth_devices',
  'auth_api_keys',
  'millrace.auth_passwords',
  'millrace.auth_totp',
  'millrace.auth_recovery_codes',
  'millrace.auth_challenges',
];

async function mayMore({ db, accounts }: Needs, { userId, kind, roles, claims }: Account): Promise<boolean> {
  const { definition, hasOrganizations } = accounts!.plan;
  const usual = new Set(definition.defaultRoles ?? []);
  if (kind === 'service' || roles.some((role) => !usual.has(role)) || Object.keys(claims).length > 0) return true;
  if (!hasOrganizations) return false;
  const [row] = await db.query({
    text: 'select exists (select from organization_members where user_id = $1)',
    values: [userId],
  });
  return row![0] === true;
}
