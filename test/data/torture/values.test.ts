import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSchemaServer } from '../../support/schema-server.ts';
import type { Answer, TestServer } from '../../support/server.ts';

let server: TestServer;
const ask = async (query: string, variables?: Record<string, unknown>): Promise<Answer['data']> => {
  const answer = await server.as({ role: 'admin' }).query(query, variables);
  expect(answer.errors).toBeUndefined();
  return answer.data;
};

beforeAll(async () => {
  const schema = readFileSync('test/schemas/torture/schema.prisma', 'utf8');
  const rows = readFileSync('test/schemas/torture/views.sql', 'utf8');
  server = await startSchemaServer({ schema, rules: {}, rows });
});
afterAll(() => server[Symbol.asyncDispose]());

/** Every text that a careless program breaks. */
const texts = [
  '',
  ' ',
  'plain',
  'quo"te \'single\' `back` \\slash\\ $1 %s ; -- {"a":[1]}',
  '100%_done\\%',
  'line\nbreak\r\n\ttab\u0001\u007f',
  'é ü ß İ ı Ǆ 中文 עברית',
  '👍🏽👨‍👩‍👧 𝕏 \u{10FFFF}',
  '\u2028\u2029\uFEFF\uFFFD',
  'null',
  'x'.repeat(100_000),
];

/** The row that others differ from in one value. */
const plain = {
  text: 't',
  char: 'abcde',
  varchar: 'v',
  bit: '0101',
  varbit: '1',
  uuid: '018f0000-0000-7000-8000-000000000001',
  xml: '<a b="c">d</a>',
  inet: '10.0.0.1',
  citext: 'C',
  boolean: false,
  integer: 0,
  smallint: 0,
  oid: 0,
  bigint: '0',
  real: 0,
  double: 0,
  decimal: '0.0000000000',
  money: '0.00',
  timestamp: '2000-01-01T00:00:00+00:00',
  timestamptz: '2000-01-01T00:00:00+00:00',
  date: '2000-01-01',
  time: '00:00:00',
  timetz: '00:00:00+00',
  json: null as unknown,
  jsonb: null as unknown,
  bytea: '',
  mood: 'SAD',
};
plain.json = {};
plain.jsonb = [];

const bytes = (...values: number[]) => Buffer.from(values).toString('base64');
const deep = (levels: number): unknown => (levels === 0 ? 'bottom' : { a: [deep(levels - 1)] });

/** Values by field: what is written, and what is read where that is spelt otherwise. */
const values: [field: string, written: unknown, read?: unknown][] = [
  ...texts.flatMap((text): [string, unknown, unknown?][] => [
    ['text', text],
    ['textN', text],
    ['citext', text],
    ['jsonb', text],
    ['json', { [text]: text }],
  ]),
  ...texts.filter((text) => [...text].length <= 30).map((text): [string, unknown] => ['varchar', text]),
  ['varchar', '👍'.repeat(30)],
  ['char', 'ab', 'ab   '],
  ['char', '', '     '],
  ['charN', '👍%_\\x'],
  ['bit', '1111'],
  ['varbit', ''],
  ['varbit', '101010101'],
  ['varbitN', '1'.repeat(500)],
  ['uuid', '00000000-0000-0000-0000-000000000000'],
  ['uuid', 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
  ['xml', '<?xml version="1.0"?><a>&lt;"\'\\</a>', '<a>&lt;"\'\\</a>'],
  ['xmlN', 'plain 👍'],
  ['inet', '::1'],
  ['inet', '192.168.0.0/16'],
  ['inet', '2001:0db8:0000::0001/64', '2001:db8::1/64'],
  ['boolean', true],
  ['integer', 2147483647],
  ['integer', -2147483648],
  ['smallint', 32767],
  ['smallint', -32768],
  ['oid', 2147483647],
  ['bigint', '9223372036854775807'],
  ['bigint', '-9223372036854775808'],
  ['bigintN', 9007199254740991, '9007199254740991'],
  ['bigint', '+5', '5'],
  ['real', 3.4028234663852886e38, 3.4028235e38],
  ['real', 1.401298464324817e-45, 1e-45],
  ['real', 0.1],
  ['double', 1.7976931348623157e308],
  ['double', 5e-324],
  ['double', -0.1],
  ['double', 123456789.12345679],
  ['decimal', '9999999999.9999999999'],
  ['decimal', '-0.0000000001'],
  ['decimal', '1e-7', '0.0000001000'],
  ['decimal', 1e-7, '0.0000001000'],
  ['decimalN', '12345678901234567890123456789012345.000000000000000000000000000001'],
  ['money', '92233720368547758.07'],
  ['money', '-92233720368547758.08'],
  ['money', '1234567.89'],
  ['timestamp', '2024-02-29T23:59:59.999999Z', '2024-02-29T23:59:59.999999+00:00'],
  ['timestamp', '2024-03-31T02:30:00.000001+02:00', '2024-03-31T00:30:00.000001+00:00'],
  ['timestamp', '0001-01-01T00:00:00Z', '0001-01-01T00:00:00+00:00'],
  ['timestamp', '9999-12-31T23:59:59.5Z', '9999-12-31T23:59:59.5+00:00'],
  ['timestampN', '2024-02-29T12:00:00.1234Z', '2024-02-29T12:00:00.123+00:00'],
  ['timestamptz', '1969-12-31T23:59:59.000001-11:30', '1970-01-01T11:29:59.000001+00:00'],
  ['timestamptzN', '1883-11-18T12:00:00Z', '1883-11-18T12:00:00+00:00'],
  ['date', '0001-01-01'],
  ['date', '9999-12-31'],
  ['date', '2024-02-29'],
  ['time', '23:59:59.999999'],
  ['time', '12:30', '12:30:00'],
  ['timeN', '12:30:29.4', '12:30:29'],
  ['timetz', '23:59:59.000001+05:30'],
  ['timetz', '12:00:00-08'],
  ['timetz', '12:00:00Z', '12:00:00+00'],
  ['json', [[], {}, null, true, 0, -1.5, 1e300, 'a']],
  ['jsonb', { '': 0, 'a.b': { '0': [] }, __proto: 1, "k'ey": '\u{1F600}' }],
  ['jsonb', deep(80)],
  ['json', 'null'],
  ['jsonb', 0],
  ['jsonb', false],
  ['bytea', bytes(0)],
  ['bytea', bytes(...Array.from({ length: 256 }, (_, i) => i))],
  ['byteaN', Buffer.alloc(100_000, 0xff).toString('base64')],
  ['mood', 'HAPPY'],
  ['moodN', 'SO_SO'],
];

describe('a value', () => {
  const scalars = () => {
    const model = server.server.application().datamodel.models.get('Specimen')!;
    return model.columns.map((c) => c.name).join(' ');
  };

  it.each(values.map(([field, written, read = written]) => ({ field, written, read })))(
    'of $field comes back as it was written: $written',
    async ({ field, written, read }) => {
      const data = { ...plain, [field]: written };
      const created = await ask(
        `mutation ($data: CreateSpecimenInput!) { row: createSpecimen(data: $data) { ${scalars()} } }`,
        { data },
      );
      const expected = { ...plain, [field]: read };
      expect(created.row).toMatchObject(expected);
      const where = { id: created.row.id };
      const query = (more: string) =>
        `query ($where: SpecimenWhereUniqueInput!) { row: specimen(where: $where) { ${scalars()} } ${more} }`;
      expect((await ask(query(''), { where })).row).toEqual(created.row);
      // The ordinary executor answers the same as PostgreSQL's text that was passed through.
      expect((await ask(query('__type(name: "Int") { name }'), { where })).row).toEqual(created.row);
      const changed = await ask(
        `mutation ($where: SpecimenWhereUniqueInput!, $data: UpdateSpecimenInput!) {
          away: updateSpecimen(where: $where, data: ${literal({ [field]: (plain as Record<string, unknown>)[field] ?? null })}) { ${field} }
          back: updateSpecimen(where: $where, data: $data) { ${field} }
        }`,
        { where, data: { [field]: written } },
      );
      expect(changed.away).toEqual({ [field]: (plain as Record<string, unknown>)[field] ?? null });
      expect(changed.back).toEqual({ [field]: read });
      await ask(`mutation ($where: SpecimenWhereUniqueInput!) { deleteSpecimen(where: $where) { id } }`, { where });
    },
  );
});

describe('a value that the column cannot hold', () => {
  it.each([
    ['text', 'a\0b'],
    ['varchar', 'x'.repeat(31)],
    ['char', 'abcdef'],
    ['bit', '11111'],
    ['bit', '01x1'],
    ['varbit', '1'.repeat(10)],
    ['uuid', 'not-a-uuid'],
    ['xml', '<a>'],
    ['inet', '300.0.0.1'],
    ['citext', '\0'],
    ['integer', 2147483648],
    ['integer', 1.5],
    ['smallint', 32768],
    ['oid', -5],
    ['bigint', '9223372036854775808'],
    ['bigint', '1.5'],
    ['real', 1e39],
    ['decimal', '10000000000'],
    ['decimal', 'NaN'],
    ['money', '92233720368547758.08'],
    ['timestamp', '2023-02-29T00:00:00Z'],
    ['timestamp', '2023-01-01 00:00:00'],
    ['date', '2023-02-29'],
    ['date', '2023-01-01T00:00:00Z'],
    ['time', '24:00:01'],
    ['jsonb', { a: 'b\0' }],
    ['jsonb', null],
    ['bytea', 'not base64'],
    ['mood', 'happy as can be'],
    ['text', null],
  ])('is refused: %s %j', async (field, value) => {
    const { data, errors } = await server
      .as({ role: 'admin' })
      .query('mutation ($data: CreateSpecimenInput!) { createSpecimen(data: $data) { id } }', {
        data: { ...plain, [field]: value },
      });
    expect(data?.createSpecimen ?? null).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: 'INVALID_INPUT' } }]);
  });
});

/** A value as GraphQL spells it in a document. */
function literal(value: unknown, isEnum = false): string {
  if (Array.isArray(value)) return `[${value.map((v) => literal(v)).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .map(([key, v]) => `${key}: ${literal(v, key.startsWith('mood'))}`)
      .join(', ')}}`;
  return isEnum && value !== null ? String(value) : JSON.stringify(value);
}

describe('a list', () => {
  const full = {
    texts: texts.slice(0, -1),
    chars: ['abc', '👍 \\'],
    varchars: ['', '"', '{,}', 'NULL', '\\'],
    bits: ['', '1', '0101'],
    uuids: ['018f0000-0000-7000-8000-000000000001'],
    xmls: ['<a>"{,}\\"</a>', 'b'],
    inets: ['10.0.0.1', '::1'],
    citexts: ['a', 'A'],
    booleans: [true, false],
    integers: [1, -1, 2147483647],
    smallints: [0, -32768],
    oids: [1],
    bigints: ['9223372036854775807', '-1'],
    reals: [0.1, 1e-45],
    doubles: [0.1, 1e300],
    decimals: ['0.000000100000000000000000000000'],
    moneys: ['1234567.89', '-0.01'],
    stamps: ['2024-02-29T23:59:59.999+00:00'],
    stampTzs: ['2024-02-29T23:59:59.999999+00:00', '2000-01-01T00:00:00+00:00'],
    dates: ['2024-02-29', '0001-01-01'],
    times: ['23:59:59.999999'],
    jsons: [null, 1, 'a"{,}\\', { a: [null] }, []],
    oldJsons: [{ a: 1 }, 'NULL'],
    byteas: ['', bytes(0, 255, 0x5c)],
    moods: ['HAPPY', 'SO_SO', 'HAPPY'],
  };
  const fields = Object.keys(full).join(' ');

  it('comes back as it was written', async () => {
    const data = { ...full, jsons: full.jsons.slice(1) };
    const { row } = await ask(
      `mutation ($data: CreateListsInput!) { row: createLists(data: $data) { id ${fields} } }`,
      { data },
    );
    expect(row).toMatchObject(data);
    const where = { id: row.id };
    const empty = Object.fromEntries(Object.keys(full).map((key) => [key, []]));
    const update = `mutation ($where: ListsWhereUniqueInput!, $data: UpdateListsInput!) {
      row: updateLists(where: $where, data: $data) { ${fields} }
    }`;
    expect((await ask(update, { where, data: empty })).row).toEqual(empty);
    expect((await ask(update, { where, data })).row).toEqual(data);
    expect((await ask(`mutation { row: createLists(data: {}) { ${fields} } }`)).row).toEqual(empty);
  });
});

describe('a new row', () => {
  it('has a default of every kind', async () => {
    const names = [...server.server.application().datamodel.models.get('Defaults')!.columns].map((c) => c.name);
    const before = Date.now();
    const { row } = await ask(`mutation { row: createDefaults(data: {}) { ${names.join(' ')} } }`);
    expect(row).toMatchObject({
      id: expect.stringMatching(/^[\w-]{12}$/),
      uuid4: expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/),
      uuid7: expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/),
      cuid1: expect.stringMatching(/^c[a-z\d]{24}$/),
      cuid2: expect.stringMatching(/^[a-z][a-z\d]{23}$/),
      nano: expect.stringMatching(/^[\w-]{21}$/),
      ulid: expect.stringMatching(/^[\dA-HJKMNP-TV-Z]{26}$/),
      number: 1,
      byDatabase: 'MADE BY }{ THE DATABASE',
      text: 'a "quoted" {text} // not a comment',
      empty: '',
      int: -7,
      big: '9223372036854775807',
      float: 15000000000.5,
      decimal: expect.stringMatching(/^0\.00000010*$/),
      yes: true,
      day: '2024-02-29T12:34:56.789+00:00',
      json: { a: [1, { b: '}' }] },
      bytes: 'AAEC/w==',
      mood: 'SO_SO',
      texts: ['a', 'b{}', ''],
      ints: [1, 2],
      none: [],
      moods: ['HAPPY', 'SO_SO'],
    });
    for (const time of [row.made, row.changed, row.changedTz]) {
      expect(Math.abs(Date.parse(time) - before)).toBeLessThan(60_000);
    }
    expect(row.changedOn).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(row.changedAt).toMatch(/^\d\d:\d\d:\d\d/);
  });

  it('can be made of nothing but what the database makes', async () => {
    const { row } = await ask('mutation { row: createCounter(data: {}) { id } }');
    expect(row).toEqual({ id: 1 });
  });
});
