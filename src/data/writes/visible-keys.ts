import type { ApiModel } from '../api/api-model.ts';
import { type ColumnField, type Model, modelNamed, type RelationField } from '../model/datamodel.ts';
import { visible } from '../planner/compiler.ts';
import { all, any, columnRef, tableRef } from '../planner/statement.ts';
import { constant } from '../planner/value.ts';
import type { RowWrite } from './assignments.ts';
import { notFound } from './refusals.ts';
import { hasKey, type RowKey, runStatement, type WriteRun } from './run.ts';

/** Foreign keys that a write sets. */
type Keys = Pick<RowWrite, 'columns' | 'written'>;

/**
 * Foreign keys that were set lead only to rows that the viewer may see; what is not set of a key of several columns is
 * as it is in the row that is there. Without one, keys that were set in part are left for when it is. @throws NOT_FOUND
 */
export async function requireVisible(
  run: WriteRun,
  model: ApiModel,
  write: Keys,
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
    if (!rows[0]) throw notFound(run, target, `${path}.${model.nameOf.get(first) ?? first}`);
  }
}

/** Relations whose rows the viewer has not been seen to see yet. */
export const unreached = ({ model }: ApiModel, { reached }: RowWrite): RelationField[] =>
  model.relations.filter(({ name }) => !reached.has(name));

/** Relations of which the writer of a new row set a part of the key and left the rest to defaults. */
export const leftToDefaults = (model: Model, write: Keys): RelationField[] =>
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
