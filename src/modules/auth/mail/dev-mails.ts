import type { Needs } from '../users.ts';

/**
 * Whether the outbox of development is shown to this client: one on the same machine, which has reached the server by a name that
 * only that machine has. @NOTE a page of another site may have its own name resolve to 127.0.0.1, and the links in mails sign in.
 */
export const mayReadOutbox = ({ client }: Pick<Needs, 'client'>): boolean =>
  /^(::1|(::ffff:)?127\.\d+\.\d+\.\d+)$/.test(client.address) &&
  /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i.test(client.host ?? '');
