import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RuleSet } from '../../../src/data/rules/rule-set.ts';
import { startSchemaServer } from '../../support/schema-server.ts';
import type { TestServer } from '../../support/server.ts';

const schema = `
model Book {
  id       Int       @id
  reader   String
  chapters Chapter[]
}

model Chapter {
  id     Int    @id
  hidden Boolean @default(false)
  bookId Int
  book   Book   @relation(fields: [bookId], references: [id])
}
`;

const rows = `
insert into "Book" (id, reader) values (1, 'ann'), (2, 'ben');
insert into "Chapter" (id, "bookId", hidden) values (1, 1, false), (2, 1, true), (3, 2, false);
`;

/** A chapter's book has to be readable by whom the token names as `other`; where it names nobody, by the viewer. */
const rules: RuleSet = {
  Book: { read: (viewer) => ({ reader: viewer.id }) },
  Chapter: {
    read: (viewer) => ({
      book: { reader: viewer.claims.other ?? viewer.id },
      ...(viewer.claims.careful ? { hidden: false } : {}),
    }),
  },
};

let server: TestServer;
beforeAll(async () => {
  server = await startSchemaServer({ schema, rows, rules });
});
afterAll(() => server[Symbol.asyncDispose]());

const down = '{ books { nodes { id chapters(orderBy: { id: asc }) { totalCount nodes { id } } } } }';
const up = '{ chapters(orderBy: { id: asc }) { nodes { id book { id } } } }';

async function chapters(claims: Record<string, unknown>): Promise<unknown> {
  const { data } = await server.as({ sub: 'ann', claims }).query(down);
  return data.books.nodes.map((b: { chapters: { totalCount: number; nodes: { id: number }[] } }) => {
    expect(b.chapters.totalCount).toBe(b.chapters.nodes.length);
    return b.chapters.nodes.map(({ id }) => id);
  });
}

describe('a rule that asks of a related row what that row was asked already', () => {
  it('lets through what both rules let through', async () => {
    expect(await chapters({})).toEqual([[1, 2]]);
    expect((await server.as({ sub: 'ann' }).query(up)).data.chapters.nodes).toEqual([
      { id: 1, book: { id: 1 } },
      { id: 2, book: { id: 1 } },
    ]);
  });

  it('is asked again when it is about somebody else, also by a query whose plan is kept', async () => {
    for (let time = 0; time < 2; time += 1) {
      expect(await chapters({})).toEqual([[1, 2]]);
      expect(await chapters({ other: 'ben' })).toEqual([[]]);
      const answer = await server.as({ sub: 'ann', claims: { other: 'ben' } }).query(up);
      expect(answer.data.chapters.nodes).toEqual([{ id: 3, book: null }]);
    }
  });

  it('is asked again when it asks for more', async () => {
    expect(await chapters({ careful: true })).toEqual([[1]]);
    expect(await chapters({})).toEqual([[1, 2]]);
  });
});
