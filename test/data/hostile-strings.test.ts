import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSchemaServer } from '../support/schema-server.ts';
import type { Answer, Asker, TestServer } from '../support/server.ts';
import { keptStrings, unkeepableStrings } from './hostile-strings.ts';

const schema = `model Note {
  id    Int      @id
  text  String
  json  Json
  key   Json
  texts String[]
}`;

let server: TestServer;
let admin: Asker;
beforeAll(async () => {
  server = await startSchemaServer({
    schema,
    rules: {},
    config: (c) => ({ ...c, graphql: { ...c.graphql, limits: { ...c.graphql.limits, maxPageSize: 1000 } } }),
  });
  admin = server.as({ role: 'admin' });
  const notes = keptStrings.map((text, id) => ({
    id,
    text,
    json: [text],
    key: { [text]: id },
    texts: [text, `x${text}`],
  }));
  await inBatches(notes, (v) => `createNote(data: ${v}) { id }`, 'CreateNoteInput!', 'mutation');
}, 60_000);
afterAll(() => server[Symbol.asyncDispose]());

/** Asks for the same of each value, forty in one request; answers in their order. */
async function inBatches<T>(values: readonly T[], field: (variable: string) => string, type: string, kind = 'query') {
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what it asks for
  const answers: any[] = [];
  for (let from = 0; from < values.length; from += 40) {
    const some = values.slice(from, from + 40);
    const declared = some.map((_, i) => `$v${i}: ${type}`).join(' ');
    const query = `${kind} (${declared}) { ${some.map((_, i) => `a${i}: ${field(`$v${i}`)}`).join(' ')} }`;
    const answer = await admin.query(query, Object.fromEntries(some.map((value, i) => [`v${i}`, value])));
    expect(answer.errors).toBeUndefined();
    answers.push(...some.map((_, i) => answer.data[`a${i}`]));
  }
  return answers;
}

const idsIn = (page: { nodes: { id: number }[] }) => page.nodes.map(({ id }) => id);
const page = (where: string) => `notes(first: 1000, where: ${where}, orderBy: { id: asc }) { nodes { id } }`;
const each = keptStrings.map((_, i) => [i]);

describe(`${keptStrings.length} hostile strings`, () => {
  it('are at least five hundred, each another, and all that JavaScript can write as UTF-8', () => {
    expect(keptStrings.length).toBeGreaterThanOrEqual(500);
    expect(new Set(keptStrings).size).toBe(keptStrings.length);
    for (const text of keptStrings) expect(Buffer.from(text).toString(), JSON.stringify(text)).toBe(text);
  });

  it('come back as they were written: as text, in JSON, as a key of JSON, in a list', async () => {
    const notes = await inBatches(
      each,
      (v) => `notes(where: { id: { in: ${v} } }) { nodes { text json key texts } }`,
      '[Int!]',
    );
    const found = notes.map(({ nodes }) => nodes[0]);
    expect(found).toEqual(
      keptStrings.map((text, i) => ({ text, json: [text], key: { [text]: i }, texts: [text, `x${text}`] })),
    );
    // @NOTE by own keys: `toEqual` does not look at one that is called __proto__.
    expect(found.map(({ key }) => Object.keys(key)[0])).toEqual(keptStrings);
  });

  it.each([
    ['equals', '{ text: { equals: $ } }', 'String'],
    ['in', '{ text: { in: [$, "none of them"] } }', 'String!'],
    ['equals in JSON', '{ json: { equals: [$] } }', 'JSON'],
    ['array_contains in JSON', '{ json: { array_contains: $ } }', 'JSON'],
    ['has, in a list', '{ texts: { has: $ } }', 'String'],
  ])('are found by %s, and none besides', async (_title, where, type) => {
    const pages = await inBatches(keptStrings, (v) => page(where.replace('$', v)), type);
    expect(pages.map(idsIn)).toEqual(each);
  });

  it('are found by the key of JSON that they are', async () => {
    const pages = await inBatches(keptStrings, (v) => page(`{ key: { path: [${v}], gte: 0 } }`), 'String!');
    expect(pages.map(idsIn)).toEqual(each);
  });

  it.each([
    ['contains', (text: string, part: string) => text.includes(part)],
    ['startsWith', (text: string, part: string) => text.startsWith(part)],
    ['endsWith', (text: string, part: string) => text.endsWith(part)],
  ])('are found by %s, with all others that do, as JavaScript has it', async (operator, isFound) => {
    const pages = await inBatches(keptStrings, (v) => page(`{ text: { ${operator}: ${v} } }`), 'String');
    const expected = keptStrings.map((part) => keptStrings.flatMap((text, id) => (isFound(text, part) ? [id] : [])));
    expect(pages.map(idsIn)).toEqual(expected);
  });

  it('are the same written out in a document, with escapes and without', async () => {
    for (const ascii of [true, false]) {
      for (let from = 0; from < keptStrings.length; from += 40) {
        const fields = keptStrings
          .slice(from, from + 40)
          .map((text, i) => `a${i}: ${page(`{ text: { equals: ${literal(text, ascii)} } }`)}`);
        const { data, errors } = await admin.query(`{ ${fields.join(' ')} }`);
        expect(errors).toBeUndefined();
        expect(fields.map((_, i) => idsIn(data[`a${i}`])[0])).toEqual(fields.map((_, i) => from + i));
      }
    }
  });
});

/** A string of GraphQL; ASCII alone, or only what must be escaped. */
function literal(text: string, ascii: boolean): string {
  const json = JSON.stringify(text).replace(/\x7f/g, '\\u007f');
  return ascii ? json.replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`) : json;
}

describe('what PostgreSQL cannot keep', () => {
  const isRefused = ({ data, errors }: Answer) => {
    expect(Object.values(data ?? { none: null })).toEqual([null]);
    expect(errors![0]!.extensions.code).toBe('INVALID_INPUT');
    expect(errors![0]!.message).not.toMatch(/pg|sql|relation|byte sequence/i);
  };
  const create = (data: object) =>
    admin.query('mutation ($data: CreateNoteInput!) { createNote(data: $data) { id } }', { data });
  const whole = { id: 9000, text: 'x', json: 1, key: 1, texts: [] };

  it.each(unkeepableStrings.map((text) => [JSON.stringify(text), text]))(
    'is refused, and nothing is written: %s',
    async (_shown, text) => {
      isRefused(await create({ ...whole, text }));
      isRefused(await create({ ...whole, json: [text] }));
      isRefused(await create({ ...whole, key: { [text]: 1 } }));
      isRefused(await create({ ...whole, texts: ['x', text] }));
      const kept = await admin.query('{ note(where: { id: 9000 }) { id } }');
      expect(kept).toEqual({ data: { note: null } });
    },
  );

  it.each(unkeepableStrings.map((text) => [JSON.stringify(text), text]))(
    'finds nothing, or is refused as a filter: %s',
    async (_shown, text) => {
      for (const where of [
        { text: { equals: text } },
        { text: { contains: text } },
        { text: { in: [text] } },
        { json: { equals: [text] } },
        { texts: { has: text } },
        { key: { path: [text], equals: 1 } },
      ]) {
        const answer = await admin.query('query ($where: NoteWhereInput) { notes(where: $where) { nodes { id } } }', {
          where,
        });
        if (answer.errors) isRefused(answer);
        else expect(answer.data).toEqual({ notes: { nodes: [] } });
      }
    },
  );
});
