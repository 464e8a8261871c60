import { isIP } from 'node:net';

/** Whom a passkey is made for (WebAuthn Level 3): a domain, and the pages that may ask for it. */
export interface RelyingParty {
  /** The domain of PUBLIC_URL; what is registered for one is good for no other. */
  id: string;
  /** What the application is called. */
  name: string;
  /** Origins of the pages that may ask, compared as a whole. */
  origins: readonly string[];
}

/** Who asks for passkeys; undefined where nobody can: browsers know none for an address of numbers. */
export function relyingPartyOf(of: {
  publicUrl: string;
  name: string;
  /** Origins of other pages; `*` is none. */
  origins: readonly string[];
}): RelyingParty | undefined {
  const { hostname, origin } = new URL(of.publicUrl);
  if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0) return undefined;
  // @NOTE a page of any origin may call an API that is open to all, and none but these may use somebody's passkey for it.
  const others = of.origins.filter((other) => other !== '*');
  return { id: hostname, name: of.name, origins: [...new Set([origin, ...others])] };
}
