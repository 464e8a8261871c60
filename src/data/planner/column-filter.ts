import { invalidInput } from '../../errors.ts';
import type { ColumnField } from '../model/datamodel.ts';
import { holdsUnknown } from '../rules/verdicts.ts';
import { type Compiler, countTerm } from './compiler.ts';
import { eachOf, encoderOf, text } from './encode.ts';
import { jsonFilter } from './json-filter.ts';
import { listFilter } from './list-filter.ts';
import { similarCondition } from './search.ts';
import { all, type Encode, not } from './statement.ts';
import { isRecord, type Value } from './value.ts';

/** Writes Prisma's filter of one column (`{ contains: … }`, or a value alone for equality) as a condition on `expression`. */
export function columnFilter(c: Compiler, field: ColumnField, column: string, value: Value): string {
  if (c.statement.isRule && holdsUnknown(value.now)) return 'null::boolean';
  const expression = comparable(field, column);
  if (field.isList) return listFilter(c, field, expression, value);
  if (field.type.kind === 'scalar' && field.type.name === 'Json') return jsonFilter(c, field, expression, value);
  if (!isRecord(value.now)) return equality(c, field, expression, value);
  const insensitive = value.get('mode').now === 'insensitive';
  const operators = value.keys().filter((key) => key !== 'mode');
  return all(operators.map((key) => operation(c, field, expression, key, value.get(key), insensitive)));
}

/** PostgreSQL does not compare XML, nor JSON that is kept as text: their text and their content do in their place. */
export function comparable(field: ColumnField, column: string): string {
  const type = field.nativeType === 'Xml' ? 'text' : field.nativeType === 'Json' ? 'jsonb' : undefined;
  return type ? `${column}::${type}${field.isList ? '[]' : ''}` : column;
}

/** Whether a filter may fail by what stands in the column: not all JSON that is kept as text can be compared. */
export const mayFail = (field: ColumnField): boolean => field.nativeType === 'Json';

function equality(c: Compiler, field: ColumnField, expression: string, value: Value): string {
  if (value.now === null) return `${expression} is null`;
  return `${expression} = ${c.statement.bind(value, encoderOf(field))}`;
}

const comparisons: Record<string, string> = { lt: '<', lte: '<=', gt: '>', gte: '>=' };

function operation(
  c: Compiler,
  field: ColumnField,
  expression: string,
  operator: string,
  operand: Value,
  insensitive: boolean,
): string {
  const bind = (encode: Encode = encoderOf(field)) => c.statement.bind(operand, encode);
  // @NOTE what fills a `char(n)` up is no part of the text; LIKE alone would take it for one.
  const text = field.nativeType === 'Char' ? `(${expression})::text` : expression;
  const comparison = comparisons[operator];
  if (comparison) {
    if (operand.now === null) return nullOperand(c, operand);
    return insensitive
      ? `lower(${expression}) ${comparison} lower(${bind()})`
      : `${expression} ${comparison} ${bind()}`;
  }
  switch (operator) {
    case 'equals':
      if (insensitive && operand.now !== null) return `${expression} ilike ${bind(pattern('', ''))}`;
      return equality(c, field, expression, operand);
    case 'not':
      if (operand.now === null) return `${expression} is not null`;
      if (isRecord(operand.now)) {
        countTerm(c, operand.path);
        return not(columnFilter(c, field, expression, withMode(operand, insensitive)));
      }
      return `${expression} <> ${bind()}`;
    case 'in':
      return inList(c, field, expression, operand, insensitive, '= any');
    case 'notIn':
      return inList(c, field, expression, operand, insensitive, '<> all');
    case 'contains':
      return like(text, bind(pattern('%', '%')), insensitive);
    case 'startsWith':
      return like(text, bind(pattern('', '%')), insensitive);
    case 'endsWith':
      return like(text, bind(pattern('%', '')), insensitive);
    case 'similar':
      if (operand.now === null) return nullOperand(c, operand);
      if (!c.statement.isRule) return similarCondition(c, expression, operand);
  }
  throw invalidInput(operand.path, `${field.name} has no filter ${operator}`);
}

/** A nested `not` is as sensitive to case as the filter it stands in. */
function withMode(operand: Value, insensitive: boolean): Value {
  if (!insensitive) return operand;
  return {
    ...operand,
    now: { ...(operand.now as object), mode: 'insensitive' },
    get: (key) => (key === 'mode' ? { ...operand.get(key), now: 'insensitive' } : operand.get(key)),
  };
}

function inList(
  c: Compiler,
  field: ColumnField,
  expression: string,
  operand: Value,
  insensitive: boolean,
  operator: string,
): string {
  if (operand.now === null) return nullOperand(c, operand);
  const list = c.statement.bind(operand, eachOf(encoderOf(field)));
  if (!insensitive) return `${expression} ${operator}(${list})`;
  return `lower(${expression}) ${operator}(array(select lower(x) from unnest(${list}::text[]) x))`;
}

/** Nothing is less than null, or among it: a mistake of a client's, and in a rule a claim that the token lacks. */
function nullOperand(c: Compiler, operand: Value): string {
  if (c.statement.isRule) return 'null::boolean';
  throw invalidInput(operand.path, 'must not be null');
}

const like = (expression: string, pattern: string, insensitive: boolean): string =>
  `${expression} ${insensitive ? 'ilike' : 'like'} ${pattern}`;

/** A LIKE pattern that matches the text as it stands: its `%`, `_` and `\` are ordinary characters. */
export const pattern =
  (before: string, after: string): Encode =>
  (value, path) =>
    before + (text(value, path) as string).replaceAll(/[\\%_]/g, '\\$&') + after;
