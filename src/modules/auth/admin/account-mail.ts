import type { MailMaker } from '../../../platform/mail/queue.ts';
import type { Accounts } from '../accounts.ts';
import { createChallenge } from '../challenges.ts';
import type { MailJobs } from '../mail/jobs.ts';
import { linkFacts, writeMail } from '../mail/letters.ts';
import { findAccount } from '../users.ts';

/** Seconds. */
const lifetime = 72 * 3600;

/** Makes the mail to whoever an admin has made an account for: a link that signs in, and by that proves the address. */
export const accountMail =
  (accounts: Accounts): MailMaker<MailJobs['account-invitation']> =>
  async ({ userId, redirectTo }) => {
    const { db } = accounts;
    const account = await findAccount(db, userId);
    if (account?.email === undefined || account.isDisabled) return undefined;
    const { email } = account;
    const token = await createChallenge(db, { kind: 'sign-in-link', userId, data: { email }, lifetime });
    const facts = linkFacts(accounts, { kind: 'sign-in-link', token, lifetime, redirectTo });
    return writeMail(accounts, 'account-invitation', email, facts);
  };
