import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createPasswordPolicy,
  minLengths,
  type PasswordPolicy,
  readPassword,
} from '../../../../src/modules/auth/password/password-policy.ts';

const read = createPasswordPolicy();
const about = ['Millrace', 'ann.miller@example.com', 'Ann-Kathrin Müller'];
const alone: PasswordPolicy = { minLength: minLengths.alone, about };
const beside: PasswordPolicy = { minLength: minLengths.besideSecondFactor, about };

const whyNot = (password: string, policy = alone) =>
  read(password, policy).then(
    () => undefined,
    (error: Error) => error.message,
  );

describe('a new password', () => {
  it.each([
    'correct horse battery staple',
    'kT9-vq2-Rm4-xw7',
    'ein Fluss im Mai',
    'пароль для мельницы',
    '水車小屋の夜は静かに更けていきます',
    '🦆🌾🪵🎻🧂🪁🫖🦔🧭🪞🥖🧶🪴🎈🕯️',
    'the dragon sleeps at noon',
    'my name is not ann miller',
    '     ten spaces and \t a tab',
    'with a \0 in the middle of it',
    'a'.repeat(5).concat('kfjwoqpzmxbvtyru'),
    `${'🦆x9'.repeat(1)}${Array.from({ length: 250 }, (_, n) => String.fromCodePoint(0x4e00 + ((n * 7919) % 20_000))).join('')}`,
  ])('may be %s', async (password) => {
    expect(await whyNot(password)).toBeUndefined();
  });

  it.each([
    ['', 'at least 15'],
    ['fourteen chars', 'at least 15'],
    ['🦆🌾🪵🎻🧂🪁🫖🦔🧭🪞🥖🧶🪴🎈', 'at least 15'], // 14, whatever they take
    ['e\u0301'.repeat(14), 'at least 15'],
    ['x'.repeat(257), 'at most 256'],
    ['🦆'.repeat(257), 'at most 256'],
    ['x'.repeat(1_000_000), 'at most 256'],
    ['a lone surrogate \ud83e is none', 'Unicode does not know'],
    ['not assigned \u0378 as of yet', 'Unicode does not know'],
    ['not a character \uffff at all', 'Unicode does not know'],
  ])('may not be %j: %s', async (password, why) => {
    expect(await whyNot(password)).toContain(why);
  });

  it.each([
    'aaaaaaaaaaaaaaa',
    'abababababababab',
    'abcdefghijklmnop',
    '123456789012345',
    '987654321098765',
    'qwertyuiopasdfg',
    'QWERTZUIOPASDFGH',
    'passwordpassword',
    'password password',
    'password1234567',
    'Password123456!!',
    'P\uff41ssword1234567',
    'iloveyou12345678',
    'millracemillrace',
    'Millrace12345678',
    'millrace-miller-1',
    'ann.miller@example.com',
    'AnnKathrinMüller',
    'kathrin.miller.1',
    '!!!!dragon!!!!!!',
  ])('may not be %s, which is tried first', async (password) => {
    expect(await whyNot(password)).toContain('tried first');
  });

  it('may be shorter beside a second factor, and never one of the common ones', async () => {
    expect(await whyNot('kT9-vq2R', beside)).toBeUndefined();
    expect(await whyNot('kT9-vq2', beside)).toContain('at least 8');
    for (const common of ['password', 'PASSWORD', 'trustno1', '1qaz2wsx', 'iloveyou', 'millrace', 'a1b2c3d4'])
      expect(await whyNot(common, beside)).toContain('tried first');
  });

  it('is the same however its characters are composed, and not the same by more than that', async () => {
    const composed = 'un caf\u00e9 au bord de l’eau';
    expect(await read(composed.normalize('NFD'), alone)).toBe(composed);
    expect(readPassword(composed.normalize('NFD'))).toBe(composed);
    expect(readPassword('ﬁne')).not.toBe(readPassword('fine'));
    expect(readPassword(' x ')).toBe(' x ');
  });

  it('is nobody’s where it could not have been chosen, which costs nothing to see', () => {
    expect(readPassword('a \ud800 b')).toBeUndefined();
    expect(readPassword('x'.repeat(257))).toBeUndefined();
    const begun = performance.now();
    for (let n = 0; n < 100; n += 1) readPassword('e\u0301'.repeat(1_000_000));
    expect(performance.now() - begun).toBeLessThan(1000);
  });

  it('is judged quickly, whatever it is', async () => {
    const anything = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 300 }),
      fc.string({ unit: fc.constantFrom('a', 'b', 'ab', 'password', '1'), maxLength: 300 }),
    );
    await fc.assert(
      fc.asyncProperty(anything, async (password) => {
        const begun = performance.now();
        await whyNot(password, beside);
        expect(performance.now() - begun).toBeLessThan(500);
      }),
    );
  });
});
