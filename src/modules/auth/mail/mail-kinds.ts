/**
 * How the mails of accounts are made, at the time at which they are sent: only then is an address looked up, and only then is
 * there a link or a code. A new one ends those of its kind that were sent before.
 */
import { randomInt } from 'node:crypto';
import type { Queryable } from '../../../platform/db.ts';
import type { Mail } from '../../../platform/mail/mailer.ts';
import type { MailMaker } from '../../../platform/mail/queue.ts';
import type { Accounts } from '../accounts.ts';
import { accountMail } from '../admin/account-mail.ts';
import { type ChallengeKind, createChallenge } from '../challenges.ts';
import { upgradeMail } from '../guests/upgrade-mail.ts';
import { maySignUp } from '../may-sign-up.ts';
import { invitationMail } from '../organizations/invitation-mail.ts';
import { type Account, findAccount, findAccountByEmail } from '../users.ts';
import type { MailJobs } from './jobs.ts';
import { linkFacts, writeMail } from './letters.ts';
import type { MailTemplate } from './templates.ts';

const minute = 60;
const hour = 60 * minute;

/** Seconds for which each link is good. */
export const linkLifetimes = {
  'sign-in-link': 15 * minute,
  'reset-password': 15 * minute,
  'sign-up': 24 * hour,
  'verify-email': 24 * hour,
  'change-email': hour,
  'undo-email-change': 72 * hour,
} as const satisfies Partial<Record<ChallengeKind, number>>;

type LinkKind = keyof typeof linkLifetimes;

/** Digits of a code: with five tries at each, and some twenty mails a day to an address, a guess succeeds once in some thousand years. */
const codeDigits = 8;

/** What a code is compared by: nobody who sees it can find the code out without the installation's secret. */
export const codeHash = ({ secrets }: Pick<Accounts, 'secrets'>, challenge: string, code: string): Buffer =>
  secrets.mac('sign-in-code', `${challenge} ${code.replace(/[\s-]/g, '')}`);

/** What the challenge of a code is sealed for while its mail waits. */
export const codePurpose = 'sign-in-code challenge';

/** Teaches the queue every mail of accounts; does nothing where none are sent. */
export function handleMails(accounts: Accounts): void {
  const { queue } = accounts.mailing;
  if (!queue) return;
  const kinds = mailKinds(accounts);
  for (const [kind, make] of Object.entries(kinds)) queue.handle(kind, make as MailMaker<object>);
}

/** The makers of all mails of accounts, by the kinds of their jobs. */
export function mailKinds(accounts: Accounts): { [Kind in keyof MailJobs]: MailMaker<MailJobs[Kind]> } {
  const { db, secrets } = accounts;
  const compose = (...mail: MailArguments): Mail => writeMail(accounts, ...mail);
  /** A mail with a new link, in the place of those that were sent before. */
  const withLink = async (template: MailTemplate, to: string, kind: LinkKind, link: NewLink): Promise<Mail> => {
    const { userId, data = {}, redirectTo } = link;
    const lifetime = linkLifetimes[kind];
    const token = await db.transaction(async (tx) => {
      await endOlder(tx, kind, to, userId);
      return createChallenge(tx, {
        kind,
        ...(userId !== undefined && { userId }),
        data: { ...data, email: to },
        lifetime,
      });
    });
    return compose(template, to, linkFacts(accounts, { kind, token, lifetime, redirectTo }));
  };

  return {
    invitation: invitationMail(accounts),
    'account-invitation': accountMail(accounts),
    'upgrade-guest': upgradeMail(accounts),
    async 'sign-in-link'({ email, redirectTo }) {
      const account = await findAccountByEmail(db, email);
      if (!(await mayBeTold(accounts, email, account))) return undefined;
      return withLink('sign-in-link', email, 'sign-in-link', { userId: account?.userId, redirectTo });
    },
    async 'sign-in-code'({ email, challenge, expiresAt }) {
      const token = secrets.open(codePurpose, challenge)?.toString();
      const lifetime = Math.floor((expiresAt - Date.now()) / 1000);
      if (token === undefined || lifetime < minute) return undefined;
      const account = await findAccountByEmail(db, email);
      if (!(await mayBeTold(accounts, email, account))) return undefined;
      const code = String(randomInt(10 ** codeDigits)).padStart(codeDigits, '0');
      const userId = account?.userId;
      await db.transaction(async (tx) => {
        await endOlder(tx, 'sign-in-code', email, userId);
        const hash = codeHash(accounts, token, code);
        const whose = userId !== undefined && { userId };
        await createChallenge(tx, { kind: 'sign-in-code', ...whose, data: { email }, lifetime, code: hash, token });
      });
      const shown = `${code.slice(0, 4)} ${code.slice(4)}`;
      return compose('sign-in-code', email, { code: shown, minutes: Math.round(lifetime / minute) });
    },
    async 'sign-up'({ email, name, profile, hash, redirectTo }) {
      if (await findAccountByEmail(db, email)) return compose('account-exists', email, {});
      if (!(await mayBeTold(accounts, email, undefined))) return undefined;
      const data = { name, profile, hash };
      return withLink('sign-up', email, 'sign-up', { data, redirectTo });
    },
    async 'password-reset'({ email, redirectTo }) {
      const account = await findAccountByEmail(db, email);
      if (!account || !isPerson(account)) return undefined;
      return withLink('password-reset', email, 'reset-password', { userId: account.userId, redirectTo });
    },
    async 'verify-email'({ userId, redirectTo }) {
      const account = await findAccount(db, userId);
      if (account?.email === undefined || account.isEmailVerified || account.isDisabled) return undefined;
      return withLink('verify-email', account.email, 'verify-email', { userId, redirectTo });
    },
    async 'change-email'({ userId, email, redirectTo }) {
      const account = await findAccount(db, userId);
      if (!account || !isPerson(account) || account.email === email) return undefined;
      if (await findAccountByEmail(db, email)) return compose('account-exists', email, {});
      return withLink('change-email', email, 'change-email', {
        userId,
        data: { from: account.email ?? null },
        redirectTo,
      });
    },
    async 'email-changed'({ userId, email, changedAt, redirectTo }) {
      const account = await findAccount(db, userId);
      if (!account || account.email === email) return undefined;
      return withLink('email-changed', email, 'undo-email-change', { userId, data: { changedAt }, redirectTo });
    },
    async 'security-notice'({ userId, event }) {
      const account = await findAccount(db, userId);
      return account?.email === undefined ? undefined : compose('security-notice', account.email, { event });
    },
  };
}

type MailArguments = [...Parameters<typeof writeMail>] extends [unknown, ...infer Rest] ? Rest : never;

interface NewLink {
  userId?: string | undefined;
  data?: Readonly<Record<string, unknown>>;
  redirectTo?: string | undefined;
}

const isPerson = ({ kind, isDisabled }: Account): boolean => kind === 'person' && !isDisabled;

/** Whether an address may sign in by mail: that of an account, or, where anybody may sign up, any. */
async function mayBeTold({ plan, db }: Accounts, email: string, account: Account | undefined): Promise<boolean> {
  return account ? isPerson(account) : maySignUp({ plan, db }, email);
}

/** Ends what was sent to an address before, for the same. @NOTE an undoing stays: whoever has taken an account changes its address twice. */
async function endOlder(db: Queryable, kind: ChallengeKind, email: string, userId: string | undefined): Promise<void> {
  // @NOTE each link has its own sign-up's password: a stranger who signs up by an address must not end its owner's.
  if (kind === 'sign-up') return;
  await db.query({
    text: `delete from millrace.auth_challenges
      where kind = $1 and data ->> 'email' = $2 and user_id is not distinct from $3`,
    values: [kind, email, userId ?? null],
  });
  if (userId === undefined || kind === 'undo-email-change') return;
  await db.query({
    text: 'delete from millrace.auth_challenges where kind = $1 and user_id = $2',
    values: [kind, userId],
  });
}
