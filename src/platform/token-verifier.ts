import {
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose';
import { LRUCache } from 'lru-cache';
import { MillraceError } from '../errors.ts';
import type { Claims } from './tokens.ts';

/** Keys of one issuer, and what its tokens must say: never held to what another issuer's must. */
export interface KeySet {
  keys: JWTVerifyGetKey;
  options: JWTVerifyOptions;
  /** Whether the key of this name is known now. */
  has(kid: string): boolean;
  /** The same, having looked for it where keys may have come since. */
  find?(kid: string): Promise<boolean>;
  /** Says that a token is of this set, when it is. */
  mark?(claims: Claims): void;
}

/** Characters of a token, at most. */
export const maxTokenLength = 8_192;
const rememberedTokens = 2_000;
const rememberedFor = 60;
const clockTolerance = 5;

/** Makes the verifier of some sets, of which a token's `kid` names one; of names that nobody knows the last one is asked. */
export function createVerifier(sets: readonly KeySet[]): (token: string) => Promise<Claims> {
  const verified = new LRUCache<string, { claims: Claims; until: number; isKnown: () => boolean }>({
    max: rememberedTokens,
  });
  return async (token) => {
    const remembered = verified.get(token);
    if (remembered && Date.now() < remembered.until && remembered.isKnown()) return remembered.claims;
    if (token.length > maxTokenLength) throw unauthenticated(`is longer than ${maxTokenLength} characters`);
    // @NOTE the strict alphabet of RFC 7515: decoders that take spaces or padding would take one token in many spellings.
    if (!/^[\w-]*\.[\w-]*\.[\w-]*$/.test(token)) throw unauthenticated('is malformed');
    const kid = readKid(token);
    const [payload, set] = await verifyBySets(token, kid, sets);
    const claims = readClaims(payload, set);
    set.mark?.(claims);
    // exp is there: it is a required claim.
    const until = Math.min(Date.now() + rememberedFor * 1_000, (payload.exp! + clockTolerance) * 1_000);
    verified.set(token, { claims, until, isKnown: () => kid === undefined || !set.find || set.has(kid) });
    return claims;
  };
}

/** The name of the key, the only word of a header that is believed before the signature is. */
function readKid(token: string): string | undefined {
  try {
    const { kid } = decodeProtectedHeader(token);
    return typeof kid === 'string' ? kid : undefined;
  } catch (error) {
    throw unauthenticated('is malformed', { cause: error });
  }
}

async function verifyBySets(
  token: string,
  kid: string | undefined,
  sets: readonly KeySet[],
): Promise<[JWTPayload, KeySet]> {
  const known = kid === undefined ? undefined : sets.find((set) => set.has(kid));
  const set = known ?? sets.at(-1)!;
  try {
    return [await verifyOnce(token, set), set];
  } catch (error) {
    if (known || kid === undefined || !mayBeOfAnother(error)) throw error;
    for (const other of sets) if (await other.find?.(kid)) return [await verifyOnce(token, other), other];
    throw error;
  }
}

const mayBeOfAnother = (error: unknown): boolean =>
  error instanceof MillraceError && (error.code === 'UNAVAILABLE' || error.cause instanceof errors.JWKSNoMatchingKey);

async function verifyOnce(token: string, { keys, options }: KeySet): Promise<JWTPayload> {
  try {
    const requiredClaims = ['exp', ...(options.requiredClaims ?? [])];
    const { payload, protectedHeader } = await jwtVerify(token, keys, { ...options, requiredClaims, clockTolerance });
    // What jose understands of it (RFC 7797) means nothing good in a token.
    if (protectedHeader.crit) throw new errors.JWSInvalid();
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

/** Checks what nobody else does: that names are texts. The times among the claims are numbers by then. */
function readClaims(payload: JWTPayload, { options }: KeySet): Claims {
  for (const name of ['sub', 'role', ...(options.requiredClaims ?? [])]) {
    if (payload[name] !== undefined && name !== 'iat' && typeof payload[name] !== 'string') {
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
