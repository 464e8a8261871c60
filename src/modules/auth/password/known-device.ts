/**
 * Devices that somebody has signed in on before: each keeps a token for the address, which proves that and nothing else. Whoever
 * guesses passwords has none, so what is limited on their account does not shut out its owner (OWASP's "device cookies").
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Secrets } from '../../../platform/secrets.ts';
import type { Needs } from '../users.ts';

const written = /^mrd_([\w-]{22})\.([\w-]{43})$/;
/** Seconds for which a browser keeps the cookie: what browsers allow (RFC 6265bis). */
const lifetime = 400 * 86_400;

/** The device of a token, by its number; undefined where the token is none of this address. */
export function knownDevice(
  secrets: Pick<Secrets, 'mac'>,
  email: string,
  token: string | undefined,
): string | undefined {
  const [, number, mac] = written.exec(token ?? '') ?? [];
  if (number === undefined) return undefined;
  const expected = macOf(secrets, email, number);
  return timingSafeEqual(expected, Buffer.from(mac!, 'base64url').subarray(0, expected.length)) ? number : undefined;
}

/** Makes a token for an address. */
export function newDeviceToken(secrets: Pick<Secrets, 'mac'>, email: string): string {
  const number = randomBytes(16).toString('base64url');
  return `mrd_${number}.${macOf(secrets, email, number).toString('base64url')}`;
}

const macOf = (secrets: Pick<Secrets, 'mac'>, email: string, number: string): Buffer =>
  secrets.mac('known-device', `${number} ${email}`);

/** The token that was given, or that a cookie carries. */
export const deviceTokenOf = (
  { client }: Pick<Needs, 'client'>,
  given: string | null | undefined,
): string | undefined => given ?? client.cookies().device;

/** The token as the answer tells it: set as a cookie after the commit, and not told, to a client that asks for cookies. */
export function deliverDeviceToken({ client, afterCommit }: Needs, token: string): string | null {
  const { setCookie } = client;
  if (!client.wantsCookies || !setCookie) return token;
  afterCommit(() => setCookie.call(client, 'device', token, lifetime));
  return null;
}
