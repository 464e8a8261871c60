/** Claims: what tokens say of an account besides who it is. */

/** Words of tokens that have a meaning of their own (RFC 7519, RFC 8176, RFC 8693, OpenID Connect), or here. */
const reserved = new Set(
  'iss sub aud exp nbf iat jti sid role roles orgs auth_time amr acr act may_act cnf scope fixed'.split(' '),
);

/** Whether an account, or the application's hook, may use a name for a claim. */
export const isFreeClaim = (name: string): boolean => !reserved.has(name) && !Object.hasOwn(Object.prototype, name);

/** Of claims, those whose names are free. */
export const freeClaims = (claims: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(claims).filter(([name]) => isFreeClaim(name)));

const ofTheToken = ['iss', 'aud', 'iat', 'exp', 'jti', 'sid', 'auth_time', 'amr', 'acr', 'act'];

/** What is written into a token of an account's own claims, and of those that the application's hook gives to this token. */
export function claimsToSign(
  account: Readonly<Record<string, unknown>>,
  given: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const fixed = freeClaims(given);
  const names = Object.keys(fixed);
  return { ...freeClaims(account), ...fixed, ...(names.length > 0 && { fixed: names }) };
}

/**
 * What a token says that is true for as long as it lives: of itself, and what the hook has said when it was issued.
 * @NOTE not the account's own claims, which stand in it for others: what an account has lost since, its tokens do not bring back.
 */
export function lastingClaims(claims: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const fixed = Array.isArray(claims.fixed) ? (claims.fixed as unknown[]).map(String).filter(isFreeClaim) : [];
  const names = [...fixed, ...ofTheToken].filter((name) => Object.hasOwn(claims, name));
  return Object.fromEntries(names.map((name) => [name, claims[name]]));
}
