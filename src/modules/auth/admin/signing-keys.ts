import type { KeyRecord } from '../../../platform/signing-keys.ts';
import { recordEvent } from '../audit.ts';
import { secondFactorsOf } from '../sessions/sign-in.ts';
import type { Needs } from '../users.ts';
import { requireFresh } from '../viewers.ts';

/**
 * Has the next key sign, and tells all keys, newest first. @NOTE no part of the operation's transaction: what comes behind it in the
 * same operation, and fails, leaves the keys changed.
 */
export async function rotateSigningKeys(ctx: Needs, discard: boolean): Promise<KeyRecord[]> {
  const { keys } = ctx.accounts!;
  if (ctx.viewer.session) await requireFresh(ctx, (userId) => secondFactorsOf(ctx, userId));
  await keys.rotate({ discard });
  // By the pool, as the keys: whatever fails behind it, it is known who has done this.
  await recordEvent(ctx, ctx.accounts!.db, 'keys-rotated', { details: { discard } });
  return keys.list();
}
