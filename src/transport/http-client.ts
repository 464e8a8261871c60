import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessCookie, Client, CookieName, Credentials } from '../client.ts';
import { type AddressOf, networkOf } from './client-address.ts';
import { type CookieConfig, readCookies, setCookieHeader, whyNot } from './cookies.ts';

/** What of the configuration says how a request is looked at. */
export interface ClientConfig {
  addressOf: AddressOf;
  cookies: CookieConfig;
}

/** Characters of what a client calls itself that are kept. */
export const longestUserAgent = 300;

const none: Readonly<Partial<Record<CookieName, string>>> = {};

/**
 * The client of one request by HTTP.
 * @NOTE nothing is read before it is asked for: most requests bring a token, and all that is needed of this is its header.
 */
export class HttpClient implements Client, Credentials {
  readonly transport = 'http';
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;
  private readonly config: ClientConfig;

  constructor(request: IncomingMessage, response: ServerResponse, config: ClientConfig) {
    this.request = request;
    this.response = response;
    this.config = config;
  }

  get authorization(): string | undefined {
    return this.request.headers.authorization;
  }

  get accessCookie(): AccessCookie | undefined {
    return accessCookieOf(this.request, this.config.cookies);
  }

  get address(): string {
    return this.config.addressOf(this.request);
  }

  get network(): string {
    return networkOf(this.address);
  }

  get userAgent(): string | undefined {
    return this.request.headers['user-agent']?.slice(0, longestUserAgent);
  }

  get origin(): string | undefined {
    return this.request.headers.origin;
  }

  get host(): string | undefined {
    return this.request.headers.host;
  }

  get wantsCookies(): boolean {
    return this.request.headers['x-millrace-session'] === 'cookie';
  }

  cookies(): Readonly<Partial<Record<CookieName, string>>> {
    const { cookies } = this.config;
    const { cookie } = this.request.headers;
    if (cookie === undefined) return none;
    const sent = readCookies(cookie, cookies.secure);
    return whyNot(this.request, cookies) === undefined ? sent : { flow: sent.flow };
  }

  setCookie(name: CookieName, value: string, maxAge: number): void {
    const { response, config } = this;
    // Told to somebody who has gone, or who has been answered: there is nobody to keep it.
    if (response.headersSent) return;
    response.appendHeader('Set-Cookie', setCookieHeader(name, value, maxAge, config.cookies.secure));
    response.setHeader('Cache-Control', 'no-store');
  }
}

/** The access cookie of a request or of a handshake, if it was sent. */
export function accessCookieOf(request: IncomingMessage, config: CookieConfig): AccessCookie | undefined {
  const { cookie } = request.headers;
  if (cookie === undefined) return undefined;
  const token = readCookies(cookie, config.secure).access;
  if (token === undefined) return undefined;
  const refused = whyNot(request, config);
  return refused === undefined ? { token } : { refused };
}
