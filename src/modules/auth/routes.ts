import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Route } from '../../transport/routes.ts';
import { linkPageRoute } from './mail/link-page.ts';
import { oauthRoutes } from './oauth/routes.ts';
import type { Needs } from './users.ts';

/**
 * The plain routes of accounts: pages that links lead to, and where other providers send people back.
 * @param needsOf what is known of whoever sends a request, as whom nobody has signed in; its `db` is the pool
 */
export function authRoutes(needsOf: (request: IncomingMessage, response: ServerResponse) => Needs): readonly Route[] {
  return [linkPageRoute, ...oauthRoutes(needsOf)];
}
