import type { Route } from '../../transport/routes.ts';
import type { Accounts } from './accounts.ts';

/** The plain routes of accounts: pages that links lead to, and where other providers send people back. */
export function authRoutes(_accounts: Accounts): readonly Route[] {
  return [];
}
