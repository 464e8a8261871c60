import { makeAppleSecret } from './apple-secret.ts';
import {
  type ClientOptions,
  type OAuth2Provider,
  type OidcProvider,
  oauth2,
  oidc,
  type ProviderFetch,
} from './provider.ts';

export { oauth2, oidc } from './provider.ts';

/** Sign in with Google. */
export function google(options: ClientOptions): OidcProvider {
  return {
    ...oidc({ ...options, issuer: 'https://accounts.google.com' }),
    // @NOTE `email_verified` alone is not enough: of a domain that is not Google's it says that the address was theirs
    // once. Google is its authority for its own mail and for domains that it hosts (`hd`).
    vouches: ({ email, email_verified, hd }) =>
      email_verified === true && (typeof hd === 'string' || /@gmail\.com$/i.test(String(email))),
  };
}

/** What Sign in with Apple needs in the place of a client secret. */
export interface AppleOptions extends Omit<ClientOptions, 'clientSecret' | 'clientAuthentication'> {
  teamId: string;
  keyId: string;
  /** The .p8 file's text. */
  privateKey: string;
}

/** Sign in with Apple; `clientId` is the Services ID. */
export function apple({ teamId, keyId, privateKey, ...options }: AppleOptions): OidcProvider {
  return {
    ...oidc({
      scopes: ['openid', 'email', 'name'],
      ...options,
      clientAuthentication: 'post',
      issuer: 'https://appleid.apple.com',
      // Apple answers by nothing else where a name or an address is asked for.
      responseMode: 'form_post',
    }),
    makeSecret: () => makeAppleSecret({ clientId: options.clientId, teamId, keyId, privateKey }),
    vouches: ({ email_verified }) => email_verified === true || email_verified === 'true',
  };
}

/** What Microsoft's accounts are taken from. */
export interface MicrosoftOptions extends ClientOptions {
  /** A tenant's id; `common` takes everybody's, `organizations` all but private ones, `consumers` private ones only. */
  tenant?: string;
  /** With one of those names, the tenants whose people may sign in; without this all of them. */
  tenants?: readonly string[];
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Sign in with Microsoft: of one tenant, or of all. */
export function microsoft({ tenant = 'common', tenants, ...options }: MicrosoftOptions): OidcProvider {
  return {
    ...oidc({ ...options, issuer: `https://login.microsoftonline.com/${tenant}/v2.0` }),
    // @NOTE the issuer of a token names its tenant, and must name the one that the token says: else any tenant could speak for another.
    accepts: ({ iss, tid }) =>
      typeof tid === 'string' &&
      uuid.test(tid) &&
      iss === `https://login.microsoftonline.com/${tid}/v2.0` &&
      (!uuid.test(tenant) || tid === tenant) &&
      (!tenants || tenants.includes(tid)),
    // @NOTE the address is whatever the tenant's administrator writes; only the optional claim xms_edov vouches for it.
    vouches: ({ xms_edov }) => xms_edov === true || xms_edov === 1 || xms_edov === '1' || xms_edov === 'true',
  };
}

/** Sign in with GitLab; `url` for one of your own. */
export function gitlab({ url = 'https://gitlab.com', ...options }: ClientOptions & { url?: string }): OidcProvider {
  return oidc({ ...options, issuer: url });
}

/** Sign in with Slack. */
export function slack(options: ClientOptions): OidcProvider {
  return oidc({ ...options, issuer: 'https://slack.com' });
}

/** A realm of a Keycloak. */
export function keycloak({ url, realm, ...options }: ClientOptions & { url: string; realm: string }): OidcProvider {
  return oidc({ ...options, issuer: `${url.replace(/\/$/, '')}/realms/${realm}` });
}

/** A tenant of Auth0, by its domain. */
export function auth0({ domain, ...options }: ClientOptions & { domain: string }): OidcProvider {
  return oidc({ ...options, issuer: `https://${domain}/` });
}

/** An organization of Okta, by its domain; `server` names an authorization server of its own. */
export function okta({
  domain,
  server,
  ...options
}: ClientOptions & { domain: string; server?: string }): OidcProvider {
  return oidc({ ...options, issuer: `https://${domain}${server ? `/oauth2/${server}` : ''}` });
}

/** Sign in with GitHub. */
export function github(options: ClientOptions): OAuth2Provider {
  return oauth2({
    scopes: ['read:user', 'user:email'],
    clientAuthentication: 'post',
    ...options,
    authorizationEndpoint: 'https://github.com/login/oauth/authorize',
    tokenEndpoint: 'https://github.com/login/oauth/access_token',
    async userinfo(accessToken, fetch) {
      const user = await askJson<{ id: number; name?: string; login: string }>(
        fetch,
        'https://api.github.com/user',
        accessToken,
      );
      if (!Number.isSafeInteger(user.id)) throw new TypeError('the user has no id');
      // @NOTE the address in the profile is what the user shows, and proves nothing: only this list says what is verified.
      const emails = await askJson<{ email: string; primary: boolean; verified: boolean }[]>(
        fetch,
        'https://api.github.com/user/emails',
        accessToken,
      );
      const primary = emails.find((email) => email.primary === true && email.verified === true);
      return {
        subject: String(user.id),
        email: primary?.email,
        emailVerified: primary !== undefined,
        name: user.name || user.login,
      };
    },
  });
}

/** Sign in with Discord. */
export function discord(options: ClientOptions): OAuth2Provider {
  return oauth2({
    scopes: ['identify', 'email'],
    ...options,
    authorizationEndpoint: 'https://discord.com/oauth2/authorize',
    tokenEndpoint: 'https://discord.com/api/oauth2/token',
    async userinfo(accessToken, fetch) {
      const user = await askJson<{
        id: string;
        username: string;
        global_name?: string;
        email?: string;
        verified?: boolean;
      }>(fetch, 'https://discord.com/api/users/@me', accessToken);
      return {
        subject: user.id,
        email: user.email,
        emailVerified: user.verified === true,
        name: user.global_name || user.username,
      };
    },
  });
}

async function askJson<T>(fetch: ProviderFetch, url: string, accessToken: string): Promise<T> {
  const response = await fetch(url, {
    headers: { Authorization: `Bearer ${accessToken}`, Accept: 'application/json', 'User-Agent': 'millrace' },
  });
  if (response.status !== 200) throw new TypeError(`${new URL(url).pathname} answers ${response.status}`);
  return (await response.json()) as T;
}
