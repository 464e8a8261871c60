/** What mails say, in plain words; app/accounts.ts may say it otherwise. */
import type { MailFacts, MailText } from '../define-accounts.ts';

/** Every mail of accounts. */
export type MailTemplate =
  | 'sign-in-link'
  | 'sign-in-code'
  | 'sign-up'
  | 'account-exists'
  | 'password-reset'
  | 'verify-email'
  | 'change-email'
  | 'email-changed'
  | 'invitation'
  | 'account-invitation'
  | 'upgrade-guest'
  | 'security-notice';

const ignore = 'If you did not ask for this, you need not do anything: nobody gets in without this mail.';

const until = ({ minutes = 0 }: MailFacts): string =>
  minutes >= 5 * 24 * 60
    ? `${Math.round(minutes / 60 / 24)} days`
    : minutes >= 120
      ? `${Math.round(minutes / 60)} hours`
      : `${minutes} minutes`;

/** What is said of each event. */
const events: Readonly<Record<string, string>> = {
  'password-changed': 'The password was changed.',
  'password-reset': 'A new password was set by a link to this address.',
  'email-changed': 'The address of this account was changed.',
  'provider-linked': 'An account at another provider signs in to this one from now on.',
  'provider-unlinked': 'An account at another provider signs in to this one no more.',
  'new-sign-in': 'Somebody has signed in on a device that was not seen before.',
  'identity-linked': 'Another way to sign in was added: an account at another provider.',
  'passkey-added': 'A passkey was added.',
  'passkey-removed': 'A passkey was removed.',
  'totp-added': 'An authenticator app was added.',
  'totp-removed': 'The authenticator app was removed.',
  'recovery-codes-renewed': 'New recovery codes were made, and the ones before are not good any more.',
  'recovery-code-used': 'A recovery code was used to sign in.',
};

const templates: Readonly<Record<MailTemplate, (facts: MailFacts) => MailText>> = {
  'sign-in-link': (facts) => ({
    subject: `Sign in to ${facts.app}`,
    text: `Follow this link to sign in. It is good once, for ${until(facts)}.\n\n${facts.link}\n\n${ignore}`,
  }),
  'sign-in-code': (facts) => ({
    subject: `Your code for ${facts.app}`,
    text: `Type this code where you were asked for it. It is good once, for ${until(facts)}.\n\n${facts.code}\n\nNever tell it to anybody, whoever asks. ${ignore}`,
  }),
  'sign-up': (facts) => ({
    subject: `Welcome to ${facts.app}`,
    text: `Follow this link to finish signing up, with the password that you have chosen. It is good for ${until(facts)}.\n\n${facts.link}\n\nIf you have not signed up, you need not do anything.`,
  }),
  'account-exists': ({ app }) => ({
    subject: `You have an account at ${app}`,
    text: `Somebody has just given this address at ${app}, which has an account there already. If it was you: sign in, or ask for a new password.\n\nOtherwise you need not do anything: nothing was changed.`,
  }),
  'password-reset': (facts) => ({
    subject: `A new password for ${facts.app}`,
    text: `Follow this link to choose a new password. It is good once, for ${until(facts)}.\n\n${facts.link}\n\n${ignore}`,
  }),
  'verify-email': (facts) => ({
    subject: `Confirm your address for ${facts.app}`,
    text: `Follow this link, where you are signed in, to confirm that this address is yours. It is good for ${until(facts)}.\n\n${facts.link}\n\nIf you have no account there, do not follow it.`,
  }),
  'change-email': (facts) => ({
    subject: `Confirm your new address for ${facts.app}`,
    text: `Follow this link, where you are signed in, to use this address from now on. It is good for ${until(facts)}.\n\n${facts.link}\n\nIf you have not asked for this, do not follow it.`,
  }),
  'email-changed': (facts) => ({
    subject: `Your address at ${facts.app} was changed`,
    text: `Your account at ${facts.app} has another address now, and this one is not used any more.\n\nIf it was not you, follow this link within ${until(facts)}: this address is put back, the password is taken away, and everybody is signed out.\n\n${facts.link}`,
  }),
  invitation: (facts) => ({
    subject: `You are invited to ${facts.organization}`,
    text: `${facts.organization} invites you at ${facts.app}. Sign in with this address, or sign up, and follow this link to join. It is good once, for ${until(facts)}.\n\n${facts.link}\n\nIf you do not know who this is from, you need not do anything.`,
  }),
  'account-invitation': (facts) => ({
    subject: `Your account at ${facts.app}`,
    text: `An account was made for you at ${facts.app}. Follow this link to sign in. It is good once, for ${until(facts)}; later, ask for another one there.\n\n${facts.link}\n\nIf you do not know who this is from, you need not do anything.`,
  }),
  'upgrade-guest': (facts) => ({
    subject: `Welcome to ${facts.app}`,
    text: `Follow this link, where you have been until now, to keep what you have done at ${facts.app}. It is good once, for ${until(facts)}.\n\n${facts.link}\n\nIf you have not signed up, do not follow it.`,
  }),
  'security-notice': ({ app, event = '' }) => ({
    subject: `Your account at ${app}`,
    text: `${events[event] ?? 'Something about how you sign in was changed.'}\n\nIf it was you, you need not do anything. If not: ask for a new password by mail, and sign out everywhere.`,
  }),
};

/** Whether there is a mail of this kind. */
export const isMailTemplate = (kind: string): boolean => Object.hasOwn(templates, kind);

/**
 * The words of a mail: the application's own where it has some.
 * @param own what app/accounts.ts says of mails
 */
export function wordMail(
  kind: MailTemplate,
  facts: MailFacts,
  own: Readonly<Record<string, ((facts: MailFacts) => MailText) | undefined>> = {},
): Required<MailText> {
  const template = Object.hasOwn(own, kind) ? own[kind] : undefined;
  const { subject, text, html } = (template ?? templates[kind])(facts);
  return { subject: oneLine(subject), text, html: html ?? htmlOf(text, facts) };
}

/** @NOTE an application's name, or whatever else its templates put there, must not begin another header. */
const oneLine = (text: string): string => text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').slice(0, 200);

/** Plain HTML of a text: its link as a link, its code where it is found at once, all else as it is written. */
function htmlOf(text: string, { link, code }: MailFacts): string {
  const paragraphs = text.split(/\n{2,}/).map((paragraph) => {
    const escaped = escapeHtml(paragraph).replaceAll('\n', '<br>');
    if (link !== undefined && paragraph === link) return `<p><a href="${escaped}">${escaped}</a></p>`;
    return code !== undefined && paragraph === code
      ? `<p style="font-size:1.6em;letter-spacing:.1em"><strong>${escaped}</strong></p>`
      : `<p>${escaped}</p>`;
  });
  return `<!doctype html><html lang="en"><meta charset="utf-8"><body style="font-family:sans-serif">${paragraphs.join('\n')}</body></html>\n`;
}

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
