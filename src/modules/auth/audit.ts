import { v7 } from 'uuid';
import type { Context } from '../../context.ts';
import type { Queryable } from '../../platform/db.ts';

/** What happened to an account, in the past tense. */
export type EventKind =
  | 'signed-up'
  | 'signed-in'
  | 'sign-in-refused'
  | 'second-factor-refused'
  | 'signed-out'
  | 'session-revoked'
  | 'refresh-reused'
  | 'reauthenticated'
  | 'password-changed'
  | 'password-reset'
  | 'email-verified'
  | 'email-changed'
  | 'identity-linked'
  | 'identity-unlinked'
  | 'passkey-added'
  | 'passkey-removed'
  | 'passkey-counter-went-back'
  | 'totp-added'
  | 'totp-removed'
  | 'recovery-codes-renewed'
  | 'recovery-code-used'
  | 'guest-upgraded'
  | 'api-key-created'
  | 'api-key-revoked'
  | 'device-registered'
  | 'device-removed'
  | 'service-account-created'
  | 'service-account-deleted'
  | 'organization-created'
  | 'organization-updated'
  | 'organization-transferred'
  | 'organization-deleted'
  | 'member-invited'
  | 'invitation-declined'
  | 'invitation-revoked'
  | 'member-joined'
  | 'member-left'
  | 'member-removed'
  | 'member-role-changed'
  | 'account-created'
  | 'roles-changed'
  | 'claims-changed'
  | 'account-disabled'
  | 'account-enabled'
  | 'account-deleted'
  | 'account-taken-over'
  | 'data-exported'
  | 'impersonation-began'
  | 'impersonation-ended'
  | 'keys-rotated';

/** An event to be written down. */
export interface NewEvent {
  /** Whom it happened to, where that is known. */
  userId?: string;
  /** Who did it; the viewer unless said, where that is another one. */
  actorId?: string;
  sessionId?: string;
  /** Never a secret, nor what was typed in the place of one. */
  details?: Readonly<Record<string, unknown>>;
  /** Nothing is kept of where it came from: of somebody who is erased. */
  isTraceless?: boolean;
}

/**
 * Writes down what has happened, with where it came from.
 * @param db the operation's transaction for what is done with it; the pool for what must be known though the operation fails
 */
export async function recordEvent(
  { client, viewer }: Pick<Context, 'client' | 'viewer'>,
  db: Queryable,
  kind: EventKind,
  { userId, actorId, sessionId, details = {}, isTraceless = false }: NewEvent,
): Promise<void> {
  const by = actorId ?? viewer.session?.impersonatorId ?? (viewer.id === userId ? undefined : viewer.id);
  await db.query({
    text: `insert into auth_events (id, kind, user_id, actor_id, session_id, address, user_agent, details)
      values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    values: [
      v7(),
      kind,
      userId ?? null,
      by ?? null,
      sessionId ?? viewer.session?.id ?? null,
      isTraceless ? null : client.address,
      isTraceless ? null : (client.userAgent?.slice(0, 300) ?? null),
      JSON.stringify(details),
    ],
  });
}
