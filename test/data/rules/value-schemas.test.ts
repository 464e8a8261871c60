import { expect, it } from 'vitest';
import { z } from 'zod';
import { createApplication, type Sources } from '../../../src/application.ts';
import { readConfig } from '../../../src/config/config.ts';

const content = `datasource db {
  provider = "postgresql"
}
model Boat {
  id    Int      @id
  name  String
  flags String[]
  since DateTime
  crew  Sailor[]
}
model Sailor {
  id     Int  @id
  boatId Int
  boat   Boat @relation(fields: [boatId], references: [id])
}
`;

const start = (values: object) => () => {
  const rules = { Boat: { read: true, values } } as Sources['rules'];
  const files = [{ path: 'prisma/schema.prisma', content }];
  return createApplication({ files, rules }, readConfig({}, process.cwd()).graphql);
};

const thrower = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate() {
      throw new Error('not this one');
    },
  },
};

it.each<[string, object, RegExp]>([
  ['of a column that is not there', { nme: z.string() }, /Boat\.values\.nme: there is no such column/],
  ['of a relation', { crew: z.any() }, /Boat\.values\.crew: there is no such column/],
  ['that is a pattern', { name: /x/ }, /Boat\.values\.name: is no schema/],
  ['that is a function', { name: (name: string) => name.length > 3 }, /Boat\.values\.name: is no schema/],
  ['that is nothing', { name: undefined }, /Boat\.values\.name: is no schema/],
  [
    'that asks somebody else',
    { name: z.string().refine(async () => true) },
    /Boat\.values\.name: answers later than asked/,
  ],
  ['that throws', { name: thrower }, /Boat\.values\.name: throws at "1": not this one/],
  // This library says it with a promise.
  [
    'whose function throws',
    {
      since: z.string().refine((text) => {
        throw new Error(text);
      }),
    },
    /Boat\.values\.since: answers later than asked, or throws at "2026-01-31T12:00:00Z"/,
  ],
  ['of a list that does', { flags: z.array(z.string().refine(async () => true)) }, /flags: answers later/],
])('finds at the start a schema %s', (_, values, message) => {
  expect(start(values)).toThrow(message);
});

it('names all of them', () => {
  expect(start({ nme: z.string(), name: 5 })).toThrow(/nme: there is no[\s\S]*name: is no schema/);
});

it('takes schemas that refuse what the start tries', () => {
  expect(start({ name: z.never(), since: z.coerce.date().min(new Date('2100-01-01')) })).not.toThrow();
});
