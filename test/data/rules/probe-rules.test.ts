import { expect, it } from 'vitest';
import { createApplication, type Sources } from '../../../src/application.ts';
import { readConfig } from '../../../src/config/config.ts';

const content = 'datasource db {\n  provider = "postgresql"\n}\nmodel Boat {\n  id Int @id\n}\n';

const start = (read: unknown) => () => {
  const rules = { Boat: { read } } as Sources['rules'];
  const files = [{ path: 'prisma/schema.prisma', content }];
  return createApplication({ files, rules }, readConfig({}, process.cwd()).graphql);
};

it.each([
  ['a promise', async () => true],
  ['a number', 5],
  ['a list', () => [{ id: 1 }]],
  ['words', () => 'id = 1'],
])('finds at the start that a rule returns %s', (_, read) => {
  expect(start(read)).toThrow(
    /app\/rules\.ts returns what cannot be applied:\n {2}the rule read:Boat returned neither/,
  );
});

it('leaves a rule that throws for a sample viewer to those it is meant for', () => {
  const read = ({ claims }: { claims: { boats: number[] } }) => ({ id: { in: claims.boats.map(Number) } });
  expect(start(read)).not.toThrow();
});
