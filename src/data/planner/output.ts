import type { ColumnField, EnumType } from '../model/datamodel.ts';
import { literal } from './statement.ts';

/**
 * The SQL that turns a column's value into what its JSON should hold: exact numbers and bytes as text, instants with their
 * zone, enum labels under their API names. Types that PostgreSQL writes well by itself stay as they are.
 */
export function outputSql(field: ColumnField, expression: string): string {
  const one = elementSql(field);
  if (!field.isList) return one ? one(expression) : expression;
  const list = one
    ? `(select array_agg(${one('e')} order by n) from unnest(${expression}) with ordinality u(e, n))`
    : expression;
  return `coalesce(to_json(${list}), '[]')`;
}

function elementSql(field: ColumnField): ((expression: string) => string) | undefined {
  if (field.type.kind === 'enum') return enumSql(field.type.enum);
  switch (field.type.name) {
    case 'BigInt':
      return (e) => `${e}::text`;
    case 'Decimal':
      return field.nativeType === 'Money' ? (e) => `${e}::numeric::text` : (e) => `${e}::text`;
    case 'Bytes':
      return (e) => `translate(encode(${e}, 'base64'), E'\\n', '')`;
    case 'DateTime':
      // A `timestamp` column holds UTC by Prisma's convention, and says so here.
      return ['Timestamptz', 'Date', 'Time', 'Timetz'].includes(field.nativeType ?? '')
        ? undefined
        : (e) => `(${e} at time zone 'UTC')`;
    case 'Int':
      return field.nativeType === 'Oid' ? (e) => `${e}::bigint` : undefined;
    case 'Float':
      // JSON has no NaN and no infinities, and GraphQL's Float neither.
      return undefined;
    default:
      return undefined;
  }
}

function enumSql(type: EnumType): ((expression: string) => string) | undefined {
  const renamed = type.values.filter((v) => v.label !== v.name);
  if (renamed.length === 0) return undefined;
  const cases = renamed.map((v) => `when ${literal(v.label)} then ${literal(v.name)}`).join(' ');
  return (e) => `(case ${e}::text ${cases} else ${e}::text end)`;
}
