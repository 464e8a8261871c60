import type { Mail } from '../../../platform/mail/mailer.ts';
import type { Accounts } from '../accounts.ts';
import type { ChallengeKind } from '../challenges.ts';
import type { MailFacts } from '../define-accounts.ts';
import { withAnswer } from '../oauth/redirects.ts';
import { type MailTemplate, wordMail } from './templates.ts';

/** A mail in the words of its template, or of the application's own. */
export function writeMail(
  { plan }: Pick<Accounts, 'plan'>,
  template: MailTemplate,
  to: string,
  facts: Omit<MailFacts, 'app' | 'email'>,
): Mail {
  return { to, ...wordMail(template, { app: plan.name, email: to, ...facts }, plan.definition.mails) };
}

/** A token to be brought to a page, and what is said of it in a mail. */
export interface LinkFacts {
  kind: ChallengeKind;
  token: string;
  /** Seconds for which it is good. */
  lifetime: number;
  /** The page; the one of ours unless it is said. */
  redirectTo?: string | undefined;
}

/** What a mail says of a link. */
export function linkFacts(accounts: Pick<Accounts, 'publicUrl'>, { kind, token, lifetime, redirectTo }: LinkFacts) {
  const page = redirectTo ?? new URL('/auth/link', accounts.publicUrl()).href;
  return { link: withAnswer(page, { for: kind, token }), minutes: Math.round(lifetime / 60) };
}
