import { timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { MillraceError } from '../../../errors.ts';
import type { Database } from '../../../platform/db.ts';
import type { Viewer } from '../../../viewer.ts';
import type { AccountsPlan } from '../plan.ts';
import type { ApiKeyState, ViewerStates } from '../viewer-states.ts';
import { viewerOfAccount } from '../viewers.ts';
import { hashOfSecret, readApiKey } from './api-key.ts';

/** Finds out who asks by API keys. */
export interface KeyViewers {
  /** @throws UNAUTHENTICATED for what is no key, unknown, wrong, expired or revoked, all in the same words */
  ofText(text: string): Promise<Viewer>;
  /** Who asks by the key of this prefix, which was shown before. @throws UNAUTHENTICATED when it has ended */
  ofPrefix(prefix: string): Promise<Viewer>;
}

/** The one answer for every key that does not do. */
const keyRefused = () => new MillraceError('UNAUTHENTICATED', 'this API key is not good, or not any more');

/** Milliseconds between two notes of a key's use. */
const noteEvery = 60_000;
/** What is compared where there is no key: it takes as long. */
const noHash = Buffer.alloc(32);

/** Makes the finder; keys are remembered by the states, which the change log keeps true. */
export function createKeyViewers(
  db: Pick<Database, 'query'>,
  states: ViewerStates,
  plan: () => AccountsPlan,
): KeyViewers {
  const noted = new LRUCache<string, true>({ max: 20_000, ttl: noteEvery });
  const note = (id: string): void => {
    if (noted.has(id)) return;
    noted.set(id, true);
    const text = `update auth_api_keys set last_used_at = now()
      where id = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute')`;
    // When it was used last is worth no answer that fails.
    void db.query({ text, values: [id] }).catch(() => noted.delete(id));
  };
  const viewerOf = async (key: ApiKeyState | undefined): Promise<Viewer> => {
    if (!key || key.expiresAt * 1000 <= Date.now()) throw keyRefused();
    const account = await states.account(key.userId);
    if (!account || account.isDisabled) throw keyRefused();
    return narrowed(viewerOfAccount(account, plan()), key, plan().adminRole);
  };
  return {
    async ofText(text) {
      const parts = readApiKey(text);
      if (!parts) throw keyRefused();
      const key = await states.apiKey(parts.prefix);
      if (!timingSafeEqual(hashOfSecret(parts.secret), key?.hash ?? noHash)) throw keyRefused();
      const viewer = await viewerOf(key);
      note(key!.id);
      return viewer;
    },
    ofPrefix: async (prefix) => viewerOf(await states.apiKey(prefix)),
  };
}

/** @NOTE the admin role is taken away where the key has not its scope: from what rules ask, too. */
function narrowed(viewer: Viewer, { prefix, scopes, expiresAt }: ApiKeyState, adminRole: string): Viewer {
  const isAdmin = viewer.isAdmin && scopes.includes('admin');
  const roles = isAdmin ? viewer.roles : viewer.roles.filter((role) => role !== adminRole);
  return {
    ...viewer,
    isAdmin,
    roles,
    role: isAdmin ? viewer.role : viewer.role === adminRole ? roles[0] : viewer.role,
    claims: { ...viewer.claims, ...(Number.isFinite(expiresAt) && { exp: expiresAt }) },
    scopes,
    apiKeyPrefix: prefix,
  };
}
