import { invalidInput, MillraceError } from '../../../errors.ts';
import type { Needs } from '../users.ts';

/** What is kept of a sign-up until its address is verified. */
export interface PendingSignUp {
  email: string;
  name?: string | undefined;
  profile: Readonly<Record<string, unknown>>;
  hash: string;
}

/** Mails of passwords, and what their jobs say: what stands in a mail is found out when it is sent, and never before. */
export interface PasswordMails {
  /** Somebody signs up by this address: a link to go on, or, where it has an account, a word about that. */
  'sign-up': PendingSignUp & { redirectTo?: string };
  /** Somebody wants a new password for the account of this address, if it has one. */
  'password-reset': { email: string; redirectTo?: string };
  /** The address of a new account is to be verified. */
  'verify-email': { userId: string };
  /** Something has become of an account. */
  'security-notice': { userId: string; event: 'password-changed' | 'password-reset' };
}

/** Whether this server sends mails. */
export const sendsMails = ({ accounts }: Pick<Needs, 'accounts'>): boolean => accounts!.mailing.queue !== undefined;

/** Has a mail sent when what the operation has written is committed. @throws UNAVAILABLE where none are sent */
export async function queueMail<Kind extends keyof PasswordMails>(
  ctx: Needs,
  kind: Kind,
  payload: PasswordMails[Kind],
): Promise<void> {
  const { queue } = ctx.accounts!.mailing;
  if (!queue) throw new MillraceError('UNAVAILABLE', 'this server sends no mails: SMTP_URL is not set');
  await queue.enqueue(ctx.db, kind, payload);
  ctx.afterCommit(() => queue.wake());
}

/** A page of the application's that a link may lead to. @throws INVALID_INPUT for any other */
export function readPage({ accounts }: Needs, redirectTo: string | null | undefined, path: string): string | undefined {
  if (redirectTo === null || redirectTo === undefined) return undefined;
  if (redirectTo.length > 2000 || !URL.canParse(redirectTo) || !accounts!.isOwnPage(new URL(redirectTo)))
    throw invalidInput(path, 'is no page of this application');
  return redirectTo;
}
