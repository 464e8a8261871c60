import { invalidInput } from '../../errors.ts';
import type { ColumnField } from '../model/datamodel.ts';
import { pattern } from './column-filter.ts';
import type { Compiler } from './compiler.ts';
import { json } from './encode.ts';
import { partSql, partTextSql, segmentsOf, sortedSql } from './json-path.ts';
import { all, not } from './statement.ts';
import { isRecord, type Value } from './value.ts';

const comparisons: Record<string, string> = { lt: '<', lte: '<=', gt: '>', gte: '>=' };
const patterns: Record<string, [before: string, after: string]> = {
  string_contains: ['%', '%'],
  string_starts_with: ['', '%'],
  string_ends_with: ['%', ''],
};

/**
 * Writes Prisma's filter of a Json column as a condition: `path` leads to a part of the document, the other operators
 * speak of that part. A part that is not there matches nothing.
 */
export function jsonFilter(c: Compiler, field: ColumnField, document: string, value: Value): string {
  if (!isRecord(value.now)) return jsonEquality(c, document, value);
  const path = value.get('path');
  const hasPath = path.now !== undefined && path.now !== null;
  const segments = hasPath ? segmentsOf(path) : undefined;
  const part = segments ? partSql(document, segments) : document;
  // @NOTE what an index is made of is null for JSON's null: the same where a row is found, another thing where it is left out.
  const found = segments && !c.isNegated ? sortedSql(part) : part;
  const partText = partTextSql(document, segments ?? []);
  const insensitive = value.get('mode').now === 'insensitive';
  const operators = value.keys().filter((key) => key !== 'path' && key !== 'mode');
  return all(
    operators.map((key) =>
      operation(c, field, key === 'not' ? part : found, partText, key, value.get(key), insensitive),
    ),
  );
}

/** Null stands for the database's null and for JSON's alike. */
const jsonEquality = (c: Compiler, part: string, value: Value): string =>
  value.now === null
    ? `${part.startsWith('nullif(') ? part : sortedSql(part)} is null`
    : `${part} = ${c.statement.bind(value, json)}::jsonb`;

function operation(
  c: Compiler,
  field: ColumnField,
  part: string,
  partText: string,
  operator: string,
  operand: Value,
  insensitive: boolean,
): string {
  if (operator === 'equals') return jsonEquality(c, part, operand);
  if (operator === 'not') return not(jsonEquality(c, part, operand));
  if (operand.now === null) throw invalidInput(operand.path, 'must not be null');
  const bind = () => `${c.statement.bind(operand, json)}::jsonb`;
  const comparison = comparisons[operator];
  if (comparison) {
    const bound = bind();
    return `(jsonb_typeof(${part}) = jsonb_typeof(${bound}) and ${part} ${comparison} ${bound})`;
  }
  const affixes = patterns[operator];
  if (affixes) {
    const like = insensitive ? 'ilike' : 'like';
    return `(jsonb_typeof(${part}) = 'string' and ${partText} ${like} ${c.statement.bind(operand, pattern(...affixes))})`;
  }
  const isArray = `jsonb_typeof(${part}) = 'array'`;
  switch (operator) {
    case 'array_contains':
      return `(${isArray} and ${part} @> ${bind()})`;
    case 'array_starts_with':
      return `(${isArray} and ${part} -> 0 = ${bind()})`;
    case 'array_ends_with':
      return `(${isArray} and ${part} -> -1 = ${bind()})`;
    default:
      throw invalidInput(operand.path, `${field.name} has no filter ${operator}`);
  }
}
