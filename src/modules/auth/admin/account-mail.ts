import type { MailMaker } from '../../../platform/mail/queue.ts';
import type { Accounts } from '../accounts.ts';
import { createChallenge } from '../challenges.ts';
import { type LinkMails, writeLinkMail } from '../mail-links.ts';
import { findAccount } from '../users.ts';

/** Seconds. */
const lifetime = 72 * 3600;

/** Makes the mail to whoever an admin has made an account for: a link that signs in, and by that proves the address. */
export const accountMail =
  (accounts: Accounts): MailMaker<LinkMails['account-invitation']> =>
  async ({ userId, redirectTo }) => {
    const { db } = accounts;
    const account = await findAccount(db, userId);
    if (account?.email === undefined || account.isDisabled) return undefined;
    const { email } = account;
    const token = await createChallenge(db, { kind: 'sign-in-link', userId, data: { email }, lifetime });
    const link = { page: redirectTo, for: 'sign-in-link', token };
    return writeLinkMail(accounts, { kind: 'account-invitation', to: email, link }, (facts) => ({
      subject: `Your account at ${facts.app}`,
      text: `An account was made for you at ${facts.app}. Follow this link to sign in. It is good once, for 72 hours; later, ask for another one there.\n\n${facts.link}\n\nIf you do not know who this is from, you need not do anything.`,
    }));
  };
