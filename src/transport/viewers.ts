/** Who asks, for as long as what they have opened lasts: what is true of them may change at any time. */
import type { Credentials } from '../client.ts';
import type { Accounts } from '../modules/auth/accounts.ts';
import type { StateChange } from '../modules/auth/viewer-states.ts';
import type { Viewer } from '../viewer.ts';
import type { Authenticate } from './authenticate.ts';

/** Viewers of what lasts. */
export interface Viewers {
  /** How often something has changed. */
  readonly version: number;
  /** Finds out who asks, and hands them on while nothing has changed since it was found out: what is taken then will be told of changes. */
  learn(credentials: Credentials, take: (viewer: Viewer) => void): Promise<void>;
  /** The same of somebody who is known. @throws MillraceError UNAUTHENTICATED when their session or key has ended */
  renew(viewer: Viewer, take: (viewer: Viewer) => void): Promise<void>;
  /** Calls back when what was told before is not true any more, until the returned function is called. */
  onChange(listener: (change: StateChange) => void): () => void;
}

/**
 * Makes the viewers of what lasts; disposing of them stops the counting.
 * @param accounts undefined where there are none, so that whoever asks is what their token says until it expires
 */
export function createViewers(
  of: Authenticate,
  accounts: Pick<Accounts, 'states' | 'renewed'> | undefined,
): Viewers & Disposable {
  let version = 0;
  const onChange: Viewers['onChange'] = (listener) => accounts?.states.onChange(listener) ?? (() => {});
  // @NOTE before all other listeners: whom they tell of a change shall find it counted.
  const stop = onChange(() => {
    version += 1;
  });
  const settle = async (look: () => Promise<Viewer>, take: (viewer: Viewer) => void): Promise<void> => {
    for (;;) {
      const seen = version;
      const viewer = await look();
      if (seen === version) return take(viewer);
    }
  };
  return {
    get version() {
      return version;
    },
    learn: (credentials, take) => settle(() => of(credentials), take),
    renew: (viewer, take) => settle(async () => accounts?.renewed(viewer) ?? viewer, take),
    onChange,
    [Symbol.dispose]: stop,
  };
}

/** Whether a change may be about a viewer. Whoever has neither session nor key is what their token says until it expires. */
export const concerns = (
  { sessions, users, apiKeys, all }: StateChange,
  { id, session, apiKeyPrefix }: Viewer,
): boolean => {
  if (session === undefined && apiKeyPrefix === undefined) return false;
  if (all || (id !== undefined && users.has(id))) return true;
  return (
    (session !== undefined && sessions.has(session.id)) || (apiKeyPrefix !== undefined && apiKeys.has(apiKeyPrefix))
  );
};
