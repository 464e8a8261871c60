import { MillraceError } from '../../../errors.ts';
import type { Needs } from '../users.ts';

/** Where the link of a mail leads; to the page of ours unless it is said. */
interface Linked {
  redirectTo?: string | undefined;
}

/**
 * Mails of accounts by their kinds, and what their jobs say. What stands in a mail is found out when it is sent, and never before:
 * whether an address has an account is a question that no request asks.
 */
export interface MailJobs {
  /** Somebody wants to sign in by a link to this address. */
  'sign-in-link': Linked & { email: string };
  /** Somebody wants to sign in by a code; `challenge` is sealed, and good until `expiresAt` (milliseconds since 1970). */
  'sign-in-code': { email: string; challenge: string; expiresAt: number };
  /** Somebody signs up by this address: a link to go on, or, where it has an account, a word about that. */
  'sign-up': Linked & { email: string; name?: string; profile: Readonly<Record<string, unknown>>; hash: string };
  /** Somebody wants a new password for the account of this address, if it has one. */
  'password-reset': Linked & { email: string };
  /** The address of an account is to be verified. */
  'verify-email': Linked & { userId: string };
  /** An account is to have this address. */
  'change-email': Linked & { userId: string; email: string };
  /** To the address that an account had until then (milliseconds since 1970). */
  'email-changed': Linked & { userId: string; email: string; changedAt: number };
  /** Somebody is asked to join an organisation. */
  invitation: Linked & { invitationId: string };
  /** An admin has made an account for its address. */
  'account-invitation': Linked & { userId: string };
  /** A guest says who they are; `hash` is of the password that they have chosen. */
  'upgrade-guest': Linked & { userId: string; email: string; name?: string; hash: string };
  /** Something has become of an account: one of the events that `templates.ts` has words for. */
  'security-notice': { userId: string; event: string };
}

/** Whether this server sends mails. */
export const sendsMails = ({ accounts }: Pick<Needs, 'accounts'>): boolean => accounts!.mailing.queue !== undefined;

/** Has a mail sent when what the operation has written is committed. @throws UNAVAILABLE where none are sent */
export async function queueMail<Kind extends keyof MailJobs>(
  ctx: Pick<Needs, 'accounts' | 'db' | 'afterCommit'>,
  kind: Kind,
  payload: MailJobs[Kind],
): Promise<void> {
  const { queue } = ctx.accounts!.mailing;
  if (!queue) throw new MillraceError('UNAVAILABLE', 'this server sends no mails: SMTP_URL is not set');
  await queue.enqueue(ctx.db, kind, payload);
  ctx.afterCommit(() => queue.wake());
}
