import {
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  None,
  type ServerMetadata,
} from 'openid-client';
import { MillraceError } from '../../../errors.ts';
import type { Logger } from '../../../platform/log.ts';
import { isLoopbackHost } from './addresses.ts';
import type { OidcProvider, Provider, ProviderFetch } from './provider.ts';
import { checkEndpoint, createProviderFetch, type ProviderFetchOptions } from './provider-fetch.ts';
import { reasonOf } from './refusal-reason.ts';

/** A provider whose endpoints are known. */
export interface ProviderClient {
  provider: Provider;
  config: Configuration;
  fetch: ProviderFetch;
}

/** The configured providers, each looked up when it is first used. */
export interface ProviderClients {
  readonly providers: Readonly<Record<string, Provider>>;
  /** @throws MillraceError NOT_FOUND for a name that is none, UNAVAILABLE while the provider is down or not what it should be */
  find(name: string): Promise<ProviderClient>;
}

/** What the lookup depends on. */
export interface DiscoveryOptions {
  log: Pick<Logger, 'warn'>;
  now?: () => number;
  fetching?: Omit<ProviderFetchOptions, 'trusted'>;
  /** Another way to the providers than the bounded one: a test's. */
  fetch?: ProviderFetch;
}

/** Milliseconds: for how long what was discovered is taken for new, for how long it serves while the provider is down, and a failure's silence. */
const times = { fresh: 3_600_000, stale: 86_400_000, quiet: 5_000 };

interface Known {
  client?: ProviderClient;
  since: number;
  failedAt: number;
  running?: Promise<ProviderClient>;
}

/** Knows each provider's endpoints, and asks again in time. One that is down is told to whoever asks for it, and to nobody at the start. */
export function createProviderClients(
  providers: Readonly<Record<string, Provider>>,
  options: DiscoveryOptions,
): ProviderClients {
  const { log, now = Date.now } = options;
  const known = new Map<string, Known>();
  const lookUp = async (name: string, provider: Provider, state: Known): Promise<ProviderClient> => {
    try {
      const client = await openClient(provider, options);
      Object.assign(state, { client, since: now(), failedAt: Number.NEGATIVE_INFINITY });
      return client;
    } catch (error) {
      state.failedAt = now();
      log.warn({ provider: name, reason: reasonOf(error) }, 'a sign-in provider cannot be used');
      throw unavailable(error);
    } finally {
      state.running = undefined;
    }
  };
  return {
    providers,
    async find(name) {
      const provider = Object.hasOwn(providers, name) ? providers[name] : undefined;
      if (!provider) throw new MillraceError('NOT_FOUND', 'There is no such provider.');
      const state = known.get(name) ?? { since: 0, failedAt: Number.NEGATIVE_INFINITY };
      known.set(name, state);
      const age = now() - state.since;
      if (state.client && age < times.fresh) return state.client;
      const old = age < times.stale ? state.client : undefined;
      if (now() - state.failedAt < times.quiet) {
        if (old) return old;
        throw unavailable();
      }
      state.running ??= lookUp(name, provider, state);
      return old ? state.running.catch(() => old) : state.running;
    },
  };
}

/** The provider is not to be had now; why is told to the log alone. */
export function unavailable(cause?: unknown): MillraceError {
  return new MillraceError('UNAVAILABLE', 'The provider cannot be used just now.', { retryAfter: 5 }, { cause });
}

async function openClient(provider: Provider, options: DiscoveryOptions): Promise<ProviderClient> {
  const own = provider.kind === 'oidc' ? [provider.issuer] : [provider.authorizationEndpoint, provider.tokenEndpoint];
  const trusted = new Set([...own.map((url) => new URL(url).origin), ...(provider.privateOrigins ?? [])]);
  const fetch = options.fetch ?? createProviderFetch({ ...options.fetching, trusted });
  const config = provider.kind === 'oidc' ? await discover(provider, fetch) : configure(provider);
  config[customFetch] = (url, { body, ...init }) =>
    fetch(url, { ...init, ...(body != null && { body: body as URLSearchParams }) });
  checkMetadata(provider, config.serverMetadata(), trusted);
  if (own.some((url) => isLoopbackHost(new URL(url).hostname))) allowInsecureRequests(config);
  return { provider, config, fetch };
}

function discover(provider: OidcProvider, fetch: ProviderFetch): Promise<Configuration> {
  const issuer = new URL(provider.issuer);
  return discovery(issuer, provider.clientId, {}, authenticationOf(provider), {
    [customFetch]: (url, { headers, signal }) => fetch(url, { headers, signal }),
    // @NOTE without this the signature of an ID token is not looked at, since it comes by TLS from the provider itself.
    execute: [enableNonRepudiationChecks, ...(isLoopbackHost(issuer.hostname) ? [allowInsecureRequests] : [])],
  });
}

function configure(provider: Extract<Provider, { kind: 'oauth2' }>): Configuration {
  const server = {
    issuer: provider.issuer ?? new URL(provider.authorizationEndpoint).origin,
    authorization_endpoint: provider.authorizationEndpoint,
    token_endpoint: provider.tokenEndpoint,
    token_endpoint_auth_methods_supported: ['client_secret_post'],
  };
  return new Configuration(server, provider.clientId, {}, authenticationOf(provider));
}

/** What is discovered decides where secrets are sent, so it is held to what was configured. */
function checkMetadata(provider: Provider, metadata: ServerMetadata, trusted: ReadonlySet<string>): void {
  const required = ['authorization_endpoint', 'token_endpoint', ...(provider.kind === 'oidc' ? ['jwks_uri'] : [])];
  for (const name of [...required, 'userinfo_endpoint']) {
    const value = metadata[name];
    if (value === undefined && name === 'userinfo_endpoint') continue;
    if (typeof value !== 'string' || !URL.canParse(value)) throw new TypeError(`there is no ${name}`);
    checkEndpoint(new URL(value), trusted);
  }
  // @NOTE the same text: RFC 8414, section 3.3. A provider with several issuers judges each token by itself (`accepts`).
  const isExact = provider.kind !== 'oidc' || provider.accepts || metadata.issuer === provider.issuer;
  if (!isExact) throw new TypeError('the issuer is written differently');
}

function authenticationOf(provider: Provider): ClientAuth {
  return async (server, client, body, headers) => {
    const secret =
      'makeSecret' in provider && provider.makeSecret ? await provider.makeSecret() : provider.clientSecret;
    const authenticate = secret === undefined ? None() : bySecret(provider, server)(secret);
    authenticate(server, client, body, headers);
  };
}

/** @NOTE `post` before the standard's default: in `basic` signs are escaped, which not every provider undoes. */
function bySecret({ clientAuthentication }: Provider, server: ServerMetadata) {
  const taken = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  const way = clientAuthentication ?? (taken.includes('client_secret_post') ? 'post' : 'basic');
  return way === 'basic' ? ClientSecretBasic : ClientSecretPost;
}
