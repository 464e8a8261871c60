import type { ApiModel } from '../api/api-model.ts';
import { identifier, tableRef } from '../planner/statement.ts';
import type { Value } from '../planner/value.ts';
import { assignedSql, readColumns, refuseUnwritable, writtenNames } from './assignments.ts';
import { inFieldNames } from './create.ts';
import { requireRules } from './judge.ts';
import { markChanged } from './marks.ts';
import { requireFit } from './policy.ts';
import { hasOneOf, keyColumns, type RowKey, runStatement, type WriteRun } from './run.ts';
import { requireVisible } from './visible-keys.ts';

/** Sets the same columns of many rows, which were locked and judged as they were; then they are judged as they are now. */
export async function updateMany(
  run: WriteRun,
  model: ApiModel,
  keys: readonly RowKey[],
  data: Value,
): Promise<RowKey[]> {
  const write = readColumns(model, data);
  refuseUnwritable(run, model, write, data.path);
  if (keys.length === 0) return [];
  for (const key of keys.slice(0, isPartOfKey(model, write.written) ? keys.length : 1))
    await requireVisible(run, model, write, data.path, key);
  const names = writtenNames(write);
  await requireRules(run, model.model, 'update', keys, names, data.path, false);
  markChanged(model, write);
  const changed = await change(run, model, keys, write, data.path);
  await requireRules(run, model.model, 'update', changed, names, data.path);
  for (const key of changed) requireFit(model, write, key, data.path);
  return changed;
}

/** Whether a key of several columns is set in part, so that each row's may lead elsewhere. */
const isPartOfKey = ({ model }: ApiModel, written: ReadonlySet<unknown>): boolean =>
  model.relations.some(
    ({ link }) => link.kind === 'own' && link.pairs.some(({ local }) => written.has(local)) && link.pairs.length > 1,
  );

/** PostgreSQL answers an UPDATE in no order. */
const byKey = (a: RowKey, b: RowKey): number => (a.join('\0') < b.join('\0') ? -1 : 1);

async function change(
  run: WriteRun,
  model: ApiModel,
  keys: readonly RowKey[],
  write: ReturnType<typeof readColumns>,
  path: string,
): Promise<RowKey[]> {
  if (write.columns.size === 0) return [...keys];
  try {
    const rows = await runStatement(run, (c) => {
      const sets = [...write.columns].map(([field, a]) => `${identifier(field.column)} = ${assignedSql(c, field, a)}`);
      return `update ${tableRef(model.model.table)} t set ${sets.join(', ')} where ${hasOneOf(c, model.model, 't', keys)} returning ${keyColumns(model.model, 't')}`;
    });
    return (rows as unknown as RowKey[]).sort(byKey);
  } catch (error) {
    throw inFieldNames(error, model, path);
  }
}
