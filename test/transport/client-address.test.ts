import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TrustProxy } from '../../src/config/trust-proxy.ts';
import { createAddressOf, networkOf } from '../../src/transport/client-address.ts';

const ask = (trust: TrustProxy, remoteAddress: string | undefined, forwarded?: string) =>
  createAddressOf(trust)({
    socket: { remoteAddress } as IncomingMessage['socket'],
    headers: { ...(forwarded !== undefined && { 'x-forwarded-for': forwarded }) },
  });

describe('the address of a client', () => {
  it.each<[string, TrustProxy, string | undefined, string | undefined, string]>([
    ['is the connection’s own', false, '203.0.113.9', undefined, '203.0.113.9'],
    ['is no other where no proxy is trusted', false, '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['is the one that the proxy tells', 1, '10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['is not what the client told the proxy', 1, '10.0.0.1', '1.1.1.1, 198.51.100.1', '198.51.100.1'],
    ['is the one behind two proxies', 2, '10.0.0.1', '1.1.1.1, 198.51.100.1, 10.0.0.2', '198.51.100.1'],
    ['is the last one told where there are fewer proxies than said', 3, '10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['is the connection’s where the proxy tells none', 1, '10.0.0.1', undefined, '10.0.0.1'],
    ['is never garbage', 1, '10.0.0.1', 'unknown', '10.0.0.1'],
    ['is never garbage that follows an address', 1, '10.0.0.1', '198.51.100.1, _hidden', '10.0.0.1'],
    ['is never empty', 1, '10.0.0.1', '198.51.100.1,', '10.0.0.1'],
    ['is never a number that some take for an address', 1, '10.0.0.1', '0x7f.1', '10.0.0.1'],
    ['has no port', 1, '10.0.0.1', '198.51.100.1:4711', '198.51.100.1'],
    ['has no port in IPv6 either', 1, '10.0.0.1', '[2001:db8::1]:4711', '2001:db8::1'],
    ['has no brackets', 1, '10.0.0.1', '[2001:db8::1]', '2001:db8::1'],
    ['has one spelling', 1, '10.0.0.1', '2001:DB8:0:0::0001', '2001:db8::1'],
    ['is IPv4 where IPv6 carries it', false, '::ffff:203.0.113.9', undefined, '203.0.113.9'],
    ['is IPv4 in whichever spelling', 1, '::ffff:10.0.0.1', '::FFFF:cb00:7109', '203.0.113.9'],
    ['has no zone', false, 'fe80::1%eth0', undefined, 'fe80::1'],
    ['is unknown where the connection has gone', false, undefined, undefined, 'unknown'],
    ['is told by a listed proxy', ['10.0.0.0/8'], '10.0.0.1', '1.1.1.1, 198.51.100.1', '198.51.100.1'],
    ['passes every listed proxy', ['10.0.0.0/8'], '10.0.0.1', '1.1.1.1, 198.51.100.1, 10.9.9.9', '198.51.100.1'],
    ['is told by nobody who is not listed', ['10.0.0.0/8'], '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['is told by a listed address over IPv6 too', ['10.0.0.1'], '::ffff:10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['is told by a listed IPv6 proxy', ['2001:db8::/32'], '2001:db8::5', '198.51.100.1', '198.51.100.1'],
    ['is unknown where nobody is there to be listed', ['0.0.0.0/0'], undefined, '198.51.100.1', 'unknown'],
  ])('%s', (_, trust, remote, forwarded, expected) => {
    expect(ask(trust, remote, forwarded)).toBe(expected);
  });

  it('is never moved by anything that the client puts in front of what the proxies write', () => {
    const anything = fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.constant('10.0.0.7'));
    fc.assert(
      fc.property(fc.array(anything), fc.ipV4(), (forged, own) => {
        const told = [...forged, own].join(', ');
        expect(ask(1, '10.0.0.1', told)).toBe(own);
        expect(ask(2, '10.0.0.1', `${told}, 10.0.0.2`)).toBe(own);
        expect(ask(['192.0.2.1'], '192.0.2.1', own === '192.0.2.1' ? '8.8.8.8' : told)).toBe(
          own === '192.0.2.1' ? '8.8.8.8' : own,
        );
      }),
    );
  });
});

describe('the network of an address', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['unknown', 'unknown'],
  ])('of %s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  it('is one for all addresses that share 64 bits, and for no other', () => {
    const groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 4, maxLength: 4 });
    const networkBy = (head: number[], tail: number[]) =>
      networkOf(ask(1, '10.0.0.1', [...head, ...tail].map((group) => group.toString(16)).join(':')));
    fc.assert(
      fc.property(groups, groups, groups, groups, (head, other, tail, end) => {
        fc.pre(
          head.join() !== other.join() && [...head, ...other].some((group) => group > 0) && head[0]! + other[0]! > 0,
        );
        fc.pre(head[0]! > 0 && other[0]! > 0); // no IPv4 in it
        expect(networkBy(head, tail)).toBe(networkBy(head, end));
        expect(networkBy(head, tail)).not.toBe(networkBy(other, tail));
      }),
    );
  });
});
