import type { Credentials } from '../client.ts';
import { MillraceError } from '../errors.ts';
import type { Accounts } from '../modules/auth/accounts.ts';
import type { Tokens } from '../platform/tokens.ts';
import { stranger, type Viewer, viewerOf } from '../viewer.ts';

/** Finds out who asks. */
export type Authenticate = (credentials: Credentials) => Promise<Viewer>;

/**
 * The viewer that credentials prove: by an `Authorization` header (RFC 6750: an access token or an API key), else by a cookie. A header that proves
 * nothing is refused. A cookie that proves nothing is as if not there, for its page cannot take it away: it could not sign in again.
 * @throws UNAUTHENTICATED, UNAVAILABLE
 */
export function createAuthenticate(
  tokens: Tokens,
  adminRole: string,
  accounts: Pick<Accounts, 'viewerOf' | 'viewerOfKey'> | undefined,
): Authenticate {
  const viewerBy = async (token: string): Promise<Viewer> => {
    const claims = await tokens.verify(token);
    return accounts && tokens.isOfSession(claims) ? accounts.viewerOf(claims) : viewerOf(claims, adminRole);
  };
  return async (credentials) => {
    const { authorization } = credentials;
    if (authorization !== undefined) {
      const token = /^Bearer +([^\s]+) *$/i.exec(authorization)?.[1];
      if (token === undefined) throw new MillraceError('UNAUTHENTICATED', 'send `Authorization: Bearer <token>`');
      return accounts && token.startsWith('mrk_') ? accounts.viewerOfKey(token) : viewerBy(token);
    }
    const cookie = credentials.accessCookie;
    if (cookie === undefined) return stranger;
    if ('refused' in cookie) return { ...stranger, refusedCookie: cookie.refused };
    try {
      return await viewerBy(cookie.token);
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code !== 'UNAUTHENTICATED') throw error;
      return { ...stranger, refusedCookie: 'the session of the cookie has ended: refresh it, or sign in again' };
    }
  };
}

/** When a viewer's token expires (RFC 7519 §4.1.4), in milliseconds since 1970; never without one that says so. */
export const expiryOf = ({ claims }: Viewer): number =>
  typeof claims.exp === 'number' ? claims.exp * 1000 : Number.POSITIVE_INFINITY;
