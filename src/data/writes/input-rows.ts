import type { Api, ApiModel } from '../api/api-model.ts';
import type { ColumnField, RelationField } from '../model/datamodel.ts';
import type { Value } from '../planner/value.ts';
import { type Change, changeInputs } from './assignments.ts';

/** What a part of an input makes: a new row, or a change of one. */
export type RowKind = 'create' | 'update';

/** A part of an input that speaks of one row (of many, where it changes all that a filter finds). */
export interface InputRow {
  model: ApiModel;
  data: Value;
  kind: RowKind;
  /** By which relation it belongs to the row around it, which sets the key that it holds. */
  around?: RelationField;
}

/** Every row that `data` speaks of, at any depth, each before those within it. */
export function* inputRows(
  api: Api,
  model: ApiModel,
  data: Value,
  kind: RowKind,
  around?: RelationField,
): Generator<InputRow> {
  yield { model, data, kind, around };
  for (const name of data.keys()) {
    const field = model.fields.get(name);
    const target = field?.kind === 'relation' && api.models.get(field.target);
    if (!target) continue;
    for (const [part, partKind] of partsOf(field, data.get(name)))
      yield* inputRows(api, target, part, partKind, isSetAround(field, partKind) ? field : undefined);
  }
}

/** What a relation's operations make of the rows that it leads to. */
function* partsOf(field: RelationField, operations: Value): Generator<[data: Value, kind: RowKind]> {
  for (const row of operations.get('create').items()) yield [row, 'create'];
  for (const row of operations.get('createMany').get('data').items()) yield [row, 'create'];
  for (const item of operations.get('connectOrCreate').items()) yield [item.get('create'), 'create'];
  for (const item of operations.get('update').items()) yield [field.isList ? item.get('data') : item, 'update'];
  for (const item of operations.get('updateMany').items()) yield [item.get('data'), 'update'];
  for (const item of operations.get('upsert').items()) {
    yield [item.get('create'), 'create'];
    yield [item.get('update'), 'update'];
  }
}

const isSetAround = ({ link }: RelationField, kind: RowKind) => kind === 'create' && link.kind === 'foreign';

/** The columns of the other end that a relation's key is made of, where they are there. */
export const keyAround = (around: RelationField | undefined): ColumnField[] =>
  around && around.link.kind !== 'join' ? around.link.pairs.map(({ remote }) => remote) : [];

/** Operations that set, or empty, the key that the row itself holds. */
const keySetters = ['create', 'connect', 'connectOrCreate', 'disconnect', 'delete'];

/** The columns that a row's `data` sets: as a whole, by an operation, or by a relation whose key they are. */
export function columnsSet(model: ApiModel, data: Value): Set<ColumnField> {
  const columns = new Set<ColumnField>();
  for (const name of data.keys()) {
    const field = model.fields.get(name);
    const value = data.get(name);
    if (field?.kind === 'column') columns.add(field);
    else if (field?.kind === 'relation' && field.link.kind === 'own') {
      const sets = keySetters.some((setter) => ![undefined, null, false].includes(value.get(setter).now as null));
      if (sets) for (const { local } of field.link.pairs) columns.add(local);
    } else for (const { column } of changesIn(model, name, value)) columns.add(column);
  }
  return columns;
}

/** The columns that `_increment`, `_push` and their like change, and by what; none where the input field is no such thing. */
export function changesIn(
  model: ApiModel,
  name: string,
  operands: Value,
): { column: ColumnField; change: Change; by: Value }[] {
  const change = model.fields.has(name) ? undefined : changeInputs.get(name);
  if (!change) return [];
  return operands.keys().flatMap((key) => {
    const column = model.fields.get(key);
    return column?.kind === 'column' ? [{ column, change, by: operands.get(key) }] : [];
  });
}
