import { expect, it } from 'vitest';
import { isJsonText } from '../../../src/data/planner/cursor-text.ts';

const nines = (count: number) => '9'.repeat(count);

it.each([
  ['a number of as many digits as a jsonb has room for', nines(131_072), true],
  ['one more', nines(131_073), false],
  ['as many behind the point', `0.${nines(16_383)}`, true],
  ['one more behind the point', `[0.${nines(16_384)}]`, false],
  ['a text of more digits', `"${nines(131_073)}.${nines(16_384)}e5"`, true],
  ['an exponent', '1e5', false],
  ['JSON’s null, which is no value to be ordered by', 'null', false],
  ['an escaped U+0000', String.raw`"\u0000"`, false],
  ['an escaped backslash before the same', String.raw`"\\u0000"`, true],
  ['half of a character', String.raw`{"\ud800": 1}`, false],
  ['a quote that nothing closes', '"', false],
])('knows whether a cursor’s text could be of a jsonb: %s', (_what, text, isOne) => {
  expect(isJsonText(text)).toBe(isOne);
});

it.each([
  ['digits', `[${nines(131_072)},${nines(131_072)}.${nines(16_000)}]`],
  ['quotes that nothing closes', `"${String.raw`\"`.repeat(200_000)}`],
  ['backslashes', `"${'\\\\'.repeat(200_000)}"`],
])('takes no longer than there is text, so that a forged cursor does not stall the server: %s', (_of, text) => {
  const began = performance.now();
  isJsonText(text);
  expect(performance.now() - began).toBeLessThan(1000);
});
