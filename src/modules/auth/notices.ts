import { queueMail, sendsMails } from './mail/jobs.ts';
import type { Needs } from './users.ts';

/** What has become of the ways into an account, of which a mail tells its owner. */
export type NoticeEvent =
  | 'passkey-added'
  | 'passkey-removed'
  | 'totp-added'
  | 'totp-removed'
  | 'recovery-codes-renewed'
  | 'recovery-code-used'
  | 'provider-linked'
  | 'provider-unlinked';

/** Has a mail sent to an account's address, when what the operation has written is committed; where mails are sent at all. */
export async function sendNotice(ctx: Needs, userId: string, event: NoticeEvent): Promise<void> {
  if (sendsMails(ctx)) await queueMail(ctx, 'security-notice', { userId, event });
}
