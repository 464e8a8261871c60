/** What all changes of factors have in common: who may make them, what they leave behind, and who is told. */
import { MillraceError } from '../../../errors.ts';
import type { Queryable } from '../../../platform/db.ts';
import { type EventKind, recordEvent } from '../audit.ts';
import { sendsMails } from '../mail/jobs.ts';
import { type NoticeEvent, sendNotice } from '../notices.ts';
import { secondFactorsOf } from '../sessions/sign-in.ts';
import { removeCodes, renewCodes } from '../totp/recovery-codes.ts';
import type { Needs } from '../users.ts';
import { requireFresh, type SignedInViewer } from '../viewers.ts';

/**
 * Whoever may change the factors of their own account now; of several who change those of one account, one does at a time.
 * @throws FORBIDDEN asking for `reauthenticate`
 */
export async function requireFactorChange(ctx: Needs): Promise<SignedInViewer> {
  const viewer = await requireFresh(ctx, (userId) => secondFactorsOf(ctx, userId));
  await ctx.db.query({ text: 'select from auth_accounts where user_id = $1 for no key update', values: [viewer.id] });
  return viewer;
}

/** Writes down a change of factors, and has its owner told. */
export async function tellChange(
  ctx: Needs,
  userId: string,
  kind: EventKind & NoticeEvent,
  details: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await recordEvent(ctx, ctx.db, kind, { userId, details });
  await sendNotice(ctx, userId, kind);
}

/** What a session has shown since it was begun; its assurance never falls. */
export async function raiseSession(
  ctx: Needs,
  { id, session }: SignedInViewer,
  shown: { amr: readonly string[]; assurance: 1 | 2 },
): Promise<void> {
  await ctx.db.query({
    text: `update auth_sessions set authenticated_at = now(), assurance = greatest(assurance, $3),
        methods = array(select distinct unnest(methods || $4::text[]))
      where id = $1 and user_id = $2`,
    values: [session.id, id, shown.assurance, shown.amr],
  });
}

/** The first codes for an account that has a second factor now, and no codes yet; none otherwise. */
export async function firstRecoveryCodes({ db }: Pick<Needs, 'db'>, userId: string): Promise<string[]> {
  const [row] = await db.query({
    text: 'select exists (select from millrace.auth_recovery_codes where user_id = $1)',
    values: [userId],
  });
  return row![0] === true ? [] : renewCodes(db, userId);
}

/** Recovery codes stand for a second factor, and go with the last one. */
export async function dropIdleCodes(ctx: Pick<Needs, 'db'>, userId: string): Promise<void> {
  if ((await secondFactorsOf(ctx, userId)).length === 0) await removeCodes(ctx.db, userId);
}

/** Holds that something is left by which a user signs in. @throws CONFLICT when there is nothing */
export async function requireWayIn(ctx: Needs, userId: string): Promise<void> {
  if (!(await hasWayIn(ctx.db, userId, sendsMails(ctx))))
    throw new MillraceError('CONFLICT', 'nothing else would sign you in: add another way first');
}

/**
 * @NOTE an address that was never proved is none: whoever proves it begins anew, without what the account had.
 * @param canMail whether links and codes by mail are a way in
 */
async function hasWayIn(db: Queryable, userId: string, canMail: boolean): Promise<boolean> {
  const [row] = await db.query({
    text: `select exists (select from millrace.auth_passwords where user_id = $1)
      or exists (select from auth_identities where user_id = $1)
      or exists (select from auth_passkeys where user_id = $1)
      or ($2 and exists (select from auth_accounts where user_id = $1 and email is not null and email_verified_at is not null))`,
    values: [userId, canMail],
  });
  return row![0] === true;
}
