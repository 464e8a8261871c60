import { type Model, modelNamed, type RelationField } from '../model/datamodel.ts';
import { type Compiler, ruleCondition, visible } from '../planner/compiler.ts';
import { all, columnRef, identifier, tableRef } from '../planner/statement.ts';
import { uniqueCondition } from '../planner/unique.ts';
import type { Value } from '../planner/value.ts';
import { compileWhere } from '../planner/where.ts';
import { settle } from './judge.ts';
import { notFound } from './refusals.ts';
import { hasKey, hasOneOf, keyColumns, maxTouched, type RowKey, runStatement, touch, type WriteRun } from './run.ts';

/** A row, and the relation of it that is followed. */
export interface Origin {
  model: Model;
  key: RowKey;
  relation: RelationField;
}

/** Which rows are meant: those that a key names, that a filter finds, or all; of a table, or of those related to a row. */
export interface Sought {
  unique?: Value;
  where?: Value;
  keys?: readonly RowKey[];
  of?: Origin;
  /** Where it stands in the arguments. */
  path: string;
}

/**
 * Locks the visible rows that are sought and holds them to the rule of the action as they are; in the order of their keys, so that
 * two who lock the same do not wait for each other.
 * @throws FORBIDDEN, TOO_LARGE
 */
export async function lockRows(
  run: WriteRun,
  model: Model,
  action: 'update' | 'delete',
  sought: Sought,
): Promise<RowKey[]> {
  const rows = await runStatement(run, (c) => {
    const isAllowed = ruleCondition(c, `${action}:${model.name}`, model, 't');
    const key = keyColumns(model, 't');
    return `select (${isAllowed}) is true, ${key} from ${tableRef(model.table)} t where ${soughtSql(c, model, sought)} order by ${key} limit ${maxTouched + 1} for update of t`;
  });
  touch(run, rows.length, sought.path);
  if (rows.length === 0) return [];
  const allowed = rows.every(([isAllowed]) => isAllowed === true);
  settle(run, { path: sought.path, model: model.name, action, fields: [], allowed });
  return rows.map(([, ...key]) => key as unknown as RowKey);
}

/** The same of the one row that is named. @throws NOT_FOUND, FORBIDDEN */
export async function lockRow(
  run: WriteRun,
  model: Model,
  action: 'update' | 'delete',
  sought: Sought,
): Promise<RowKey> {
  const [key] = await lockRows(run, model, action, sought);
  if (!key) throw notFound(run, model, sought.path);
  return key;
}

/** The keys of the visible rows that are sought, which are changed by nothing of this. */
export async function findRows(run: WriteRun, model: Model, sought: Sought): Promise<RowKey[]> {
  const rows = await runStatement(
    run,
    (c) =>
      `select ${keyColumns(model, 't')} from ${tableRef(model.table)} t where ${soughtSql(c, model, sought)} limit ${maxTouched + 1}`,
  );
  touch(run, rows.length, sought.path);
  return rows as unknown as RowKey[];
}

/**
 * The values of the columns that the relation's key refers to, of the visible row that is named; undefined when there is none. Nobody takes
 * them away meanwhile.
 */
export async function findRemote(
  run: WriteRun,
  relation: RelationField,
  where: Value,
): Promise<readonly unknown[] | undefined> {
  const target = modelNamed(run.datamodel, relation.target);
  touch(run, 1, where.path);
  const rows = await runStatement(run, (c) => {
    const columns = remotesOf(relation).map((remote) => `${columnRef('t', remote)}::text`);
    const condition = soughtSql(c, target, { unique: where, path: where.path });
    return `select ${columns.join(', ')} from ${tableRef(target.table)} t where ${condition} for key share of t`;
  });
  return rows[0];
}

/** The columns at the other end that a relation's key leads to. */
export const remotesOf = ({ link }: RelationField) =>
  link.kind === 'join' ? [link.remote] : link.pairs.map(({ remote }) => remote);

function soughtSql(c: Compiler, model: Model, { unique, where, keys, of }: Sought): string {
  return all([
    visible(c, model, 't', 'client'),
    of ? relatedSql(c, of, model) : 'true',
    keys ? hasOneOf(c, model, 't', keys) : 'true',
    unique ? uniqueCondition(c, model, 't', unique) : 'true',
    where ? compileWhere(c, model, 't', where, 'client') : 'true',
  ]);
}

/**
 * The condition that the row at `t` is related to another one, as far as the viewer may know: a key that is hidden from them leads
 * nowhere.
 */
function relatedSql(c: Compiler, { model, key, relation }: Origin, target: Model): string {
  const { link } = relation;
  const from = (column: string, alias: string) =>
    `(select ${column} from ${tableRef(model.table)} ${alias} where ${hasKey(c, model, alias, key)})`;
  if (link.kind === 'join') {
    const joined = `select ${identifier(link.remoteColumn)} from ${tableRef(link.table)} where ${identifier(link.localColumn)} = ${from(columnRef('p', link.local), 'p')}`;
    return `${columnRef('t', link.remote)} in (${joined})`;
  }
  const isOwn = link.kind === 'own';
  const pairs = link.pairs.map(
    ({ local, remote }) => `${columnRef('t', remote)} = ${from(columnRef('p', local), 'p')}`,
  );
  const readable = link.pairs.map(({ local, remote }) => {
    const condition = isOwn
      ? ruleCondition(c, `read:${model.name}.${local.name}`, model, 'q')
      : ruleCondition(c, `read:${target.name}.${remote.name}`, target, 't');
    return isOwn && condition !== 'true' ? from(condition, 'q') : condition;
  });
  return all([...pairs, ...readable]);
}
