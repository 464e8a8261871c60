import { printType } from 'graphql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startSchemaServer } from '../support/schema-server.ts';
import type { TestServer } from '../support/server.ts';

/** Letters whose writer only the writer knows. */
const schema = `
model Person {
  id      Int      @id
  name    String
  letters Letter[]
}

model Letter {
  id       Int    @id
  text     String
  writerId Int
  writer   Person @relation(fields: [writerId], references: [id])
}
`;

const rows = `
  insert into "Person" values (1, 'ann'), (2, 'ben');
  insert into "Letter" values (1, 'Dear Ben', 1), (2, 'Dear Ann', 2);`;

let server: TestServer;
beforeAll(async () => {
  server = await startSchemaServer({
    schema,
    rows,
    rules: {
      Person: { read: true },
      Letter: { read: true, fields: { writerId: { read: (viewer) => ({ writer: { name: viewer.id } }) } } },
    },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

const ids = (list: { nodes: { id: number }[] }) => list.nodes.map(({ id }) => id);

it.each([
  ['ann', 1],
  ['ben', 2],
])('a relation by a hidden key tells %s of their own letters only, from either side', async (sub, own) => {
  const { data } = await server.as({ sub }).query(`{
    letters { nodes { id writerId writer { id } } }
    people { nodes { id letters { totalCount nodes { id } } lettersAggregate { count { _all writerId } max { id } } } }
    lettersGroupBy(by: { writerId: true }) { keys { writerId } max { id } }
    is: letters(where: { writer: { is: { name: { contains: "n" } } } }) { nodes { id } }
    isNot: letters(where: { writer: { isNot: { name: { equals: "nobody" } } } }) { nodes { id } }
    some: people(where: { letters: { some: { text: { startsWith: "Dear" } } } }) { nodes { id } }
    none: people(where: { letters: { none: {} } }) { nodes { id } }
    byWriter: letters(orderBy: { writer: { name: desc } }) { nodes { id } }
    byCount: people(orderBy: { letters: { _count: desc } }) { nodes { id } }
  }`);
  const other = 3 - Number(own);
  for (const letter of data.letters.nodes) expect(letter.writerId).toBe(letter.id === own ? own : null);
  for (const letter of data.letters.nodes) expect(letter.writer).toEqual(letter.id === own ? { id: own } : null);
  for (const person of data.people.nodes) expect(ids(person.letters)).toEqual(person.id === own ? [own] : []);
  for (const person of data.people.nodes)
    expect(person.lettersAggregate).toEqual(
      person.id === own
        ? { count: { _all: 1, writerId: 1 }, max: { id: own } }
        : { count: { _all: 0, writerId: 0 }, max: { id: null } },
    );
  expect(data.lettersGroupBy).toEqual([
    { keys: { writerId: own }, max: { id: own } },
    { keys: { writerId: null }, max: { id: other } },
  ]);
  expect(data.people.nodes.map((p: { letters: { totalCount: number } }) => p.letters.totalCount).sort()).toEqual([
    0, 1,
  ]);
  expect(ids(data.is)).toEqual([own]);
  expect(ids(data.isNot)).toContain(other);
  expect(ids(data.some)).toEqual([own]);
  expect(ids(data.none)).toEqual([other]);
  // Who is hidden comes first, as what is null does.
  expect(ids(data.byWriter)).toEqual([other, own]);
  expect(ids(data.byCount)).toEqual([own, other]);
});

it('is so in the types, too', () => {
  expect(printType(server.server.application().schema.getType('Letter')!)).toMatch(/\bwriter: Person$/m);
});

it('hides nothing from the admin role', async () => {
  const { data } = await server.as({ role: 'admin' }).query('{ letters { nodes { id writer { id } } } }');
  expect(data.letters.nodes).toEqual([
    { id: 1, writer: { id: 1 } },
    { id: 2, writer: { id: 2 } },
  ]);
});
