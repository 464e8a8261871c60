import type { FieldNode } from 'graphql';
import { invalidInput } from '../../errors.ts';
import { countField, hasUnits, measures, resultOf } from '../api/measures.ts';
import type { ColumnField, Model } from '../model/datamodel.ts';
import { columnFilter } from './column-filter.ts';
import { apiModelOf, countedItems, countTerm } from './compiler.ts';
import { Measured, measureField } from './measured.ts';
import { directionOf, type Ordering, orderSql } from './order.ts';
import { outputSql } from './output.ts';
import { pageSizeSql } from './page-size.ts';
import { emptyObject, objectSql, objectType, type SelectionCompiler, selectedColumns } from './row.ts';
import { sourceOf } from './source.ts';
import { all, any, literal, not } from './statement.ts';
import { isRecord, type Value } from './value.ts';

/** A key of groups: the field it is made of, and the value of each group, with the type that it has. */
interface Key {
  type: ColumnField;
  expression: string;
}

/** Groups of a model's rows, and their keys by the fields' names in the API. */
interface Groups {
  c: SelectionCompiler;
  model: Model;
  measured: Measured;
  keys: ReadonlyMap<string, Key>;
}

/** Names inside the statement that no response key can have. */
const group = '"  r"';

/** A scalar sub-select that yields the list of groups of a model's rows, measured. */
export function groupBySql(c: SelectionCompiler, model: Model, args: Value, nodes: readonly FieldNode[]): string {
  const measured = new Measured(c, sourceOf(c, model, args.get('where'), undefined));
  const groups: Groups = { c, model, measured, keys: keysOf(c, model, measured, args.get('by')) };
  const having = havingSql(groups, args.get('having'));
  const order = orderSql(orderOf(groups, args.get('orderBy')));
  const limit = pageSizeSql(c, args.get('first'));
  const columns = groupColumns(groups, nodes);
  const page = `select ${columns.join(', ')} ${measured.fromSql()} where ${having} order by ${order} limit ${limit}`;
  const each = columns.length > 0 ? group : emptyObject;
  return `(select coalesce(json_agg(${each}), '[]') from (${page}) ${group})`;
}

/** The one field that an item of `by` or `orderBy` is about, as the client calls it. */
function fieldIn(c: SelectionCompiler, model: Model, item: Value): { name: string; field: ColumnField; value: Value } {
  const [name, ...others] = item.keys();
  if (name === undefined || others.length > 0)
    throw invalidInput(item.path, 'must name exactly one field; use a list for several');
  return { name, field: columnCalled(c, model, name), value: item.get(name) };
}

function columnCalled(c: SelectionCompiler, model: Model, name: string): ColumnField {
  const field = apiModelOf(c, model.name).fields.get(name);
  if (field?.kind !== 'column') throw new Error(`${model.name} has no column ${name}`);
  return field;
}

function keysOf(c: SelectionCompiler, model: Model, measured: Measured, by: Value): Map<string, Key> {
  const keys = new Map<string, Key>();
  for (const item of countedItems(c, by)) {
    const { name, field, value } = fieldIn(c, model, item);
    countTerm(c, value.path, 10);
    if (keys.has(name)) throw invalidInput(value.path, 'is grouped by already');
    const { type, sql } = keySql(c, field, measured.column(field), value);
    keys.set(name, { type, expression: measured.key(sql) });
  }
  if (keys.size === 0) throw invalidInput(by.path, 'must name at least one field');
  return keys;
}

/** The key that a row belongs to. */
function keySql(
  c: SelectionCompiler,
  field: ColumnField,
  column: string,
  value: Value,
): { type: ColumnField; sql: string } {
  if (!hasUnits(field)) {
    if (value.now !== true) throw invalidInput(value.path, 'must be true');
    return { type: field, sql: column };
  }
  if (value.now === null) throw invalidInput(value.path, 'must not be null');
  const [unit, zone] = [value.get('unit'), value.get('timeZone')];
  const isZoned = zone.now !== undefined && zone.now !== null;
  if (field.nativeType === 'Date') {
    if (isZoned) throw invalidInput(zone.path, 'a day without time has no time zone');
    if (typeof unit.now !== 'string') return { type: field, sql: column };
    if (unit.now === 'hour' || unit.now === 'minute') throw invalidInput(unit.path, `a day has no ${unit.now}`);
    return { type: field, sql: `date_trunc(${literal(unit.now)}, ${column}::timestamp)::date` };
  }
  if (typeof unit.now !== 'string') {
    if (isZoned) throw invalidInput(zone.path, 'needs a unit');
    return { type: field, sql: column };
  }
  // A `timestamp` column holds UTC by Prisma's convention.
  const instant = field.nativeType === 'Timestamptz' ? column : `(${column} at time zone 'UTC')`;
  const bound = isZoned ? `${c.statement.bind(zone, zoneName)}::text` : "'UTC'";
  const type = { ...field, nativeType: 'Timestamptz' };
  return { type, sql: `date_trunc(${literal(unit.now)}, ${instant}, ${bound})` };
}

/** @NOTE names only: PostgreSQL reads `+02:00` the other way round. */
function zoneName(value: unknown, path: string): unknown {
  const refuse = () => invalidInput(path, 'must be the name of a time zone, as Europe/Zurich');
  if (typeof value !== 'string' || !/^[A-Za-z][\w+/-]*$/.test(value)) throw refuse();
  try {
    new Intl.DateTimeFormat('en', { timeZone: value });
  } catch {
    throw refuse();
  }
  return value;
}

/** Conditions on groups, in the words of `where`; their measures are the viewer's, so none tells of what is hidden. */
function havingSql(groups: Groups, having: Value): string {
  if (having.now === undefined || having.now === null) return 'true';
  return all(having.keys().map((key) => groupCondition(groups, key, having.get(key))));
}

function groupCondition(groups: Groups, key: string, value: Value): string {
  const { c, model, measured } = groups;
  countTerm(c, value.path);
  const parts = () =>
    countedItems(c, value).map((item) => {
      // @NOTE an empty one too: there may be any number of them.
      if (item.keys().length === 0) countTerm(c, item.path);
      return havingSql(groups, item);
    });
  if (key === 'AND') return all(parts());
  if (key === 'OR') return value.now === null ? 'true' : any(parts());
  if (key === 'NOT') return all(parts().map(not));
  if (key === '_count') return columnFilter(c, countField, measured.count(), value);
  const field = columnCalled(c, model, key);
  if (!isRecord(value.now)) throw invalidInput(value.path, 'must be an object of conditions');
  return all(
    measures.flatMap((measure) => {
      const condition = value.get(`_${measure}`);
      if (condition.now === undefined) return [];
      countTerm(c, condition.path);
      return [columnFilter(c, resultOf(field, measure)!, measured.of(field, measure), condition)];
    }),
  );
}

/** What is asked for, and then the keys, so that no two groups tie. */
function orderOf(groups: Groups, orderBy: Value): Ordering[] {
  const { c, measured, keys } = groups;
  const asked = countedItems(c, orderBy).map((item): Ordering => {
    const [only, ...others] = item.keys();
    if (only !== '_count' || others.length > 0) return fieldOrder(groups, item);
    countTerm(c, item.path, 10);
    return { expression: measured.count(), ...directionOf(item.get(only)), isNullable: false };
  });
  const said = new Set(asked.map(({ expression }) => expression));
  const rest = [...keys.values()].filter(({ expression }) => !said.has(expression));
  return [
    ...asked,
    ...rest.map(({ expression }): Ordering => ({ expression, direction: 'asc', nulls: 'last', isNullable: true })),
  ];
}

function fieldOrder({ c, model, measured, keys }: Groups, item: Value): Ordering {
  const { name, field, value } = fieldIn(c, model, item);
  const [kind, ...others] = value.keys();
  if (kind === undefined || others.length > 0)
    throw invalidInput(value.path, 'must name exactly one measure; use a list for several');
  const order = value.get(kind);
  countTerm(c, order.path, 10);
  const direction = directionOf(order);
  const measure = measures.find((known) => `_${known}` === kind);
  if (measure) return { expression: measured.of(field, measure), ...direction, isNullable: true };
  const key = keys.get(name);
  if (!key) throw invalidInput(order.path, `needs ${name} in by`);
  return { expression: key.expression, ...direction, isNullable: true };
}

function groupColumns({ c, model, measured, keys }: Groups, nodes: readonly FieldNode[]): string[] {
  const { name } = apiModelOf(c, model.name);
  const type = objectType(c, c.api.typeName(`${name}Group`));
  return selectedColumns(c, type, nodes, (part, same) =>
    part === 'keys' ? keysSql(c, `${name}GroupKeys`, keys, same) : measureField(c, measured, part, same),
  );
}

function keysSql(
  c: SelectionCompiler,
  typeName: string,
  keys: ReadonlyMap<string, Key>,
  nodes: readonly FieldNode[],
): string {
  const type = objectType(c, c.api.typeName(typeName));
  const columns = selectedColumns(c, type, nodes, (name) => {
    const known = keys.get(name);
    if (!known && type.getFields()[name]?.extensions.isKey)
      throw invalidInput('by', `must name ${name}, which keys asks for`);
    if (!known) c.hasCustomFields = true;
    return known ? outputSql(known.type, known.expression) : 'null';
  });
  return columns.length > 0 ? objectSql(columns.join(', '), '') : emptyObject;
}
