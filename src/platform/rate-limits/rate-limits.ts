/**
 * How often something may be tried: a rule allows so many points in a window that begins with the first of them.
 * What is counted stands under a mark of its key, so neither memory nor Redis holds an address or an e-mail in plain.
 */
import { createHmac } from 'node:crypto';
import { type RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible';
import { MillraceError } from '../../errors.ts';

/** So many points in so many seconds (at most a million); once they are spent, nothing more for `blockSeconds`, or until the window ends. */
export interface RateRule {
  /** Part of the key: rules of different names count apart. */
  name: string;
  points: number;
  seconds: number;
  blockSeconds?: number;
}

/** Counts tries, in this process or in all that share a Redis. */
export interface RateLimits extends AsyncDisposable {
  /** Takes points (one unless it is said), as one step: of any number at once no more get through than may. @throws RATE_LIMITED with `retryAfter` */
  take(rule: RateRule, key: string, points?: number): Promise<void>;
  /** Takes nothing. @throws RATE_LIMITED where `take` would */
  check(rule: RateRule, key: string): Promise<void>;
  /** Undoes a `take` that turned out not to count. */
  giveBack(rule: RateRule, key: string, points?: number): Promise<void>;
  /** Forgets what was taken. */
  reset(rule: RateRule, key: string): Promise<void>;
}

/** Does something with the limiter of a rule, wherever it counts now. */
export type WithLimiter = <T>(
  rule: RateRule,
  mark: string,
  act: (limiter: RateLimiterAbstract) => Promise<T>,
) => Promise<T>;

/** Makes limits of a place to count in; `secret` keys the marks, and has to be the same on all nodes that count together. */
export function createRateLimits(
  secret: Uint8Array,
  withLimiter: WithLimiter,
  close: () => Promise<void> = async () => {},
): RateLimits {
  const markOf = (rule: RateRule, key: string): string =>
    createHmac('sha256', secret).update(`${rule.name}\0${key}`).digest('base64url').slice(0, 32);
  const act = <T>(rule: RateRule, key: string, what: (limiter: RateLimiterAbstract, mark: string) => Promise<T>) => {
    const mark = markOf(rule, key);
    return withLimiter(rule, mark, (limiter) => what(limiter, mark));
  };
  return {
    async take(rule, key, points = 1) {
      try {
        await act(rule, key, (limiter, mark) => limiter.consume(mark, points));
      } catch (error) {
        throw error instanceof RateLimiterRes ? tooMany(error) : error;
      }
    },
    async check(rule, key) {
      const taken = await act(rule, key, (limiter, mark) => limiter.get(mark));
      if (taken && taken.msBeforeNext > 0 && taken.consumedPoints >= rule.points) throw tooMany(taken);
    },
    async giveBack(rule, key, points = 1) {
      await act(rule, key, (limiter, mark) => limiter.reward(mark, points));
    },
    async reset(rule, key) {
      await act(rule, key, (limiter, mark) => limiter.delete(mark));
    },
    [Symbol.asyncDispose]: close,
  };
}

function tooMany({ msBeforeNext }: RateLimiterRes): MillraceError {
  const retryAfter = Math.max(1, Math.ceil(msBeforeNext / 1000));
  return new MillraceError('RATE_LIMITED', 'too many tries: wait a while', { retryAfter });
}

/** One limiter for each rule, made at its first use. */
export function limiterPerRule<L>(make: (rule: RateRule) => L): (rule: RateRule) => L {
  const limiters = new Map<string, L>();
  return (rule) => {
    const { name, points, seconds, blockSeconds = 0 } = rule;
    const id = [name, points, seconds, blockSeconds].join(' ');
    const limiter = limiters.get(id) ?? make(rule);
    limiters.set(id, limiter);
    return limiter;
  };
}
