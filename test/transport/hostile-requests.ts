/** Requests that mean harm, or no sense at all: made by code, the same at every run but for the salt, which no cache knows. */
import { orderMark } from '../../src/data/planner/cursor.ts';
import type { OrderTerm } from '../../src/data/planner/order.ts';
import { createRandom } from '../faults/random.ts';

/** A request as its bytes. */
export interface HostileRequest {
  title: string;
  bytes: Buffer;
  /** The bytes end before the request does, so there may be no answer. */
  isCut?: boolean;
}

const many = (count: number, text: (i: number) => string, separator = ' ') =>
  Array.from({ length: count }, (_, i) => text(i)).join(separator);
const nested = (count: number, open: string, middle: string, close: string) =>
  open.repeat(count) + middle + close.repeat(count);

const honest = '{ tasks(first: 2) { nodes { id title } } }';

/** The whole collection. @param token whose rights it is asked with */
export function hostileRequests(token: string, salt: string): HostileRequest[] {
  const head = (headers: Record<string, string>, first = 'POST /graphql HTTP/1.1') =>
    [
      first,
      'Host: localhost',
      'Connection: close',
      ...Object.entries(headers).map(([k, v]) => `${k}: ${v}`),
      '',
      '',
    ].join('\r\n');
  const usual = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` };
  const raw = (body: string | Buffer, headers: Record<string, string> = {}): Buffer => {
    const bytes = Buffer.from(body as string);
    return Buffer.concat([Buffer.from(head({ ...usual, 'Content-Length': String(bytes.length), ...headers })), bytes]);
  };
  const body = (title: string, text: string | Buffer, headers?: Record<string, string>): HostileRequest => ({
    title,
    bytes: raw(text, headers),
  });
  const document = (title: string, query: string, rest: object = {}): HostileRequest =>
    body(title, JSON.stringify({ query: `# ${salt}\n${query}`, ...rest }));
  /** `variable` is JSON text, for what no JavaScript value prints as. */
  const variable = (title: string, type: string, query: string, value: string): HostileRequest =>
    body(title, `{"query":${JSON.stringify(`# ${salt}\nquery ($v: ${type}) ${query}`)},"variables":{"v":${value}}}`);

  return [
    ...brokenBodies(salt, body),
    ...wrongShapes(salt, body),
    ...documents(document),
    ...quadratic(variable, document),
    ...overlaps(document),
    ...introspections(document),
    ...variables(variable, document),
    ...literals(document),
    ...heads(salt, head, usual),
    ...addresses(salt, head, token),
    ...mutants(salt, document),
    ...lists(salt, body),
  ];
}

type Body = (title: string, text: string | Buffer, headers?: Record<string, string>) => HostileRequest;
type Document = (title: string, query: string, rest?: object) => HostileRequest;
type Variable = (title: string, type: string, query: string, value: string) => HostileRequest;

function brokenBodies(salt: string, body: Body): HostileRequest[] {
  const whole = JSON.stringify({
    query: `# ${salt}\nquery Q($v: TaskWhereInput) { tasks(where: $v) { totalCount } }`,
    variables: { v: { title: { contains: 'é🌊\\"\u0001' } } },
    operationName: 'Q',
  });
  const bytes = Buffer.from(whole);
  const cuts = Array.from({ length: bytes.length }, (_, i) => i);
  const bad = [0x00, 0x22, 0x5c, 0x7b, 0x7d, 0x80, 0xc0, 0xff, 0xfe];
  return [
    ...cuts.map((i) => body(`a body cut at ${i}`, bytes.subarray(0, i))),
    ...cuts.map((i) => {
      const changed = Buffer.from(bytes);
      changed[i] = bad[i % bad.length]!;
      return body(`a byte of a body changed at ${i}`, changed);
    }),
    body('two bodies', whole + whole),
    body('a byte order mark', `\uFEFF${whole}`),
    body('UTF-16', Buffer.from(whole, 'utf16le'), { 'Content-Type': 'application/json; charset=utf-16' }),
    body(
      'lone surrogates as UTF-8',
      Buffer.concat([Buffer.from('{"query":"{ a'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('}"}')]),
    ),
    body('overlong UTF-8', Buffer.concat([Buffer.from('{"query":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')])),
    body('blanks only', ' '.repeat(900_000)),
    body('a million bytes and one', ' '.repeat(1_000_001)),
    body('a string without end', `{"query":"${'a'.repeat(900_000)}`),
    body('backslashes', `{"query":"${'\\\\'.repeat(400_000)}"}`),
    body('escaped letters', `{"query":"${'\\u0061'.repeat(150_000)}"}`),
    body('opening brackets', '['.repeat(900_000)),
    body('opening braces', '{"a":'.repeat(180_000)),
    body('a list of nothing', `[${'null,'.repeat(150_000)}null]`),
    body('a list of lists', `[${'[],'.repeat(250_000)}[]]`),
    body('a huge number', '9'.repeat(900_000)),
    body('a hundred thousand keys', `{${many(100_000, (i) => `"k${i}":0`, ',')}}`),
    body(
      'a hundred thousand keys beside a query',
      `{"query":"{ __typename }",${many(60_000, (i) => `"k${i}":0`, ',')}}`,
    ),
    body('one key again and again', `{${many(60_000, () => '"query":"{ __typename }"', ',')}}`),
    body('a key of many letters', `{"${'k'.repeat(900_000)}":1,"query":"{ __typename }"}`),
  ];
}

function wrongShapes(salt: string, body: Body): HostileRequest[] {
  const values = [
    'null',
    'true',
    'false',
    '0',
    '-0',
    '1e999',
    '-1e999',
    '1e-999',
    '99999999999999999999',
    '""',
    '"x"',
    '" "',
    '[]',
    '[null]',
    '["{ __typename }"]',
    '{}',
    '{"query":"x"}',
    '{"__proto__":{}}',
    '{"length":1}',
    '{"toString":1}',
    '{"then":1}',
    '[[[]]]',
  ];
  const query = `"query":${JSON.stringify(`# ${salt}\nquery Q { __typename }`)}`;
  const keys = [
    'variables',
    'operationName',
    'extensions',
    '__proto__',
    'constructor',
    'prototype',
    'id',
    'documentId',
    'then',
    'toJSON',
    'hasOwnProperty',
    '',
  ];
  return [
    ...values.map((value) => body(`a body of ${value}`, value)),
    ...values.map((value) => body(`a query of ${value}`, `{"query":${value}}`)),
    ...values.flatMap((value) => keys.map((key) => body(`"${key}" of ${value}`, `{${query},"${key}":${value}}`))),
    ...values.map((value) => body(`a list of one ${value}`, `[${value}]`)),
  ];
}

function documents(document: Document): HostileRequest[] {
  const signs = [
    ...'{}()[]:=$@!|&"#,.\\\0\u0001\u007f\u2028\ufeff',
    '...',
    '"""',
    '\ud800',
    'é',
    '🌊',
    '-',
    '1',
    'null',
    'on',
    'fragment',
    'query',
  ];
  return [
    ...signs.map((sign) => document(`a document of ${JSON.stringify(sign)}`, sign)),
    ...signs.map((sign) => document(`${JSON.stringify(sign)} within a document`, honest.replace('id', sign))),
    ...signs.map((sign) => document(`${JSON.stringify(sign)} many times`, sign.repeat(10_000))),
    document(
      'a chain of fragments',
      `{ ...F0 } ${many(5000, (i) => `fragment F${i} on Query { ...F${i + 1} }`)} fragment F5000 on Query { __typename }`,
    ),
    document(
      'a circle of fragments',
      `{ ...F0 } ${many(5000, (i) => `fragment F${i} on Query { ...F${(i + 1) % 5000} }`)}`,
    ),
    document(
      'a doubling chain',
      `{ ...F0 } ${many(5000, (i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`)}`,
    ),
    ...[20, 80, 150].flatMap((n) => [
      document(
        `a chain of ${n}`,
        `{ ...F0 } ${many(n, (i) => `fragment F${i} on Query { ...F${i + 1} }`)} fragment F${n} on Query { __typename }`,
      ),
      document(`a circle of ${n}`, `{ ...F0 } ${many(n, (i) => `fragment F${i} on Query { ...F${(i + 1) % n} }`)}`),
      document(
        `a doubling chain of ${n}`,
        `{ ...F0 } ${many(n, (i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`)} fragment F${n} on Query { __typename }`,
      ),
      document(
        `a doubling circle of ${n}`,
        `{ ...F0 } ${many(n, (i) => `fragment F${i} on Query { ...F${(i + 1) % n} ...F${(i + 7) % n} }`)}`,
      ),
      document(
        `${n} fragments nobody uses`,
        `{ __typename } ${many(n, (i) => `fragment F${i} on Query { __typename }`)}`,
      ),
      document(
        `${n} fragments that are each other`,
        `{ __typename } ${many(n, () => 'fragment F on Query { __typename }')}`,
      ),
      document(
        `${n} fragments of no type`,
        `{ ${many(n, (i) => `...F${i}`)} } ${many(n, (i) => `fragment F${i} on Nope${i} { a }`)}`,
      ),
      document(`${n} spreads of nothing`, `{ ${many(n, (i) => `...Nope${i}`)} }`),
      document(`${n} inline fragments within each other`, `{ ${nested(n, '... on Query { ', '__typename', ' }')} }`),
      document(`${n} bare inline fragments within each other`, `{ ${nested(n, '... { ', '__typename', ' }')} }`),
      document(
        `${n} operations`,
        many(n, (i) => `query Q${i} { __typename }`),
        { operationName: `Q${n - 1}` },
      ),
      document(
        `${n} operations without names`,
        many(n, () => '{ __typename }'),
      ),
      document(
        `${n} operations of one name`,
        many(n, () => 'query Q { __typename }'),
        { operationName: 'Q' },
      ),
      document(
        `${n} definitions of types`,
        many(n, (i) => `type T${i} { a: Int }`),
      ),
    ]),
    ...[51, 500, 10_000].flatMap((n) => [
      document(`${n} aliases`, `{ ${many(n, (i) => `a${i}: __typename`)} }`),
      document(`${n} aliases of counts`, `{ ${many(n, (i) => `a${i}: tasks { totalCount }`)} }`),
      document(`${n} times __typename`, `{ ${many(n, () => '__typename')} }`),
      document(`${n} times a field`, `{ tasks { nodes { ${many(n, () => 'id')} } } }`),
      document(`${n} times a field with another below`, `{ ${many(n, () => 'tasks { totalCount }')} }`),
      document(`${n} directives`, `{ __typename ${many(n, () => '@include(if: true)')} }`),
      document(`${n} directives of no name`, `{ __typename ${many(n, (i) => `@d${i}`)} }`),
      document(`${n} directives on the operation`, `query ${many(n, () => '@skip(if: false)')} { __typename }`),
      document(`${n} fields that are none`, `{ ${many(n, (i) => `nope${i}`)} }`),
      document(
        `${n} near misses of a name`,
        `{ tasks { nodes { ${many(n, (i) => `titl${'e'.repeat(i % 7)}${i}`)} } } }`,
      ),
      document(`${n} arguments that are none`, `{ tasks(${many(n, (i) => `firs${i}: 1`)}) { totalCount } }`),
      document(`${n} arguments of one name`, `{ tasks(${many(n, () => 'first: 1')}) { totalCount } }`),
      document(`${n} variables`, `query (${many(n, (i) => `$v${i}: Int`)}) { __typename }`),
      document(`${n} variables of one name`, `query (${many(n, () => '$v: Int')}) { __typename }`),
      document(`${n} variables of no type`, `query (${many(n, (i) => `$v${i}: Nope${i}`)}) { __typename }`),
      document(
        `${n} variables nobody declared`,
        `{ tasks(where: { OR: [${many(n, (i) => `{ title: { equals: $v${i} } }`)}] }) { totalCount } }`,
      ),
      document(`${n} levels`, `{ ${nested(n, 'a { ', 'b', ' }')} }`),
      document(`${n} levels of relations`, `{ tasks { nodes { ${nested(n, 'parent { ', 'id', ' }')} } } }`),
      document(`${n} levels of a type`, `query ($v: ${nested(n, '[', 'Int', ']')}) { __typename }`),
    ]),
    ...[1000, 100_000].flatMap((n) => [
      document(`a name of ${n} letters`, `{ ${'a'.repeat(n)} }`),
      document(`an alias of ${n} letters`, `{ ${'a'.repeat(n)}: __typename }`),
      document(`a type of ${n} letters`, `{ ... on ${'A'.repeat(n)} { id } }`),
      document(`an argument of ${n} letters`, `{ tasks(${'a'.repeat(n)}: 1) { totalCount } }`),
      document(`a number of ${n} digits`, `{ tasks(first: ${'9'.repeat(n)}) { totalCount } }`),
      document(`a string of ${n} letters`, `{ tasks(after: "${'a'.repeat(n)}") { totalCount } }`),
      document(
        `a string of ${n} escapes`,
        `{ tasks(where: { title: { equals: "${'\\u0061'.repeat(n / 10)}" } }) { totalCount } }`,
      ),
      document(
        `a block string of ${n} lines`,
        `{ tasks(where: { title: { equals: """${'\n a'.repeat(n / 10)}""" } }) { totalCount } }`,
      ),
      document(`a comment of ${n} letters`, `#${'#'.repeat(n)}\n${honest}`),
      document(`${n} commas`, `{ ${','.repeat(n)} __typename }`),
      document(`${n} empty lines`, `{ ${'\n'.repeat(n)} __typenam }`),
      document(`an operationName of ${n} letters`, honest, { operationName: 'a'.repeat(n) }),
    ]),
    ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'A', 'a', ' ', '\0', '', 'Q\n'].map((operationName) =>
      document(`the operationName ${JSON.stringify(operationName)}`, 'query A { __typename } query B { __typename }', {
        operationName,
      }),
    ),
    ...['__proto__', 'constructor', 'toString', '__defineGetter__', 'valueOf', 'then'].flatMap((name) => [
      document(`the field ${name}`, `{ ${name} }`),
      document(`the alias ${name}`, `{ ${name}: tasks { ${name}: nodes { ${name}: id } } }`),
      document(`the fragment ${name}`, `{ ...${name} } fragment ${name} on Query { __typename }`),
      document(`the variable ${name}`, `query ($${name}: Int) { tasks(first: $${name}) { totalCount } }`, {
        variables: {},
      }),
      document(`the type ${name}`, `{ ... on ${name} { id } }`),
      document(`the directive ${name}`, `{ __typename @${name} }`),
      document(`the input field ${name}`, `{ tasks(where: { ${name}: { equals: 1 } }) { totalCount } }`),
      document(`the operation ${name}`, `query ${name} { __typename }`, { operationName: name }),
      document(`the enum value ${name}`, `{ tasks(where: { status: { equals: ${name} } }) { totalCount } }`),
    ]),
    document('@defer', '{ ... @defer { tasks { totalCount } } }'),
    document('@stream', '{ tasks { nodes @stream(initialCount: 0) { id } } }'),
    document('a subscription', 'subscription { taskChanges { action } }'),
    document('a live query', `query @live { tasks { totalCount } }`),
    document(
      'rows of rows of rows',
      '{ tasks(first: 500) { nodes { comments(first: 500) { nodes { author { assigned(first: 500) { nodes { id } } } } } } } }',
    ),
    document(
      'all roots at once',
      `{ ${many(40, (i) => `a${i}: tasks(first: 500) { nodes { id comments(first: 100) { nodes { id } } } }`)} }`,
    ),
  ];
}

/** What costs the rule dearly that asks whether fields can be merged. */
function overlaps(document: Document): HostileRequest[] {
  return [30, 100, 300, 600].flatMap((n) => [
    document(`${n} times one key with other arguments`, `{ ${many(n, (i) => `tasks(first: ${i}) { totalCount }`)} }`),
    document(
      `${n} times one key of other fields`,
      `{ tasks { nodes { ${many(n, (i) => `a: ${i % 2 ? 'id' : 'title'}`)} } } }`,
    ),
    document(`${n} times one key, four deep`, `{ ${many(n, () => 'tasks { nodes { parent { id } } }')} }`),
    document(`${n} inline fragments of one key`, `{ ${many(n, () => '... { tasks { totalCount } }')} }`),
    document(
      `${n} fragments of one key`,
      `{ ${many(n, (i) => `...F${i}`)} } ${many(n, (i) => `fragment F${i} on Query { tasks { nodes { id } } }`)}`,
    ),
    document(
      `${n} fragments that spread all others`,
      `{ ...F0 } ${many(Math.floor(Math.sqrt(n)), (i) => `fragment F${i} on Query { tasks { nodes { ...G } } ${many(Math.floor(Math.sqrt(n)) - 1 - i, (j) => `...F${i + j + 1}`)} }`)} fragment G on Task { id }`,
    ),
    document(
      `doubled keys, ${Math.min(n, 14)} deep`,
      `{ tasks { nodes { ${nested(Math.min(n, 14), 'parent { ', 'id', ' } parent { id }')} } } }`,
    ),
    document(`a doubling of keys, ${Math.log2(n) | 0} deep`, `{ tasks { nodes { ${doubled(Math.log2(n) | 0)} } } }`),
  ]);
}

const doubled = (depth: number): string =>
  depth === 0 ? 'id' : `parent { ${doubled(depth - 1)} } parent { ${doubled(depth - 1)} }`;

function introspections(document: Document): HostileRequest[] {
  const lists = ['fields', 'inputFields', 'interfaces', 'possibleTypes'];
  return [
    ...[2, 5, 12, 60, 200].flatMap((n) => [
      document(`ofType, ${n} deep`, `{ __schema { types { ${nested(n, 'ofType { ', 'name', ' }')} } } }`),
      document(
        `types of fields, ${n} deep`,
        `{ __schema { types { ${nested(n, 'fields { type { ', 'name', ' } }')} } } }`,
      ),
      document(
        `types of a type’s fields, ${n} deep`,
        `{ __type(name: "Task") { ${nested(n, 'fields { type { ', 'name', ' } }')} } }`,
      ),
      document(
        `types of arguments, ${n} deep`,
        `{ __type(name: "Query") { ${nested(n, 'fields { args { type { inputFields { type { ', 'name', ' } } } } }')} } }`,
      ),
      document(`${n} schemas`, `{ ${many(n, (i) => `a${i}: __schema { types { name fields { name } } }`)} }`),
      document(`${n} types`, `{ ${many(n, (i) => `a${i}: __type(name: "Task") { fields { name type { name } } }`)} }`),
      document(`${n} types that are none`, `{ ${many(n, (i) => `a${i}: __type(name: "Nope${i}") { name }`)} }`),
    ]),
    ...lists.flatMap((a) =>
      lists.map((b) => {
        const below = (list: string, rest: string) =>
          list.endsWith('ields') ? `${list} { type { ${rest} } }` : `${list} { ${rest} }`;
        return document(`${a} of ${b} of all types`, `{ __schema { types { ${below(a, below(b, 'name'))} } } }`);
      }),
    ),
    document(
      'a circle by fragments',
      '{ __schema { types { ...T } } } fragment T on __Type { fields { type { ...T } } }',
    ),
    document(
      'a long way by fragments',
      `{ __schema { types { ...T0 } } } ${many(12, (i) => `fragment T${i} on __Type { fields { type { ...T${i + 1} } } }`)} fragment T12 on __Type { name }`,
    ),
  ];
}

/** Texts that a careless pattern goes through again from each of their characters. */
function quadratic(variable: Variable, document: Document): HostileRequest[] {
  const mark = orderMark('Task', [{ label: 'extra["a"]:asc:last' }, { label: 'id' }] as OrderTerm[]);
  const cursor = (part: string) => JSON.stringify(Buffer.from(JSON.stringify([mark, part, null])).toString('base64'));
  const page = '{ tasks(first: 1, after: $v, orderBy: { extra: { path: ["a"], sort: asc } }) { nodes { id } } }';
  const task =
    'mutation ($v: String!) { createTask(data: { title: $v, projectId: "00000000-0000-7000-8000-000000000021" }) { id } }';
  return [
    variable('a cursor of digits', 'String', page, cursor('9'.repeat(100_000))),
    variable('a cursor of quotes that nothing closes', 'String', page, cursor(`"${'\\"'.repeat(50_000)}`)),
    document('blanks before a letter, where they do not fit', task, { variables: { v: `${' '.repeat(100_000)}x` } }),
    variable(
      'suggestions in a value',
      'Int',
      '{ tasks(first: $v) { totalCount } }',
      `"${' Did you mean ?'.repeat(5_000)}x"`,
    ),
  ];
}

function variables(variable: Variable, document: Document): HostileRequest[] {
  const where = '{ tasks(where: $v) { totalCount } }';
  const list = (count: number, item: string) => `[${Array(count).fill(item).join(',')}]`;
  const odd = [
    'null',
    '0',
    '"x"',
    '[]',
    '[[]]',
    '{}',
    'true',
    '1e999',
    '{"title":null}',
    '{"title":{}}',
    '{"title":[]}',
    '{"title":{"equals":null}}',
    '{"title":{"equals":{}}}',
    '{"title":{"in":null}}',
    '{"title":{"in":[null]}}',
    '{"title":{"in":[[]]}}',
    '{"OR":[]}',
    '{"OR":null}',
    '{"OR":[null]}',
    '{"NOT":{}}',
    '{"AND":{"OR":{}}}',
    '{"__proto__":{"title":{"equals":"x"}}}',
    '{"constructor":{}}',
    '{"id":{"equals":"not a uuid"}}',
    '{"id":{"equals":"\\u0000"}}',
    '{"title":{"contains":"\\u0000"}}',
    '{"title":{"contains":"\\ud800"}}',
    '{"priority":{"equals":1e400}}',
    '{"priority":{"equals":2147483648}}',
    '{"priority":{"equals":1.5}}',
    '{"dueAt":{"lt":"0000-00-00T99:99:99Z"}}',
    '{"dueAt":{"lt":"+999999-01-01T00:00:00Z"}}',
    '{"extra":{"path":["a"],"equals":{}}}',
    '{"extra":{"equals":{"__proto__":1}}}',
  ];
  return [
    ...odd.map((value) => variable(`the filter ${value}`, 'TaskWhereInput', where, value)),
    ...odd.map((value) => variable(`the page size ${value}`, 'Int', '{ tasks(first: $v) { nodes { id } } }', value)),
    ...odd.map((value) =>
      variable(`the order ${value}`, '[TaskOrderByInput!]', '{ tasks(orderBy: $v) { nodes { id } } }', value),
    ),
    ...odd.map((value) =>
      variable(`the JSON ${value}`, 'JSON', '{ tasks(where: { extra: { equals: $v } }) { totalCount } }', value),
    ),
    ...[50, 190, 250, 5000].flatMap((n) => [
      variable(`NOT, ${n} deep`, 'TaskWhereInput', where, nested(n, '{"NOT":', '{}', '}')),
      variable(`relations, ${n} deep`, 'TaskWhereInput', where, nested(n, '{"parent":{"is":', '{}', '}}')),
      variable(`some of some, ${n} deep`, 'TaskWhereInput', where, nested(n, '{"subtasks":{"some":', '{}', '}}')),
      variable(
        `lists, ${n} deep`,
        'JSON',
        '{ tasks(where: { extra: { equals: $v } }) { totalCount } }',
        nested(n, '[', '', ']'),
      ),
      variable(
        `objects, ${n} deep`,
        'JSON',
        '{ tasks(where: { extra: { equals: $v } }) { totalCount } }',
        nested(n, '{"a":', '1', '}'),
      ),
      variable(`lists for a filter, ${n} deep`, 'TaskWhereInput', where, nested(n, '[', '', ']')),
    ]),
    ...[500, 10_000, 80_000].flatMap((n) => [
      variable(`${n} values to be among`, 'TaskWhereInput', where, `{"title":{"in":${list(n, '"x"')}}}`),
      variable(
        `${n} ids to be among`,
        'TaskWhereInput',
        where,
        `{"id":{"in":${list(n / 10, '"00000000-0000-7000-8000-000000000001"')}}}`,
      ),
      variable(`${n} wrong values to be among`, 'TaskWhereInput', where, `{"priority":{"in":${list(n, '"x"')}}}`),
      variable(`${n} empty alternatives`, 'TaskWhereInput', where, `{"OR":${list(n, '{}')}}`),
      variable(`${n} alternatives`, 'TaskWhereInput', where, `{"OR":${list(n / 4, '{"title":{"equals":"x"}}')}}`),
      variable(`${n} wrong alternatives`, 'TaskWhereInput', where, `{"OR":${list(n / 4, '{"titel":{"equals":1}}')}}`),
      variable(`${n} keys that are none`, 'TaskWhereInput', where, `{${many(n / 4, (i) => `"k${i}":1`, ',')}}`),
      variable(`${n} near misses of keys`, 'TaskWhereInput', where, `{${many(n / 4, (i) => `"titl${i}":1`, ',')}}`),
      variable(
        `${n} orders`,
        '[TaskOrderByInput!]',
        '{ tasks(orderBy: $v) { nodes { id } } }',
        list(n / 4, '{"title":"asc"}'),
      ),
      variable(
        `${n} keys of JSON`,
        'JSON',
        '{ tasks(where: { extra: { equals: $v } }) { totalCount } }',
        `{${many(n / 2, (i) => `"k${i}":1`, ',')}}`,
      ),
      variable(`a text of ${n}0 letters`, 'TaskWhereInput', where, `{"title":{"contains":"${'%'.repeat(n * 10)}"}}`),
      document(`${n} variables that nobody asked for`, '{ __typename }', {
        variables: Object.fromEntries(Array.from({ length: n }, (_, i) => [`v${i}`, i])),
      }),
    ]),
  ];
}

function literals(document: Document): HostileRequest[] {
  const count = (where: string) => `{ tasks(where: ${where}) { totalCount } }`;
  return [10, 100, 400, 3000].flatMap((n) => [
    document(`NOT, ${n} deep, written out`, count(nested(n, '{ NOT: ', '{}', ' }'))),
    document(`lists, ${n} deep, written out`, count(nested(n, '[', '', ']'))),
    document(`JSON, ${n} deep, written out`, count(`{ extra: { equals: ${nested(n, '[', '1', ']')} } }`)),
    document(`objects, ${n} deep, written out`, count(`{ extra: { equals: ${nested(n, '{ a: ', '1', ' }')} } }`)),
    document(`${n} values written out`, count(`{ title: { in: [${many(n, (i) => `"${i}"`)}] } }`)),
    document(`${n} wrong values written out`, count(`{ priority: { in: [${many(n, (i) => `"${i}"`)}] } }`)),
    document(`${n} alternatives written out`, count(`{ OR: [${many(n, () => '{}')}] }`)),
    document(`${n} fields of an input that are none`, count(`{ ${many(n, (i) => `k${i}: 1`)} }`)),
    document(`${n} times one field of an input`, count(`{ ${many(n, () => 'title: { equals: "x" }')} }`)),
    document(`${n} relations written out`, count(nested(n, '{ subtasks: { some: ', '{}', ' } }'))),
  ]);
}

type Head = (headers: Record<string, string>, first?: string) => string;

function heads(salt: string, head: Head, usual: Record<string, string>): HostileRequest[] {
  const text = JSON.stringify({ query: `# ${salt}\n{ __typename }` });
  const length = String(Buffer.byteLength(text));
  const raw = (title: string, bytes: string, isCut = false): HostileRequest => ({
    title,
    bytes: Buffer.from(bytes, 'latin1'),
    isCut,
  });
  const types = [
    '',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/graphql',
    'application/json; charset=utf-7',
    'application/json;',
    'application/jsonx',
    'APPLICATION/JSON',
    'application/json, application/json',
    '*/*',
    'a'.repeat(5000),
    'application/json\t',
    ';',
    'null',
  ];
  const accepts = [
    '',
    '*',
    'text/html',
    'application/xml',
    'text/event-stream',
    'multipart/mixed',
    'application/json;q=0',
    ',,,',
    'a'.repeat(5000),
    '*/*;q=x',
    many(500, () => 'application/json', ','),
  ];
  const authorizations = [
    '',
    'Bearer',
    'Bearer ',
    'Basic YTpi',
    'Bearer x',
    'Bearer x.y.z',
    `Bearer ${'a'.repeat(8000)}`,
    'Bearer eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4ifQ.',
    'bearer bearer',
    `Bearer ${'. '.repeat(100)}`,
    'Bearer ..',
    `Bearer ${'.'.repeat(3000)}`,
  ];
  const methods = ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'TRACE', 'PROPFIND', 'get', 'BREW', 'QUERY', 'CONNECT'];
  const chunked = { ...usual, 'Transfer-Encoding': 'chunked' };
  return [
    ...types.map((type) =>
      raw(
        `Content-Type: ${type.slice(0, 50)}`,
        head({ ...usual, 'Content-Type': type, 'Content-Length': length }) + text,
      ),
    ),
    ...accepts.map((accept) =>
      raw(`Accept: ${accept.slice(0, 50)}`, head({ ...usual, Accept: accept, 'Content-Length': length }) + text),
    ),
    ...authorizations.map((a) =>
      raw(`Authorization: ${a.slice(0, 50)}`, head({ ...usual, Authorization: a, 'Content-Length': length }) + text),
    ),
    ...methods.map((method) =>
      raw(
        `the method ${method}`,
        head({ ...usual, 'Content-Length': length }, `${method} /graphql HTTP/1.1`) + text,
        method === 'CONNECT',
      ),
    ),
    ...['gzip', 'br', 'deflate, gzip', 'x', 'identity, identity'].map((encoding) =>
      raw(
        `Content-Encoding: ${encoding}`,
        head({ ...usual, 'Content-Encoding': encoding, 'Content-Length': length }) + text,
      ),
    ),
    ...['0', '-1', 'x', '1', '1e3', '99999999999999999999', ' ', '0x10', `${length}, ${length}`].map((wrong) =>
      raw(`Content-Length: ${wrong}`, head({ ...usual, 'Content-Length': wrong }) + text, true),
    ),
    ...[
      '0\r\n\r\n',
      '5\r\n{"que\r\n',
      'x\r\n\r\n',
      '-1\r\n',
      'ffffffffffffffff\r\n',
      '1;ext=1\r\n{\r\n0\r\n\r\n',
      '1\r\n{\r\n0\r\nTrailer: x\r\n\r\n',
      `${'0'.repeat(5000)}\r\n`,
      '2\r\n{}',
      '\r\n',
    ].map((end) => raw(`chunks that end in ${JSON.stringify(end.slice(0, 30))}`, head(chunked) + end, true)),
    raw('chunks of one byte', `${head(chunked)}${[...text].map((c) => `1\r\n${c}\r\n`).join('')}0\r\n\r\n`),
    raw('both lengths', `${head({ ...chunked, 'Content-Length': length })}0\r\n\r\n`, true),
    raw('two lengths', head({ ...usual, 'Content-Length': '1', 'content-length': length }) + text, true),
    raw(
      'a thousand headers',
      head({
        ...usual,
        ...Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`X-${i}`, 'x'])),
        'Content-Length': length,
      }) + text,
    ),
    raw(
      'a header of a hundred thousand letters',
      head({ ...usual, 'X-Long': 'x'.repeat(100_000), 'Content-Length': length }) + text,
    ),
    raw('a header that is none', `POST /graphql HTTP/1.1\r\nHost: x\r\nnone\r\n\r\n`),
    raw('a header with a NUL', `POST /graphql HTTP/1.1\r\nHost: x\r\nX: \0\r\n\r\n`),
    raw('folded headers', `POST /graphql HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n`, true),
    raw(
      'no host',
      `POST /graphql HTTP/1.1\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${text}`,
    ),
    ...['', ' ', 'a b', '[', ':::', '%', 'x/../y', '\u00ff'].map((host) =>
      raw(
        `Host: ${host}`,
        `POST /graphql HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${text}`,
      ),
    ),
    raw('HTTP/0.9', 'GET /graphql\r\n\r\n', true),
    raw('HTTP/2 without asking', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    raw('HTTP/9.9', `POST /graphql HTTP/9.9\r\n\r\n`),
    raw('TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'),
    raw('nothing', '', true),
    raw('noise', Array.from({ length: 3000 }, (_, i) => String.fromCharCode((i * 7919) % 256)).join('')),
    ...[
      'Upgrade: websocket',
      'Upgrade: h2c',
      'Expect: 100-continue',
      'Expect: x',
      'Range: bytes=0-',
      'TE: trailers',
      'X-HTTP-Method-Override: DELETE',
      'Origin: null',
      'Origin: ://',
      'Cookie: __proto__=1',
      'Last-Event-ID: x',
    ].map((line) => {
      const [name, value] = line.split(': ') as [string, string];
      return raw(
        line,
        head({ ...usual, [name]: value, 'Content-Length': length }) + text,
        name === 'Upgrade' || name === 'Expect',
      );
    }),
  ];
}

function addresses(salt: string, head: Head, token: string): HostileRequest[] {
  const get = (title: string, path: string): HostileRequest => ({
    title,
    bytes: Buffer.from(head({ Authorization: `Bearer ${token}` }, `GET ${path} HTTP/1.1`), 'latin1'),
  });
  const query = `query=${encodeURIComponent(`# ${salt}\nquery Q($v: Int) { tasks(first: $v) { totalCount } }`)}`;
  const odd = [
    '',
    '%',
    '%0',
    '%zz',
    '%00',
    '%ff',
    '%c0%af',
    '%ed%a0%80',
    '{',
    '%7B',
    '%5B%5D',
    'null',
    '%22%22',
    '1',
    '%7B%22__proto__%22%3A%7B%7D%7D',
    '+',
    '&',
    '=',
    '#',
    ';',
    '%26',
    '%EF%BB%BF%7B%7D',
    `%7B%22v%22%3A${'9'.repeat(300)}%7D`,
    '%5B'.repeat(300),
  ];
  return [
    ...odd.map((value) => get(`a GET of the query ${value.slice(0, 40)}`, `/graphql?query=${value}`)),
    ...odd.map((value) => get(`a GET with variables of ${value.slice(0, 40)}`, `/graphql?${query}&variables=${value}`)),
    ...odd.map((value) =>
      get(`a GET with extensions of ${value.slice(0, 40)}`, `/graphql?${query}&extensions=${value}`),
    ),
    ...odd.map((value) =>
      get(`a GET with the operationName ${value.slice(0, 40)}`, `/graphql?${query}&operationName=${value}`),
    ),
    ...odd.slice(0, 12).map((value) => get(`the path ${value.slice(0, 40)}`, `/${value}`)),
    ...[
      '/graphql/',
      '/graphql//',
      '//graphql',
      '/graphql/..',
      '/../etc/passwd',
      '/graphql%2f',
      '/GRAPHQL',
      '/graphql?',
      '/graphql??',
      '/graphql?&&&',
      '*',
      'http://other/graphql',
      '/health',
      '/ready',
      '/.well-known/jwks.json',
      '/favicon.ico',
      '/__proto__',
      '/graphql;x',
    ].map((path) => get(`the path ${path}`, path)),
    get('a query twice', `/graphql?${query}&${query}`),
    get(
      'a write by GET',
      `/graphql?query=${encodeURIComponent('mutation { deleteUser(where: { id: "00000000-0000-7000-8000-000000000001" }) { id } }')}`,
    ),
    get('a thousand parameters', `/graphql?${query}&${many(1000, (i) => `a${i}=1`, '&')}`),
    get('an address of eighty thousand letters', `/graphql?query=${'a'.repeat(80_000)}`),
  ];
}

/** An honest document with some of its letters gone wrong. */
function mutants(salt: string, document: Document): HostileRequest[] {
  const random = createRandom(20_061_124);
  const whole =
    'query Q($n: Int = 3) { tasks(first: $n, where: { title: { contains: "a" } }, orderBy: { title: asc }) { totalCount nodes { ...T } } } fragment T on Task { id comments(last: 2) { nodes { body } } }';
  const alphabet = [...'{}()[]:$@!".#, \n019azAZ_\\'];
  const at = random.below;
  return Array.from({ length: 200 }, (_, i) => {
    const letters = [...whole];
    for (let changes = 1 + at(4); changes > 0; changes -= 1) {
      const way = at(3);
      const place = at(letters.length);
      if (way === 0) letters.splice(place, 1 + at(5));
      else if (way === 1) letters.splice(place, 0, alphabet[at(alphabet.length)]!);
      else letters[place] = alphabet[at(alphabet.length)]!;
    }
    return document(`mutant ${i} (${salt.length})`, letters.join(''));
  });
}

function lists(salt: string, body: Body): HostileRequest[] {
  const one = (query: string) => JSON.stringify({ query: `# ${salt}\n${query}` });
  const list = (count: number, query: string) => `[${Array(count).fill(one(query)).join(',')}]`;
  return [
    body('a list of nothing', '[]'),
    body('a list of eleven', list(11, '{ __typename }')),
    body('a list of a thousand', list(1000, '{ __typename }')),
    body('a list in a list', `[[${one('{ __typename }')}]]`),
    body(
      'a list of ten large pages',
      list(10, '{ tasks(first: 500) { nodes { id comments(first: 500) { nodes { id } } } } }'),
    ),
    body('a list of ten floods of aliases', list(10, `{ ${many(300, (i) => `a${i}: __typename`)} }`)),
    body('a list of ten floods of errors', list(10, `{ ${many(300, (i) => `nope${i}`)} }`)),
    body('a list of ten pairs of floods', list(10, `{ tasks { nodes { ${many(600, () => 'id')} } } }`)),
    body('a list of ten subscriptions', list(10, 'subscription { taskChanges { action } }')),
  ];
}
