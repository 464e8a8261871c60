import type { Builder } from '../../graphql/builder.ts';
import type { ColumnField, ScalarType } from '../model/datamodel.ts';
import { pathOfSql } from '../planner/json-path.ts';
import { isOpaque } from '../search-text.ts';
import type { Api } from './api-model.ts';
import { resultOf } from './measures.ts';
import { typeNameOf } from './scalars.ts';

/** A filter's operator: the type of its operand, and what it does. */
interface Operator {
  type: string | [string];
  description: string;
  extensions?: Readonly<Record<string, unknown>>;
}

type Operators = Record<string, Operator>;

const equality = (type: string): Operators => ({
  equals: { type, description: 'Equal to this; `null` finds what has no value.' },
  in: { type: [type], description: 'Equal to one of these.' },
  notIn: { type: [type], description: 'Equal to none of these.' },
});

const comparison = (type: string): Operators => ({
  lt: { type, description: 'Less than this.' },
  lte: { type, description: 'Less than or equal to this.' },
  gt: { type, description: 'Greater than this.' },
  gte: { type, description: 'Greater than or equal to this.' },
});

const mode = (api: Api): Operators => ({
  mode: { type: api.typeName('QueryMode'), description: 'Whether case matters; it does by default.' },
});

const text = (api: Api): Operators => ({
  contains: { type: 'String', description: 'Has this text somewhere in it.' },
  startsWith: { type: 'String', description: 'Begins with this text.' },
  endsWith: { type: 'String', description: 'Ends with this text.' },
  similar: { type: api.typeName('SimilarInput'), description: 'Is like this, letter by letter: misspelt, say.' },
  ...mode(api),
});

const json = (type: string, api: Api): Operators => ({
  path: {
    type: ['String'],
    description:
      'The way to the part that the other conditions speak of; positions in a list are numbers, from its end if negative.',
    extensions: pathOfSql,
  },
  equals: { type, description: 'Equal to this document; `null` finds JSON null and no value alike.' },
  not: { type, description: 'Not equal to this document.' },
  string_contains: { type: 'String', description: 'A string that has this text somewhere in it.' },
  string_starts_with: { type: 'String', description: 'A string that begins with this text.' },
  string_ends_with: { type: 'String', description: 'A string that ends with this text.' },
  array_contains: { type, description: 'A list that has these elements.' },
  array_starts_with: { type, description: 'A list whose first element is this.' },
  array_ends_with: { type, description: 'A list whose last element is this.' },
  ...comparison(type),
  mode: {
    type: api.typeName('QueryMode'),
    description: 'Whether case matters to the `string_` conditions; it does by default.',
  },
});

const listOperators = (type: string): Operators => ({
  equals: { type: [type], description: 'The same elements in the same order.' },
  has: { type, description: 'Has this element.' },
  hasSome: { type: [type], description: 'Has at least one of these elements.' },
  hasEvery: { type: [type], description: 'Has all of these elements.' },
  isEmpty: { type: 'Boolean', description: 'Has no elements.' },
});

const ordered = (type: string): Operators => ({ ...equality(type), ...comparison(type) });

/** Name of the filter type of a column. */
export function filterNameOf(api: Api, field: ColumnField): string {
  const type = typeNameOf(api, field);
  if (field.isList) return api.typeName(`${type}ListFilter`);
  if (type === api.typeName('JSON')) return api.typeName('JsonFilter');
  return api.typeName(type === 'String' && isOpaque(field) ? 'UuidFilter' : `${type}Filter`);
}

/** Name of the type of conditions on what is measured of a field. */
export function havingNameOf(api: Api, field: ColumnField): string {
  const filter = resultOf(field, 'min') ? filterNameOf(api, field) : 'CountFilter';
  return api.typeName(filter.replace(/Filter$/, 'HavingFilter'));
}

/** Adds the filter types that these columns need, each once. */
export function addFilters(builder: Builder, api: Api, columns: Iterable<ColumnField>): void {
  const added = new Set<string>();
  for (const field of columns) {
    const name = filterNameOf(api, field);
    if (added.has(name)) continue;
    added.add(name);
    addFilter(builder, name, ...filterOf(api, field, name));
  }
}

/** What a column's filter says of itself, and its operators. */
function filterOf(api: Api, field: ColumnField, name: string): [description: string, operators: Operators] {
  const type = typeNameOf(api, field);
  if (field.isList) return [`Conditions on a list of ${type}.`, listOperators(type)];
  if (type === api.typeName('JSON')) return ['Conditions on a JSON document or a part of it.', json(type, api)];
  const negated = (operators: Operators): Operators => ({
    ...operators,
    not: { type: name, description: 'The contrary of these conditions.' },
  });
  if (field.type.kind === 'enum') return [`Conditions on ${type}.`, negated(equality(type))];
  if (type === 'String' && isOpaque(field))
    return [
      'Conditions on a UUID or another text that is compared as a whole; all of them must hold.',
      negated(ordered(type)),
    ];
  return [`Conditions on ${type}; all of them must hold.`, negated(scalarOperators(field.type.name, type, api))];
}

function scalarOperators(scalar: ScalarType, type: string, api: Api): Operators {
  switch (scalar) {
    case 'Boolean':
      return { equals: equality(type).equals! };
    case 'Bytes':
      return equality(type);
    case 'String':
      return { ...ordered(type), ...text(api) };
    default:
      return ordered(type);
  }
}

function addFilter(builder: Builder, name: string, description: string, operators: Operators): void {
  const ref = builder.inputRef<object>(name);
  ref.implement({
    description,
    fields: (t) =>
      Object.fromEntries(
        Object.entries(operators).map(([key, { type, description, extensions }]) => [
          key,
          t.field({ type: inputType(type), required: false, description, extensions }),
        ]),
      ),
  });
}

/** A type that is named, not imported: the models' names are known at run time only. */
export function inputType(type: string | [string]): 'String' {
  // @NOTE Pothos resolves names when the schema is built; its types know only those declared in BuilderTypes.
  return type as 'String';
}
