import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createRandom, type Random } from '../../src/cli/seed/random.ts';
import { startSchemaServer } from '../support/schema-server.ts';
import type { TestServer } from '../support/server.ts';

vi.setConfig({ testTimeout: 180_000 });

const seed = Number(process.env.MOVING_PAGES_SEED ?? 1);
const walks = Number(process.env.MOVING_PAGES ?? 200);

const schema = `
  model Shelf {
    id    Int     @id
    label String?
    books Book[]
  }
  model Book {
    id      Int     @id
    rank    Int?
    name    String?
    stays   Boolean
    shelf   Shelf?  @relation(fields: [shelfId], references: [id])
    shelfId Int?
    @@index([rank])
  }
`;

/** Books that stay and books that others move, in equal parts, with ties and nulls among both. */
const rows = `
  INSERT INTO "Shelf" SELECT n, CASE WHEN n % 2 = 0 THEN 'even' END FROM generate_series(1, 4) n;
  INSERT INTO "Book" SELECT n, nullif(n / 2 % 5, 4), nullif('n' || n / 2 % 3, 'n2'), n % 2 = 0, nullif(n / 2 % 5, 0)
    FROM generate_series(1, 60) n;`;

let server: TestServer;
beforeAll(async () => {
  server = await startSchemaServer({ schema, rules: {}, rows });
});
afterAll(() => server?.[Symbol.asyncDispose]());

const orders: Record<string, unknown>[][] = [
  [],
  [{ id: 'desc' }],
  [{ rank: { sort: 'asc' } }],
  [{ rank: { sort: 'desc' } }],
  [{ rank: { sort: 'asc', nulls: 'first' } }],
  [{ rank: { sort: 'desc', nulls: 'last' } }],
  [{ rank: { sort: 'asc', nulls: 'first' } }, { name: { sort: 'desc', nulls: 'last' } }],
  [{ name: { sort: 'desc' } }, { rank: { sort: 'asc' } }],
  [{ shelf: { label: { sort: 'asc', nulls: 'first' } } }],
  [{ shelf: { label: { sort: 'desc' } } }, { rank: { sort: 'asc', nulls: 'last' } }],
];

const page = `(orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
  nodes { id stays } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }`;
const variables = '$orderBy: [BookOrderByInput!], $first: Int, $after: String, $last: Int, $before: String';
const queries = {
  root: `query (${variables}) { page: books${page} }`,
  nested: `query (${variables}) { shelf(where: { id: 2 }) { page: books${page} } }`,
};

interface Walk {
  orderBy: Record<string, unknown>[];
  where: keyof typeof queries;
  isForward: boolean;
  size: number;
}

const randomWalk = (random: Random): Walk => {
  const where = random.pick(['root', 'root', 'nested'] as const);
  const size = where === 'nested' ? random.int(1, 4) : random.int(3, 12);
  return { orderBy: random.pick(orders), where, isForward: random.chance(0.5), size };
};

/** All rows, and those that stay, in the order in which the pages show them. */
async function walkThrough({ orderBy, where, isForward, size }: Walk, forget: (id: number) => Promise<unknown>) {
  const met: number[] = [];
  const staying: number[] = [];
  const asker = server.as({ role: 'admin' });
  for (let cursor: string | null = null; ; ) {
    const given = isForward ? { first: size, after: cursor } : { last: size, before: cursor };
    const { data, errors } = await asker.query(queries[where], { orderBy, ...given });
    expect(errors).toBeUndefined();
    const { nodes, pageInfo } = data.page ?? data.shelf.page;
    for (const node of isForward ? nodes : nodes.toReversed()) {
      met.push(node.id);
      if (node.stays) staying.push(node.id);
    }
    // However much others write, a walk comes to its end.
    expect(met.length).toBeLessThan(3000);
    if (!(isForward ? pageInfo.hasNextPage : pageInfo.hasPreviousPage)) break;
    cursor = isForward ? pageInfo.endCursor : pageInfo.startCursor;
    // Now and then the cursor stands on a row that is gone.
    if (nodes.length > 0 && met.length % 3 === 0) await forget(met.at(-1)!);
  }
  return { met, staying };
}

/** Inserts, deletes and changes books that do not stay, until it is told to stop; counts what it did. */
async function disturb(random: Random, first: number, signal: AbortSignal): Promise<number> {
  const client = new pg.Client({ connectionString: server.databaseUrl });
  await client.connect();
  let next = first;
  let changes = 0;
  while (!signal.aborted) {
    const rank = random.pick([null, 0, 1, 2, 3, 9, -1]);
    const name = random.pick([null, 'n0', 'n1', '', 'n9']);
    const shelf = random.pick([null, 1, 2, 2, 3, 4]);
    const kind = random.int(0, 3);
    const some = `id IN (SELECT id FROM "Book" WHERE NOT stays ORDER BY (id * ${random.int(1, 97)}) % 101 LIMIT 1)`;
    if (kind <= 1) await client.query('INSERT INTO "Book" VALUES ($1, $2, $3, false, $4)', [next++, rank, name, shelf]);
    else if (kind === 2) await client.query(`DELETE FROM "Book" WHERE NOT stays AND ${some}`);
    else
      await client.query(`UPDATE "Book" SET rank = $1, name = $2, "shelfId" = $3 WHERE ${some}`, [rank, name, shelf]);
    // What was inserted and is still there is bounded, so that walks end.
    if (changes++ % 20 === 0)
      await client.query('DELETE FROM "Book" WHERE NOT stays AND id > 60 AND id < $1', [next - 20]);
  }
  await client.end();
  return changes;
}

it(`shows every row that stays once and in order in ${walks} walks (seed ${seed}) while others write`, async () => {
  await using stack = new AsyncDisposableStack();
  const pool = new pg.Pool({ connectionString: server.databaseUrl, max: 2 });
  stack.defer(() => pool.end());
  let forgotten = 0;
  const forget = async (id: number) => {
    const { rowCount } = await pool.query('DELETE FROM "Book" WHERE NOT stays AND id = $1', [id]);
    forgotten += rowCount ?? 0;
  };
  const stop = new AbortController();
  const writers = [1, 2].map((n) => disturb(createRandom(seed * 100 + n), n * 1_000_000, stop.signal));
  const expected = new Map<string, number[]>();
  const orderOf = async ({ orderBy, where }: Walk): Promise<number[]> => {
    const key = JSON.stringify([orderBy, where]);
    if (!expected.has(key)) {
      const list = '(orderBy: $orderBy, where: { stays: { equals: true } }, first: 500) { nodes { id } }';
      const body = where === 'root' ? `page: books${list}` : `shelf(where: { id: 2 }) { page: books${list} }`;
      const text = `query ($orderBy: [BookOrderByInput!]) { ${body} }`;
      const { data } = await server.as({ role: 'admin' }).query(text, { orderBy });
      expected.set(
        key,
        (data.page ?? data.shelf.page).nodes.map((n: { id: number }) => n.id),
      );
    }
    return expected.get(key)!;
  };
  let others = 0;
  let repeated = 0;
  try {
    const numbers = Array.from({ length: walks }, (_, n) => n).values();
    const work = async () => {
      for (const n of numbers) {
        const walk = randomWalk(createRandom(seed * 1000 + n));
        const order = await orderOf(walk);
        const { met, staying } = await walkThrough(walk, forget);
        expect(staying, `walk ${n}: ${JSON.stringify(walk)}`).toEqual(walk.isForward ? order : order.toReversed());
        others += met.length - staying.length;
        // A row that was moved while somebody walked may be met again, and only such a one.
        repeated += met.length - new Set(met).size;
      }
    };
    await Promise.all(Array.from({ length: 4 }, work));
  } finally {
    stop.abort();
  }
  const changes = (await Promise.all(writers)).reduce((a, b) => a + b);
  process.stdout.write(
    `${walks} walks beside ${changes} changes: ${others} other rows met, ${repeated} of them again\n`,
  );
  expect(expected.size).toBeGreaterThan(orders.length);
  expect(others).toBeGreaterThan(walks);
  expect(changes).toBeGreaterThan(walks);
  expect(forgotten).toBeGreaterThan(walks / 10);
});
