import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSchemaServer } from '../support/schema-server.ts';
import type { TestServer } from '../support/server.ts';

const schema = `
model Box {
  id    Int   @id
  data  Json
  plain Json? @db.Json
  pile  Pile? @relation(fields: [pileId], references: [id])
  pileId Int?
}
model Pile {
  id    Int   @id
  tag   Json?
  boxes Box[]
}
`;

/** Keys that mean something to PostgreSQL's arrays, to SQL, or to the planner's own marks. */
const hostile = [
  '"',
  "'",
  '\'\'; drop table "Box"; --',
  '{a,b}',
  'a,b',
  '\\',
  "\\'",
  'NULL',
  '',
  ' ',
  '$1',
  '\u00010;',
  '\u0002',
  '\u00031;',
  '\n',
  "E'\\x27'",
  'ü😀',
  't1."data"',
  'constructor',
  '__proto__',
];

/** Of every kind that a part can have, several of some, and none. */
const ranks: unknown[] = ['b', 10, true, 2, null, 'a', false, [1], { x: 1 }, 10, 1.5, 'B', undefined, [1, 2], 'a'];

const quoted = (value: unknown) => `'${JSON.stringify(value).replaceAll("'", "''")}'`;
const docs = [
  ...ranks.map((rank, i) => ({ rank, deep: { list: [{ at: `x${i}` }, i] } })),
  Object.fromEntries(hostile.map((key, i) => [key, `found ${i}`])),
];
const rows = `
  insert into "Pile" values (1, '{"t": 2}'), (2, '{"t": 1}'), (3, null);
  insert into "Box" (id, data, plain, "pileId") values
    ${docs.map((doc, i) => `(${i}, ${quoted(doc)}, ${i % 2 ? quoted(doc) : 'null'}, ${i < 4 ? (i % 3) + 1 : 'null'})`).join(',')};`;

let server: TestServer;
beforeAll(async () => {
  server = await startSchemaServer({ schema, rows, rules: { Box: { read: true }, Pile: { read: true } } });
});
afterAll(() => server[Symbol.asyncDispose]());

async function ask(query: string, variables?: Record<string, unknown>) {
  const answer = await server.stranger.query(query, variables);
  expect(answer.errors).toBeUndefined();
  return answer.data;
}

async function problem(query: string, variables?: Record<string, unknown>) {
  const { errors } = await server.stranger.query(query, variables);
  expect(errors?.[0]?.extensions.code).toBe('INVALID_INPUT');
  return errors![0]!.extensions.fields?.[0];
}

const idsOf = (data: { boxes: { nodes: { id: number }[] } }) => data.boxes.nodes.map(({ id }) => id);

/** Where PostgreSQL puts a value among others. */
const kinds = ['string', 'number', 'boolean', 'array', 'object'];
function compare(a: unknown, b: unknown): number {
  const kind = (v: unknown) => kinds.indexOf(Array.isArray(v) ? 'array' : typeof v);
  if (kind(a) !== kind(b)) return kind(a) - kind(b);
  if (Array.isArray(a)) return a.length - (b as unknown[]).length;
  if (typeof a === 'object') return 0;
  return a === b ? 0 : (a as number) < (b as number) ? -1 : 1;
}

/** Ids in the order that is asked for, worked out without the planner. */
function expected(sort: 'asc' | 'desc', nulls: 'first' | 'last'): number[] {
  const isNull = (i: number) => (docs[i] as { rank?: unknown }).rank === undefined || ranks[i] === null;
  const sign = sort === 'asc' ? 1 : -1;
  return docs
    .map((_, i) => i)
    .sort((a, b) => {
      if (isNull(a) || isNull(b))
        return isNull(a) && isNull(b) ? a - b : (isNull(a) ? 1 : -1) * (nulls === 'last' ? 1 : -1);
      return sign * compare(ranks[a], ranks[b]) || a - b;
    });
}

describe('a part of a document', () => {
  it('is selected by its path, of lists by position, several times of one document, and null where it is not there', async () => {
    const query = `query($p: [String!], $last: String!) { box(where: { id: 3 }) {
      rank: data(path: ["rank"]) at: data(path: ["deep", "list", "0", "at"]) last: data(path: ["deep", "list", $last])
      none: data(path: ["deep", "7"]) variable: data(path: $p) whole: data(path: []) plain: plain(path: ["deep", "list", "1"]) one: data(path: "rank")
    } }`;
    const box = { rank: 2, at: 'x3', last: 3, none: null, whole: docs[3], plain: 3, one: 2 };
    const answer = (p: unknown, last: string) => ask(query, { p, last });
    expect(await answer(['deep', 'list'], '-1')).toEqual({ box: { ...box, variable: [{ at: 'x3' }, 3] } });
    expect(await answer(['rank'], '-1')).toEqual({ box: { ...box, variable: 2 } });
    expect(await answer(null, '1')).toEqual({ box: { ...box, variable: docs[3] } });
    expect(await answer(['rank'], '0')).toEqual({ box: { ...box, variable: 2, last: { at: 'x3' } } });
  });

  it('is selected by a variable inside a fragment', async () => {
    const query = 'query($p: [String!]) { box(where: { id: 1 }) { ...part } } fragment part on Box { data(path: $p) }';
    expect(await ask(query, { p: ['rank'] })).toEqual({ box: { data: 10 } });
    expect(await ask(query, { p: ['deep', 'list', '1'] })).toEqual({ box: { data: 1 } });
  });

  it('is found by each kind of value and by none, and another path in the same variable is another question', async () => {
    const where = (filter: object) =>
      ask('query($w: BoxWhereInput) { boxes(where: $w) { nodes { id } } }', { w: { data: filter } }).then(idsOf);
    expect(await where({ path: ['rank'], equals: 10 })).toEqual([1, 9]);
    expect(await where({ path: ['deep', 'list', '1'], equals: 10 })).toEqual([10]);
    expect(await where({ path: ['rank'], equals: 'a' })).toEqual([5, 14]);
    expect(await where({ path: ['rank'], equals: false })).toEqual([6]);
    expect(await where({ path: ['rank'], equals: { x: 1 } })).toEqual([8]);
    expect(await where({ path: ['rank'], equals: null })).toEqual([4, 12, 15]);
    expect(await where({ path: ['rank'], gt: 1.5 })).toEqual([1, 3, 9]);
    expect(await where({ path: ['rank'], lte: 'a' })).toEqual([5, 11, 14]);
    expect(await where({ path: ['rank'], array_contains: [2] })).toEqual([13]);
    expect(await where({ path: ['rank'], string_contains: 'b', mode: 'insensitive' })).toEqual([0, 11]);
    expect(await where({ path: ['deep', 'list', '0', 'at'], string_ends_with: '3' })).toEqual([3, 13]);
  });

  it('is left out by a negation as it was: JSON null is a value that differs, and what is not there is none', async () => {
    const others = [0, 2, 3, 4, 5, 6, 7, 8, 10, 11, 13, 14];
    const not = '{ boxes(where: { data: { path: ["rank"], not: 10 } }) { nodes { id } } }';
    const negated = '{ boxes(where: { NOT: { data: { path: ["rank"], equals: 10 } } }) { nodes { id } } }';
    expect(idsOf(await ask(not))).toEqual(others);
    expect(idsOf(await ask(negated))).toEqual(others);
  });

  it.each([
    ['asc', 'last'],
    ['asc', 'first'],
    ['desc', 'last'],
    ['desc', 'first'],
  ] as const)('orders rows %s with nulls %s, of any kind, page by page and back', async (sort, nulls) => {
    const order = expected(sort, nulls);
    for (const [field, wanted] of [
      ['data', order],
      ['plain', undefined],
    ] as const) {
      const page = `query($o: [BoxOrderByInput!], $after: String, $before: String, $first: Int, $last: Int) {
        boxes(orderBy: $o, after: $after, before: $before, first: $first, last: $last) { nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;
      const o = [{ [field]: { path: ['rank'], sort, nulls } }];
      const whole = idsOf(await ask(page, { o, first: 50 }));
      if (wanted) expect(whole).toEqual(wanted);
      const walked: number[] = [];
      for (let after: string | null = null, more = true; more; ) {
        const data = await ask(page, { o, first: 2, after });
        walked.push(...idsOf(data));
        ({ endCursor: after, hasNextPage: more } = data.boxes.pageInfo);
      }
      expect(walked).toEqual(whole);
      const back: number[] = [];
      for (let before: string | null = null, more = true; more; ) {
        const data = await ask(page, { o, last: 3, before });
        back.unshift(...idsOf(data));
        ({ startCursor: before, hasPreviousPage: more } = data.boxes.pageInfo);
      }
      expect(back).toEqual(whole);
    }
  });

  it('orders rows by a document that is kept as text, and by one of a related row', async () => {
    const plain = idsOf(
      await ask('{ boxes(orderBy: { plain: { path: ["rank"], sort: asc } }, first: 5) { nodes { id } } }'),
    );
    expect(plain).toEqual([11, 5, 3, 1, 9]);
    const related = '{ boxes(orderBy: { pile: { tag: { path: ["t"], sort: asc } } }, first: 3) { nodes { id } } }';
    expect(idsOf(await ask(related))).toEqual([1, 0, 3]);
  });

  it('makes cursors of one path that are none of another, or of what is no JSON', async () => {
    const first = '{ boxes(orderBy: { data: { path: ["rank"], sort: asc } }, first: 1) { pageInfo { endCursor } } }';
    const cursor = (await ask(first)).boxes.pageInfo.endCursor as string;
    const behind = (path: string, value: string) =>
      `{ boxes(orderBy: { data: { path: ["${path}"], sort: asc } }, after: "${value}") { nodes { id } } }`;
    expect(idsOf(await ask(behind('rank', cursor)))).toHaveLength(docs.length - 1);
    expect(await problem(behind('deep', cursor))).toEqual({
      path: 'after',
      message: expect.stringContaining('cursor'),
    });
    const [mark] = JSON.parse(Buffer.from(cursor, 'base64').toString()) as string[];
    for (const forged of ['{', 'null', '1e999999', '"\\u0000"', '"\\ud800"', 'NaN', '1; drop'])
      expect(await problem(behind('rank', btoa(JSON.stringify([mark, forged, '1']))))).toMatchObject({ path: 'after' });
  });
});

describe('a path', () => {
  it.each(hostile.map((key, i) => [key, i] as const))('may hold %j', async (key, i) => {
    const text = JSON.stringify(key);
    const filter = `{ path: [${text}], equals: "found ${i}" }`;
    const inline = `{ boxes(where: { data: ${filter} }, orderBy: { data: { path: [${text}], sort: asc } }) { nodes { id data(path: [${text}]) } } }`;
    const found = { boxes: { nodes: [{ id: docs.length - 1, data: `found ${i}` }] } };
    expect(await ask(inline)).toEqual(found);
    const variables =
      'query($p: [String!]!) { boxes(where: { data: { path: $p, string_contains: "found" } }, orderBy: { data: { path: $p, sort: asc } }) { nodes { id data(path: $p) } } }';
    expect(await ask(variables, { p: [key] })).toEqual(found);
  });

  it('leads no further than is allowed, and holds no text that cannot be stored', async () => {
    const by = 'query($p: [String!]!) { boxes(where: { data: { path: $p, equals: 1 } }) { nodes { id } } }';
    const select = 'query($p: [String!]!) { boxes { nodes { data(path: $p) } } }';
    const order = 'query($p: [String!]!) { boxes(orderBy: { data: { path: $p, sort: asc } }) { nodes { id } } }';
    for (const [query, path] of [
      [by, 'where.data.path'],
      [select, 'path'],
      [order, 'orderBy.0.data.path'],
    ] as const) {
      expect(await problem(query, { p: Array(1000).fill('a') })).toMatchObject({ path });
      expect(await problem(query, { p: ['x'.repeat(1001)] })).toMatchObject({ path });
      expect(await problem(query, { p: ['a', 'b\0'] })).toMatchObject({ path: `${path}.1` });
      expect(await problem(query, { p: ['\ud800'] })).toMatchObject({ path: `${path}.0` });
      expect(await ask(query, { p: Array(64).fill('a') })).toBeDefined();
    }
  });
});
