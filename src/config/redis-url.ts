/** Where a Redis listens. */
export interface RedisEndpoint {
  host: string;
  port: number;
}

/** The user of a Redis, as it is asked for by every connection. */
export interface RedisLogin {
  username?: string;
  password?: string;
}

/** One server or the nodes of one cluster; or sentinels, which know where the master is. */
export type RedisServers =
  | { kind: 'direct'; nodes: RedisEndpoint[] }
  | { kind: 'sentinel'; sentinels: RedisEndpoint[]; master: string; sentinelLogin: RedisLogin };

/** All that a REDIS_URL says. */
export interface RedisAddress {
  servers: RedisServers;
  tls: boolean;
  login: RedisLogin;
  database: number;
}

const form =
  /^(?<scheme>rediss?)(?<sentinel>\+sentinel)?:\/\/(?:(?<login>[^@/?#]*)@)?(?<hosts>[^@/?#]+)(?:\/(?<path>[^?#]*))?(?:\?(?<query>[^#]*))?$/;

/**
 * Reads `redis://user:password@host:port`, `rediss://…` (TLS), several addresses of a cluster separated by commas, and
 * `redis+sentinel://host:port,host:port/master-name?sentinelPassword=…`; undefined when it is none of them.
 */
export function parseRedisUrl(text: string): RedisAddress | undefined {
  // Of `redis://a:1,redis://b:2` the first speaks for all.
  const { scheme, sentinel, login, hosts, path = '', query } = form.exec(joined(text.trim()))?.groups ?? {};
  try {
    const nodes = hosts?.split(',').map((host) => endpointOf(host, sentinel ? 26_379 : 6379));
    if (!nodes) return undefined;
    const settings = new URLSearchParams(query);
    const [master = '', database = sentinel ? '0' : master || '0', ...rest] = path.split('/');
    const asked = sentinel ? ['sentinelUsername', 'sentinelPassword'] : [];
    const isUnderstood =
      rest.length === 0 &&
      /^\d{1,5}$/.test(database) &&
      (sentinel ? master !== '' : !path.includes('/')) &&
      (nodes.length === 1 || sentinel || database === '0') && // a cluster has no other
      [...settings.keys()].every((key) => asked.includes(key));
    if (!isUnderstood) return undefined;
    return {
      servers: sentinel
        ? {
            kind: 'sentinel',
            sentinels: nodes,
            master: decodeURIComponent(master),
            sentinelLogin: loginOf(settings.get('sentinelUsername'), settings.get('sentinelPassword')),
          }
        : { kind: 'direct', nodes },
      tls: scheme === 'rediss',
      login: parseLogin(login),
      database: Number(database),
    };
  } catch {
    return undefined; // a host or an escape that is none
  }
}

function joined(text: string): string {
  const [first = '', ...others] = text.split(/,(?=rediss?:\/\/)/);
  const scheme = /^rediss?:\/\//.exec(first)?.[0];
  if (others.some((other) => !scheme || !other.startsWith(scheme))) return '';
  const hosts = others.map((other) => other.slice(scheme?.length).replace(/^[^@]*@/, ''));
  return [first, ...hosts].join(',');
}

function endpointOf(text: string, defaultPort: number): RedisEndpoint {
  const { hostname, port, username, pathname } = new URL(`redis://${text.trim()}`);
  if (!hostname || username || pathname) throw new Error('not a host');
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port ? Number(port) : defaultPort };
}

function parseLogin(text = ''): RedisLogin {
  const colon = text.indexOf(':');
  const [username, password] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
  return loginOf(decodeURIComponent(username), decodeURIComponent(password));
}

function loginOf(username: string | null, password: string | null): RedisLogin {
  return { ...(username && { username }), ...(password && { password }) };
}
