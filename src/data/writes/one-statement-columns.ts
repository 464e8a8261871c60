import { invalidInput } from '../../errors.ts';
import type { ApiModel } from '../api/api-model.ts';
import { type ColumnField, type Model, modelNamed, type RelationField } from '../model/datamodel.ts';
import { type Compiler, visible } from '../planner/compiler.ts';
import { encoderOf } from '../planner/encode.ts';
import { all, columnRef, type Encode, tableRef } from '../planner/statement.ts';
import { uniqueCondition } from '../planner/unique.ts';
import { constant, isRecord, type Value } from '../planner/value.ts';
import { type Change, changedSql, changeInputs } from './assignments.ts';
import { columnValue, operandValue } from './column-value.ts';
import { fillingOf } from './defaults.ts';

/** Thrown where a write is not one for a single statement; it is no error, and nobody hears of it. */
export class NotFit extends Error {}

/** What the application's rules put where the writer of a new row says nothing, encoded. */
export type DefaultsByRule = ReadonlyMap<ColumnField, unknown>;

/** What a write sets, in SQL. */
export interface Settings {
  columns: Map<ColumnField, string>;
  /** Columns that the client set. */
  written: Set<ColumnField>;
  /** Sub-selects of the rows that are connected, none of whom the viewer may not see, to stand beside each other in a `from`. */
  sources: string[];
  /** The columns of these. */
  sourced: string[];
  /** Relations whose whole key is that of a connected row. */
  reached: Set<RelationField>;
  /** What must hold before the write. */
  conditions: string[];
  /** Relations whose key other rows hold, and what is to be done with these. */
  others: [RelationField, Value][];
}

/**
 * Reads a `data` argument of columns and of connects by keys that the row itself holds.
 * @param defaults of a new row
 * @throws NotFit
 */
export function readSettings(c: Compiler, model: ApiModel, data: Value, defaults?: DefaultsByRule): Settings {
  if (model.policy || !c.datamodel.enforcesKeys) throw new NotFit();
  const settings: Settings = {
    columns: new Map(),
    written: new Set(),
    sources: [],
    sourced: [],
    reached: new Set(),
    conditions: [],
    others: [],
  };
  const values = new Map<ColumnField, Value>();
  for (const name of data.keys()) {
    const field = model.fields.get(name);
    const value = data.get(name);
    if (field?.kind === 'column') {
      values.set(field, value);
      set(settings, field, columnSql(c, model, field, value));
    } else if (field && field.link.kind !== 'own') settings.others.push([field, value]);
    else if (field) connect(c, settings, field, value, defaults !== undefined);
    else readChanges(c, model, settings, changeInputs.get(name) ?? unfit(), value);
  }
  if (settings.written.size === 0) throw new NotFit();
  // A key is looked for as it was sent, and a schema may make another one of it.
  for (const key of values.keys()) if (key.refersTo && model.values.has(key.name)) throw new NotFit();
  for (const relation of model.model.relations) requireVisible(c, model.model, settings, relation, values);
  if (defaults) fill(c, model, settings, defaults);
  return settings;
}

function set({ columns, written }: Settings, field: ColumnField, sql: string): void {
  if (columns.has(field)) throw new NotFit();
  columns.set(field, sql);
  written.add(field);
}

/** Numbers and lists that are reckoned of what they were; the row is at the alias `t`. */
function readChanges(c: Compiler, model: ApiModel, settings: Settings, change: Change, changes: Value): void {
  for (const name of changes.keys()) {
    const field = model.fields.get(name);
    const value = changes.get(name);
    if (field?.kind !== 'column' || value.now === null) throw new NotFit();
    const encode: Encode = (given, path) => {
      const by = operandValue(field, change, constant(given, path));
      return 'problems' in by ? refuseValue(path) : by.value;
    };
    set(settings, field, changedSql(change, columnRef('t', field), c.statement.bind(value, encode)));
  }
}

function refuseValue(path: string): never {
  throw invalidInput(path, 'is not allowed');
}

function columnSql(c: Compiler, model: ApiModel, field: ColumnField, value: Value): string {
  if (value.now === null) {
    if (field.isList) return "'{}'";
    if (field.isRequired) throw new NotFit();
    return 'null';
  }
  return c.statement.bind(value, fittingEncode(model, field));
}

/** As the general way encodes a value, and finds room for it. */
export function fittingEncode(model: ApiModel, field: ColumnField): Encode {
  return (now, path) => {
    const read = columnValue(model, field, constant(now, path));
    if ('problems' in read) throw invalidInput(path, 'is not allowed');
    return read.value;
  };
}

/** A row that is not there, or hidden, leaves nothing to write. */
function connect(c: Compiler, settings: Settings, field: RelationField, value: Value, isNew: boolean): void {
  const where = value.get('connect');
  const isConnect = value.keys().length === 1 && isRecord(where.now);
  if (!isConnect || field.link.kind !== 'own') throw new NotFit();
  const target = modelNamed(c.datamodel, field.target);
  const other = c.statement.alias(target.table);
  const source = `c${settings.sources.length}`;
  const columns = field.link.pairs.map(({ local, remote }, i) => {
    const name = `${source}_${i}`;
    set(settings, local, `${isNew ? source : 'o'}.${name}`);
    settings.sourced.push(`${source}.${name}`);
    return `${columnRef(other, remote)} as ${name}`;
  });
  const condition = all([visible(c, target, other, 'client'), uniqueCondition(c, target, other, where)]);
  settings.conditions.push(condition === 'false' ? 'false' : 'true');
  settings.sources.push(
    `(select ${columns.join(', ')} from ${tableRef(target.table)} ${other} where ${condition}) ${source}`,
  );
  settings.reached.add(field);
}

/** A foreign key that was set leads to a row that the viewer may see. @throws NotFit for one that was set in part, or by another's connect */
function requireVisible(
  c: Compiler,
  model: Model,
  { written, reached, conditions }: Settings,
  relation: RelationField,
  values: ReadonlyMap<ColumnField, Value>,
): void {
  const { link } = relation;
  if (reached.has(relation) || link.kind !== 'own' || !link.pairs.some(({ local }) => written.has(local))) return;
  const keys = link.pairs.map(({ local, remote }) => ({ local, remote, value: values.get(local) ?? unfit() }));
  // A key with a null in it leads nowhere.
  if (keys.some(({ value }) => value.now === null)) return;
  const target = modelNamed(c.datamodel, relation.target);
  const other = c.statement.alias(target.table);
  const seen = visible(c, target, other, 'client');
  // That there is a row at all, PostgreSQL sees to; but it takes the new row itself for one.
  if (seen === 'true' && target !== model) return;
  const equal = keys.map(
    ({ local, remote, value }) => `${columnRef(other, remote)} = ${c.statement.bind(value, encoderOf(local))}`,
  );
  conditions.push(`exists (select 1 from ${tableRef(target.table)} ${other} where ${all([...equal, seen])})`);
}

/** Says in the place of a value that the write is none for a single statement. @throws NotFit */
export function unfit(): never {
  throw new NotFit();
}

/** Fills what the writer of a new row left out. @throws NotFit when something is required that nothing fills */
function fill(c: Compiler, model: ApiModel, { columns }: Settings, defaults: DefaultsByRule): void {
  for (const field of model.model.columns) {
    if (columns.has(field)) continue;
    const filling = fillingOf(field);
    if (defaults.has(field)) columns.set(field, defaultSql(c, field, defaults));
    else if (filling) columns.set(field, 'sql' in filling ? filling.sql : c.statement.parameter(() => madeFor(field)));
    else if (field.isRequired && !field.default && !field.isList) throw new NotFit();
  }
}

/** @NOTE a null is part of the key that the plan is kept under. */
const defaultSql = (c: Compiler, field: ColumnField, defaults: DefaultsByRule): string =>
  defaults.get(field) === null
    ? 'null'
    : c.statement.parameter((input) => (input as unknown as { defaults: DefaultsByRule }).defaults.get(field));

/** What the schema's own default makes for a column of one row. @NOTE made anew for each row. */
export function madeFor(field: ColumnField): unknown {
  const filling = fillingOf(field);
  return filling && 'value' in filling ? filling.value : null;
}
