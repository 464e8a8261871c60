import type { MailMaker } from '../../../platform/mail/queue.ts';
import type { Accounts } from '../accounts.ts';
import { createChallenge } from '../challenges.ts';
import type { MailJobs } from '../mail/jobs.ts';
import { linkFacts, writeMail } from '../mail/letters.ts';

/** Makes the mail of an invitation that is still there, unless whoever has the address is a member already. */
export const invitationMail =
  (accounts: Accounts): MailMaker<MailJobs['invitation']> =>
  async ({ invitationId, redirectTo }) => {
    const { db } = accounts;
    const [row] = await db.query({
      text: `select o.id::text, o.name, i.email, extract(epoch from i.expires_at - now())::float8
        from organization_invitations i join organizations o on o.id = i.organization_id
        where i.id = $1 and i.expires_at > now() and not exists (
          select from organization_members m join auth_accounts a on a.user_id = m.user_id
          where m.organization_id = o.id and a.email = i.email
        )`,
      values: [invitationId],
    });
    if (!row) return undefined;
    const [organizationId, organization, email, lifetime] = row as [string, string, string, number];
    const data = { invitationId, organizationId, email };
    const token = await createChallenge(db, { kind: 'invitation', data, lifetime });
    const facts = linkFacts(accounts, { kind: 'invitation', token, lifetime, redirectTo });
    return writeMail(accounts, 'invitation', email, { ...facts, organization: unlinked(organization) });
  };

/** @NOTE whoever names an organization writes to strangers by our mail: no program is to make a link of what they say. */
const unlinked = (name: string): string => name.replace(/([.:/@])(?=\S)/g, '$1 ');
