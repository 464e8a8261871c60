import type { ValueNode } from 'graphql';
import { MillraceError } from '../../errors.ts';
import type { Builder } from '../../graphql/builder.ts';
import type { ColumnField, ScalarType } from '../model/datamodel.ts';
import { partOf } from '../planner/value.ts';
import type { Api } from './api-model.ts';

/** Names of the scalars that the API brings. */
export const scalarNames = ['BigInt', 'Decimal', 'DateTime', 'Date', 'Time', 'JSON', 'Bytes'] as const;

/** The scalar of a column, by the name that it has where no model takes it. */
function scalarOf(type: ScalarType, nativeType: string | undefined): string {
  if (type === 'DateTime' && nativeType === 'Date') return 'Date';
  if (type === 'DateTime' && (nativeType === 'Time' || nativeType === 'Timetz')) return 'Time';
  return type === 'Json' ? 'JSON' : type;
}

/** Name of the GraphQL type of a column's value, or of one element of a list. */
export const typeNameOf = (api: Api, { type, nativeType }: ColumnField): string =>
  type.kind === 'enum' ? type.enum.name : api.typeName(scalarOf(type.name, nativeType));

interface TextScalar {
  name: Exclude<(typeof scalarNames)[number], 'JSON'>;
  description: string;
  expected: string;
  accepts(text: string): boolean;
  /** Whether a JSON number does as well as its text. */
  takesNumbers?: boolean;
}

const bigIntBound = 2n ** 63n;

const textScalars: readonly TextScalar[] = [
  {
    name: 'BigInt',
    description:
      'A whole number of 64 bits, as text, so that no digit is lost: `"9007199254740993"`. A number is accepted too.',
    expected: 'a whole number of 64 bits',
    accepts: (t) => /^[+-]?\d{1,19}$/.test(t) && BigInt(t) < bigIntBound && BigInt(t) >= -bigIntBound,
    takesNumbers: true,
  },
  {
    name: 'Decimal',
    description: 'An exact decimal number, as text: `"19.90"`. A number is accepted too.',
    expected: 'a decimal number',
    accepts: (t) => t.length <= 1000 && /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?$/.test(t),
    takesNumbers: true,
  },
  {
    name: 'DateTime',
    description:
      'An instant in ISO 8601, with its zone and as many digits as are stored: `2026-01-31T12:00:00.000+00:00`.',
    expected: 'a date and time in ISO 8601, as 2026-01-31T12:00:00Z',
    accepts: (t) =>
      /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2}))?$/.test(t) && isDate(t),
  },
  {
    name: 'Date',
    description: 'A day in ISO 8601: `2026-01-31`.',
    expected: 'a day, as 2026-01-31',
    accepts: (t) => /^\d{4}-\d{2}-\d{2}$/.test(t) && isDate(t),
  },
  {
    name: 'Time',
    description: 'A time of day in ISO 8601: `12:30:00`, with a zone where the column keeps one.',
    expected: 'a time of day, as 12:30:00',
    accepts: (t) => /^(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}(?::?\d{2})?)?$/.test(t),
  },
  {
    name: 'Bytes',
    description: 'Bytes in base64.',
    expected: 'bytes in base64',
    accepts: (t) => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(t),
  },
];

/** Whether a text of the right form names a day that exists: JavaScript would turn 30 February into 2 March. */
function isDate(text: string): boolean {
  const time = Date.parse(text.length === 10 ? `${text}T00:00:00Z` : text);
  if (Number.isNaN(time)) return false;
  const [year, month, day] = text.slice(0, 10).split('-').map(Number) as [number, number, number];
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/** Adds the scalars that GraphQL does not have. Values are checked on the way in; on the way out PostgreSQL has written them. */
export function addScalars(builder: Builder, api: Api): void {
  // @NOTE Pothos' types know the scalars by their first names only.
  const nameOf = <Name extends string>(name: Name): Name => api.typeName(name) as Name;
  for (const scalar of textScalars) {
    const parse = (value: unknown): string => {
      const text =
        scalar.takesNumbers && (typeof value === 'number' || typeof value === 'bigint') ? String(value) : value;
      if (typeof text === 'string' && scalar.accepts(text)) return text;
      // @NOTE no GraphQLError: those are told without the place where the value stands.
      throw new MillraceError('INVALID_INPUT', `must be ${scalar.expected}`);
    };
    builder.scalarType(nameOf(scalar.name), {
      description: scalar.description,
      serialize: (value) => value,
      parseValue: parse,
      parseLiteral: (node) => parse(literalText(node)),
    });
  }
  builder.scalarType(nameOf('JSON'), {
    description: 'Any JSON value.',
    serialize: (value) => value,
    parseValue: (value) => value,
    parseLiteral: (node, variables) => literalJson(node, variables ?? {}),
  });
}

const literalText = (node: ValueNode): unknown =>
  'value' in node && typeof node.value === 'string' ? node.value : undefined;

function literalJson(node: ValueNode, variables: Record<string, unknown>): unknown {
  switch (node.kind) {
    case 'Variable':
      return partOf(variables, node.name.value);
    case 'ListValue':
      return node.values.map((item) => literalJson(item, variables));
    case 'ObjectValue':
      return Object.fromEntries(node.fields.map((f) => [f.name.value, literalJson(f.value, variables)]));
    case 'NullValue':
      return null;
    case 'IntValue':
    case 'FloatValue':
      return Number(node.value);
    default:
      return 'value' in node ? node.value : undefined;
  }
}
