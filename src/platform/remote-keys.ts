import { createLocalJWKSet, createRemoteJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { MillraceError } from '../errors.ts';

/** Keys published at a URL: fetched when first needed, again when a token names an unknown one, at most every 30 s. */
export function remoteKeys(url: string): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(new URL(url), { timeoutDuration: 5_000, cooldownDuration: 30_000 });
  let quietUntil = 0;
  return async (header, token) => {
    if (Date.now() < quietUntil) return lastKnownKey(remote.jwks(), header, token);
    try {
      return await remote(header, token);
    } catch (error) {
      if (isAboutTheToken(error)) throw error;
      quietUntil = Date.now() + 5_000;
      return lastKnownKey(remote.jwks(), header, token);
    }
  };
}

/** While the issuer is down, the keys it published last go on being good; tokens of newer keys have to wait. */
async function lastKnownKey(last: JSONWebKeySet | undefined, ...[header, token]: Parameters<JWTVerifyGetKey>) {
  try {
    if (last) return await createLocalJWKSet(last)(header, token);
  } catch {
    // The key may be a new one that cannot be fetched now: that is no fault of the token.
  }
  throw new MillraceError('UNAVAILABLE', 'The keys that tokens are verified by cannot be reached.', { retryAfter: 5 });
}

function isAboutTheToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}
