import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalEmailAddress, readEmailAddress } from '../../../src/modules/auth/email-address.ts';

describe('an e-mail address', () => {
  it.each([
    ['ann@example.com', 'ann@example.com'],
    [' Ann.Smith+tag@Example.COM ', 'ann.smith+tag@example.com'],
    ['o’neil@example.com'.replace('’', "'"), "o'neil@example.com"],
    ['ann@münchen.example', 'ann@xn--mnchen-3ya.example'],
    ['ann@MÜNCHEN.example', 'ann@xn--mnchen-3ya.example'],
    ['ann@xn--mnchen-3ya.example', 'ann@xn--mnchen-3ya.example'],
    ['用户@例子.广告', '用户@xn--fsqu00a.xn--4rr70v'],
    ['mi\u212ae@example.com', 'mike@example.com'], // the Kelvin sign
    ['ａｎｎ@ｅｘａｍｐｌｅ.com', 'ann@example.com'],
    ['ann@exam\u{1d429}le.com', 'ann@example.com'],
    ['am\u0065\u0301lie@example.com', 'am\u00e9lie@example.com'],
    ['ﬁ@example.com', 'fi@example.com'],
  ])('%s is %s', (text, address) => {
    expect(normalEmailAddress(text)).toBe(address);
  });

  it.each([
    '',
    'ann',
    '@example.com',
    'ann@',
    'ann@example',
    'ann@localhost',
    'ann@@example.com',
    'ann@b@example.com',
    'ann＠b@example.com',
    '.ann@example.com',
    'ann.@example.com',
    'a..n@example.com',
    'a…n@example.com',
    'ann@-example.com',
    'ann@example-.com',
    'ann@.example.com',
    'ann@example..com',
    'ann@example.com.',
    'ann@exa_mple.com',
    'ann@exa%6dple.com',
    'ann@example.com/x',
    'ann@example.com:25',
    'ann@[203.0.113.9]',
    'ann@203.0.113.9',
    'ann@0x7f.1',
    'ann@2130706433',
    '"ann"@example.com',
    'ann <ann@example.com>',
    'ann@example.com,ben@example.com',
    'ann@example.com\r\nBcc: ben@example.com',
    'an\0n@example.com',
    'an\u200bn@example.com',
    'an\u00adn@example.com',
    'an\u200dn@example.com',
    'an\u2060n@example.com',
    'an\ufe0fn@example.com',
    'an\u202en@example.com',
    'an\u00a0n@example.com',
    'ann@exam\u200dple.com',
    'an\ud800n@example.com',
    'an\ue000n@example.com',
    'an\u{e0041}n@example.com',
    `${'a'.repeat(65)}@example.com`,
    `${'é'.repeat(33)}@example.com`,
    `ann@${'a'.repeat(64)}.com`,
    `ann@${'a.'.repeat(125)}com`,
    `${'a'.repeat(1_000_000)}@example.com`,
  ])('is not %j', (text) => {
    expect(normalEmailAddress(text)).toBeUndefined();
    expect(() => readEmailAddress(text, 'input.email')).toThrow('input.email: is no e-mail address');
  });

  it('tells a dotless ı from an i, in whichever case, so that neither has the other’s account', () => {
    expect(normalEmailAddress('mıke@example.com')).not.toBe(normalEmailAddress('mike@example.com'));
    expect(normalEmailAddress('M\u0130KE@example.com')).not.toBe(normalEmailAddress('mike@example.com'));
  });

  it('has one spelling, which is its own, and is short', () => {
    const letter = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 3 }),
      fc.constantFrom('a', 'K', '\u212a', 'ß', 'İ', 'ﬃ', 'Σ', '.', '-', '℀', '㎏', '＠'),
    );
    const text = fc.array(letter, { minLength: 1, maxLength: 8 }).map((letters) => letters.join(''));
    fc.assert(
      fc.property(text, text, (local, domain) => {
        const address = normalEmailAddress(`${local}@${domain}.com`);
        if (address === undefined) return;
        expect(normalEmailAddress(address)).toBe(address);
        expect(address).toMatch(/^[^\s@]+@[a-z\d.-]+\.com$/);
        expect(Buffer.byteLength(address)).toBeLessThanOrEqual(254);
      }),
      { numRuns: 2000 },
    );
  });
});
