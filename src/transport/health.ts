import type { LogNode } from '../log/node.ts';
import type { Bus } from '../platform/bus/bus.ts';
import type { Database } from '../platform/db.ts';

/** What `/ready` says: whether requests can be answered, and each part that the server leans on. */
export interface ReadyReport {
  ready: boolean;
  /** A part that it can do without is down: all is answered, but not as soon as otherwise. */
  degraded: boolean;
  parts: Record<string, 'up' | 'down'>;
}

/** Tells whether the server can do its work. */
export interface Health {
  report(): Promise<ReadyReport>;
  /** From now on it is not ready, so that a balancer sends nobody new. */
  drain(): void;
}

/** Watches the parts that the server leans on; each is asked when somebody asks. */
export function createHealth(db: Database, bus: Bus, log: Pick<LogNode, 'isMoving'>): Health {
  let isDraining = false;
  const stateOf = (answer: Promise<void>) =>
    answer.then(
      () => 'up' as const,
      () => 'down' as const,
    );
  return {
    async report() {
      const [database, carrier, changes] = await Promise.all([
        stateOf(db.ping()),
        stateOf(bus.ping()),
        stateOf(log.isMoving()),
      ]);
      const parts = { database, bus: carrier, log: changes };
      return { ready: database === 'up' && !isDraining, degraded: carrier === 'down' || changes === 'down', parts };
    },
    drain() {
      isDraining = true;
    },
  };
}
