import { MillraceError } from '../errors.ts';
import type { Tokens } from '../platform/tokens.ts';
import { type Viewer, viewerOf } from '../viewer.ts';

/** The viewer that an `Authorization` header proves (RFC 6750, bearer tokens). @throws UNAUTHENTICATED */
export async function authenticate(header: string, tokens: Tokens, adminRole: string): Promise<Viewer> {
  const token = /^Bearer +([^\s]+) *$/i.exec(header)?.[1];
  if (token === undefined) throw new MillraceError('UNAUTHENTICATED', 'send `Authorization: Bearer <token>`');
  return viewerOf(await tokens.verify(token), adminRole);
}

/** When a viewer's token expires (RFC 7519 §4.1.4), in milliseconds since 1970; never without one that says so. */
export const expiryOf = ({ claims }: Viewer): number =>
  typeof claims.exp === 'number' ? claims.exp * 1000 : Number.POSITIVE_INFINITY;
