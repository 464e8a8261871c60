import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type FieldProblem, MillraceError } from '../../errors.ts';
import type { ApiModel } from '../api/api-model.ts';
import type { ColumnField } from '../model/datamodel.ts';
import { encoderOf } from '../planner/encode.ts';
import { isRecord, type Value } from '../planner/value.ts';
import { askSchema } from '../rules/value-schema.ts';
import { misfitOf } from './fits.ts';

/** What a column is set to, as PostgreSQL reads it, or everything that is wrong with what was given. */
export type ColumnValue = { value: unknown } | { problems: FieldProblem[] };

/** Problems that are told of one column: a list of a million wrong items has no more. */
const maxProblems = 100;

/**
 * Reads a value that a column is set to as a whole: the schema of `values` first, then, of what it makes of the value, the
 * column's own type. The same value comes out the same however often it is asked.
 */
export function columnValue(
  model: ApiModel,
  field: ColumnField,
  { now, path }: Pick<Value, 'now' | 'path'>,
): ColumnValue {
  const given = field.isList ? listOfOne(now) : now;
  const schema = model.values.get(field.name);
  // What is emptied has no value that could be wrong.
  if (!schema || given === null) return encoded(field, given, path);
  const place = `${model.model.name}.${field.name}`;
  const result = askSchema(schema, given, place);
  if (result.issues?.length === 0) return problem(path, 'is not allowed');
  if (result.issues) return { problems: result.issues.slice(0, maxProblems).map((i) => told(i, given, path)) };
  const made = result.value ?? null;
  if (isRecord(made) && !(field.type.kind === 'scalar' && field.type.name === 'Json'))
    throw new TypeError(`the schema of ${place} makes an object of a value`);
  return encoded(field, field.isList ? listOfOne(made) : made, path);
}

/** Reads what a column is changed by: items for a list, a number for a number. Of its type only, for no schema knows what comes of it. */
export function operandValue(field: ColumnField, change: string, { now, path }: Value): ColumnValue {
  if (now === null) return problem(path, 'must not be null');
  const read = encoded(field, field.isList ? listOfOne(now) : now, path);
  return change === 'divide' && 'value' in read && Number(read.value) === 0 ? problem(path, 'must not be 0') : read;
}

const listOfOne = (value: unknown): unknown[] =>
  Array.isArray(value) ? value : value === null || value === undefined ? [] : [value];

const problem = (path: string, message: string): ColumnValue => ({ problems: [{ path, message }] });

function encoded(field: ColumnField, value: unknown, path: string): ColumnValue {
  if (!field.isList)
    return value === null && field.isRequired ? problem(path, 'must not be null') : encodedOne(field, value, path);
  const problems: FieldProblem[] = [];
  const items: unknown[] = [];
  for (const [i, item] of listOfOne(value).entries()) {
    const read = encodedOne(field, item, `${path}.${i}`);
    if ('value' in read) items.push(read.value);
    else problems.push(...read.problems);
    if (problems.length === maxProblems) break;
  }
  return problems.length > 0 ? { problems } : { value: items };
}

function encodedOne(field: ColumnField, value: unknown, path: string): ColumnValue {
  if (value === null) return { value };
  try {
    const read = encoderOf(field)(value, path);
    const misfit = misfitOf(field, read);
    return misfit ? problem(path, misfit) : { value: read };
  } catch (error) {
    const fields = error instanceof MillraceError ? error.details.fields : undefined;
    if (!fields) throw error;
    return { problems: fields };
  }
}

/** A library's words, cut to a size; some say back what was sent, which may be a password. */
function told({ message, path: steps = [] }: StandardSchemaV1.Issue, given: unknown, path: string): FieldProblem {
  const keys = steps.map((step) => (typeof step === 'object' ? step.key : step));
  const value = keys.reduce<unknown>((part, key) => (part as Record<PropertyKey, unknown> | undefined)?.[key], given);
  const quoted = typeof value === 'string' ? [JSON.stringify(value), `"${value}"`, `'${value}'`] : [];
  const kept = quoted.reduce((text, words) => text.replaceAll(words, '…'), String(message));
  const way = cut(keys.map(String).join('.'), 200);
  return { path: way ? `${path}.${way}` : path, message: cut(kept, 200) };
}

/** The first letters of a text, none of them by half. */
const cut = (text: string, length: number): string =>
  text.length <= length ? text : `${[...text.slice(0, 2 * length)].slice(0, length - 1).join('')}…`;
