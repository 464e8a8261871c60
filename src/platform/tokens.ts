import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
  SignJWT,
} from 'jose';
import { LRUCache } from 'lru-cache';
import type { TokensConfig } from '../config/config.ts';
import { invalidInput, MillraceError } from '../errors.ts';
import { openSigningKey, type SigningKey, signingAlgorithm } from './keys.ts';

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

/** Proofs of who is asking: JSON Web Tokens (RFC 7519), signed asymmetrically, by this server or by another issuer. */
export interface Tokens {
  /** What the token says; UNAUTHENTICATED with the reason if it proves nothing, UNAVAILABLE if its keys are out of reach. */
  verify(token: string): Promise<Claims>;
  /** Signs a new token; absent where another issuer signs. */
  mint?(input: MintInput): Promise<string>;
  /** The public keys of this server's own tokens; none where another issuer signs. */
  jwks(): JSONWebKeySet;
}

const maxTokenLength = 8_192;
const rememberedTokens = 2_000;
const rememberedFor = 60;
const clockTolerance = 5;
const localIssuer = 'millrace';

// @NOTE pinned: an algorithm is never chosen by the token, and no symmetric one may ever stand here.
const remoteAlgorithms = ['ES256', 'ES384', 'ES512', 'EdDSA', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];

/** Opens the keys that the configuration names; makes one at the first start of a server that signs its own tokens. */
export async function openTokens(config: TokensConfig): Promise<Tokens> {
  const { source, issuer, audience } = config;
  if (source.kind === 'jwks') {
    const options = { issuer, audience, algorithms: remoteAlgorithms };
    return { verify: createVerifier(remoteKeys(source.url), options), jwks: () => ({ keys: [] }) };
  }
  const key = await openSigningKey(source.directory);
  const own = { issuer: issuer ?? localIssuer, audience };
  return {
    verify: createVerifier(ownKey(key), { ...own, algorithms: [signingAlgorithm] }),
    mint: (input) => mintToken(key, own, input),
    jwks: () => ({ keys: [{ ...key.publicJwk }] }),
  };
}

function ownKey(key: SigningKey): JWTVerifyGetKey {
  return async ({ kid }) => {
    if (kid !== key.kid) throw new errors.JWKSNoMatchingKey();
    return key.publicKey;
  };
}

/** Keys published at a URL: fetched when first needed, again when a token names an unknown one, at most every 30 s. */
function remoteKeys(url: string): JWTVerifyGetKey {
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

function createVerifier(keys: JWTVerifyGetKey, options: JWTVerifyOptions): Tokens['verify'] {
  const verified = new LRUCache<string, { claims: Claims; until: number }>({ max: rememberedTokens });
  return async (token) => {
    const known = verified.get(token);
    if (known && Date.now() < known.until) return known.claims;
    if (token.length > maxTokenLength) throw unauthenticated(`is longer than ${maxTokenLength} characters`);
    const payload = await verifyOnce(token, keys, options);
    const claims = readClaims(payload);
    // exp is there: it is a required claim.
    const until = Math.min(Date.now() + rememberedFor * 1_000, (payload.exp! + clockTolerance) * 1_000);
    verified.set(token, { claims, until });
    return claims;
  };
}

async function verifyOnce(token: string, keys: JWTVerifyGetKey, options: JWTVerifyOptions): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, keys, { ...options, requiredClaims: ['exp'], clockTolerance });
    return payload;
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    throw unauthenticated(reasonOf(error), { cause: error });
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'has expired';
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason } = error;
    if (claim === 'nbf') return 'is not valid yet';
    return reason === 'missing' ? `lacks the claim ${claim}` : `is not for this server: its ${claim} is another`;
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'does not bear a valid signature';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'is signed by an algorithm that is not accepted';
  if (error instanceof errors.JWKSNoMatchingKey) return 'is signed by a key that is not known';
  if (error instanceof errors.JWKSMultipleMatchingKeys) return 'does not name its key, and several would fit';
  return 'is malformed';
}

function unauthenticated(reason: string, options?: ErrorOptions): MillraceError {
  return new MillraceError('UNAUTHENTICATED', `The token ${reason}.`, {}, options);
}

function readClaims(payload: JWTPayload): Claims {
  for (const name of ['sub', 'role']) {
    if (payload[name] !== undefined && typeof payload[name] !== 'string') {
      throw unauthenticated(`is malformed: its claim ${name} is no string`);
    }
  }
  return deepFreeze(payload) as Claims;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) deepFreeze(part);
    Object.freeze(value);
  }
  return value;
}

const registered = ['iss', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sub', 'role'];

async function mintToken(key: SigningKey, own: { issuer: string; audience?: string }, input: MintInput) {
  const { sub, role, claims = {}, expiresIn = 3_600 } = input;
  const taken = registered.find((name) => Object.hasOwn(claims, name));
  if (taken) throw invalidInput(`claims.${taken}`, 'This claim has a meaning of its own and cannot be set here.');
  if (!Number.isFinite(expiresIn) || expiresIn < 1) throw invalidInput('expiresIn', 'Expected a second or more.');
  const now = Math.floor(Date.now() / 1_000);
  const jwt = new SignJWT({ ...claims, ...(role !== undefined && { role }) })
    .setProtectedHeader({ alg: signingAlgorithm, kid: key.kid, typ: 'JWT' })
    .setIssuer(own.issuer)
    .setIssuedAt(now)
    .setExpirationTime(now + Math.floor(expiresIn));
  if (sub !== undefined) jwt.setSubject(sub);
  if (own.audience) jwt.setAudience(own.audience);
  const token = await jwt.sign(key.privateKey);
  if (token.length > maxTokenLength) throw invalidInput('claims', `The token would pass ${maxTokenLength} characters.`);
  return token;
}
