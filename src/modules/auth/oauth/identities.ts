/**
 * Identities: whom a provider knows an account by. The key is issuer and subject; an address is a hint at most.
 *
 * Who comes for the first time, and whose address the provider vouches for, is given the account of that address, if it is as sure
 * of the address as the provider is: it was verified here, and nobody of the same issuer has come by it before (an address that
 * has moved to another subject there belongs to somebody else now). An account whose address was never verified may have been
 * made by somebody else in wait of its owner: every way into it ends first, and if it may more than a new one, it is left alone.
 */

import { v7 } from 'uuid';
import { MillraceError } from '../../../errors.ts';
import { recordEvent } from '../audit.ts';
import { normalEmailAddress } from '../email-address.ts';
import { requireWayIn } from '../factors/factor-changes.ts';
import { requireMaySignUp } from '../may-sign-up.ts';
import { sendNotice } from '../notices.ts';
import { signInRefused } from '../refusals.ts';
import { takeOver } from '../take-over.ts';
import { type Account, findAccount, findAccountByEmail, makeAccount, type Needs } from '../users.ts';
import type { Profile } from './provider.ts';

/** One more account than was there, or one that was. */
export interface FoundAccount {
  account: Account;
  isNew: boolean;
}

/** The account of whoever a provider vouches for; made where there is none. @throws FORBIDDEN where nobody may sign up */
export async function accountOfProfile(ctx: Needs, provider: string, profile: Profile): Promise<FoundAccount> {
  await lock(ctx, `identity ${profile.issuer} ${profile.subject}`);
  const known = await findIdentity(ctx, profile);
  if (known) {
    await noteEmail(ctx, known.id, profile);
    const account = await findAccount(ctx.db, known.userId);
    return { account: account!, isNew: false };
  }
  const email = provenAddress(profile);
  if (email) await lock(ctx, `address ${email}`);
  const holder = email === undefined ? undefined : await findAccountByEmail(ctx.db, email);
  const account = holder && (await claimAccount(ctx, holder, profile));
  if (account) {
    await insertIdentity(ctx, account.userId, provider, profile);
    await sendNotice(ctx, account.userId, 'provider-linked');
    return { account, isNew: false };
  }
  await requireMaySignUp(ctx, holder ? undefined : email);
  const made = await makeAccount(ctx, {
    // @NOTE an address that has an account which they do not get is not told: theirs is one without an address.
    email: holder ? undefined : email,
    isEmailVerified: !holder && email !== undefined,
    name: profile.name,
    profile: {},
    method: provider,
  });
  await insertIdentity(ctx, made.userId, provider, profile);
  await recordEvent(ctx, ctx.db, 'signed-up', { userId: made.userId, details: { method: provider } });
  return { account: made, isNew: true };
}

/** The holder's account if whoever proves the address to be theirs may have it. @throws UNAUTHENTICATED when it is disabled */
async function claimAccount(ctx: Needs, holder: Account, { issuer }: Profile): Promise<Account | undefined> {
  if (holder.isDisabled) throw signInRefused();
  const [row] = await ctx.db.query({
    text: 'select exists (select from auth_identities where user_id = $1 and issuer = $2)',
    values: [holder.userId, issuer],
  });
  if (row![0] === true) return undefined;
  return holder.isEmailVerified ? holder : takeOver(ctx, holder);
}

/**
 * The address that a provider vouches for, as accounts are found by it. @NOTE none where folding changes more than the case of
 * ASCII letters: the provider has sent its mail to what it was told, and that may be another mailbox.
 */
function provenAddress({ email, emailVerified }: Profile): string | undefined {
  if (!emailVerified || email === undefined) return undefined;
  const folded = normalEmailAddress(email);
  return folded === email.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) ? folded : undefined;
}

/** @NOTE two first sign-ins at once take turns, identity before address: each locks one of either. */
async function lock({ db }: Needs, what: string): Promise<void> {
  await db.query({ text: 'select pg_advisory_xact_lock(hashtextextended($1, 7270007))', values: [what] });
}

/** An identity as it is stored. */
export interface Identity {
  id: string;
  userId: string;
  provider: string;
  email: string | undefined;
}

async function findIdentity({ db }: Needs, { issuer, subject }: Profile): Promise<Identity | undefined> {
  const [row] = await db.query({
    text: 'select id::text, user_id, provider, email from auth_identities where issuer = $1 and subject = $2',
    values: [issuer, subject],
  });
  if (!row) return undefined;
  const [id, userId, provider, email] = row as [string, string, string, string | null];
  return { id, userId, provider, email: email ?? undefined };
}

async function insertIdentity(ctx: Needs, userId: string, provider: string, profile: Profile): Promise<Identity> {
  const { issuer, subject, email } = profile;
  const id = v7();
  await ctx.db.query({
    text: 'insert into auth_identities (id, user_id, provider, issuer, subject, email) values ($1, $2, $3, $4, $5, $6)',
    values: [id, userId, provider, issuer, subject, email ?? null],
  });
  await recordEvent(ctx, ctx.db, 'identity-linked', { userId, details: { provider, identity: id } });
  return { id, userId, provider, email };
}

/** What the provider tells now, for whoever lists it; the account's own address stays as it is. */
async function noteEmail({ db }: Needs, id: string, { email }: Profile): Promise<void> {
  await db.query({
    text: 'update auth_identities set email = $2 where id = $1 and email is distinct from $2',
    values: [id, email ?? null],
  });
}

/**
 * Links an identity to the viewer's account; of a guest it makes a person. Linked there already, it stays.
 * @throws CONFLICT when it is linked to another account
 */
export async function linkIdentity(ctx: Needs, userId: string, provider: string, profile: Profile): Promise<Identity> {
  await lock(ctx, `identity ${profile.issuer} ${profile.subject}`);
  const known = await findIdentity(ctx, profile);
  if (known && known.userId !== userId)
    throw new MillraceError('CONFLICT', 'Somebody else signs in by this account of the provider.');
  if (known) {
    await noteEmail(ctx, known.id, profile);
    return { ...known, email: profile.email };
  }
  const identity = await insertIdentity(ctx, userId, provider, profile);
  await upgradeGuest(ctx, userId, provider, profile);
  await sendNotice(ctx, userId, 'provider-linked');
  return identity;
}

/** @throws FORBIDDEN where nobody may sign up who comes like this: a guest is no way round it */
async function upgradeGuest(ctx: Needs, userId: string, provider: string, profile: Profile): Promise<void> {
  const { definition } = ctx.accounts!.plan;
  const [guest] = await ctx.db.query({
    text: `update auth_accounts set kind = 'person', roles = case when roles = '{}' then $2::text[] else roles end
      where user_id = $1 and kind = 'guest' returning user_id`,
    values: [userId, definition.defaultRoles ?? []],
  });
  if (!guest) return;
  const email = provenAddress(profile);
  await requireMaySignUp(ctx, email);
  const refusal = await definition.beforeSignUp?.({ email, name: profile.name, profile: {}, method: provider });
  if (typeof refusal === 'string') throw new MillraceError('FORBIDDEN', refusal);
  if (email !== undefined) {
    await lock(ctx, `address ${email}`);
    await ctx.db.query({
      text: `update auth_accounts set email = $2, email_verified_at = now() where user_id = $1 and email is null
        and not exists (select from auth_accounts where email = $2)`,
      values: [userId, email],
    });
  }
  await recordEvent(ctx, ctx.db, 'guest-upgraded', { userId, details: { method: 'provider' } });
}

/**
 * Ends that an identity signs in.
 * @throws NOT_FOUND when it is not theirs; CONFLICT when nothing else signs them in
 */
export async function unlinkIdentity(ctx: Needs, userId: string, id: string): Promise<void> {
  // @NOTE the account's row first: of two that unlink the last two at once, the second sees what the first has left.
  await ctx.db.query({ text: 'select from auth_accounts where user_id = $1 for no key update', values: [userId] });
  const [removed] = await ctx.db.query({
    text: 'delete from auth_identities where id::text = $1 and user_id = $2 returning provider',
    values: [id, userId],
  });
  if (!removed) throw new MillraceError('NOT_FOUND', 'There is no such identity.');
  await requireWayIn(ctx, userId);
  await recordEvent(ctx, ctx.db, 'identity-unlinked', { userId, details: { provider: removed[0], identity: id } });
  await sendNotice(ctx, userId, 'provider-unlinked');
}
