import type { Database } from '../platform/db.ts';

/** What `/ready` says: each part the server depends on, and whether all of them are up. */
export interface ReadyReport {
  ready: boolean;
  parts: Record<string, 'up' | 'down'>;
}

/** Tells whether the server can do its work. */
export interface Health {
  report(): Promise<ReadyReport>;
  /** From now on it is not ready, so that a balancer sends nobody new. */
  drain(): void;
}

/** Watches the parts that the server depends on; each is asked when somebody asks. */
export function createHealth(db: Database): Health {
  let isDraining = false;
  return {
    async report() {
      const database = await db.ping().then(
        () => 'up' as const,
        () => 'down' as const,
      );
      return { ready: database === 'up' && !isDraining, parts: { database } };
    },
    drain() {
      isDraining = true;
    },
  };
}
