import { invalidInput, MillraceError } from '../../../errors.ts';
import { recordEvent } from '../audit.ts';
import { openSession } from '../sessions/session.ts';
import { type SignInResult, secondFactorsOf } from '../sessions/sign-in.ts';
import type { Needs } from '../users.ts';
import { requireFresh } from '../viewers.ts';
import { holdUserAccount, requireAdmin } from './authority.ts';

/** Seconds for which an admin acts as somebody else. */
const actingFor = 900;

/**
 * Has an admin act as somebody else for a quarter of an hour, which nothing prolongs. As an admin nobody acts: rights only become fewer.
 * @throws NOT_FOUND, INVALID_INPUT; FORBIDDEN for admins, and for tokens of no account, which say of nobody who acts
 */
export async function impersonate(ctx: Needs, userId: string, reason: string): Promise<SignInResult> {
  requireAdmin(ctx);
  const admin = await requireFresh(ctx, (id) => secondFactorsOf(ctx, id));
  const why = readReason(reason);
  const account = await holdUserAccount(ctx.db, userId);
  if (account.roles.includes(ctx.accounts!.plan.adminRole) || account.kind === 'service' || userId === admin.id)
    throw new MillraceError('FORBIDDEN', 'nobody acts as an admin, as a program, or as themselves');
  if (account.isDisabled) throw new MillraceError('CONFLICT', 'the account is disabled');
  const session = await openSession(ctx, account, {
    methods: ['impersonation'],
    assurance: '1',
    impersonatorId: admin.id,
    lifetime: actingFor,
    isBrief: true,
  });
  const { sessionId } = session;
  await recordEvent(ctx, ctx.db, 'impersonation-began', { userId, sessionId, details: { reason: why } });
  return { session, secondFactor: null };
}

/** @throws INVALID_INPUT */
function readReason(given: string): string {
  const reason = given.trim();
  if (reason.length < 3 || reason.length > 500) throw invalidInput('reason', 'must have 3 to 500 characters');
  if (/[\0\p{Cs}]/u.test(reason)) throw invalidInput('reason', 'must be text');
  return reason;
}
