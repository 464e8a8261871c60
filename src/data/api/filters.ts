import type { Builder } from '../../graphql/builder.ts';
import type { ColumnField, EnumType } from '../model/datamodel.ts';
import { typeNameOf } from './scalars.ts';

/** A filter's operator: the type of its operand, and what it does. */
interface Operator {
  type: string | [string];
  description: string;
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

const mode: Operators = { mode: { type: 'QueryMode', description: 'Whether case matters; it does by default.' } };

const text: Operators = {
  contains: { type: 'String', description: 'Has this text somewhere in it.' },
  startsWith: { type: 'String', description: 'Begins with this text.' },
  endsWith: { type: 'String', description: 'Ends with this text.' },
  ...mode,
};

const json: Operators = {
  path: {
    type: ['String'],
    description: 'The way to the part that the other conditions speak of; list positions are digits.',
  },
  equals: { type: 'JSON', description: 'Equal to this document; `null` finds JSON null and no value alike.' },
  not: { type: 'JSON', description: 'Not equal to this document.' },
  string_contains: { type: 'String', description: 'A string that has this text somewhere in it.' },
  string_starts_with: { type: 'String', description: 'A string that begins with this text.' },
  string_ends_with: { type: 'String', description: 'A string that ends with this text.' },
  array_contains: { type: 'JSON', description: 'A list that has these elements.' },
  array_starts_with: { type: 'JSON', description: 'A list whose first element is this.' },
  array_ends_with: { type: 'JSON', description: 'A list whose last element is this.' },
  ...comparison('JSON'),
  ...mode,
};

const listOperators = (type: string): Operators => ({
  equals: { type: [type], description: 'The same elements in the same order.' },
  has: { type, description: 'Has this element.' },
  hasSome: { type: [type], description: 'Has at least one of these elements.' },
  hasEvery: { type: [type], description: 'Has all of these elements.' },
  isEmpty: { type: 'Boolean', description: 'Has no elements.' },
});

const ordered = (type: string): Operators => ({ ...equality(type), ...comparison(type) });

const scalarFilters: Record<string, { type: string; operators: Operators }> = {
  String: { type: 'String', operators: { ...ordered('String'), ...text } },
  Uuid: { type: 'String', operators: ordered('String') },
  Boolean: { type: 'Boolean', operators: { equals: equality('Boolean').equals! } },
  Int: { type: 'Int', operators: ordered('Int') },
  Float: { type: 'Float', operators: ordered('Float') },
  BigInt: { type: 'BigInt', operators: ordered('BigInt') },
  Decimal: { type: 'Decimal', operators: ordered('Decimal') },
  DateTime: { type: 'DateTime', operators: ordered('DateTime') },
  Date: { type: 'Date', operators: ordered('Date') },
  Time: { type: 'Time', operators: ordered('Time') },
  Bytes: { type: 'Bytes', operators: equality('Bytes') },
};

/** String columns of these types compare, but are no text to PostgreSQL: `like` does not know them. */
const opaqueStrings = new Set(['Uuid', 'Inet', 'Bit', 'VarBit', 'Xml']);

/** Name of the filter type of a column. */
export function filterNameOf(field: ColumnField): string {
  const type = typeNameOf(field);
  if (field.isList) return `${type}ListFilter`;
  if (type === 'JSON') return 'JsonFilter';
  return type === 'String' && opaqueStrings.has(field.nativeType ?? '') ? 'UuidFilter' : `${type}Filter`;
}

/** Adds the filter types that these columns need, each once. */
export function addFilters(builder: Builder, columns: Iterable<ColumnField>): void {
  const added = new Set<string>();
  for (const field of columns) {
    const name = filterNameOf(field);
    if (added.has(name)) continue;
    added.add(name);
    const type = typeNameOf(field);
    if (field.isList) addFilter(builder, name, `Conditions on a list of ${type}.`, listOperators(type));
    else if (name === 'JsonFilter') addFilter(builder, name, 'Conditions on a JSON document or a part of it.', json);
    else if (field.type.kind === 'enum') addFilter(builder, name, `Conditions on ${type}.`, equality(type), name);
    else {
      const { type: operand, operators } = scalarFilters[name.slice(0, -'Filter'.length)]!;
      const what = name === 'UuidFilter' ? 'a UUID or another text that is compared as a whole' : operand;
      addFilter(builder, name, `Conditions on ${what}; all of them must hold.`, operators, name);
    }
  }
}

function addFilter(builder: Builder, name: string, description: string, operators: Operators, negation?: string): void {
  const nested: Operators = negation
    ? { not: { type: negation, description: 'The contrary of these conditions.' } }
    : {};
  const ref = builder.inputRef<object>(name);
  ref.implement({
    description,
    fields: (t) =>
      Object.fromEntries(
        Object.entries({ ...operators, ...nested }).map(([key, { type, description }]) => [
          key,
          t.field({ type: inputType(type), required: false, description }),
        ]),
      ),
  });
}

/** A type that is named, not imported: the models' names are known at run time only. */
export function inputType(type: string | [string]): 'String' {
  // @NOTE Pothos resolves names when the schema is built; its types know only those declared in BuilderTypes.
  return type as 'String';
}

/** Names of filter types that an enum brings with it. */
export const enumFilterNames = (type: EnumType): string[] => [`${type.name}Filter`, `${type.name}ListFilter`];
