import type { MailMaker } from '../../../platform/mail/queue.ts';
import type { Accounts } from '../accounts.ts';
import { createChallenge, endChallenges } from '../challenges.ts';
import { type LinkMails, writeLinkMail } from '../mail-links.ts';
import { findAccount, findAccountByEmail } from '../users.ts';

/** Seconds. */
const lifetime = 24 * 3600;

/** Makes the mail to whoever a guest says that they are: a link, or, where the address has an account, a word about that. */
export const upgradeMail =
  (accounts: Accounts): MailMaker<LinkMails['upgrade-guest']> =>
  async ({ userId, email, name, hash, redirectTo }) => {
    const { db } = accounts;
    const account = await findAccount(db, userId);
    if (account?.kind !== 'guest' || account.isDisabled) return undefined;
    if (await findAccountByEmail(db, email)) {
      return writeLinkMail(accounts, { kind: 'account-exists', to: email }, ({ app }) => ({
        subject: `You have an account at ${app}`,
        text: `Somebody has just given this address at ${app}, which has an account there already. If it was you: sign in, or ask for a new password.\n\nOtherwise you need not do anything: nothing was changed.`,
      }));
    }
    if (accounts.plan.signUp === 'closed' || !(await mayJoin(accounts, email))) return undefined;
    const token = await db.transaction(async (tx) => {
      await endChallenges(tx, userId, ['upgrade-guest']);
      return createChallenge(tx, { kind: 'upgrade-guest', userId, data: { email, name, hash }, lifetime });
    });
    const link = { page: redirectTo, for: 'upgrade-guest', token };
    return writeLinkMail(accounts, { kind: 'upgrade-guest', to: email, link }, (facts) => ({
      subject: `Welcome to ${facts.app}`,
      text: `Follow this link, where you have been until now, to keep what you have done at ${facts.app}. It is good once, for 24 hours.\n\n${facts.link}\n\nIf you have not signed up, do not follow it.`,
    }));
  };

async function mayJoin({ plan, db }: Accounts, email: string): Promise<boolean> {
  if (plan.signUp !== 'invited') return true;
  if (!plan.hasOrganizations) return false;
  const rows = await db.query({
    text: 'select 1 from organization_invitations where email = $1 and expires_at > now() limit 1',
    values: [email],
  });
  return rows.length > 0;
}
