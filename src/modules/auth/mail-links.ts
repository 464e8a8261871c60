/** What the mails of organisations, admins and guests have in common: they wait in the queue, and hold a link. */
import { invalidInput, MillraceError } from '../../errors.ts';
import type { Mail } from '../../platform/mail/mailer.ts';
import type { Accounts } from './accounts.ts';
import type { MailFacts, MailText } from './define-accounts.ts';
import type { Needs } from './users.ts';

/** Mails that hold a link, and what their jobs say: what stands in a mail is made when it is sent. */
export interface LinkMails {
  /** Somebody is asked to join an organisation. */
  invitation: { invitationId: string; redirectTo?: string | undefined };
  /** An admin has made an account for this address. */
  'account-invitation': { userId: string; redirectTo?: string | undefined };
  /** A guest says who they are; `hash` is of the password that they have chosen. */
  'upgrade-guest': { userId: string; email: string; name?: string; hash: string; redirectTo?: string | undefined };
}

/** Has a mail sent when what the operation has written is committed. @throws UNAVAILABLE where none are sent */
export async function queueLinkMail<Kind extends keyof LinkMails>(
  ctx: Pick<Needs, 'accounts' | 'db' | 'afterCommit'>,
  kind: Kind,
  payload: LinkMails[Kind],
): Promise<void> {
  const { queue } = ctx.accounts!.mailing;
  if (!queue) throw new MillraceError('UNAVAILABLE', 'this server sends no mails: SMTP_URL is not set');
  await queue.enqueue(ctx.db, kind, payload);
  ctx.afterCommit(() => queue.wake());
}

/** The page that a link leads to; undefined for ours. @throws INVALID_INPUT for one of somebody else's; UNAVAILABLE without PUBLIC_URL */
export function readLinkPage({ accounts }: Pick<Needs, 'accounts'>, redirectTo?: string | null): string | undefined {
  const base = accounts!.publicUrl();
  if (redirectTo === null || redirectTo === undefined) return undefined;
  const url = redirectTo.length <= 2000 && URL.canParse(redirectTo, base) ? new URL(redirectTo, base) : undefined;
  if (!url || url.username || url.password || !accounts!.isOwnPage(url))
    throw invalidInput('redirectTo', 'is no page of this application');
  return url.href;
}

/** A mail; the token of its link stands in the fragment, so that it is sent to no server, and nobody who fetches the link uses it up. */
export function writeLinkMail(
  accounts: Accounts,
  mail: { kind: keyof LinkMails | 'account-exists'; to: string; link?: MailLink; facts?: Partial<MailFacts> },
  words: (facts: MailFacts) => MailText,
): Mail {
  const { plan } = accounts;
  const { kind, to, facts, link } = mail;
  const all: MailFacts = { app: plan.name, email: to, ...facts, ...(link && { link: hrefOf(accounts, link) }) };
  const { mails = {} } = plan.definition;
  const { subject, text, html } = ((Object.hasOwn(mails, kind) ? mails[kind] : undefined) ?? words)(all);
  return { to, subject: oneLine(subject), text, html: html ?? htmlOf(text, all.link) };
}

/** Where a link leads, and what it brings along. */
export interface MailLink {
  page: string | undefined;
  /** What its token is good for. */
  for: string;
  token: string;
}

function hrefOf(accounts: Accounts, { page, ...answer }: MailLink): string {
  const url = new URL(page ?? new URL('/auth/link', accounts.publicUrl()));
  if (/^https?:$/.test(url.protocol)) url.hash = new URLSearchParams(answer).toString();
  else for (const [name, value] of Object.entries(answer)) url.searchParams.set(name, value);
  return url.href;
}

/** @NOTE a name that somebody has chosen must not begin another header. */
const oneLine = (text: string): string => text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').slice(0, 200);

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);

function htmlOf(text: string, link: string | undefined): string {
  const lines = (part: string) => escaped(part).replaceAll('\n', '<br>\n');
  if (link === undefined) return `<p>${lines(text)}</p>`;
  return `<p>${text
    .split(link)
    .map(lines)
    .join(`<a href="${escaped(link)}">${escaped(link)}</a>`)}</p>`;
}
