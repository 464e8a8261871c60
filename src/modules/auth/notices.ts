import type { Needs } from './users.ts';

/** The kind of mails that tell somebody what has become of their account. */
export const noticeKind = 'security-notice';

/** What has happened, of which a mail tells. */
export type NoticeEvent =
  | 'passkey-added'
  | 'passkey-removed'
  | 'totp-added'
  | 'totp-removed'
  | 'recovery-codes-renewed'
  | 'recovery-code-used';

/** Has a mail sent to an account's address, when what the operation has written is committed. */
export async function sendNotice(ctx: Needs, userId: string, event: NoticeEvent): Promise<void> {
  const { queue } = ctx.accounts!.mailing;
  if (!queue) return;
  await queue.enqueue(ctx.db, noticeKind, { userId, event });
  ctx.afterCommit(() => queue.wake());
}
