import { type FieldProblem, invalidInput, MillraceError } from '../../errors.ts';
import type { ApiModel } from '../api/api-model.ts';
import type { ColumnField, RelationField } from '../model/datamodel.ts';
import type { Value } from '../planner/value.ts';
import { columnValue } from './column-value.ts';
import { findConnected, requireVisible } from './connect.ts';
import { type Filling, fillingOf } from './defaults.ts';
import type { RowKey, WriteRun } from './run.ts';

/** What a column is set to: a value that PostgreSQL reads, or an SQL expression. */
export type Assignment = Exclude<Filling, undefined>;

/** What a write does to one row: its columns, and the rows that it takes in by other relations. */
export interface RowWrite {
  columns: Map<ColumnField, Assignment>;
  /** Columns that the client set, by itself or by a connect; the rules of fields speak of these. */
  written: Set<ColumnField>;
  connects: { field: RelationField; items: Value[] }[];
}

/**
 * Reads a `data` argument: columns as they are given, relations that this row holds the key of as columns.
 * @param before the row that it changes
 */
export async function readRowWrite(run: WriteRun, model: ApiModel, data: Value, before?: RowKey): Promise<RowWrite> {
  const write: RowWrite = { columns: new Map(), written: new Set(), connects: [] };
  for (const name of data.keys()) {
    const field = model.fields.get(name)!;
    const value = data.get(name);
    if (field.kind === 'column') assign(write, field, encoded(model, field, value), value.path);
    else if (field.link.kind === 'own') await connectOwn(run, write, field, value.get('connect'));
    else write.connects.push({ field, items: value.get('connect').items() });
  }
  await requireVisible(run, model, write, data.path, before);
  return write;
}

/** The value as PostgreSQL reads it. @throws INVALID_INPUT */
function encoded(model: ApiModel, field: ColumnField, value: Value): unknown {
  const read = columnValue(model, field, value);
  if ('value' in read) return read.value;
  throw invalidInput(read.problems[0]!.path, read.problems[0]!.message);
}

/** A column may be named twice: by itself and by relations. @throws INVALID_INPUT when they do not agree */
function assign(write: RowWrite, field: ColumnField, value: unknown, path: string): void {
  const known = write.columns.get(field);
  if (known && 'value' in known && known.value !== value) throw invalidInput(path, 'is set in two ways that differ');
  write.columns.set(field, { value });
  write.written.add(field);
}

async function connectOwn(run: WriteRun, write: RowWrite, field: RelationField, where: Value): Promise<void> {
  if (field.link.kind !== 'own') return;
  const remote = await findConnected(run, field, where);
  field.link.pairs.forEach(({ local }, i) => {
    assign(write, local, remote[i], where.path);
  });
}

/** Where in the arguments a column is written: its own field, or the relation that holds it. */
export function pathOf({ model, nameOf }: ApiModel, field: ColumnField, path: string): string {
  const holder = model.relations.find((r) => r.link.kind === 'own' && r.link.pairs.some((p) => p.local === field));
  const name = nameOf.get(field.name) ?? (holder && nameOf.get(holder.name));
  return name ? `${path}.${name}` : path;
}

/** Fills what a new row still lacks. @throws INVALID_INPUT naming every required field that has no value and no default */
export function fillDefaults(model: ApiModel, write: RowWrite, path: string): void {
  const missing: FieldProblem[] = [];
  for (const field of model.model.columns) {
    if (write.columns.has(field)) continue;
    const filling = fillingOf(field);
    if (filling) write.columns.set(field, filling);
    else if (field.isRequired && !field.default && !field.isList) {
      missing.push({ path: pathOf(model, field, path), message: 'is required' });
    }
  }
  if (missing.length === 0) return;
  const text = missing.map((m) => `${m.path} ${m.message}`).join('; ');
  throw new MillraceError('INVALID_INPUT', text, { fields: missing });
}
