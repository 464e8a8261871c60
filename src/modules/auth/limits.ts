import type { RateRule } from '../../platform/rate-limits/rate-limits.ts';

/** How often what may be tried, by name. Networks are those of `Client.network`. */
export const limits = {
  /** New guests of one network. */
  guests: { name: 'guests', points: 30, seconds: 3600 },
  /** Sign-ins of devices of one network. */
  devices: { name: 'devices', points: 120, seconds: 60 },
} as const satisfies Record<string, RateRule>;
