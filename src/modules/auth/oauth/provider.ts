/** What a provider says of whoever has signed in there. */
export interface Profile {
  /** Who says so: with `subject` the key of the identity. An address is never one. */
  issuer: string;
  /** The provider's own name of the account, which it gives to no other one. */
  subject: string;
  email?: string;
  /** The provider vouches that the address is theirs; nothing else makes one of ours verified. */
  emailVerified: boolean;
  name?: string;
}

/** A request to a provider: bounded in time and size, without redirects, by TLS. */
export type ProviderFetch = (
  url: string,
  init?: {
    method?: string;
    headers?: Readonly<Record<string, string>>;
    body?: string | URLSearchParams;
    signal?: AbortSignal;
  },
) => Promise<Response>;

/** How the client shows the token endpoint who it is: RFC 6749, section 2.3.1. */
export type ClientAuthentication = 'basic' | 'post';

/** What is the same of every provider. */
export interface ClientOptions {
  clientId: string;
  /** What the provider gave with the client's id; a public client has none. */
  clientSecret?: string;
  /** How the secret is sent; without this as the provider says it takes it. */
  clientAuthentication?: ClientAuthentication;
  scopes?: readonly string[];
  /** Further parameters of the authorization request, such as `prompt`. */
  parameters?: Readonly<Record<string, string>>;
  /** What the button says; without this the provider's key. */
  label?: string;
  /** Further origins at which the provider may be reached in a private network. */
  privateOrigins?: readonly string[];
}

/** How an OpenID Connect provider is set up. */
export interface OidcOptions extends ClientOptions {
  /** Exactly as the provider writes it, with or without a slash at its end. */
  issuer: string;
  /** Audiences that may stand in its ID tokens beside this client. */
  audiences?: readonly string[];
  responseMode?: 'query' | 'form_post';
}

/** How a provider is set up that speaks OAuth 2 without OpenID Connect. */
export interface OAuth2Options extends ClientOptions {
  authorizationEndpoint: string;
  tokenEndpoint: string;
  /** The `iss` that it sends with its answers (RFC 9207); without this the authorization endpoint's origin names it. */
  issuer?: string;
  /** Asks the provider who the token is of. What it throws refuses the sign-in. */
  userinfo: (accessToken: string, fetch: ProviderFetch) => Promise<Omit<Profile, 'issuer'>>;
}

/** Claims of an ID token, or of the userinfo endpoint. */
export type Claims = Readonly<Record<string, unknown>>;

/** A provider of OpenID Connect. */
export interface OidcProvider extends OidcOptions {
  kind: 'oidc';
  /** Makes the client's secret anew for each request, where it is one that ends. */
  makeSecret?: () => Promise<string>;
  /** Whether claims vouch for the address in them; without this `email_verified` alone does. */
  vouches?: (claims: Claims) => boolean;
  /** Whether this ID token's issuer and tenant are meant, where one provider has several. */
  accepts?: (claims: Claims) => boolean;
}

/** A provider of OAuth 2. */
export interface OAuth2Provider extends OAuth2Options {
  kind: 'oauth2';
}

/** Somebody who vouches for people. */
export type Provider = OidcProvider | OAuth2Provider;

/** Any OpenID Connect provider, by its issuer; it is asked for its endpoints and keys when it is first used. */
export function oidc(options: OidcOptions): OidcProvider {
  return { ...options, kind: 'oidc' };
}

/** A provider that speaks OAuth 2 alone; `userinfo` finds out who has signed in. */
export function oauth2(options: OAuth2Options): OAuth2Provider {
  return { ...options, kind: 'oauth2' };
}
