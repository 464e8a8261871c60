import { invalidInput, MillraceError } from '../../errors.ts';
import type { ApiModel } from '../api/api-model.ts';
import { type ColumnField, type Model, modelNamed, type RelationField } from '../model/datamodel.ts';
import { apiModelOf, ruleCondition, visible } from '../planner/compiler.ts';
import { all, any, columnRef, identifier, tableRef } from '../planner/statement.ts';
import { uniqueCondition } from '../planner/unique.ts';
import { constant, type Value } from '../planner/value.ts';
import type { Action } from '../rules/rule-set.ts';
import type { RowWrite } from './assignments.ts';
import { hasKey, keyColumns, type RowKey, runStatement, type WriteRun } from './run.ts';

/** A row that is not there, and one that the viewer may not see, are the same to them. */
export const notFound = (model: string, path: string): MillraceError =>
  new MillraceError('NOT_FOUND', `there is no such ${model}`, { fields: [{ path, message: 'names no row' }] });

/** Notes for a preview what a rule has said of a row. */
function judge(
  run: WriteRun,
  model: Model,
  action: Action,
  path: string,
  allowed: boolean,
  fields: readonly string[] = [],
): void {
  const judgment = { path, model: nameOf(run, model), action, ...(fields.length > 0 && { fields }), allowed };
  run.context.judged?.push(judgment);
}

const nameOf = (run: WriteRun, model: Model): string => run.api.models.get(model.name)?.name ?? 'row';

/** The values of the columns that a key refers to, of the visible row that `where` names. @throws NOT_FOUND */
export async function findConnected(run: WriteRun, field: RelationField, where: Value): Promise<unknown[]> {
  const target = modelNamed(run.datamodel, field.target);
  const { link } = field;
  const remotes = link.kind === 'join' ? [link.remote] : link.pairs.map((pair) => pair.remote);
  const rows = await runStatement(run, (c) => {
    const columns = remotes.map((remote) => `${columnRef('t', remote)}::text`).join(', ');
    const condition = all([visible(c, target, 't', 'client'), uniqueCondition(c, target, 't', where)]);
    return `select ${columns} from ${tableRef(target.table)} t where ${condition} for key share of t`;
  });
  judge(run, target, 'read', where.path, rows[0] !== undefined);
  if (!rows[0]) throw notFound(nameOf(run, target), where.path);
  return rows[0];
}

/**
 * Foreign keys that were set lead only to rows that the viewer may see; what is not set of a key of several columns is
 * as it is in the row that is there. Without one, keys that were set in part are left for when it is. @throws NOT_FOUND
 */
export async function requireVisible(
  run: WriteRun,
  model: ApiModel,
  write: Pick<RowWrite, 'columns' | 'written'>,
  path: string,
  there: RowKey | undefined,
  relations: readonly RelationField[] = model.model.relations,
): Promise<void> {
  for (const relation of relations) {
    const { link } = relation;
    if (link.kind !== 'own' || !link.pairs.some((pair) => write.written.has(pair.local))) continue;
    const values = link.pairs.map(({ local }) => write.columns.get(local));
    const isWhole = values.every((v) => (v && 'value' in v ? v.value !== null : there));
    if (!isWhole || (there && (await isNullIn(run, model.model, there, unset(link.pairs, write))))) continue;
    const target = modelNamed(run.datamodel, relation.target);
    const rows = await runStatement(run, (c) => {
      const keys = link.pairs.map(({ local, remote }, i) => {
        const value = values[i];
        if (value && 'value' in value) return `${columnRef('t', remote)} = ${c.statement.bind(constant(value.value))}`;
        return `${columnRef('t', remote)} = (select ${columnRef('b', local)} from ${tableRef(model.model.table)} b where ${hasKey(c, model.model, 'b', there!)})`;
      });
      return `select 1 from ${tableRef(target.table)} t where ${all([...keys, visible(c, target, 't', 'client')])}`;
    });
    const first = link.pairs.find(({ local }) => write.written.has(local))!.local.name;
    const at = `${path}.${model.nameOf.get(first) ?? first}`;
    judge(run, target, 'read', at, rows[0] !== undefined);
    if (!rows[0]) throw notFound(nameOf(run, target), at);
  }
}

/** Relations of which the writer of a new row set a part of the key and left the rest to defaults. */
export const leftToDefaults = (model: Model, write: RowWrite): RelationField[] =>
  model.relations.filter(
    ({ link }) =>
      link.kind === 'own' &&
      link.pairs.some(({ local }) => write.written.has(local)) &&
      link.pairs.some(({ local }) => !write.written.has(local)),
  );

type Pairs = readonly { local: ColumnField }[];

const unset = (pairs: Pairs, write: Pick<RowWrite, 'columns'>): ColumnField[] =>
  pairs.map(({ local }) => local).filter((local) => !write.columns.has(local));

/** Whether one of these columns of the row is null: a key with a null in it leads nowhere. */
async function isNullIn(run: WriteRun, model: Model, key: RowKey, columns: readonly ColumnField[]): Promise<boolean> {
  if (!columns.some((column) => !column.isRequired)) return false;
  const [row] = await runStatement(run, (c) => {
    const conditions = columns.map((column) => `${columnRef('t', column)} is null`);
    return `select ${any(conditions)} from ${tableRef(model.table)} t where ${hasKey(c, model, 't', key)}`;
  });
  return row?.[0] === true;
}

/** Rows that one write takes in: each costs statements of its own, all of which one transaction has to hold open. */
const maxConnects = 500;

/**
 * Takes rows in by relations whose key this row does not hold: through their own key, or a join table.
 * @throws INVALID_INPUT when they are too many
 */
export async function connectOthers(run: WriteRun, model: Model, key: RowKey, write: RowWrite): Promise<void> {
  let count = 0;
  for (const { items } of write.connects) {
    count += items.length;
    if (count > maxConnects) throw invalidInput(items[0]!.path, `a write may connect at most ${maxConnects} rows`);
  }
  for (const { field, items } of write.connects) {
    for (const item of items) {
      if (field.link.kind === 'join') await connectJoined(run, model, key, field, item);
      else await connectForeign(run, model, key, field, item);
    }
  }
}

async function connectJoined(
  run: WriteRun,
  model: Model,
  key: RowKey,
  field: RelationField,
  where: Value,
): Promise<void> {
  const [remote] = await findConnected(run, field, where);
  await runStatement(run, (c) => {
    const { link } = field;
    if (link.kind !== 'join') throw new Error(`${field.name} has no join table`);
    const columns = `${identifier(link.localColumn)}, ${identifier(link.remoteColumn)}`;
    // @NOTE through a sub-select, so that PostgreSQL knows the parameter's type.
    const target = modelNamed(run.datamodel, field.target);
    const other = `(select ${columnRef('o', link.remote)} from ${tableRef(target.table)} o where ${columnRef('o', link.remote)} = ${c.statement.bind(constant(remote))})`;
    const source = `select ${columnRef('t', link.local)}, ${other} from ${tableRef(model.table)} t where ${hasKey(c, model, 't', key)}`;
    return `insert into ${tableRef(link.table)} (${columns}) ${source} on conflict do nothing`;
  });
}

/** The other row changes, so its own update rule must let it, as it was and as it is now. */
async function connectForeign(
  run: WriteRun,
  model: Model,
  key: RowKey,
  field: RelationField,
  where: Value,
): Promise<void> {
  const { link } = field;
  if (link.kind !== 'foreign') throw new Error(`${field.name} is held by this row`);
  const target = modelNamed(run.datamodel, field.target);
  const fields = link.pairs.map((pair) => pair.remote);
  const child = await lockRow(run, target, 'update', where);
  const names = fields.map((f) => f.name);
  await requireRule(run, target, 'update', child, names, where.path);
  const [row] = await runStatement(run, (c) => {
    const sets = link.pairs.map(({ local, remote }) => `${identifier(remote.column)} = ${columnRef('p', local)}`);
    const condition = all([hasKey(c, target, 't', child), hasKey(c, model, 'p', key)]);
    return `update ${tableRef(target.table)} t set ${sets.join(', ')} from ${tableRef(model.table)} p where ${condition} returning ${keyColumns(target, 't')}`;
  });
  await requireRule(run, target, 'update', row as RowKey, names, where.path);
  // Other keys of the row may share a column with the one that was set, and lead elsewhere now.
  const others = target.relations.filter((relation) => relation.name !== field.inverse);
  const write = { columns: new Map(), written: new Set(fields) };
  await requireVisible(run, apiModelOf(run, target.name), write, where.path, row as RowKey, others);
}

/** Locks the visible row that `where` names and checks that the rule allows the action on it. @throws NOT_FOUND, FORBIDDEN */
export async function lockRow(run: WriteRun, model: Model, action: 'update' | 'delete', where: Value): Promise<RowKey> {
  const [row] = await runStatement(run, (c) => {
    const isAllowed = ruleCondition(c, `${action}:${model.name}`, model, 't');
    const condition = all([visible(c, model, 't', 'client'), uniqueCondition(c, model, 't', where)]);
    return `select (${isAllowed}) is true, ${keyColumns(model, 't')} from ${tableRef(model.table)} t where ${condition} for update of t`;
  });
  judge(run, model, row ? action : 'read', where.path, row?.[0] === true);
  if (!row) throw notFound(nameOf(run, model), where.path);
  if (row[0] !== true) throw forbidden(where.path);
  return row.slice(1) as RowKey;
}

/** Checks the row as it is now against the rule of the action and of the fields that were written. @throws FORBIDDEN */
export async function requireRule(
  run: WriteRun,
  model: Model,
  action: 'create' | 'update',
  key: RowKey,
  fields: readonly string[],
  path: string,
): Promise<void> {
  const rows = await runStatement(run, (c) => {
    const rules = [
      ruleCondition(c, `${action}:${model.name}`, model, 't'),
      ...fields.map((field) => ruleCondition(c, `write:${model.name}.${field}`, model, 't')),
    ];
    return `select 1 from ${tableRef(model.table)} t where ${all([hasKey(c, model, 't', key), ...rules])}`;
  });
  const names = fields.map((field) => run.api.models.get(model.name)?.nameOf.get(field) ?? field);
  judge(run, model, action, path, rows[0] !== undefined, names);
  if (!rows[0]) throw forbidden(path);
}

const forbidden = (path: string): MillraceError =>
  new MillraceError('FORBIDDEN', 'not allowed', { fields: [{ path, message: 'not allowed' }] });
