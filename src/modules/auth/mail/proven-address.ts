import type { Queryable } from '../../../platform/db.ts';
import { recordEvent } from '../audit.ts';
import { linkRefused, signInRefused } from '../refusals.ts';
import { takeOver } from '../take-over.ts';
import type { Account, Needs } from '../users.ts';

/**
 * Whoever comes in by a mail has proved that the address is theirs. Where that was never proved before, whoever has made the account
 * may be somebody else, and has waited for this: what they have set up goes.
 * @throws UNAUTHENTICATED where the account may more than an address was given, and so is not handed over
 */
export async function proveAddress(ctx: Needs, account: Account): Promise<Account> {
  if (account.isEmailVerified) return account;
  const { userId } = account;
  if (!(await hasWayIn(ctx.db, userId))) {
    await markVerified(ctx.db, userId);
    await recordEvent(ctx, ctx.db, 'email-verified', { userId });
    return { ...account, isEmailVerified: true };
  }
  const own = await takeOver(ctx, account);
  if (!own) throw linkRefused();
  return own;
}

/** Writes down that an account's address is proved. */
export async function markVerified(db: Queryable, userId: string): Promise<void> {
  await db.query({ text: 'update auth_accounts set email_verified_at = now() where user_id = $1', values: [userId] });
}

/**
 * Holds an account as it is until the transaction ends.
 * @NOTE without the lock, a sign-in by a link would outlive a change of address that ends all links.
 * @throws UNAUTHENTICATED where it has another address by now, or is disabled
 */
export async function holdAccount({ db }: Pick<Needs, 'db'>, { userId, email, isDisabled }: Account): Promise<void> {
  const rows = await db.query({
    text: `select 1 from auth_accounts where user_id = $1 and email = $2 and disabled_at is null for share`,
    values: [userId, email ?? null],
  });
  if (rows.length === 0 || isDisabled) throw signInRefused();
}

/** Whether anybody can sign in to the account, or has. An account that an admin has made has no such way before its owner comes. */
async function hasWayIn(db: Queryable, userId: string): Promise<boolean> {
  const [row] = await db.query({
    text: `select exists (select from millrace.auth_passwords where user_id = $1)
      or exists (select from auth_identities where user_id = $1) or exists (select from auth_passkeys where user_id = $1)
      or exists (select from auth_devices where user_id = $1) or exists (select from auth_api_keys where user_id = $1)
      or exists (select from auth_sessions where user_id = $1)`,
    values: [userId],
  });
  return row![0] === true;
}
