import type { RateRule } from '../../platform/rate-limits/rate-limits.ts';

/** How often what may be tried, by name. Networks are those of `Client.network`. */
export const limits = {
  /** New guests of one network. */
  guests: { name: 'guests', points: 30, seconds: 3600 },
  /** Sign-ins by a provider that are begun from one network: each is kept for ten minutes. */
  providerStarts: { name: 'provider-starts', points: 300, seconds: 600 },
} as const satisfies Record<string, RateRule>;
