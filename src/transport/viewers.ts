/** Who asks, for as long as what they have opened lasts: what is true of them may change at any time. */
import type { Credentials } from '../client.ts';
import type { Viewer } from '../viewer.ts';
import type { Authenticate } from './authenticate.ts';

/** What has changed: sessions and keys that are over, users whose rights are others. */
export interface ViewerChange {
  readonly sessions: ReadonlySet<string>;
  readonly users: ReadonlySet<string>;
  readonly apiKeys: ReadonlySet<string>;
  /** Nobody knows what has: everything may have. */
  readonly all: boolean;
}

/** Where viewers come from. */
export interface ViewerSource {
  /** Who credentials prove. */
  of: Authenticate;
  /** The same viewer as they are now. @throws MillraceError UNAUTHENTICATED when their session or key has ended */
  renewed(viewer: Viewer): Promise<Viewer>;
  /** Calls back when what was told before is not true any more, until the returned function is called. */
  onChange(listener: (change: ViewerChange) => void): () => void;
}

/** Viewers of what lasts. */
export interface Viewers {
  /** How often something has changed. */
  readonly version: number;
  /** Finds out who asks, and hands them on while nothing has changed since it was found out: what is taken then will be told of changes. */
  learn(credentials: Credentials, take: (viewer: Viewer) => void): Promise<void>;
  /** The same of somebody who is known. @throws MillraceError UNAUTHENTICATED when their session or key has ended */
  renew(viewer: Viewer, take: (viewer: Viewer) => void): Promise<void>;
  onChange: ViewerSource['onChange'];
}

/** Makes the viewers of what lasts; disposing of them stops the counting. */
export function createViewers(source: ViewerSource): Viewers & Disposable {
  let version = 0;
  // @NOTE before all other listeners: whom they tell of a change shall find it counted.
  const stop = source.onChange(() => {
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
    learn: (credentials, take) => settle(() => source.of(credentials), take),
    renew: (viewer, take) => settle(() => source.renewed(viewer), take),
    onChange: source.onChange,
    [Symbol.dispose]: stop,
  };
}

/** Whether a change may be about a viewer. Whoever has neither session nor key is what their token says until it expires. */
export const concerns = (
  { sessions, users, apiKeys, all }: ViewerChange,
  { id, session, apiKeyId }: Viewer,
): boolean => {
  if (session === undefined && apiKeyId === undefined) return false;
  if (all || (id !== undefined && users.has(id))) return true;
  return (session !== undefined && sessions.has(session.id)) || (apiKeyId !== undefined && apiKeys.has(apiKeyId));
};
