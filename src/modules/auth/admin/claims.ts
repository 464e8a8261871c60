import { invalidInput } from '../../../errors.ts';

/** What a token says by itself, or others believe of its issuer (RFC 7519, RFC 9068, OpenID Connect Core §5.1). */
const reserved = new Set(
  [
    'iss sub aud exp nbf iat jti sid auth_time amr acr azp act may_act cnf nonce at_hash c_hash typ client_id scope scp',
    'role roles orgs org_roles orgRoles groups entitlements email email_verified phone_number phone_number_verified',
    'preferred_username __proto__ constructor prototype',
  ]
    .join(' ')
    .split(' '),
);

const most = { claims: 50, bytes: 2000 };

/**
 * Reads claims that an account is given: they stand in each of its tokens, which is why they are small.
 * @throws INVALID_INPUT
 */
export function readClaims(given: unknown): Readonly<Record<string, unknown>> {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw invalidInput('claims', 'must be an object');
  const names = Object.keys(given);
  if (names.length > most.claims) throw invalidInput('claims', `must be at most ${most.claims}`);
  for (const name of names) {
    if (!/^[\w:./-]{1,100}$/.test(name)) throw invalidInput('claims', 'have names of a-z, A-Z, 0-9, _ : . / -');
    if (reserved.has(name)) throw invalidInput(`claims.${name}`, 'is said by the token itself');
  }
  const text = JSON.stringify(given);
  if (Buffer.byteLength(text) > most.bytes) throw invalidInput('claims', `must have at most ${most.bytes} bytes`);
  if (text.includes('\\u0000')) throw invalidInput('claims', 'must not hold the character U+0000');
  return JSON.parse(text) as Record<string, unknown>;
}
