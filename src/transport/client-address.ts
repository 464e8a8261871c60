/**
 * Whose request it is, by address. Behind proxies, each appends to `X-Forwarded-For` the address that it was reached from; so
 * only the entries on the right, which proxies of one's own have written, say anything. What a client wrote stands further left.
 * `Forwarded` (RFC 7239) is not read: two headers that tell the same are two chances to lie.
 */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import type { TrustProxy } from '../config/trust-proxy.ts';

/** The address that a request comes from, in one spelling; `unknown` where its connection has gone already. */
export type AddressOf = (request: Pick<IncomingMessage, 'headers' | 'socket'>) => string;

/** Makes the reader of addresses: the connection's own, or the nearest one that no trusted proxy has. */
export function createAddressOf(trust: TrustProxy): AddressOf {
  const own: AddressOf = ({ socket }) => (socket.remoteAddress && normalAddress(socket.remoteAddress)) || 'unknown';
  if (trust === false) return own;
  const isProxy = typeof trust === 'number' ? (_: string, hop: number) => hop < trust : isListed(trust);
  return (request) => {
    let address = own(request);
    const told = String(request.headers['x-forwarded-for'] ?? '').split(',');
    for (let hop = 0; told.length > 0 && isProxy(address, hop); hop += 1) {
      const before = normalAddress(told.pop()!);
      // @NOTE garbage never becomes a name: whoever could send any would have as many names as he likes.
      if (before === undefined) break;
      address = before;
    }
    return address;
  };
}

/** What one subscriber commonly has: an IPv4 address, or 64 bits of IPv6 (RFC 6177), within which addresses cost nothing. */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => '0');
  return `${[...before, ...zeros, ...after].slice(0, 4).join(':')}::/64`;
}

/** An address in its one spelling (RFC 5952; IPv4 within IPv6 as IPv4), without port and zone; undefined where it is none. */
function normalAddress(text: string): string | undefined {
  const bare = /^\s*(?:\[([^\]]*)\](?::\d+)?|([\d.]+):\d+|([^\s[\]]+))\s*$/.exec(text);
  const address = (bare?.[1] ?? bare?.[2] ?? bare?.[3] ?? '').replace(/%.*$/, '');
  const family = isIP(address);
  if (family !== 6) return family === 4 ? address : undefined;
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(canonical);
  if (!mapped) return canonical;
  const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

function isListed(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    list.addSubnet(address, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family);
  }
  return (address) => isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}
