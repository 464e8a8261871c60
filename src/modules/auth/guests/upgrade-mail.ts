import type { MailMaker } from '../../../platform/mail/queue.ts';
import type { Accounts } from '../accounts.ts';
import { createChallenge, endChallenges } from '../challenges.ts';
import type { MailJobs } from '../mail/jobs.ts';
import { linkFacts, writeMail } from '../mail/letters.ts';
import { maySignUp } from '../may-sign-up.ts';
import { findAccount, findAccountByEmail } from '../users.ts';

/** Seconds. */
const lifetime = 24 * 3600;

/** Makes the mail to whoever a guest says that they are: a link, or, where the address has an account, a word about that. */
export const upgradeMail =
  (accounts: Accounts): MailMaker<MailJobs['upgrade-guest']> =>
  async ({ userId, email, name, hash, redirectTo }) => {
    const { db } = accounts;
    const account = await findAccount(db, userId);
    if (account?.kind !== 'guest' || account.isDisabled) return undefined;
    if (await findAccountByEmail(db, email)) return writeMail(accounts, 'account-exists', email, {});
    if (!(await maySignUp(accounts, email))) return undefined;
    const token = await db.transaction(async (tx) => {
      await endChallenges(tx, userId, ['upgrade-guest']);
      return createChallenge(tx, { kind: 'upgrade-guest', userId, data: { email, name, hash }, lifetime });
    });
    return writeMail(
      accounts,
      'upgrade-guest',
      email,
      linkFacts(accounts, { kind: 'upgrade-guest', token, lifetime, redirectTo }),
    );
  };
