import {
  AuthorizationResponseError,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  fetchUserInfo,
  randomNonce,
  randomPKCECodeVerifier,
} from 'openid-client';
import { MillraceError } from '../../../errors.ts';
import { type ProviderClient, unavailable } from './discovery.ts';
import { checkProfile, nameOfAppleUser, profileOfClaims } from './profile.ts';
import type { Claims, OAuth2Provider, OidcProvider, Profile } from './provider.ts';
import { ProviderFetchError } from './provider-fetch.ts';

/**
 * One way to a provider and back, RFC 6749 with what RFC 9700 asks for. `state` finds the flow again and is good for one
 * answer; PKCE (RFC 7636) binds the code to this server's flow, `nonce` the ID token; the redirect address names the
 * provider, and the flow remembers it, so that no provider answers for another one (RFC 9700, section 4.4).
 */
export interface Flow {
  provider: string;
  redirectUri: string;
  nonce: string;
  verifier: string;
}

/** Why a provider's answer came to nothing; `code` is ours, and may stand in an address. */
export class FlowError extends MillraceError {
  readonly reason: 'access_denied' | 'sign_in_refused';

  constructor(reason: FlowError['reason'], cause?: unknown) {
    const message =
      reason === 'access_denied' ? 'The sign-in was broken off.' : "The provider's answer is not accepted.";
    super('UNAUTHENTICATED', message, {}, { cause });
    this.reason = reason;
  }
}

/** Makes a flow's secrets; they stay with the server, beside the hash of `state`. */
export function makeFlow(provider: string, redirectUri: string): Flow {
  return { provider, redirectUri, nonce: randomNonce(), verifier: randomPKCECodeVerifier() };
}

/** Where the browser goes to sign in at the provider. */
export async function authorizationUrl(client: ProviderClient, flow: Flow, state: string): Promise<URL> {
  const { provider, config } = client;
  const isOidc = provider.kind === 'oidc';
  const scopes = provider.scopes ?? (isOidc ? ['openid', 'email', 'profile'] : []);
  return buildAuthorizationUrl(config, {
    ...provider.parameters,
    ...(scopes.length > 0 && { scope: [...new Set(isOidc ? ['openid', ...scopes] : scopes)].join(' ') }),
    ...(isOidc && { nonce: flow.nonce }),
    ...(isOidc && provider.responseMode === 'form_post' && { response_mode: 'form_post' }),
    response_type: 'code',
    redirect_uri: flow.redirectUri,
    state,
    code_challenge: await calculatePKCECodeChallenge(flow.verifier),
    code_challenge_method: 'S256',
  });
}

/**
 * Makes a profile of a provider's answer. The caller has taken the flow by `state`, once, and knows that the answer came
 * to the flow's own address. @throws FlowError, or UNAVAILABLE where the provider cannot be asked
 */
export async function finishFlow(
  client: ProviderClient,
  flow: Flow,
  answer: URLSearchParams,
  state: string,
): Promise<Profile> {
  const { provider } = client;
  const url = new URL(flow.redirectUri);
  url.search = new URLSearchParams(answer).toString();
  url.searchParams.delete('user');
  try {
    if (provider.kind === 'oauth2') return await finishOAuth2({ ...client, provider }, flow, url, state);
    const profile = await finishOidc({ ...client, provider }, flow, url, state);
    if (profile.name || provider.responseMode !== 'form_post') return profile;
    return checkProfile({ ...profile, name: nameOfAppleUser(answer.get('user')) });
  } catch (error) {
    if (isOutage(error)) throw unavailable(error);
    const isDenied = error instanceof AuthorizationResponseError && error.error === 'access_denied';
    throw new FlowError(isDenied ? 'access_denied' : 'sign_in_refused', error);
  }
}

type Client<P> = ProviderClient & { provider: P };

async function finishOidc({ config, provider }: Client<OidcProvider>, flow: Flow, url: URL, state: string) {
  const tokens = await authorizationCodeGrant(config, url, {
    expectedState: state,
    expectedNonce: flow.nonce,
    pkceCodeVerifier: flow.verifier,
    idTokenExpected: true,
  });
  const claims: Claims = tokens.claims()!;
  checkAudience(provider, claims);
  if (provider.accepts && !provider.accepts(claims)) throw new TypeError('the issuer or the tenant is another one');
  const isWhole = typeof claims.email === 'string' && 'email_verified' in claims;
  const asks = !isWhole && config.serverMetadata().userinfo_endpoint !== undefined;
  // Its `sub` must be the ID token's: OpenID Connect Core, section 5.3.2.
  const userinfo = asks ? await fetchUserInfo(config, tokens.access_token, String(claims.sub)) : undefined;
  return profileOfClaims(provider, claims, userinfo);
}

/** @NOTE stricter than the library, which takes any audience beside this client if `azp` names it. */
function checkAudience({ clientId, audiences = [] }: OidcProvider, { aud, azp }: Claims): void {
  const known = new Set<unknown>([clientId, ...audiences]);
  if (![aud].flat().every((audience) => known.has(audience))) throw new TypeError('an audience is not known');
  if (azp !== undefined && azp !== clientId) throw new TypeError('the token is for another party');
}

async function finishOAuth2(client: Client<OAuth2Provider>, flow: Flow, url: URL, state: string) {
  const { config, provider, fetch } = client;
  // A provider of which it is not known which `iss` it sends is told apart by its redirect address alone.
  if (!provider.issuer) url.searchParams.delete('iss');
  const tokens = await authorizationCodeGrant(config, url, {
    expectedState: state,
    pkceCodeVerifier: flow.verifier,
  });
  const said = await provider.userinfo(tokens.access_token, fetch);
  return checkProfile({ ...said, issuer: config.serverMetadata().issuer });
}

/** Whether an error tells of the provider's state and not of its answer. */
function isOutage(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause as Error) {
    if (at instanceof ProviderFetchError) return true;
    if (at.cause instanceof Response) return at.cause.status >= 500 || at.cause.status === 429;
  }
  return false;
}
