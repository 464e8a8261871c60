import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../support/postgres.ts';
import { startSchemaServer } from '../support/schema-server.ts';
import type { Answer, TestServer } from '../support/server.ts';

const schema = `
  model Item {
    id     Int     @id
    rank   Int?
    name   String?
    box    Box?    @relation(fields: [boxId], references: [id])
    boxId  Int?
    parts  Part[]
  }
  model Box {
    id    Int    @id
    label String?
    items Item[]
  }
  model Part {
    a    Int
    b    Int
    size Decimal?
    item Item @relation(fields: [a], references: [id], onDelete: Cascade)
    @@id([a, b])
  }
`;

let server: TestServer;
const query = (text: string, variables?: Record<string, unknown>): Promise<Answer> =>
  server.as({ role: 'admin' }).query(text, variables);

beforeAll(async () => {
  const rows = `
    INSERT INTO "Box" SELECT n, CASE WHEN n % 2 = 0 THEN 'even' END FROM generate_series(1, 4) n;
    INSERT INTO "Item" SELECT n, nullif(n % 4, 3), nullif('n' || n % 3, 'n2'), nullif(n % 5, 0) FROM generate_series(1, 40) n;
    INSERT INTO "Part" SELECT n, m, nullif(n * m, 6) / 2.0 FROM generate_series(1, 40) n, generate_series(1, n % 4) m;`;
  server = await startSchemaServer({ schema, rules: {}, rows });
});
afterAll(() => server[Symbol.asyncDispose]());

const orders: Record<string, unknown>[][] = [
  [],
  [{ rank: { sort: 'asc' } }],
  [{ rank: { sort: 'desc' } }],
  [{ rank: { sort: 'asc', nulls: 'first' } }, { name: { sort: 'desc', nulls: 'last' } }],
  [{ rank: { sort: 'desc', nulls: 'last' } }, { id: 'desc' }],
  [{ box: { label: { sort: 'desc', nulls: 'first' } } }, { rank: { sort: 'asc' } }],
  [{ parts: { _count: 'desc' } }],
];

const pageQuery = `query ($orderBy: [ItemOrderByInput!], $first: Int, $after: String, $last: Int, $before: String) {
  items(orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
    nodes { id }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;

interface Page {
  ids: number[];
  hasNextPage: boolean;
  hasPreviousPage: boolean;
  startCursor: string | null;
  endCursor: string | null;
}

async function page(variables: Record<string, unknown>): Promise<Page> {
  const { data, errors } = await query(pageQuery, variables);
  expect(errors).toBeUndefined();
  return { ids: data.items.nodes.map((n: { id: number }) => n.id), ...data.items.pageInfo };
}

describe('a walk through the pages', () => {
  it.each(orders.flatMap((orderBy) => [1, 7, 40].map((size) => ({ orderBy, size }))))(
    'meets every row once, forward and backward, $size at a time, by $orderBy',
    async ({ orderBy, size }) => {
      const { ids: all } = await page({ orderBy, first: 500 });
      expect(new Set(all).size).toBe(40);

      const forward: number[] = [];
      for (let after: string | null = null; ; ) {
        const found: Page = await page({ orderBy, first: size, after });
        forward.push(...found.ids);
        expect(found.hasPreviousPage).toBe(after !== null);
        expect(found.hasNextPage).toBe(forward.length < 40);
        if (!found.hasNextPage) break;
        after = found.endCursor;
      }
      expect(forward).toEqual(all);

      const backward: number[] = [];
      for (let before: string | null = null; ; ) {
        const found: Page = await page({ orderBy, last: size, before });
        backward.unshift(...found.ids);
        expect(found.hasNextPage).toBe(before !== null);
        expect(found.hasPreviousPage).toBe(backward.length < 40);
        if (!found.hasPreviousPage) break;
        before = found.startCursor;
      }
      expect(backward).toEqual(all);
    },
  );
});

describe('a page', () => {
  beforeAll(async () => {
    await ask(
      server.databaseUrl,
      `DELETE FROM "Item"; INSERT INTO "Item" (id, rank) SELECT n, n FROM generate_series(1, 10) n;
       INSERT INTO "Part" SELECT 1, m FROM generate_series(1, 5) m`,
    );
  });

  it('of no rows still tells whether there are any', async () => {
    const empty = { ids: [], startCursor: null, endCursor: null };
    expect(await page({ first: 0 })).toEqual({ ...empty, hasNextPage: true, hasPreviousPage: false });
    expect(await page({ last: 0 })).toEqual({ ...empty, hasNextPage: false, hasPreviousPage: true });
    const { endCursor } = await page({ first: 10 });
    expect(await page({ first: 3, after: endCursor })).toEqual({ ...empty, hasNextPage: false, hasPreviousPage: true });
  });

  it('between two cursors knows what lies beyond both', async () => {
    const { data } = await query('{ items { edges { cursor } } }');
    const cursors = data.items.edges.map((e: { cursor: string }) => e.cursor);
    const between = { after: cursors[1], before: cursors[6] };
    expect(await page({ ...between, first: 2 })).toMatchObject({
      ids: [3, 4],
      hasNextPage: true,
      hasPreviousPage: true,
    });
    expect(await page({ ...between, last: 2 })).toMatchObject({
      ids: [5, 6],
      hasNextPage: true,
      hasPreviousPage: true,
    });
    expect(await page({ after: cursors[6], before: cursors[1] })).toMatchObject({ ids: [] });
  });

  it('is counted, and cut, below a row as at the root, and its cursors are good there', async () => {
    const below = (args: string) => `{ item(where: { id: 1 }) { parts${args} {
      totalCount nodes { b } pageInfo { hasNextPage hasPreviousPage endCursor } } } }`;
    const first = (await query(below('(first: 2)'))).data.item.parts;
    expect(first).toMatchObject({ totalCount: 5, nodes: [{ b: 1 }, { b: 2 }], pageInfo: { hasNextPage: true } });
    const second = (await query(below(`(first: 3, after: "${first.pageInfo.endCursor}")`))).data.item.parts;
    expect(second).toMatchObject({
      totalCount: 5,
      nodes: [{ b: 3 }, { b: 4 }, { b: 5 }],
      pageInfo: { hasNextPage: false, hasPreviousPage: true },
    });
  });

  it('answers its total alone, whatever its size', async () => {
    const variables = { first: 3, orderBy: [{ rank: { sort: 'asc' } }] };
    const text =
      'query ($first: Int, $orderBy: [ItemOrderByInput!]) { items(first: $first, orderBy: $orderBy) { totalCount } }';
    expect(await query(text, variables)).toEqual({ data: { items: { totalCount: 10 } } });
  });

  it.each([
    ['first', { first: -1 }],
    ['first', { first: 501 }],
    ['last', { last: -1 }],
    ['last', { last: 501 }],
    ['last', { first: 1, last: 1 }],
    ['after', { after: 'garbage' }],
    ['after', { after: '' }],
    ['after', { after: '💥' }],
    ['before', { before: Buffer.from('[]').toString('base64') }],
    ['before', { before: Buffer.from('{"a":1}').toString('base64') }],
    ['after', { after: Buffer.from('["x","1"]').toString('base64') }],
    ['after', { after: Buffer.from('["x",{"a":1}]').toString('base64') }],
  ])('with a wrong %s is refused, and the argument named: %j', async (path, variables) => {
    for (const more of ['', '__type(name: "Int") { name }']) {
      const { data, errors } = await query(pageQuery.replace(/\}$/, `${more} }`), variables);
      expect(data?.items ?? null).toBeNull();
      expect(errors).toMatchObject([{ extensions: { code: 'INVALID_INPUT', fields: [{ path }] } }]);
    }
  });

  it('refuses a cursor of another order, of another list, or with values that were tampered with', async () => {
    const cursorOf = async (text: string) => (await query(text)).data.list.edges[0].cursor as string;
    const byRank = await cursorOf('{ list: items(orderBy: [{ rank: { sort: asc } }]) { edges { cursor } } }');
    const byRankDown = await cursorOf('{ list: items(orderBy: [{ rank: { sort: desc } }]) { edges { cursor } } }');
    const ofParts = await cursorOf('{ list: parts { edges { cursor } } }');
    const [mark] = JSON.parse(Buffer.from(byRank, 'base64').toString()) as string[];
    const forged = (...values: unknown[]) => Buffer.from(JSON.stringify([mark, ...values])).toString('base64');
    const orderBy = [{ rank: { sort: 'asc' } }];
    for (const after of [
      byRankDown,
      ofParts,
      forged('1'),
      forged('x', '1'),
      forged(`1'; --`, '1'),
      forged('1', null, '1'),
      forged(1, 2),
    ]) {
      const { data, errors } = await query(pageQuery, { orderBy, after });
      expect(data?.items ?? null).toBeNull();
      expect(errors, after).toMatchObject([{ extensions: { code: 'INVALID_INPUT', fields: [{ path: 'after' }] } }]);
    }
    expect((await query(pageQuery, { orderBy, after: byRank })).errors).toBeUndefined();
  });
});
