import type { RateRule } from '../../platform/rate-limits/rate-limits.ts';

/** How often what may be tried, by name. Networks are those of `Client.network`. */
export const limits = {
  /** New guests of one network. */
  guests: { name: 'guests', points: 30, seconds: 3600 },
  /** Sign-ins of devices of one network. */
  devices: { name: 'devices', points: 120, seconds: 60 },
  /** Passkeys that one network asks for, which costs a row each. */
  passkeyStarts: { name: 'passkey-starts', points: 100, seconds: 300 },
  /** Passkeys that one network signs in with, or tries to. */
  passkeySignIns: { name: 'passkey-sign-ins', points: 100, seconds: 300 },
  /** Codes that one network tries at one account. */
  codesFromNetwork: { name: 'codes-network', points: 10, seconds: 900 },
  /**
   * Codes of an app that are tried at one account, from wherever it is not signed in: three of a million are good at a time.
   * Whoever spends them, who has to know a first factor, keeps the owner neither from a known place, nor from passkey and recovery code.
   */
  codesFromAnywhere: { name: 'codes-account', points: 50, seconds: 86_400 },
  /** Codes by which an account sets an app up. */
  appCodes: { name: 'app-codes', points: 10, seconds: 900 },
  /** Sign-ins by a provider that are begun from one network: each is kept for ten minutes. */
  providerStarts: { name: 'provider-starts', points: 300, seconds: 600 },
} as const satisfies Record<string, RateRule>;
