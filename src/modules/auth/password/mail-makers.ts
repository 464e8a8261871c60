/** The mails of passwords, made when they are sent: only then is it looked up whose address it is, and only then is there a link. */
import type { Mail } from '../../../platform/mail/mailer.ts';
import type { Accounts } from '../accounts.ts';
import { createChallenge } from '../challenges.ts';
import type { MailFacts, MailText } from '../define-accounts.ts';
import { findAccountByEmail } from '../users.ts';
import type { PasswordMails } from './mails.ts';
import { isInvited } from './sign-up.ts';

/** Seconds for which links are good. */
const lifetimes = { signUp: 24 * 3600, reset: 1800 };

/** Says how the mails of passwords are made. */
export function handlePasswordMails(accounts: Accounts): void {
  const { db } = accounts;
  const { queue } = accounts.mailing;
  queue?.handle<PasswordMails['sign-up']>('sign-up', async ({ redirectTo, ...pending }) => {
    const { email } = pending;
    const account = await findAccountByEmail(db, email);
    if (account?.isDisabled) return undefined;
    if (account) return mailOf(accounts, 'account-exists', { email });
    if (accounts.plan.signUp === 'invited' && !(await isInvited({ db, accounts }, email))) return undefined;
    const token = await createChallenge(db, { kind: 'sign-up', data: { ...pending }, lifetime: lifetimes.signUp });
    const link = linkTo(accounts, 'sign-up', redirectTo, token);
    return mailOf(accounts, 'sign-up', { email, link, minutes: lifetimes.signUp / 60 });
  });
  queue?.handle<PasswordMails['password-reset']>('password-reset', async ({ email, redirectTo }) => {
    const account = await findAccountByEmail(db, email);
    if (!account || account.isDisabled || account.kind === 'service') return undefined;
    const token = await createChallenge(db, {
      kind: 'reset-password',
      userId: account.userId,
      data: { email },
      lifetime: lifetimes.reset,
    });
    const link = linkTo(accounts, 'reset-password', redirectTo, token);
    return mailOf(accounts, 'password-reset', { email, link, minutes: lifetimes.reset / 60 });
  });
}

/** @NOTE the token stands behind the `#`: no server on the way, and no page that is linked from there, is told it. */
function linkTo(accounts: Accounts, kind: string, redirectTo: string | undefined, token: string): string {
  const url = new URL(redirectTo ?? `/auth/link?for=${kind}`, accounts.publicUrl());
  url.hash = `token=${token}`;
  return url.href;
}

type Kind = 'sign-up' | 'account-exists' | 'password-reset';

function mailOf(accounts: Accounts, kind: Kind, about: Omit<MailFacts, 'app'>): Mail {
  const facts: MailFacts = { app: accounts.plan.name, ...about };
  const { subject, text, html } = accounts.plan.definition.mails?.[kind]?.(facts) ?? texts[kind](facts);
  return { to: facts.email, subject, text, html: html ?? asHtml(text) };
}

const notYou = 'If it was not you, there is nothing to do: without this mail nothing happens.';

const texts: Record<Kind, (facts: MailFacts) => MailText> = {
  'sign-up': ({ app, email, link }) => ({
    subject: `Your account at ${app}`,
    text: `Somebody, probably you, signs up at ${app} with ${email}.\n\nOpen this page and enter the password that you have chosen, within a day:\n\n${link}\n\n${notYou}`,
  }),
  'account-exists': ({ app, email }) => ({
    subject: `You have an account at ${app}`,
    text: `Somebody, probably you, wanted to sign up at ${app} with ${email}.\n\nYou have an account already: sign in with it, or ask for a new password where you sign in. Nothing has changed.`,
  }),
  'password-reset': ({ app, email, link, minutes }) => ({
    subject: `A new password at ${app}`,
    text: `Somebody, probably you, wants a new password for ${email} at ${app}.\n\nChoose it on this page, within ${minutes} minutes:\n\n${link}\n\n${notYou}`,
  }),
};

const asHtml = (text: string): string => {
  const escaped = text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  const linked = escaped.replace(/https?:\/\/\S+/g, (link) => `<a href="${link}">${link}</a>`);
  return `<p>${linked.replaceAll('\n\n', '</p><p>')}</p>`;
};
