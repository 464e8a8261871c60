import { afterAll, beforeAll, expect, it } from 'vitest';
import { startSchemaServer } from '../../support/schema-server.ts';
import type { TestServer } from '../../support/server.ts';

const schema = `
model Country {
  id   Int    @id
  code String @db.Char(4)
}
`;

let server: TestServer;
beforeAll(async () => {
  server = await startSchemaServer({ schema, rules: {}, rows: `INSERT INTO "Country" VALUES (1, 'ch')` });
});
afterAll(() => server?.[Symbol.asyncDispose]());

it.each([
  ['endsWith', '{ endsWith: "h" }'],
  ['contains', '{ contains: "h" }'],
  ['startsWith', '{ startsWith: "ch" }'],
  ['in without letter case', '{ in: ["CH"], mode: insensitive }'],
  ['equals', '{ equals: "ch" }'],
])('%s finds the text in a char(n) that is filled up with spaces', async (_, filter) => {
  const { data } = await server
    .as({ role: 'admin' })
    .query(`{ list: countries(where: { code: ${filter} }) { nodes { id } } }`);
  expect(data.list.nodes).toEqual([{ id: 1 }]);
});
