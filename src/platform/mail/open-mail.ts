import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import type { MailConfig } from '../../config/config.ts';
import type { Database } from '../db.ts';
import type { Logger } from '../log.ts';
import { type Outbox, openOutbox } from './outbox.ts';
import { type MailQueue, openMailQueue, type QueueLimits } from './queue.ts';
import { createSmtpMailer } from './smtp.ts';

/** How mails leave a server. */
export interface Mailing extends AsyncDisposable {
  /** Undefined where nothing can be sent. */
  queue?: MailQueue;
  /** There where mails go no further than it. */
  outbox?: Outbox;
}

/** Opens what the configuration says: SMTP, the outbox of development, or nothing. */
export async function openMailing(
  config: MailConfig,
  db: Database,
  log: Logger,
  limits?: Partial<QueueLimits>,
): Promise<Mailing> {
  await using stack = new AsyncDisposableStack();
  const outbox = config.kind === 'outbox' ? await openOutbox(db) : undefined;
  const mailer = config.kind === 'smtp' ? createSmtpMailer(config.server, config) : outbox;
  const queue = mailer && stack.use(await openMailQueue(db, mailer, log, limits));
  const owned = stack.move();
  return { queue, outbox, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
