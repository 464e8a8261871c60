import type { ApiModel } from '../api/api-model.ts';
import { type ColumnField, isDocument, modelNamed, type RelationField } from '../model/datamodel.ts';
import { apiModelOf, type Compiler, readingFrom, ruleCondition, visible } from '../planner/compiler.ts';
import { all, columnRef, identifier, tableRef } from '../planner/statement.ts';
import type { PlanInput, Value } from '../planner/value.ts';
import { fillingOf } from './defaults.ts';
import { fittingEncode, madeFor, NotFit, unfit } from './one-statement-columns.ts';
import { maxTouched } from './run.ts';

/** New rows that belong to a new row, which stands in `w`; they stand in `n`. */
export interface NestedRows {
  model: ApiModel;
  /** Makes them. */
  insert: string;
  count: number;
  /** Columns that their writer set, by the nesting too. */
  written: readonly ColumnField[];
}

type Items = readonly Value[];

/**
 * Reads `{ create: [..] }` of a relation whose key the other rows hold: rows of plain columns, the same ones of each.
 * @param withRow what the tables hold once `w` is there
 * @throws NotFit
 */
export function readNested(
  c: Compiler,
  relation: RelationField,
  operations: Value,
  withRow: Compiler['rowsOf'],
): NestedRows {
  const { link } = relation;
  const items = operations.get('create').items();
  if (link.kind !== 'foreign' || operations.keys().join() !== 'create' || items.length === 0) throw new NotFit();
  const model = apiModelOf(c, relation.target);
  if (model.policy || model.defaults || items.length >= maxTouched) throw new NotFit();
  const given = columnsOf(model, items);
  if (given.some(({ name, refersTo }) => refersTo && model.values.has(name))) throw new NotFit();
  const columns = new Map<ColumnField, string>();
  for (const { local, remote } of link.pairs) columns.set(remote, columnRef('w', local));
  for (const field of given) {
    if (columns.has(field)) throw new NotFit();
    columns.set(field, columnRef('r', field));
  }
  const written = [...columns.keys()];
  const made = fill(model, columns);
  const conditions = model.model.relations
    .filter(({ name }) => name !== relation.inverse)
    .map((other) => readingFrom(c, withRow, () => leadsToVisible(c, other, written)));
  const rows = c.statement.parameter((input) => rowsText(model, items, given, made, input));
  const table = tableRef(model.model.table);
  const names = [...columns.keys()].map(({ column }) => identifier(column));
  const from = `w, json_populate_recordset(null::${table}, ${rows}::json) r`;
  const insert = `insert into ${table} (${names.join(', ')}) select ${[...columns.values()].join(', ')} from ${from} where ${all(conditions)} returning *`;
  return { model, insert, count: items.length, written };
}

/** The columns that each item sets. */
function columnsOf({ fields }: ApiModel, items: Items): ColumnField[] {
  const names = items[0]!.keys();
  const isLike = (item: Value) =>
    item.keys().length === names.length && names.every((n) => item.get(n).now !== undefined);
  if (!items.every(isLike)) throw new NotFit();
  return names.map((name) => {
    const field = fields.get(name);
    if (field?.kind !== 'column') throw new NotFit();
    if (field.isRequired && items.some((item) => item.get(name).now === null)) throw new NotFit();
    return field;
  });
}

/** Fills what the items leave out; what is made for each of them is in the rows' text. */
function fill({ model }: ApiModel, columns: Map<ColumnField, string>): ColumnField[] {
  const made: ColumnField[] = [];
  for (const field of model.columns) {
    if (columns.has(field)) continue;
    const filling = fillingOf(field);
    if (filling && 'value' in filling) made.push(field);
    if (filling) columns.set(field, 'sql' in filling ? filling.sql : columnRef('r', field));
    else if (field.isRequired && !field.default && !field.isList) throw new NotFit();
  }
  return made;
}

/** The rows as a list of JSON objects, whose values PostgreSQL reads as the columns' types say. */
function rowsText(
  model: ApiModel,
  items: Items,
  given: readonly ColumnField[],
  made: readonly ColumnField[],
  input: PlanInput,
) {
  const rows = items.map((item) => {
    const written = given.map((field): [string, unknown] => {
      const value = item.get(model.nameOf.get(field.name)!);
      const now = value.read(input) ?? (field.isList ? [] : null);
      return [field.column, now === null ? null : jsonOf(field, fittingEncode(model, field)(now, value.path))];
    });
    const filled = made.map((field): [string, unknown] => [field.column, jsonOf(field, madeFor(field))]);
    return Object.fromEntries([...written, ...filled]);
  });
  return JSON.stringify(rows);
}

/** What was encoded as a parameter, as JSON that PostgreSQL reads alike. */
function jsonOf(field: ColumnField, encoded: unknown): unknown {
  if (Array.isArray(encoded))
    return encoded.map((item) =>
      field.type.kind === 'scalar' && field.type.name === 'Json' ? unfit() : jsonOf(field, item),
    );
  if (encoded instanceof Uint8Array) return `\\x${Buffer.from(encoded).toString('hex')}`;
  return isDocument(field) ? (JSON.parse(String(encoded)) as unknown) : encoded;
}

/** A foreign key of the row at `r` leads to a row that the viewer may see, or nowhere. */
function leadsToVisible(c: Compiler, { link, target: name }: RelationField, written: readonly ColumnField[]): string {
  if (link.kind !== 'own' || !link.pairs.some(({ local }) => written.includes(local))) return 'true';
  if (!link.pairs.every(({ local }) => written.includes(local))) throw new NotFit();
  const target = modelNamed(c.datamodel, name);
  const other = c.statement.alias(target.table);
  const equal = link.pairs.map(({ local, remote }) => `${columnRef(other, remote)} = ${columnRef('r', local)}`);
  const leads = `exists (select 1 from ${c.rowsOf(target.table)} ${other} where ${all([...equal, visible(c, target, other, 'client')])})`;
  const nowhere = link.pairs
    .filter(({ local }) => !local.isRequired)
    .map(({ local }) => `${columnRef('r', local)} is null`);
  return nowhere.length > 0 ? `(${[...nowhere, leads].join(' or ')})` : leads;
}

/** All of them are there, and their rules hold for each; a rule that is unknown does not. */
export function nestedRules(c: Compiler, { model: { model }, count, written }: NestedRows): string {
  const row = c.statement.alias(model.table);
  const rules = all([
    ruleCondition(c, `create:${model.name}`, model, row),
    ...written.map((field) => ruleCondition(c, `write:${model.name}.${field.name}`, model, row)),
  ]);
  if (rules === 'false') throw new NotFit();
  return `(select count(*) = ${count} and bool_and((${rules}) is true) from n ${row})`;
}
