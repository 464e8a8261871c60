/** Where a request comes from and what it brings along, before anybody has looked at what it proves. */

/** The cookies that Millrace knows; `cookies.ts` of the transport gives each its name and its flags. */
export type CookieName = 'access' | 'refresh' | 'device' | 'flow';

/** The other end of a request: told by the connection and by what was sent, and believed no further than that. */
export interface Client {
  readonly transport: 'http' | 'socket';
  /** The address that it comes from; behind a proxy that is trusted, the one that it tells. */
  readonly address: string;
  /** What limits count an address by; see `networkOf`. */
  readonly network: string;
  /** What it calls itself, at most 300 characters. */
  readonly userAgent: string | undefined;
  /** The page that asks; other programs send none. */
  readonly origin: string | undefined;
  /** The name by which it has reached the server. @NOTE the client's own word: nothing that others follow is made of it. */
  readonly host: string | undefined;
  /** It asks for cookies in the place of tokens in the answer; without `setCookie` it cannot have them. */
  readonly wantsCookies: boolean;
  /** Cookies that count: sent by a page that may. That of a flow, whose own `state` says so, counts always. */
  cookies(): Readonly<Partial<Record<CookieName, string>>>;
  /** Sets a cookie for so many seconds, 0 to take it away; only over HTTP. To be called after the commit. */
  setCookie?(name: CookieName, value: string, maxAge: number): void;
}

/** What somebody proves who they are by. */
export interface Credentials {
  /** An `Authorization` header, or what stands for it. It wins over cookies. */
  readonly authorization?: string | undefined;
  /** The access token of a cookie, where no page of another site can have sent it. */
  readonly accessCookie?: AccessCookie | undefined;
}

/** A cookie that was sent: its token, or why it counts for nothing. */
export type AccessCookie = { readonly token: string } | { readonly refused: string };
