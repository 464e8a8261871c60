import type { RateRule } from '../../../platform/rate-limits/rate-limits.ts';

const hour = 3600;

/** How often organisations are made, and people are asked to join. @NOTE by what is typed: a limit must not tell who has an account. */
export const organizationLimits = {
  creations: { name: 'organizations by account', points: 20, seconds: hour },
  account: { name: 'invitations by account', points: 60, seconds: hour },
  organization: { name: 'invitations by organization', points: 300, seconds: 24 * hour },
  address: { name: 'invitations by address', points: 20, seconds: 24 * hour },
  declines: { name: 'declined invitations by network', points: 60, seconds: hour },
} as const satisfies Record<string, RateRule>;

/** Organisations that one user is a member of: all are known of everybody who asks. */
export const maxMemberships = 100;
/** Invitations of one organisation that nobody has answered yet. */
export const maxInvitations = 500;
