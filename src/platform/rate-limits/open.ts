import type { BusConfig } from '../../config/config.ts';
import type { Logger } from '../log.ts';
import { createMemoryRateLimits } from './memory.ts';
import type { RateLimits } from './rate-limits.ts';
import { createRedisRateLimits } from './redis.ts';

/** Opens the limits of an installation: counted in its Redis, where it has one. */
export function openRateLimits(bus: BusConfig, secret: Uint8Array, log: Logger): RateLimits {
  return bus.kind === 'redis' ? createRedisRateLimits({ ...bus, secret }, log) : createMemoryRateLimits({ secret });
}
