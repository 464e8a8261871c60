import { randomBytes } from 'node:crypto';
import { errors, type JSONWebKeySet, SignJWT } from 'jose';
import type { TokensConfig } from '../config/config.ts';
import { invalidInput } from '../errors.ts';
import { openSigningKey, type SigningKey, signingAlgorithm, type VerifyingKey } from './keys.ts';
import { remoteKeys } from './remote-keys.ts';
import type { SigningKeys } from './signing-keys.ts';
import { createVerifier, type KeySet, maxTokenLength } from './token-verifier.ts';

/** What a verified token says; frozen, because requests with the same token share it. */
export interface Claims {
  readonly sub?: string;
  readonly role?: string;
  readonly [claim: string]: unknown;
}

/** What a new token shall say. */
export interface MintInput {
  sub?: string;
  role?: string;
  /** Further claims; the registered ones (iss, aud, exp …) are not theirs to set. */
  claims?: Record<string, unknown>;
  /** Seconds; an hour unless said. */
  expiresIn?: number;
}

/** What the access token of a session shall say. */
export interface AccessInput {
  sub: string;
  sid: string;
  role?: string;
  claims?: Record<string, unknown>;
  /** Seconds. */
  expiresIn: number;
}

/** An access token, and when it ends. */
export interface AccessToken {
  token: string;
  expiresAt: Date;
}

/** Proofs of who is asking: JSON Web Tokens (RFC 7519), signed asymmetrically, by this server or by another issuer. */
export interface Tokens {
  /** What the token says; UNAUTHENTICATED with the reason if it proves nothing, UNAVAILABLE if its keys are out of reach. */
  verify(token: string): Promise<Claims>;
  /**
   * Whether verified claims are those of a session's access token, signed by the keys of accounts. Only then does their `sid`
   * name a session of ours: other issuers use that claim too.
   */
  isOfSession(claims: Claims): boolean;
  /** Signs a new token; absent where another issuer signs. */
  mint?(input: MintInput): Promise<string>;
  /** Signs the access token of a session; absent where there are no accounts. */
  signAccess?(input: AccessInput): Promise<AccessToken>;
  /** The public keys of this server's own tokens. */
  jwks(): JSONWebKeySet;
}

/** What tokens are issued as. */
interface Own {
  issuer: string;
  audience?: string;
}

const localIssuer = 'millrace';
/** RFC 9068: an access token, which no other signed text of the same key can be taken for. */
const accessType = 'at+jwt';

// @NOTE pinned: an algorithm is never chosen by the token, and no symmetric one may ever stand here.
const remoteAlgorithms = ['ES256', 'ES384', 'ES512', 'EdDSA', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];

/**
 * Opens the keys that the configuration names; makes one at the first start of a server that signs its own tokens.
 * @param shared the keys of accounts, whose tokens are verified beside
 */
export async function openTokens(config: TokensConfig, shared?: SigningKeys): Promise<Tokens> {
  const { source, issuer, audience } = config;
  const isLocal = source.kind === 'local';
  const own: Own = { issuer: (isLocal ? issuer : undefined) ?? localIssuer, audience };
  const fileKey = isLocal ? await openSigningKey(source.directory) : undefined;
  const ofSessions = new WeakSet<Claims>();
  const sets: KeySet[] = [];
  if (shared) sets.push({ ...sharedSet(shared, own), mark: (claims) => void ofSessions.add(claims) });
  if (fileKey) sets.push(fileSet(fileKey, own));
  if (!isLocal) {
    const options = { issuer, audience, algorithms: remoteAlgorithms };
    sets.push({ keys: remoteKeys(source.url), options, has: () => false });
  }
  return {
    verify: createVerifier(sets),
    isOfSession: (claims) => ofSessions.has(claims),
    ...(fileKey && { mint: (input) => mintToken(fileKey, own, input) }),
    ...(shared && { signAccess: (input) => signAccess(shared, own, input) }),
    jwks: () => ({ keys: [...(fileKey ? [{ ...fileKey.publicJwk }] : []), ...(shared?.jwks().keys ?? [])] }),
  };
}

const ownOptions = (own: Own) => ({
  ...own,
  algorithms: [signingAlgorithm],
  typ: accessType,
  requiredClaims: ['jti'],
});

function fileSet(key: SigningKey, own: Own): KeySet {
  const has = (kid: string) => kid === key.kid;
  return { has, options: ownOptions(own), keys: async ({ kid = '' }) => publicKeyOf(has(kid) ? key : undefined) };
}

function sharedSet(shared: SigningKeys, own: Own): KeySet {
  const { maxTokenAge } = shared;
  return {
    has: (kid) => shared.known(kid) !== undefined,
    find: async (kid) => (await shared.find(kid)) !== undefined,
    options: { ...ownOptions(own), requiredClaims: ['jti', 'sub', 'sid', 'iat'], maxTokenAge },
    keys: async ({ kid = '' }) => publicKeyOf(shared.known(kid)),
  };
}

function publicKeyOf(key: VerifyingKey | undefined) {
  if (!key) throw new errors.JWKSNoMatchingKey();
  return key.publicKey;
}

const registered = ['iss', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sub', 'sid', 'role'];

async function mintToken(key: SigningKey, own: Own, { sub, role, claims, expiresIn = 3_600 }: MintInput) {
  if (!Number.isFinite(expiresIn) || expiresIn < 1) throw invalidInput('expiresIn', 'Expected a second or more.');
  const named = { ...(sub !== undefined && { sub }), ...(role !== undefined && { role }) };
  return (await sign(key, own, claims, named, Math.floor(expiresIn))).token;
}

async function signAccess(shared: SigningKeys, own: Own, { sub, sid, role, claims, expiresIn }: AccessInput) {
  // @NOTE a key is forgotten when none of its tokens can be alive: one that lived longer would be refused one day.
  const lifetime = Math.min(Math.floor(expiresIn), shared.maxTokenAge);
  return sign(await shared.active(), own, claims, { sub, sid, ...(role !== undefined && { role }) }, lifetime);
}

async function sign(
  key: SigningKey,
  { issuer, audience }: Own,
  claims: Record<string, unknown> = {},
  named: Record<string, string>,
  lifetime: number,
): Promise<AccessToken> {
  const taken = registered.find((name) => Object.hasOwn(claims, name));
  if (taken) throw invalidInput(`claims.${taken}`, 'This claim has a meaning of its own and cannot be set here.');
  const now = Math.floor(Date.now() / 1_000);
  const jwt = new SignJWT({ ...claims, ...named })
    .setProtectedHeader({ alg: signingAlgorithm, kid: key.kid, typ: accessType })
    .setIssuer(issuer)
    .setIssuedAt(now)
    .setExpirationTime(now + lifetime)
    .setJti(randomBytes(16).toString('base64url'));
  if (audience) jwt.setAudience(audience);
  const token = await jwt.sign(key.privateKey);
  if (token.length > maxTokenLength) throw invalidInput('claims', `The token would pass ${maxTokenLength} characters.`);
  return { token, expiresAt: new Date((now + lifetime) * 1_000) };
}
