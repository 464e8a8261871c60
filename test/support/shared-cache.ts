import { createRequire } from 'node:module';

/** What a cache may do with an answer by RFC 9111, as the library http-cache-semantics judges it. */
interface Policy {
  storable(): boolean;
  satisfiesWithoutRevalidation(request: Asked): boolean;
  revalidationHeaders(request: Asked): Record<string, string>;
  revalidatedPolicy(request: Asked, answer: Head): { policy: Policy; modified: boolean };
}
interface Asked {
  url: string;
  method: string;
  headers: Record<string, string>;
}
interface Head {
  status: number;
  headers: Record<string, string>;
}

/** An answer, and where it came from. */
export interface CachedAnswer extends Head {
  body: string;
  from: 'server' | 'cache' | 'cache, for it is the same';
}

/** A cache that stands between the server and everybody, as a proxy does. */
export interface SharedCache {
  get(url: string, headers?: Record<string, string>): Promise<CachedAnswer>;
}

/** Makes a cache that keeps and gives all that it may. */
export function createSharedCache(): SharedCache {
  const load = createRequire(import.meta.url);
  const CachePolicy = load('http-cache-semantics') as new (asked: Asked, answer: Head, of: { shared: true }) => Policy;
  let kept: { url: string; policy: Policy; body: string; headers: Record<string, string> }[] = [];
  return {
    async get(url, headers = {}) {
      const asked: Asked = { url, method: 'GET', headers };
      const known = kept.filter((entry) => entry.url === url);
      const fresh = known.find(({ policy }) => policy.satisfiesWithoutRevalidation(asked));
      if (fresh) return { status: 200, headers: fresh.headers, body: fresh.body, from: 'cache' };
      const stale = known.find(({ policy }) => 'if-none-match' in policy.revalidationHeaders(asked));
      const sent = stale ? stale.policy.revalidationHeaders(asked) : headers;
      const response = await fetch(url, { headers: sent });
      const head = { status: response.status, headers: Object.fromEntries(response.headers) };
      const body = await response.text();
      if (stale && head.status === 304) {
        const { policy } = stale.policy.revalidatedPolicy(asked, head);
        kept = [...kept.filter((entry) => entry !== stale), { ...stale, policy }];
        return { status: 200, headers: stale.headers, body: stale.body, from: 'cache, for it is the same' };
      }
      const policy = new CachePolicy(asked, head, { shared: true });
      if (policy.storable()) kept = [...kept, { url, policy, body, headers: head.headers }];
      return { ...head, body, from: 'server' };
    },
  };
}
