import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ask } from '../support/postgres.ts';
import { startSchemaServer } from '../support/schema-server.ts';
import type { TestServer } from '../support/server.ts';
import { openSocket } from '../support/socket.ts';

const schema = `
model Shelf {
  id    Int    @id
  name  String
  books Book[]
}

model Book {
  id      Int     @id
  title   String  @db.VarChar(200)
  body    String?
  code    String? @db.Char(12)
  tags    String[]
  key     String  @default(uuid()) @db.Uuid
  token   String  @default(cuid())
  shelfId Int
  shelf   Shelf   @relation(fields: [shelfId], references: [id])
}

model Number {
  id Int @id
}
`;

const rows = `
  create schema elsewhere;
  create extension pg_trgm with schema elsewhere;
  insert into "Shelf" values (1, 'mill'), (2, 'smithy');
  insert into "Book" (id, title, body, code, key, token, "shelfId") values
    (1, 'Running mills', 'The miller ran a water mill by the pond.', 'AB 1', gen_random_uuid(), 'x', 1),
    (2, 'The pond', 'A mill stood here, and the wheel ran.', null, gen_random_uuid(), 'x', 1),
    (3, 'Häuser am See', 'Das Haus stand am Wasser.', null, gen_random_uuid(), 'x', 2),
    (4, 'Empty', null, null, gen_random_uuid(), 'x', 2),
    (5, 'Same', 'anvil', null, gen_random_uuid(), 'x', 2),
    (6, 'Same', 'anvil', null, gen_random_uuid(), 'x', 2),
    (7, 'Same', 'anvil', null, gen_random_uuid(), 'x', 2);`;

let server: TestServer;
beforeAll(async () => {
  const rules = { Shelf: { read: true }, Book: { read: true }, Number: { read: true } };
  server = await startSchemaServer({ schema, rows, rules });
});
afterAll(() => server[Symbol.asyncDispose]());

const answer = async (query: string, variables?: Record<string, unknown>) => {
  const { data, errors } = await server.stranger.query(query, variables);
  expect(errors).toBeUndefined();
  return data;
};
const found = async (where: unknown, orderBy: unknown = { id: 'asc' }): Promise<number[]> => {
  const query =
    'query ($where: BookWhereInput, $orderBy: [BookOrderByInput!]) { books(where: $where, orderBy: $orderBy) { nodes { id } } }';
  return (await answer(query, { where, orderBy })).books.nodes.map(({ id }: { id: number }) => id);
};
const search = (query: string, more = {}) => found({ _search: { query, ...more } });
const refusal = async (where: unknown, orderBy?: unknown) => {
  const query =
    'query ($where: BookWhereInput, $orderBy: [BookOrderByInput!]) { books(where: $where, orderBy: $orderBy) { nodes { id } } }';
  const { errors, data } = await server.stranger.query(query, { where, orderBy });
  expect(data ?? null).toBeNull();
  return errors![0]!;
};

describe('full text', () => {
  it.each([
    ['mill', {}, [1, 2]],
    ['mills', {}, [1]],
    ['mills', { language: 'english' }, [1, 2]],
    ['MILL pond', {}, [1, 2]],
    ['mill wheel', {}, [2]],
    ['wheel or miller', {}, [1, 2]],
    ['mill -wheel', {}, [1]],
    ['"water mill"', {}, [1]],
    ['"mill water"', {}, []],
    ['the', { fields: ['title'] }, [2]],
    ['the', { language: 'english' }, []],
    ['haus', { language: 'german' }, [3]],
    ['haus', { language: 'german', fields: ['title'] }, [3]],
    ['haus', { fields: ['title'] }, []],
    ['pond', { fields: ['title'] }, [2]],
    ['pond', { fields: ['body', 'title', 'title'] }, [1, 2]],
    ['AB', { fields: ['code'] }, [1]],
    ['', {}, []],
    ['-mill', { fields: ['title'] }, [1, 2, 3, 4, 5, 6, 7]],
  ])('finds %j %j', async (query, more, expected) => {
    expect(await search(query, more)).toEqual(expected);
  });

  it('has a contrary, of rows without a text too', async () => {
    expect(await found({ NOT: { _search: { query: 'anvil' } } })).toEqual([1, 2, 3, 4]);
    expect(
      await found({ OR: [{ _search: { query: 'anvil' } }, { id: { equals: 1 } }], AND: { _search: null } }),
    ).toEqual([1, 5, 6, 7]);
  });

  it('is told of fields and language literally, or by variables, whose plans are not mistaken for each other', async () => {
    const query = `query ($language: SearchLanguage, $fields: [BookTextField!], $field: BookTextField!) {
      a: books(where: { _search: { query: "mills", language: $language, fields: $fields } }) { totalCount }
      b: books(where: { _search: { query: "mills", language: english, fields: [$field] } }) { totalCount }
    }`;
    const counts = async (variables: object) => {
      const { a, b } = await answer(query, { ...variables });
      return [a.totalCount, b.totalCount];
    };
    expect(await counts({ language: 'simple', fields: ['title'], field: 'title' })).toEqual([1, 1]);
    expect(await counts({ language: 'english', fields: ['body'], field: 'body' })).toEqual([2, 2]);
    expect(await counts({ language: 'simple', fields: ['body'], field: 'title' })).toEqual([0, 1]);
    expect(await counts({ language: 'english', fields: null, field: 'code' })).toEqual([2, 0]);
    expect(await counts({ field: 'title' })).toEqual([1, 1]);
  });

  it('looks into the same rows wherever a filter stands', async () => {
    const { shelves, shelvesAggregate, booksAggregate, booksGroupBy } = await answer(`{
      shelves(where: { books: { some: { _search: { query: "wheel" } } } }) { totalCount nodes { name
        books(where: { _search: { query: "miller" } }) { nodes { id } }
        booksAggregate(where: { _search: { query: "mill" } }) { count { _all } } } }
      shelvesAggregate(where: { books: { none: { _search: { query: "anvil" } } } }) { max { name } }
      booksAggregate(where: { _search: { query: "anvil" } }) { count { _all } min { id } }
      booksGroupBy(by: { shelfId: true }, where: { shelf: { is: { _search: { query: "smithy" } } } }) { keys { shelfId } count { _all } }
    }`);
    expect(shelves).toEqual({
      totalCount: 1,
      nodes: [{ name: 'mill', books: { nodes: [{ id: 1 }] }, booksAggregate: { count: { _all: 2 } } }],
    });
    expect(shelvesAggregate).toEqual({ max: { name: 'mill' } });
    expect(booksAggregate).toEqual({ count: { _all: 3 }, min: { id: 5 } });
    expect(booksGroupBy).toEqual([{ keys: { shelfId: 2 }, count: { _all: 5 } }]);
  });

  it('does not offer keys, lists and what is no text', async () => {
    const { __type, number } = await answer(`{ __type(name: "BookTextField") { enumValues { name } }
      number: __type(name: "NumberWhereInput") { inputFields { name } } }`);
    expect(__type.enumValues.map(({ name }: { name: string }) => name)).toEqual(['body', 'code', 'title']);
    expect(number.inputFields.map(({ name }: { name: string }) => name)).not.toContain('_search');
  });

  // The words of one row took more than PostgreSQL can hold, and everybody's search failed.
  it('is not brought down by a row of any length', async () => {
    const wide = '𐐷'; // four bytes, and a letter
    const texts = [
      Array.from({ length: 300_000 }, (_, i) => i.toString(36)).join(' '),
      Array.from({ length: 100_000 }, (_, i) => i.toString(36)).join('-'),
      `${wide.repeat(480)}-`.repeat(1000),
      Array.from({ length: 60_000 }, (_, i) => String.fromCodePoint(0x20000 + (i % 40_000))).join(' '),
      Array.from({ length: 60_000 }, (_, i) => `www.${i}.org/${i}`).join(' '),
    ];
    for (const [i, body] of texts.entries()) {
      const sql = `insert into "Book" (id, title, body, key, token, "shelfId") values ($1, 'long', $2, gen_random_uuid(), 'x', 2)`;
      await ask(server.databaseUrl, sql, [100 + i, body]);
    }
    const orderBy = [{ _relevance: { query: 'mill long' } }, { id: 'asc' }];
    expect(await found({ _search: { query: 'mill' } }, orderBy)).toEqual([1, 2]);
    expect(await search('long', { fields: ['title'] })).toEqual([100, 101, 102, 103, 104]);
    await ask(server.databaseUrl, 'delete from "Book" where id >= 100');
  });
});

describe('rank', () => {
  const relevance = (more: object) => ({ _relevance: { query: 'mill', language: 'english', ...more } });

  it('puts the best first, and weighs the fields in the order they are named', async () => {
    const where = { _search: { query: 'pond' } };
    expect(await found(where, { _relevance: { query: 'pond', fields: ['title', 'body'] } })).toEqual([2, 1]);
    expect(await found(where, { _relevance: { query: 'pond', fields: ['body', 'title'] } })).toEqual([1, 2]);
    expect(await found(where, { _relevance: { query: 'pond', fields: ['title', 'body'], sort: 'asc' } })).toEqual([
      1, 2,
    ]);
    expect((await found(null, [relevance({}), { id: 'desc' }])).slice(0, 3)).toEqual([1, 2, 7]);
  });

  it('is one of several things to order by, and of a related row too', async () => {
    expect(await found({ id: { lte: 4 } }, [{ shelf: { _relevance: { query: 'smithy' } } }, { id: 'desc' }])).toEqual([
      4, 3, 2, 1,
    ]);
    expect(
      await found({ id: { lte: 4 } }, [
        { shelf: { _similarity: { field: 'name', to: 'mull', sort: 'desc' } } },
        { id: 'asc' },
      ]),
    ).toEqual([1, 2, 3, 4]);
  });

  it.each([
    ['relevance', [{ _relevance: { query: 'mill or anvil or pond' } }]],
    ['relevance and a field', [{ _relevance: { query: 'mill or anvil or pond', sort: 'asc' } }, { title: 'desc' }]],
    ['similarity', [{ _similarity: { field: 'title', to: 'Same mill' } }]],
    ['similarity of a part', [{ _similarity: { field: 'body', to: 'anvl', part: true } }]],
  ])('pages both ways by %s, whatever ties', async (_, orderBy) => {
    const query = `query ($orderBy: [BookOrderByInput!], $first: Int, $last: Int, $after: String, $before: String) {
      books(orderBy: $orderBy, first: $first, last: $last, after: $after, before: $before) {
        edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;
    type Page = {
      edges: { node: { id: number } }[];
      pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string; endCursor: string };
    };
    const idsOf = ({ edges }: Page) => edges.map(({ node }) => node.id);
    const page = async (variables: object): Promise<Page> => (await answer(query, { orderBy, ...variables })).books;
    const all = idsOf(await page({ first: 100 }));
    expect(all).toHaveLength(7);
    const forward: number[] = [];
    for (let after: string | null = null; ; ) {
      const next: Page = await page({ first: 2, after });
      forward.push(...idsOf(next));
      if (!next.pageInfo.hasNextPage) break;
      after = next.pageInfo.endCursor;
    }
    expect(forward).toEqual(all);
    const backward: number[] = [];
    for (let before: string | null = null; ; ) {
      const next: Page = await page({ last: 2, before });
      backward.unshift(...idsOf(next));
      if (!next.pageInfo.hasPreviousPage) break;
      before = next.pageInfo.startCursor;
    }
    expect(backward).toEqual(all);
  });

  it('knows its own cursors, and none of another order or made by hand', async () => {
    const query = `query ($orderBy: [BookOrderByInput!], $after: String) { books(orderBy: $orderBy, first: 1, after: $after) { pageInfo { endCursor } } }`;
    const { books } = await answer(query, { orderBy: [relevance({})] });
    const after = books.pageInfo.endCursor;
    for (const other of [{ fields: ['body'] }, { language: 'simple' }, { sort: 'asc' }]) {
      const { errors } = await server.stranger.query(query, { orderBy: [relevance(other)], after });
      expect(errors).toMatchObject([{ extensions: { code: 'INVALID_INPUT', fields: [{ path: 'after' }] } }]);
    }
    const [mark] = JSON.parse(Buffer.from(after, 'base64').toString()) as string[];
    for (const rank of ['x', 'NaN', '-1', 'Infinity', '1e999', "0'", '']) {
      const made = Buffer.from(JSON.stringify([mark, rank, '1'])).toString('base64');
      const { errors } = await server.stranger.query(query, { orderBy: [relevance({})], after: made });
      expect(errors, rank).toMatchObject([{ extensions: { code: 'INVALID_INPUT', fields: [{ path: 'after' }] } }]);
    }
  });
});

describe('similarity', () => {
  const like = (to: string, more = {}, field = 'title') => found({ [field]: { similar: { to, ...more } } });

  it('finds what is misspelt, as much as is asked', async () => {
    expect(await like('Runing mils')).toEqual([1]);
    expect(await like('runing MILS', { threshold: 0.5 })).toEqual([1]);
    expect(await like('Runing mils', { threshold: 0.9 })).toEqual([]);
    expect(await like('Running mills', { threshold: 1 })).toEqual([1]);
    expect(await like('AB 1', { threshold: 1 }, 'code')).toEqual([1]);
    expect(await like('watter', {}, 'body')).toEqual([]);
    expect(await like('watter', { part: true }, 'body')).toEqual([1]);
    expect(await like('waser', { part: true, threshold: 0.6 }, 'body')).toEqual([3]);
    expect(await like('waser', { part: true, threshold: 0.3 }, 'body')).toEqual([1, 3]);
    expect(await like('watter', { part: true, threshold: 1 }, 'body')).toEqual([]);
    expect(await found({ body: { not: { similar: { to: 'anvil' } } } })).toEqual([1, 2, 3]);
  });

  it('means the same whatever the database is set to', async () => {
    const name = new URL(server.databaseUrl).pathname.slice(1);
    await ask(server.databaseUrl, `alter database ${name} set pg_trgm.similarity_threshold = 0.95`);
    await ask(server.databaseUrl, `alter database ${name} set pg_trgm.word_similarity_threshold = 0.95`);
    const query = `select count(*)::int as n from pg_stat_activity where datname = current_database() and application_name = 'millrace'`;
    const cut = `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'millrace' and state = 'idle'`;
    await vi.waitFor(async () => {
      await ask(server.databaseUrl, cut);
      expect(await ask(server.databaseUrl, query)).toEqual([{ n: 0 }]);
    }, 5000);
    expect(await like('Runing mils')).toEqual([1]);
    expect(await like('watter', { part: true }, 'body')).toEqual([1]);
  });

  it('puts the most alike first', async () => {
    const orderBy = (more: object) => [{ _similarity: { field: 'title', to: 'same', ...more } }, { id: 'desc' }];
    expect((await found(null, orderBy({}))).slice(0, 3)).toEqual([7, 6, 5]);
    expect((await found(null, orderBy({ sort: 'asc' }))).slice(-3)).toEqual([7, 6, 5]);
    expect((await found(null, [{ _similarity: { field: 'body', to: 'the weel', part: true } }]))[0]).toBe(2);
  });
});

describe('input', () => {
  it.each([
    `'; drop table "Book"; --`,
    `\\`,
    `\\'`,
    `"`,
    `"unclosed`,
    `' or '1'='1`,
    `& | ! <-> ( ) :*`,
    `mill:*A & !!`,
    `🦄 👨‍👩‍👧`,
    '$1 $$ ?',
    '%_',
    '\u0001\u0002\u0003',
    '-'.repeat(1000),
    '- ('.repeat(300),
    '--mill',
    '"'.repeat(1000),
    'or '.repeat(333),
    '-a or '.repeat(160),
    `\u202E\uFEFF`,
  ])('may be any text: %j', async (query) => {
    for (const language of ['simple', 'english']) {
      await found({ _search: { query, language } }, [{ _relevance: { query, language } }]);
      await found({ title: { similar: { to: query } } }, [{ _similarity: { field: 'title', to: query, part: true } }]);
    }
    expect(await search('mill')).toEqual([1, 2]);
  });

  // A rank by 140 words of 30,000 rows took more than ten seconds, at the price of a page.
  it('ranks by the first 32 words', async () => {
    const filling = 'nothing.'.repeat(31);
    const first = (query: string) => found({ id: { in: [1, 3] } }, [{ _relevance: { query } }, { id: 'desc' }]);
    expect(await first(`${filling.slice(0, -8)} or mill`)).toEqual([1, 3]);
    expect(await first(`${filling} nothing or mill`)).toEqual([3, 1]);
  });

  it.each([
    ['where._search.query', 'U+0000', { _search: { query: 'a\0b' } }],
    ['where._search.query', 'at most 1000 characters', { _search: { query: 'a '.repeat(5000) } }],
    ['where._search.fields', 'must name at least one field', { _search: { query: 'a', fields: [] } }],
    ['where.title.similar.to', 'U+0000', { title: { similar: { to: '\0' } } }],
    ['where.title.similar.to', 'at most 1000 characters', { title: { similar: { to: 'a'.repeat(1001) } } }],
    ['where.title.similar', 'must not be null', { title: { similar: null } }],
    ['where.title.similar.threshold', 'between 0.3 and 1', { title: { similar: { to: 'a', threshold: 0.29 } } }],
    ['where.title.similar.threshold', 'between 0.3 and 1', { title: { similar: { to: 'a', threshold: 1.01 } } }],
    ['orderBy._relevance.query', 'U+0000', undefined, { _relevance: { query: '\0' } }],
    ['orderBy._relevance', 'must not be null', undefined, { _relevance: null }],
    [
      'orderBy._similarity.to',
      'at most 1000 characters',
      undefined,
      { _similarity: { field: 'title', to: 'a'.repeat(1001) } },
    ],
    ['where', 'at most 500 filter terms', { AND: Array(130).fill({ _search: { query: 'a' } }) }],
  ])('is refused at %s: %s', async (path, message, where, orderBy?: object) => {
    const { extensions, message: told } = await refusal(where, orderBy && [orderBy]);
    expect(extensions).toMatchObject({ code: 'INVALID_INPUT' });
    expect(extensions.fields![0]!.path.replaceAll(/\.\d+/g, '')).toMatch(new RegExp(`^${path}`));
    expect(told).toContain(message);
  });

  it('names only fields and languages that there are', async () => {
    for (const wrong of [{ fields: ['id'] }, { fields: ["title') --"] }, { language: 'klingon' }])
      expect(await refusal({ _search: { query: 'a', ...wrong } })).toBeDefined();
  });
});

it('follows rows into a search and out of it', async () => {
  const admin = server.as({ role: 'admin' });
  await using socket = await openSocket(server);
  const live = socket.subscribe(
    `query @live { books(where: { _search: { query: "anvils", language: english } }, orderBy: { _relevance: { query: "anvils", language: english } }) { nodes { id } } }`,
  );
  const changes = socket.subscribe(
    `subscription { bookChanges(where: { _search: { query: "hammer", fields: [title] } }) { type node { id } } }`,
  );
  const alike = socket.subscribe(
    `subscription { bookChanges(where: { title: { similar: { to: "Hammr" } } }) { type node { id } } }`,
  );
  const ids = (...all: number[]) => ({ books: { nodes: all.map((id) => ({ id })) } });
  expect(await live.next()).toEqual(ids(5, 6, 7));
  for (const stream of [changes, alike])
    expect(await stream.next()).toMatchObject({ bookChanges: { type: 'CHECKPOINT' } });
  const rename = (title: string, body: string) =>
    admin.query('mutation ($data: UpdateBookInput!) { updateBook(where: { id: 7 }, data: $data) { id } }', {
      data: { title, body },
    });
  await rename('Hammer', 'tongs');
  expect(await live.next()).toEqual(ids(5, 6));
  expect(await changes.next()).toEqual({ bookChanges: { type: 'ENTERED', node: { id: 7 } } });
  expect(await alike.next()).toEqual({ bookChanges: { type: 'ENTERED', node: { id: 7 } } });
  await rename('Same', 'an anvil and an anvil');
  expect(await live.next()).toMatchObject({ books: { nodes: expect.arrayContaining([{ id: 7 }]) } });
  expect(await changes.next()).toEqual({ bookChanges: { type: 'REMOVED', node: null } });
  expect(await alike.next()).toEqual({ bookChanges: { type: 'REMOVED', node: null } });
});

describe('a database without pg_trgm', () => {
  it('says so, in our words, and searches full text all the same', async () => {
    await using server = await startSchemaServer({
      schema: 'model Note {\n  id Int @id\n  title String\n}\n',
      rows: `insert into "Note" values (1, 'mill')`,
      rules: { Note: { read: true } },
    });
    for (const args of [
      'where: { title: { similar: { to: "mil" } } }',
      'where: { title: { similar: { to: "mil", part: true } } }',
      'orderBy: { _similarity: { field: title, to: "mil" } }',
    ]) {
      const { errors, data } = await server.stranger.query(`{ notes(${args}) { nodes { id } } }`);
      expect(data ?? null).toBeNull();
      expect(errors).toMatchObject([{ extensions: { code: 'INVALID_INPUT' } }]);
      expect(errors![0]!.message).toContain('needs the extension pg_trgm');
      expect(JSON.stringify(errors)).not.toMatch(/function|operator|similarity\(/);
    }
    await using socket = await openSocket(server);
    for (const query of [
      'query @live { notes(where: { title: { similar: { to: "mil" } } }) { totalCount } }',
      'subscription { noteChanges(where: { title: { similar: { to: "mil" } } }) { type } }',
    ]) {
      const told = await socket
        .subscribe(query)
        .next()
        .catch((error: unknown) => JSON.stringify(error));
      expect(told).toContain('needs the extension pg_trgm');
      expect(told).toContain('INVALID_INPUT');
    }
    const { data } = await server.stranger.query('{ notes(where: { _search: { query: "mill" } }) { totalCount } }');
    expect(data).toEqual({ notes: { totalCount: 1 } });
    await ask(server.databaseUrl, 'create extension pg_trgm');
    const later = await server.stranger.query('{ notes(where: { title: { similar: { to: "mil" } } }) { totalCount } }');
    expect(later).toEqual({ data: { notes: { totalCount: 1 } } });
  });
});
