import { LRUCache } from 'lru-cache';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { createRateLimits, limiterPerRule, type RateLimits, type WithLimiter } from './rate-limits.ts';

/** What limits in memory are made of. */
export interface MemoryLimitsOptions {
  secret: Uint8Array;
  /** Keys that are counted at once; of more, the one that was not asked for longest is forgotten. */
  maxKeys?: number;
}

/** Makes limits that this process counts by itself. */
export function createMemoryRateLimits(options: MemoryLimitsOptions): RateLimits {
  return createRateLimits(options.secret, countInMemory(options.maxKeys));
}

/** A place to count in that holds so many keys: about 20 MB of 100,000. */
export function countInMemory(maxKeys = 100_000): WithLimiter {
  const limiterOf = limiterPerRule(
    ({ points, seconds, blockSeconds }) =>
      new RateLimiterMemory({ keyPrefix: '', points, duration: seconds, blockDuration: blockSeconds }),
  );
  const kept = new LRUCache<string, RateLimiterMemory>({
    max: maxKeys,
    dispose: (limiter, mark, reason) => void (reason === 'evict' && limiter.delete(mark)),
  });
  return (rule, mark, act) => {
    const limiter = limiterOf(rule);
    kept.set(mark, limiter);
    return act(limiter);
  };
}
