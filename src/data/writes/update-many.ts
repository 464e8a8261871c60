import type { ApiModel } from '../api/api-model.ts';
import type { Value } from '../planner/value.ts';
import { readColumns, refuseUnwritable, writtenNames } from './assignments.ts';
import { changeColumns } from './change-columns.ts';
import { requireRules } from './judge.ts';
import { markChanged } from './marks.ts';
import { requireFit } from './policy.ts';
import type { RowKey, WriteRun } from './run.ts';
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
  const changed = await changeColumns(run, model, keys, write, data.path);
  await requireRules(run, model.model, 'update', changed, names, data.path);
  for (const key of changed) requireFit(model, write, key, data.path);
  return changed;
}

/** Whether a key of several columns is set in part, so that each row's may lead elsewhere. */
const isPartOfKey = ({ model }: ApiModel, written: ReadonlySet<unknown>): boolean =>
  model.relations.some(
    ({ link }) => link.kind === 'own' && link.pairs.some(({ local }) => written.has(local)) && link.pairs.length > 1,
  );
