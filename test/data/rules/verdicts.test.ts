import { expect, it } from 'vitest';
import { shapeOfVerdict } from '../../../src/data/rules/verdicts.ts';

it('tells by the shape of a rule whether case matters', () => {
  const where = (mode: string) => ({ name: { equals: 'x', mode } });
  expect(shapeOfVerdict(where('insensitive'))).not.toBe(shapeOfVerdict(where('default')));
});

it('keeps a text out of the shape, so that none from a token can spell another rule’s', () => {
  // A column called `mode`: what it is compared with may come from a claim.
  const forged = { mode: 'v,"ownerId":v' };
  expect(shapeOfVerdict(forged)).toBe(shapeOfVerdict({ mode: 'dark' }));
  expect(shapeOfVerdict(forged)).not.toBe(shapeOfVerdict({ mode: 'dark', ownerId: 'ann' }));
});
