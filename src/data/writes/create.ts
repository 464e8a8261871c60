import { invalidInput, MillraceError } from '../../errors.ts';
import { DatabaseError } from '../../platform/db-errors.ts';
import type { ApiModel } from '../api/api-model.ts';
import { type ColumnField, modelNamed } from '../model/datamodel.ts';
import { identifier, tableRef } from '../planner/statement.ts';
import type { Value } from '../planner/value.ts';
import {
  assign,
  assignedSql,
  fillDefaults,
  pathOf,
  type RowWrite,
  readColumns,
  refuseUnwritable,
  writtenNames,
} from './assignments.ts';
import { requireRules, settle } from './judge.ts';
import { writeOtherRelations } from './other-relations.ts';
import { writeOwnRelations } from './own-relations.ts';
import { fillByPolicy, renameByPolicy, requireFit } from './policy.ts';
import { notFound } from './refusals.ts';
import { type Around, keyColumns, type NewRow, type RowKey, runStatement, touch, type WriteRun } from './run.ts';
import { leftToDefaults, requireVisible, unreached } from './visible-keys.ts';

/** A row that is ready to be made. */
interface Prepared extends NewRow {
  write: RowWrite;
  /** Relations whose key is made of defaults in part, and seen only when the row is there. */
  unchecked: ReturnType<typeof leftToDefaults>;
}

/**
 * Makes rows together: first what each one's own keys lead to, then the rows, then what belongs to each; then all are held to the rules.
 * @param skipsDuplicates leaves out whose key or name another row has; what lies below it is left out too
 */
export async function createRows(
  run: WriteRun,
  model: ApiModel,
  items: readonly NewRow[],
  skipsDuplicates = false,
): Promise<RowKey[]> {
  if (items.length === 0) return [];
  touch(run, items.length, items[0]!.data.path);
  // @NOTE before a row is tried: that a value is taken is told to nobody who may make none at all.
  if (run.context.verdicts.of(`create:${model.model.name}`) === false)
    settle(run, { path: items[0]!.data.path, model: model.model, action: 'create', allowed: false });
  const prepared: Prepared[] = [];
  for (const item of items) prepared.push(await prepare(run, model, item));
  const made: { row: Prepared; key: RowKey }[] = [];
  for (const alike of alikeIn(model, prepared, skipsDuplicates)) {
    const keys = await insertAlike(run, model, alike, skipsDuplicates);
    made.push(...keys.map((key, i) => ({ row: alike[i]!, key })));
  }
  made.sort((a, b) => prepared.indexOf(a.row) - prepared.indexOf(b.row));
  for (const { row, key } of made) {
    await requireVisible(run, model, row.write, row.data.path, key, row.unchecked);
    await writeOtherRelations(run, model, key, row.data);
  }
  for (const together of judgedTogether(made)) {
    const [{ row }] = together as [(typeof made)[number]];
    const keys = together.map(({ key }) => key);
    const paths = together.map(({ row: { data } }) => data.path);
    await requireRules(run, model.model, 'create', keys, writtenNames(row.write), paths);
  }
  for (const { row, key } of made) requireFit(model, row.write, key, row.data.path);
  return made.map(({ key }) => key);
}

async function prepare(run: WriteRun, model: ApiModel, item: NewRow): Promise<Prepared> {
  const { data, around } = item;
  if (around) refuseAround(model, data, around);
  const write = readColumns(model, data);
  for (const [field, value] of around?.columns ?? []) assign(write, field, value, data.path);
  if (around) write.reached.add(around.relation);
  // @NOTE before anything is asked of the database: what may not be set at all needs no look at any row.
  refuseUnwritable(run, model, write, data.path);
  await writeOwnRelations(run, model, write, data);
  refuseUnwritable(run, model, write, data.path);
  await requireVisible(run, model, write, data.path, undefined, unreached(model, write));
  const unchecked = leftToDefaults(model.model, write);
  fillByPolicy(model, write, run.context.viewer);
  fillDefaults(run, model, write, data.path);
  return { ...item, write, unchecked };
}

/** What the write around it sets cannot be set otherwise. @throws INVALID_INPUT */
function refuseAround(model: ApiModel, data: Value, { relation, columns }: Around): void {
  const names = [relation, ...[...columns.keys()].map(({ name }) => name)].map((name) => model.nameOf.get(name));
  for (const name of names) {
    const value = name === undefined ? undefined : data.get(name);
    if (value && value.now !== undefined) throw invalidInput(value.path, 'is set by the write around it');
  }
}

/**
 * Rows of which the same columns are set, by whom ever, stand in one statement.
 * @NOTE where some may be left out nobody can tell which ones were: then all are alike, or each stands alone.
 */
function alikeIn(model: ApiModel, rows: readonly Prepared[], skipsDuplicates: boolean): Prepared[][] {
  const groups = grouped(rows, ({ write }) => [
    [...write.columns.keys()].map(({ name }) => name).sort(),
    writtenNames(write).sort(),
  ]);
  const isEachAlone =
    rows.some(({ write }) => write.columns.size === 0) ||
    (skipsDuplicates && (groups.length > 1 || rows.some((row) => hasMore(model, row))));
  return isEachAlone ? rows.map((row) => [row]) : groups;
}

const hasMore = ({ fields, policy }: ApiModel, { data, unchecked }: Prepared): boolean =>
  policy !== undefined || unchecked.length > 0 || data.keys().some((name) => fields.get(name)?.kind === 'relation');

/** Rows of which the same fields are set are judged by one statement. */
const judgedTogether = <Row extends { row: Prepared }>(rows: readonly Row[]): Row[][] =>
  grouped(rows, ({ row }) => writtenNames(row.write).sort());

/** Rows by what they have in common, in their order. */
function grouped<Row>(rows: readonly Row[], commonOf: (row: Row) => unknown): Row[][] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = JSON.stringify(commonOf(row));
    const known = groups.get(key);
    if (known) known.push(row);
    else groups.set(key, [row]);
  }
  return [...groups.values()];
}

async function insertAlike(
  run: WriteRun,
  model: ApiModel,
  rows: readonly Prepared[],
  skipsDuplicates: boolean,
): Promise<RowKey[]> {
  const insert = (inside: WriteRun) => insertRows(inside, model, rows, skipsDuplicates);
  try {
    return await (model.policy ? orUnderAnotherName(run, model, rows, insert) : insert(run));
  } catch (error) {
    throw explained(run, error, model, rows);
  }
}

async function insertRows(
  run: WriteRun,
  model: ApiModel,
  rows: readonly Prepared[],
  skipsDuplicates: boolean,
): Promise<RowKey[]> {
  const keys = await runStatement(run, (c) => {
    const fields = [...rows[0]!.write.columns.keys()];
    const names = fields.map((field) => identifier(field.column)).join(', ');
    const tuples = rows.map(
      ({ write }) => `(${fields.map((field) => assignedSql(c, field, write.columns.get(field)!)).join(', ')})`,
    );
    const body = fields.length > 0 ? `(${names}) values ${tuples.join(', ')}` : 'default values';
    const conflict = skipsDuplicates ? ' on conflict do nothing' : '';
    return `insert into ${tableRef(model.model.table)} as t ${body}${conflict} returning ${keyColumns(model.model, 't')}`;
  });
  // A trigger may leave a row out without a word, and nothing says which of several it was.
  if (!skipsDuplicates && keys.length !== rows.length)
    throw invalidInput(rows.length === 1 ? rows[0]!.data.path : listOf(rows[0]!), leftOut);
  return keys as unknown as RowKey[];
}

const leftOut = 'the database does not accept this';

/**
 * That a name is taken is told to those who might have made the row under another one, which is tried.
 * @throws FORBIDDEN to others
 */
async function orUnderAnotherName(
  run: WriteRun,
  model: ApiModel,
  rows: readonly Prepared[],
  insert: (run: WriteRun) => Promise<RowKey[]>,
): Promise<RowKey[]> {
  try {
    return await run.tx.transaction((tx) => insert({ ...run, tx }));
  } catch (error) {
    if (!(error instanceof DatabaseError && error.violation?.kind === 'unique')) throw error;
    for (const { write } of rows) renameByPolicy(model, write);
    const keys = await insert(run);
    for (const [i, { write, data }] of rows.entries()) {
      await writeOtherRelations(run, model, keys[i]!, data);
      await requireRules(run, model.model, 'create', [keys[i]!], writtenNames(write), data.path);
    }
    throw error;
  }
}

/** An error of the database in the words of what was asked. */
function explained(run: WriteRun, error: unknown, model: ApiModel, rows: readonly Prepared[]): unknown {
  const row = rows.length === 1 ? rows[0]! : rowAtFault(error, model, rows);
  if (row) return leadingNowhere(run, error, model, row.data) ?? inFieldNames(error, model, row.data.path);
  if (!(error instanceof DatabaseError) || error.details.fields) return error;
  // It was one of several, and nobody can say which.
  const fields = [{ path: listOf(rows[0]!), message: error.message }];
  return new MillraceError(error.code, error.message, { ...error.details, fields }, { cause: error });
}

const listOf = ({ data }: Prepared): string => data.path.replace(/\.\d+$/, '');

/** The one of these rows whose values another row has; of two that have them both, the later one. */
function rowAtFault(error: unknown, { model }: ApiModel, rows: readonly Prepared[]): Prepared | undefined {
  const violation = error instanceof DatabaseError ? error.violation : undefined;
  if (violation?.kind !== 'unique' || violation.table !== model.table.name) return undefined;
  const fields = violation.columns.map((column) => model.columns.find((field) => field.column === column));
  return rows.findLast(({ write }) => {
    const set = fields.map((field) => field && write.columns.get(field));
    return set.map((a) => (a && 'value' in a ? String(a.value) : '')).join(', ') === violation.values;
  });
}

/**
 * A key of a new row that leads nowhere is told as one that leads to a hidden row. Only one that is partly made of defaults
 * gets as far as the database.
 */
function leadingNowhere(run: WriteRun, error: unknown, { model, nameOf }: ApiModel, data: Value): unknown {
  const violation = error instanceof DatabaseError ? error.violation : undefined;
  if (violation?.kind !== 'reference' || violation.table !== model.table.name) return undefined;
  for (const { link, target } of model.relations) {
    if (link.kind !== 'own' || link.pairs.some(({ local }) => !violation.columns.includes(local.column))) continue;
    const set = link.pairs.find(({ local }) => data.get(nameOf.get(local.name) ?? '').now !== undefined);
    const name = set && nameOf.get(set.local.name);
    return notFound(run, modelNamed(run.datamodel, target), name ? `${data.path}.${name}` : data.path);
  }
  return undefined;
}

/** Says which fields a violated constraint is about, where they are this model's. */
export function inFieldNames(error: unknown, model: ApiModel, path: string): unknown {
  if (!(error instanceof DatabaseError) || error.details.fields) return error;
  const columns = error.violation?.table === model.model.table.name ? error.violation.columns : [];
  const fields = columns.flatMap((column) => {
    const field: ColumnField | undefined = model.model.columns.find((f) => f.column === column);
    return field ? [{ path: pathOf(model, field, path), message: error.message }] : [];
  });
  if (fields.length === 0 && error.code === 'INVALID_INPUT') fields.push({ path, message: error.message });
  return fields.length > 0 ? new MillraceError(error.code, error.message, { fields }, { cause: error }) : error;
}
