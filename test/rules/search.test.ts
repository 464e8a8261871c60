import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../support/postgres.ts';
import { startSchemaServer } from '../support/schema-server.ts';
import type { TestServer } from '../support/server.ts';
import { openSocket } from '../support/socket.ts';

/** Letters whose diary only their writer may read, and whose seal nobody; some are not there for others at all. */
const schema = `
model Writer {
  id      Int      @id
  name    String
  alias   String?
  letters Letter[]
}

model Letter {
  id       Int     @id
  title    String
  public   Boolean
  diary    String?
  seal     String?
  writerId Int?
  writer   Writer? @relation(fields: [writerId], references: [id])
}
`;

const rows = `
  create extension pg_trgm;
  insert into "Writer" values (1, 'ann', 'nightingale'), (2, 'ben', 'sparrow'), (3, 'cleo', null);
  insert into "Letter" values
    (1, 'ann', true, 'the cellar key', 'wax', 1),
    (2, 'ben', true, 'the attic key', 'lead', 2),
    (3, 'cleo', true, 'a garden key', 'clay', 3),
    (4, 'dan', true, null, null, null);`;

/** What the viewer may not see: more hidden rows, and other values of hidden fields. */
const elsewhere = `
  insert into "Letter" values
    (5, 'ann', false, 'cellar cellar key', 'wax', 1),
    (6, 'cellar attic garden', false, 'cellar', 'gold', 2),
    (7, 'nightingale', false, 'cellar', 'gold', 3);
  update "Letter" set diary = 'cellar cellar cellar', seal = 'gold' where id = 2;
  update "Letter" set diary = null, seal = null where id = 3;
  update "Letter" set diary = 'cellars', seal = 'golden' where id = 4;
  update "Writer" set alias = 'robin' where id = 2;
  update "Writer" set alias = 'sparrow' where id = 3;`;

const rules = {
  Writer: { read: true, fields: { alias: { read: (viewer: { id: string | null }) => ({ name: viewer.id ?? '' }) } } },
  Letter: {
    read: { public: true },
    fields: {
      diary: { read: (viewer: { id: string | null }) => ({ title: viewer.id ?? '' }) },
      seal: { read: false },
    },
  },
};

const servers: TestServer[] = [];
beforeAll(async () => {
  const config = (given: import('../../src/config/config.ts').Config) => ({
    ...given,
    graphql: { ...given.graphql, limits: { ...given.graphql.limits, cursorSecret: 'the same of both' } },
  });
  for (let n = 0; n < 2; n++) servers.push(await startSchemaServer({ schema, rows, rules, config }));
  await ask(servers[1]!.databaseUrl, elsewhere);
});
afterAll(async () => {
  for (const server of servers) await server[Symbol.asyncDispose]();
});

/** Asks both, which must not differ. */
async function both<T>(query: string, variables?: Record<string, unknown>): Promise<T> {
  const [one, other] = await Promise.all(servers.map((server) => server.as({ sub: 'ann' }).query(query, variables)));
  expect(one!.errors).toBeUndefined();
  expect(other).toEqual(one);
  return one!.data as T;
}

const found = async (where: string, orderBy = '{ id: asc }'): Promise<number[]> => {
  const { letters } = await both<{
    letters: { edges: { cursor: string; node: { id: number } }[]; totalCount: number };
  }>(
    `{ letters(where: ${where}, orderBy: ${orderBy}) { totalCount edges { cursor node { id } } pageInfo { hasNextPage startCursor endCursor } } }`,
  );
  expect(letters.totalCount).toBe(letters.edges.length);
  return letters.edges.map(({ node }) => node.id);
};

describe('what may not be seen', () => {
  it.each([
    ['{ _search: { query: "cellar" } }', [1]],
    ['{ _search: { query: "cellar", fields: [diary] } }', [1]],
    ['{ _search: { query: "cellars", fields: [diary], language: english } }', [1]],
    ['{ _search: { query: "key" } }', [1]],
    ['{ _search: { query: "gold or wax or lead", fields: [seal] } }', []],
    ['{ _search: { query: "ann wax" } }', []],
    ['{ _search: { query: "-cellar" } }', [2, 3, 4]],
    ['{ _search: { query: "-gold", fields: [seal] } }', [1, 2, 3, 4]],
    ['{ NOT: { _search: { query: "cellar" } } }', [2, 3, 4]],
    ['{ NOT: { _search: { query: "gold", fields: [seal] } } }', [1, 2, 3, 4]],
    ['{ OR: [{ _search: { query: "gold" } }, { _search: { query: "nightingale" } }] }', []],
    ['{ diary: { similar: { to: "cellar" } } }', [1]],
    ['{ diary: { similar: { to: "cellar", part: true } } }', [1]],
    ['{ seal: { similar: { to: "gold" } } }', []],
    ['{ NOT: { seal: { similar: { to: "gold" } } } }', []],
    ['{ diary: { not: { similar: { to: "attic" } } } }', [1]],
    ['{ title: { similar: { to: "cellar attic garden" } } }', []],
    ['{ writer: { is: { _search: { query: "nightingale or sparrow or robin" } } } }', [1]],
    ['{ writer: { is: { alias: { similar: { to: "sparrow" } } } } }', []],
    ['{ NOT: { writer: { is: { _search: { query: "sparrow" } } } } }', [1, 2, 3, 4]],
  ])('is not found by %s', async (where, expected) => {
    expect(await found(where)).toEqual(expected);
  });

  it.each([
    ['[{ _relevance: { query: "cellar" } }, { id: desc }]', [1, 4, 3, 2]],
    ['[{ _relevance: { query: "cellar", fields: [diary, title], sort: asc } }]', [2, 3, 4, 1]],
    ['[{ _relevance: { query: "gold or wax or lead or clay", fields: [seal] } }]', [1, 2, 3, 4]],
    ['[{ _relevance: { query: "-cellar" } }, { id: desc }]', [4, 3, 2, 1]],
    ['[{ _similarity: { field: diary, to: "cellar" } }, { id: desc }]', [1, 4, 3, 2]],
    ['[{ _similarity: { field: diary, to: "cellar", part: true, sort: asc } }]', [2, 3, 4, 1]],
    ['[{ _similarity: { field: seal, to: "gold" } }]', [1, 2, 3, 4]],
    ['[{ writer: { _similarity: { field: alias, to: "sparrow" } } }, { id: asc }]', undefined],
    ['[{ writer: { _relevance: { query: "sparrow or robin" } } }, { id: asc }]', undefined],
  ])('is in no order and no cursor: %s', async (orderBy, expected) => {
    const ids = await found('{}', orderBy);
    if (expected) expect(ids).toEqual(expected);
    expect([...ids].sort()).toEqual([1, 2, 3, 4]);
  });

  it('is in no cursor’s text', async () => {
    const query = `{ letters(orderBy: [{ _relevance: { query: "cellar gold", fields: [diary, seal] } }, { _similarity: { field: diary, to: "cellar" } }]) { edges { cursor node { id } } } }`;
    const { letters } = await both<{ letters: { edges: { cursor: string; node: { id: number } }[] } }>(query);
    for (const { cursor, node } of letters.edges.filter(({ node }) => node.id !== 1)) {
      const [, ...values] = JSON.parse(Buffer.from(cursor, 'base64').toString()) as string[];
      expect(values).toEqual(['0', '0', String(node.id)]);
    }
  });

  it('is in no count, group or relation', async () => {
    expect(
      await both(`{
        writers(where: { letters: { some: { _search: { query: "cellar or garden or attic or nightingale" } } } }, orderBy: { id: asc }) {
          totalCount nodes { id letters(where: { _search: { query: "key or cellar" } }) { totalCount } }
        }
        none: writers(where: { letters: { none: { _search: { query: "cellar" } } } }) { totalCount }
        every: writers(where: { letters: { every: { _search: { query: "ann" } } } }) { nodes { id } }
        lettersAggregate(where: { _search: { query: "cellar" } }) { count { _all } max { id } }
        lettersGroupBy(by: { writerId: true }, where: { _search: { query: "cellar or gold" } }) { keys { writerId } count { _all } }
        having: lettersGroupBy(by: { writerId: true }, having: { diary: { _max: { similar: { to: "cellar" } } } }) { keys { writerId } }
      }`),
    ).toEqual({
      writers: { totalCount: 1, nodes: [{ id: 1, letters: { totalCount: 1 } }] },
      none: { totalCount: 2 },
      every: { nodes: [{ id: 1 }] },
      lettersAggregate: { count: { _all: 1 }, max: { id: 1 } },
      lettersGroupBy: [{ keys: { writerId: 1 }, count: { _all: 1 } }],
      having: [{ keys: { writerId: 1 } }],
    });
  });

  it('is in no page, whichever way', async () => {
    const query = `query ($after: String, $before: String, $first: Int, $last: Int) {
      letters(orderBy: [{ _relevance: { query: "cellar or gold" } }], after: $after, before: $before, first: $first, last: $last) {
        nodes { id } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } }`;
    type Page = { letters: { nodes: { id: number }[]; pageInfo: { startCursor: string; endCursor: string } } };
    const first = await both<Page>(query, { first: 2 });
    expect(first.letters.nodes).toEqual([{ id: 1 }, { id: 2 }]);
    const second = await both<Page>(query, { first: 2, after: first.letters.pageInfo.endCursor });
    expect(second.letters.nodes).toEqual([{ id: 3 }, { id: 4 }]);
    const back = await both<Page>(query, { last: 2, before: second.letters.pageInfo.startCursor });
    expect(back).toMatchObject({ letters: { nodes: [{ id: 1 }, { id: 2 }] } });
  });

  it('does not move a stream or a live query', async () => {
    const [server] = servers;
    const admin = server!.as({ role: 'admin' });
    await using socket = await openSocket(server!, { sub: 'ann' });
    const streams = [
      'subscription { letterChanges(where: { _search: { query: "treasure" } }) { type node { id } } }',
      'subscription { letterChanges(where: { diary: { similar: { to: "treasure" } } }) { type node { id } } }',
    ].map((query) => socket.subscribe(query));
    const live = socket.subscribe(
      'query @live { letters(where: { _search: { query: "treasure" } }) { nodes { id } } }',
    );
    for (const stream of streams) expect(await stream.next()).toMatchObject({ letterChanges: { type: 'CHECKPOINT' } });
    expect(await live.next()).toEqual({ letters: { nodes: [] } });
    const change = (id: number, data: string) =>
      admin.query(`mutation { updateLetter(where: { id: ${id} }, data: { ${data} }) { id } }`);
    await change(2, 'diary: "treasure"');
    await change(3, 'seal: "treasure"');
    await change(1, 'seal: "treasure"');
    await change(1, 'diary: "treasure"');
    // The first that comes is the last that was done: nothing of what is hidden came before it.
    for (const stream of streams)
      expect(await stream.next()).toEqual({ letterChanges: { type: 'ENTERED', node: { id: 1 } } });
    expect(await live.next()).toEqual({ letters: { nodes: [{ id: 1 }] } });
    expect(live.waiting).toEqual([]);
  });
});

it('a field that the API leaves out is no text to be searched', async () => {
  await using server = await startSchemaServer({
    schema,
    rows,
    rules: { Letter: { read: true, api: { omit: ['diary', 'seal'], rename: { title: 'heading' } } } },
  });
  const ask = async (search: string) =>
    (await server.stranger.query(`{ letters(where: { _search: { ${search} } }) { totalCount } }`)) as {
      data?: unknown;
      errors?: unknown;
    };
  expect(await ask('query: "key or wax"')).toEqual({ data: { letters: { totalCount: 0 } } });
  expect(await ask('query: "ann", fields: [heading]')).toEqual({ data: { letters: { totalCount: 1 } } });
  for (const field of ['diary', 'seal', 'title'])
    expect((await ask(`query: "key", fields: [${field}]`)).errors).toBeDefined();
});
