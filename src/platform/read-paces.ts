import { performance } from 'node:perf_hooks';
import { LRUCache } from 'lru-cache';

/** Knows which prepared reads are quick enough to share a connection. */
export interface ReadPaces {
  isQuick(name: string): boolean;
  /** Is told how long this process has waited while the pool answered a read, in milliseconds. */
  answeredByPool(name: string, waited: number): void;
  /** The same of a read that was prepared before, while it kept its line busy. */
  answeredByLine(name: string, waited: number): void;
}

interface Pace {
  isQuick: boolean;
  mean: number;
  /** Answers by a line since it was last let on one. */
  answers: number;
  rest: number;
  restsUntil: number;
}

/**
 * Milliseconds. A read that the pool has once answered within `tried` may be quick. How long it keeps a line busy tells: more than
 * `quick` in the mean, as by 32 once, and it goes back to the pool, for `rest` at first and for twice as long each time. What takes
 * longer is better spread over many connections, and processors. On a busy machine it may be judged by mistake, and is forgiven after
 * `pardon` answers.
 */
const pace = { tried: 15, quick: 1, rest: 1000, longestRest: 60_000, pardon: 1000 };

/** The weight of the newest time in the mean. */
const newest = 1 / 32;

/** How many statements' pace is known. */
const maxKnown = 2000;

/** Makes the memory of paces. */
export function createReadPaces(): ReadPaces {
  const paces = new LRUCache<string, Pace>({ max: maxKnown });
  return {
    isQuick: (name) => paces.get(name)?.isQuick === true,
    answeredByPool(name, waited) {
      const known = paces.get(name);
      if (waited > pace.tried || performance.now() < (known?.restsUntil ?? 0)) return;
      paces.set(name, { isQuick: true, mean: 0, answers: 0, rest: known?.rest ?? pace.rest / 2, restsUntil: 0 });
    },
    answeredByLine(name, waited) {
      const known = paces.get(name);
      if (!known?.isQuick) return;
      known.answers += 1;
      known.mean += newest * (waited - known.mean);
      if (known.mean <= pace.quick) return;
      const rest = known.answers > pace.pardon ? pace.rest : Math.min(2 * known.rest, pace.longestRest);
      Object.assign(known, { isQuick: false, rest, restsUntil: performance.now() + rest });
    },
  };
}

/**
 * Milliseconds that this process has had nothing to do but wait, since it began. By the clock a busy process would take its own work
 * for PostgreSQL's, which it hears of only when that is done.
 */
export const timeWaited = (): number => performance.nodeTiming.idleTime;
