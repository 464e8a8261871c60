import { StartupError } from '../../../errors.ts';
import { isLoopbackHost } from './addresses.ts';
import type { Provider } from './provider.ts';

/** Names that are pages of accounts themselves, at `/auth/<name>`. */
const taken = ['link', 'callback', 'mail', 'confirm'];

/** Checks what app/accounts.ts says of providers. @throws StartupError for what could never sign anybody in; whether a provider is there is not asked */
export function checkProviders(providers: Readonly<Record<string, Provider>>): void {
  for (const [name, provider] of Object.entries(providers)) {
    if (!/^[a-z][a-z0-9-]{0,30}$/.test(name) || taken.includes(name))
      refuse(name, 'has a name that cannot stand in addresses', 'take small letters, digits and -');
    if (!provider?.clientId) refuse(name, 'has no clientId', 'set it, or leave the provider out where it is not set');
    const addresses =
      provider.kind === 'oidc' ? [provider.issuer] : [provider.authorizationEndpoint, provider.tokenEndpoint];
    for (const address of addresses) {
      if (!isProviderAddress(address)) refuse(name, `cannot be at ${address}`, 'an https: address is needed');
    }
  }
}

function isProviderAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, hash } = new URL(text);
  return (protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname))) && !username && !hash;
}

function refuse(name: string, what: string, remedy: string): never {
  throw new StartupError(`app/accounts.ts: the provider ${name} ${what}`, remedy);
}
