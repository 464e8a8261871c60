/**
 * The cookies of a browser's session: their names, their flags, and whether one that was sent counts. A browser sends them with
 * requests of every page, also of another site's, so a cookie counts only where that page may ask: it is one of the server's own
 * origin, or of one that CORS_ORIGINS names. By POST the page has to send a header as well that forms cannot send.
 */
import type { IncomingMessage } from 'node:http';
import { parseCookie, stringifySetCookie } from 'cookie';
import type { CookieName } from '../client.ts';

/** What cookies depend on. */
export interface CookieConfig {
  /** The browser sees https: `Secure`, under names that no other host can set. Plain http is for development. */
  secure: boolean;
  /** Origins that are the server's own or named in CORS_ORIGINS; `*` names nobody. */
  origins: readonly string[];
}

/** Bytes of a `Cookie` header that are looked at; a browser's cookies of one site may fill more. */
const longestHeader = 16_384;
/** Characters of one cookie's value, as browsers keep it. */
const longestValue = 4096;

const plainNames: Readonly<Record<CookieName, string>> = {
  access: 'millrace',
  refresh: 'millrace-refresh',
  device: 'millrace-device',
  flow: 'millrace-flow',
};

/** The name that a cookie has in the browser. @NOTE the prefix `__Host-` is kept by browsers: secure, of this host alone, for all paths. */
export const cookieName = (name: CookieName, secure: boolean): string =>
  secure ? `__Host-${plainNames[name]}` : plainNames[name];

/** The `Set-Cookie` header that sets a cookie for so many seconds; 0 takes it away. */
export const setCookieHeader = (name: CookieName, value: string, maxAge: number, secure: boolean): string =>
  stringifySetCookie({
    name: cookieName(name, secure),
    value,
    maxAge: Math.max(0, Math.floor(maxAge)),
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure,
  });

/**
 * The cookies of ours in a `Cookie` header, whether or not they count. One that is there twice counts as none: which of them this
 * server has set cannot be told, and whoever adds another wants theirs to be taken.
 */
export function readCookies(header: string | undefined, secure: boolean): Partial<Record<CookieName, string>> {
  const found: Partial<Record<CookieName, string>> = {};
  if (header === undefined || header.length > longestHeader) return found;
  const all = parseCookie(header, { decode: plain });
  for (const name of Object.keys(plainNames) as CookieName[]) {
    const full = cookieName(name, secure);
    const value = all[full];
    if (value !== undefined && value !== '' && value.length <= longestValue && isAlone(full, header))
      found[name] = value;
  }
  return found;
}

/** @NOTE undecoded: what stands in them needs no code, and `%` in one is nothing that we have set. */
const plain = (value: string): string | undefined => (/^[\w.~:+/=-]+$/.test(value) ? value : undefined);

function isAlone(name: string, header: string): boolean {
  const names = header.split(';').map((pair) => pair.split('=', 1)[0]!.trim());
  return names.indexOf(name) === names.lastIndexOf(name);
}

/**
 * Why cookies of a request count for nothing; undefined where they count. @NOTE by headers that no page can set or leave out:
 * `Origin` and `Sec-Fetch-Site` (Fetch, §forbidden request-header); a program that sends both as it likes has no browser's cookies.
 */
export function whyNot({ method, headers }: IncomingMessage, config: CookieConfig): string | undefined {
  const { origin, 'sec-fetch-site': site } = headers;
  const isHandshake = headers.upgrade !== undefined;
  const isOurs = origin !== undefined && isOwnOrigin(origin, headers.host, config);
  if (origin !== undefined && !isOurs && !isNamed(origin, config.origins)) {
    return 'the cookie does not count: pages of this origin may not use it';
  }
  if (isHandshake) return origin === undefined ? 'the cookie does not count without an Origin' : undefined;
  if (origin === undefined && site !== 'same-origin') {
    return 'the cookie does not count: the request does not say that a page of this origin makes it';
  }
  if (method !== 'GET' && method !== 'HEAD' && headers['x-millrace-csrf'] === undefined) {
    return 'the cookie does not count without the header X-Millrace-CSRF: 1';
  }
  return undefined;
}

/** @NOTE `*` is no name: it lets pages ask as strangers, and never as whoever reads them. */
const isNamed = (origin: string, named: readonly string[]): boolean => origin !== '*' && named.includes(origin);

function isOwnOrigin(origin: string, host: string | undefined, { secure }: CookieConfig): boolean {
  if (!URL.canParse(origin)) return false;
  const { host: own, protocol } = new URL(origin);
  // @NOTE a page of the same host by plain http is another origin, and anybody on its way may have written it.
  if (protocol !== 'https:' && (secure || protocol !== 'http:')) return false;
  return URL.canParse(`${protocol}//${host}`) && new URL(`${protocol}//${host}`).host === own;
}
