import { type FieldProblem, invalidInput, MillraceError } from '../../errors.ts';
import type { ApiModel } from '../api/api-model.ts';
import type { ColumnField } from '../model/datamodel.ts';
import type { Compiler } from '../planner/compiler.ts';
import { eachOf, encoderOf } from '../planner/encode.ts';
import { columnRef } from '../planner/statement.ts';
import { constant, type Value } from '../planner/value.ts';
import { type ColumnValue, columnValue, operandValue } from './column-value.ts';
import { type Filling, fillingOf } from './defaults.ts';
import type { WriteRun } from './run.ts';

/** What becomes of a number or a list: how it is reckoned of what it was. */
export type Change = 'increment' | 'decrement' | 'multiply' | 'divide' | 'push';

/** What a column is set to: a value that PostgreSQL reads, an SQL expression, or something reckoned of what it was. */
export type Assignment = Exclude<Filling, undefined> | { change: Change; by: unknown };

/** What a write sets of one row. */
export interface RowWrite {
  columns: Map<ColumnField, Assignment>;
  /** Columns that the client set, by itself or through a relation; the rules of fields speak of these. */
  written: Set<ColumnField>;
  /** Relations whose whole key was taken from a row that the viewer was seen to see. */
  reached: Set<string>;
}

/** The input fields that change numbers and lists, by what they do. */
export const changeInputs: ReadonlyMap<string, Change> = new Map([
  ['_increment', 'increment'],
  ['_decrement', 'decrement'],
  ['_multiply', 'multiply'],
  ['_divide', 'divide'],
  ['_push', 'push'],
]);

/** Reads the columns of a `data` argument; relations are left. @throws INVALID_INPUT */
export function readColumns(model: ApiModel, data: Value): RowWrite {
  const write: RowWrite = { columns: new Map(), written: new Set(), reached: new Set() };
  for (const name of data.keys()) {
    const field = model.fields.get(name);
    if (field?.kind === 'column')
      assign(write, field, settled(columnValue(model, field, data.get(name))), data.get(name).path);
    const change = field ? undefined : changeInputs.get(name);
    if (change) readChanges(model, write, change, data.get(name));
  }
  return write;
}

function readChanges(model: ApiModel, write: RowWrite, change: Change, changes: Value): void {
  if (changes.now === null) return;
  for (const name of changes.keys()) {
    const field = model.fields.get(name);
    const value = changes.get(name);
    if (field?.kind !== 'column') throw new Error(`${model.name} has no column ${name}`);
    if (write.columns.has(field)) throw invalidInput(value.path, 'is set in two ways');
    const by = settled(operandValue(field, change, value));
    write.columns.set(field, { change, by });
    write.written.add(field);
  }
}

/** The value as PostgreSQL reads it. @throws INVALID_INPUT with the first problem; all are told before anything is written */
function settled(read: ColumnValue): unknown {
  if ('value' in read) return read.value;
  throw invalidInput(read.problems[0]!.path, read.problems[0]!.message);
}

/** A column may be named twice: by itself and by relations. @throws INVALID_INPUT when they do not agree */
export function assign(write: RowWrite, field: ColumnField, value: unknown, path: string): void {
  const known = write.columns.get(field);
  if (known && !('value' in known && known.value === value)) throw invalidInput(path, 'is set in two ways that differ');
  write.columns.set(field, { value });
  write.written.add(field);
}

/** What a column is set to, in SQL; the row is at the alias `t`. */
export function assignedSql(c: Compiler, field: ColumnField, assignment: Assignment): string {
  if ('sql' in assignment) return assignment.sql;
  if ('value' in assignment) return c.statement.bind(constant(assignment.value));
  const [before, by] = [columnRef('t', field), c.statement.bind(constant(assignment.by))];
  switch (assignment.change) {
    case 'increment':
      return `${before} + ${by}`;
    case 'decrement':
      return `${before} - ${by}`;
    case 'multiply':
      return `${before} * ${by}`;
    case 'divide':
      return `${before} / ${by}`;
    case 'push':
      // A list that is null is an empty one.
      return `array_cat(coalesce(${before}, '{}'), ${by})`;
  }
}

/** Names, in the schema, of the columns that the client set. */
export const writtenNames = (write: RowWrite): string[] => [...write.written].map((field) => field.name);

/** A value the viewer may not set is refused, not ignored; rules that depend on the row are checked on the row. @throws FORBIDDEN */
export function refuseUnwritable(run: WriteRun, model: ApiModel, write: RowWrite, path: string): void {
  const fields = [...write.written]
    .filter((field) => run.context.verdicts.of(`write:${model.model.name}.${field.name}`) === false)
    .map((field) => ({ path: pathOf(model, field, path), message: 'may not be set' }));
  if (fields.length === 0) return;
  throw new MillraceError('FORBIDDEN', `not allowed to set ${fields.map((f) => f.path).join(', ')}`, { fields });
}

/** Where in the arguments a column is written: its own field, or the relation that holds it. */
export function pathOf({ model, nameOf }: ApiModel, field: ColumnField, path: string): string {
  const holder = model.relations.find((r) => r.link.kind === 'own' && r.link.pairs.some((p) => p.local === field));
  const name = nameOf.get(field.name) ?? (holder && nameOf.get(holder.name));
  return name ? `${path}.${name}` : path;
}

/** Fills what a new row still lacks. @throws INVALID_INPUT naming every required field that has no value and no default */
export function fillDefaults(run: WriteRun, model: ApiModel, write: RowWrite, path: string): void {
  const missing: FieldProblem[] = [];
  for (const field of model.model.columns) {
    if (write.columns.has(field)) continue;
    const filling = byRule(run, model, field) ?? fillingOf(field);
    if (filling) write.columns.set(field, filling);
    else if (field.isRequired && !field.default && !field.isList) {
      missing.push({ path: pathOf(model, field, path), message: 'is required' });
    }
  }
  if (missing.length === 0) return;
  const text = missing.map((m) => `${m.path} ${m.message}`).join('; ');
  throw new MillraceError('INVALID_INPUT', text, { fields: missing });
}

/** What the application's rules put where the writer says nothing. */
export function byRule({ context }: Pick<WriteRun, 'context'>, { defaults }: ApiModel, field: ColumnField): Filling {
  const given = defaults?.[field.name];
  const value: unknown = typeof given === 'function' ? given(context.viewer) : given;
  if (value === undefined) return undefined;
  const encode = field.isList ? eachOf(encoderOf(field)) : encoderOf(field);
  return { value: value === null ? null : encode(value, field.name) };
}
