import { readFileSync } from 'node:fs';
import {
  type GraphQLEnumType,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ApiModel } from '../../../src/data/api/api-model.ts';
import { readDatamodel } from '../../../src/data/model/read-datamodel.ts';
import { startSchemaServer } from '../../support/schema-server.ts';
import type { Answer, TestServer } from '../../support/server.ts';
import { rows } from './rows.ts';

const content = readFileSync('test/schemas/torture/schema.prisma', 'utf8');
const names = [...readDatamodel([{ path: 'prisma/app.prisma', content }]).models.keys()];

// Each test asks thousands of questions.
vi.setConfig({ testTimeout: 240_000 });

let server: TestServer;
let schema: GraphQLSchema;
const ask = (query: string, variables?: Record<string, unknown>): Promise<Answer> =>
  server.as({ role: 'admin' }).query(query, variables);
/** Asks, and expects an answer; says what was asked when there is none. */
const answer = async (query: string, variables?: Record<string, unknown>): Promise<Answer['data']> => {
  const { data, errors } = await ask(query, variables);
  if (errors) throw new Error(`${JSON.stringify(errors)}\n${query}\n${JSON.stringify(variables)}`);
  return data;
};
const model = (name: string): ApiModel => server.server.application().reads.api.models.get(name)!;
const typeName = (name: string): string => server.server.application().reads.api.typeName(name);

beforeAll(async () => {
  const views = readFileSync('test/schemas/torture/views.sql', 'utf8');
  server = await startSchemaServer({ schema: content, rules: {}, rows: `${views}; create extension pg_trgm` });
  schema = server.server.application().schema;
  for (const [name, data] of rows) {
    await answer(
      `mutation ($data: ${typeName(`Create${name}Input`)}!) { create${upper(name)}(data: $data) { __typename } }`,
      {
        data,
      },
    );
  }
  for (const name of names) {
    const score = (row: Row) => Object.values(row).filter((v) => v !== null && String(v) !== '').length;
    const [fullest] = (await readAll(name)).sort((a, b) => score(b) - score(a));
    examples.set(typeName(`${name}WhereInput`), fullest!);
  }
});
afterAll(() => server[Symbol.asyncDispose]());

const upper = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

/** All fields that hold a value. */
const scalars = (name: string): string => {
  const type = schema.getType(name);
  if (!isObjectType(type)) throw new Error(`no type ${name}`);
  return Object.values(type.getFields())
    .filter((f) => isLeafType(getNamedType(f.type)))
    .map((f) => f.name)
    .join(' ');
};

type Row = Record<string, unknown>;

const readAll = async (name: string): Promise<Row[]> => {
  const { many } = model(name);
  return (await answer(`{ list: ${many} { totalCount nodes { ${scalars(name)} } } }`)).list.nodes;
};

/** A value for every operand of which no row has an example. */
const samples: Record<string, unknown> = {
  String: 'a',
  Int: 1,
  Float: 0.5,
  Boolean: true,
  BigInt: '1',
  Decimal: '0.5',
  DateTime: '2024-01-01T00:00:00Z',
  Date: '2024-01-01',
  Time: '12:00:00',
  JSON: { a: 1 },
  Bytes: 'AA==',
};

/** Of each model, by the name of its `where`, the row that has the most values. */
const examples = new Map<string, Row>();

/** Every filter that the schema allows, one relation deep; operands are values of a row that is there. */
function* filters(type: GraphQLInputType, example: unknown, depth = 0): Generator<unknown> {
  const nullable = getNullableType(type);
  if (isListType(nullable)) {
    for (const item of filters(nullable.ofType, Array.isArray(example) ? example[0] : example, depth)) yield [item];
    if (!isInputObjectType(getNamedType(nullable)) && !isTexts(getNamedType(nullable))) yield [];
  } else if (isInputObjectType(nullable)) {
    const row = examples.get(nullable.name);
    const isDeeper = (name: string) => row !== undefined || name === 'not';
    const needed = Object.values(nullable.getFields()).filter((field) => isNonNullType(field.type));
    const base = Object.fromEntries(needed.map(({ name, type }) => [name, filters(type, example).next().value]));
    for (const field of Object.values(nullable.getFields())) {
      const below = depth + (isDeeper(field.name) ? 1 : 0);
      if (isInputObjectType(getNamedType(field.type)) && below > 2) continue;
      const part = field.name === 'path' ? ['a'] : row ? row[field.name] : example;
      for (const value of filters(field.type, part, below)) {
        yield { ...base, [field.name]: value };
        // Of what lies behind a relation, each field once is enough.
        if (row && depth > 0) break;
      }
      if (['equals', 'not', 'is', 'isNot'].includes(field.name)) yield { [field.name]: null };
    }
  } else if (isTexts(nullable)) yield* nullable.getValues().map((value) => value.name);
  else if (isEnumType(nullable)) yield nullable.getValues()[0]!.name;
  else yield operand(nullable.name, example);
}

/** Whether the type names the texts of a model. */
const isTexts = (type: GraphQLInputType): type is GraphQLEnumType =>
  isEnumType(type) && type.name.endsWith('TextField');

function operand(type: string, example: unknown): unknown {
  const sample = samples[type.replace('Millrace', '')];
  if (type === 'JSON') return example ?? sample;
  const one: unknown = Array.isArray(example) ? example[0] : example;
  return typeof one === typeof sample ? one : sample;
}

/** Every order that the schema allows, by own fields and those of rows one step away. */
function* orders(type: GraphQLInputType, depth = 0): Generator<unknown> {
  const named = getNamedType(type);
  if (/(?:Relevance|Similarity)Input$/.test(named.name)) {
    const [first, ...others] = filters(named, undefined);
    yield first;
    // Of what lies behind a relation each once is enough, and of the others the last.
    if (depth < 2 && others.length > 0) yield others.at(-1);
  } else if (isEnumType(named)) yield* ['asc', 'desc'];
  else if (named.name === typeName('SortOrderInput'))
    for (const sort of ['asc', 'desc']) for (const nulls of ['first', 'last', undefined]) yield { sort, nulls };
  else if (named.name === typeName('JsonOrderByInput'))
    for (const path of [['a'], ['0'], []]) yield { path, sort: 'asc', nulls: 'first' };
  else if (isInputObjectType(named) && depth < 3)
    for (const field of Object.values(named.getFields()))
      for (const value of orders(field.type as GraphQLInputType, depth + 1)) yield { [field.name]: value };
}

/** The row's `where`. */
const keyOf = (name: string, row: Row): Row => {
  const [key] = model(name).model.uniqueKeys;
  const values = Object.fromEntries(key!.fields.map((f) => [f.name, row[f.name]]));
  return key!.fields.length > 1 ? { [key!.name]: values } : values;
};

const inputType = (name: string): GraphQLInputType => schema.getType(typeName(name)) as GraphQLInputType;

describe.each(names)('the root fields of %s', (name) => {
  it('list every row', async () => {
    const made = rows.filter(([of]) => of === name).length;
    const list = await readAll(name);
    if (!model(name).model.isView) expect(list).toHaveLength(made);
    expect(list.length).toBeGreaterThan(0);
  });

  it('answer alike through the executor and past it', async () => {
    const { many } = model(name);
    const query = (more: string) => `{ list: ${many} { totalCount nodes { ${scalars(name)} } } ${more} }`;
    expect((await answer(query('__type(name: "Int") { name }'))).list).toEqual((await answer(query(''))).list);
  });

  it('find one row by each of its keys', async () => {
    const { one, model: described } = model(name);
    const where = typeName(`${name}WhereUniqueInput`);
    if (described.uniqueKeys.length === 0) return;
    for (const row of await readAll(name)) {
      for (const { name: key, fields } of described.uniqueKeys) {
        const values = Object.fromEntries(fields.map((f) => [f.name, row[f.name]]));
        if (Object.values(values).includes(null)) continue;
        const data = await answer(`query ($where: ${where}!) { row: ${one}(where: $where) { ${scalars(name)} } }`, {
          where: fields.length > 1 ? { [key]: values } : values,
        });
        expect(data.row).toEqual(row);
      }
    }
  });

  it('order by every field, both ways', async () => {
    const { many } = model(name);
    const all = await readAll(name);
    let count = 0;
    for (const orderBy of orders(inputType(`${name}OrderByInput`))) {
      const query = `query ($orderBy: [${typeName(`${name}OrderByInput`)}!], $after: String) {
        list: ${many}(orderBy: $orderBy, first: 1, after: $after) { nodes { ${scalars(name)} } pageInfo { hasNextPage endCursor } }
      }`;
      const walked: Row[] = [];
      let after: string | undefined;
      do {
        const { list } = await answer(query, { orderBy, after });
        walked.push(...list.nodes);
        after = list.pageInfo.hasNextPage ? list.pageInfo.endCursor : undefined;
      } while (after && walked.length <= all.length);
      expect(walked.map((row) => JSON.stringify(row)).sort(), JSON.stringify(orderBy)).toEqual(
        all.map((row) => JSON.stringify(row)).sort(),
      );
      count += 1;
    }
    expect(count).toBeGreaterThan(0);
  });

  it('filter by every operator', async () => {
    const { many } = model(name);
    let count = 0;
    for (const where of filters(inputType(`${name}WhereInput`), undefined)) {
      const data = await answer(
        `query ($where: ${typeName(`${name}WhereInput`)}) { list: ${many}(where: $where) { totalCount nodes { __typename } } }`,
        { where },
      );
      expect(data.list.nodes).toHaveLength(data.list.totalCount);
      count += 1;
    }
    expect(count).toBeGreaterThan(0);
  });
});

describe.each([...names].reverse())('the rows of %s', (name) => {
  it('change, and are deleted', async () => {
    const { model: described } = model(name);
    if (described.isView) return;
    for (const row of await readAll(name)) {
      const where = keyOf(name, row);
      const type = typeName(`${name}WhereUniqueInput`);
      const own = Object.fromEntries(
        Object.entries(row).filter(([field]) => {
          const column = described.columns.find((c) => c.name === field);
          return column && !column.isUpdatedAt && !(column.isRequired && row[field] === null);
        }),
      );
      const updated = await answer(
        `mutation ($where: ${type}!, $data: ${typeName(`Update${name}Input`)}!) { row: update${upper(name)}(where: $where, data: $data) { ${scalars(name)} } }`,
        { where, data: own },
      );
      expect(updated.row).toMatchObject(own);
    }
    for (const row of await readAll(name)) {
      const where = keyOf(name, row);
      const type = typeName(`${name}WhereUniqueInput`);
      const { errors } = await ask(
        `mutation ($where: ${type}!) { row: delete${upper(name)}(where: $where) { ${scalars(name)} } }`,
        { where },
      );
      // Some rows have others that depend on them.
      if (errors) expect(errors).toMatchObject([{ extensions: { code: 'CONFLICT' } }]);
    }
  });
});
