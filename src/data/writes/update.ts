import type { ApiModel } from '../api/api-model.ts';
import type { Value } from '../planner/value.ts';
import { readColumns, refuseUnwritable, writtenNames } from './assignments.ts';
import { changeColumns } from './change-columns.ts';
import { requireRules } from './judge.ts';
import { markChanged } from './marks.ts';
import { writeOtherRelations } from './other-relations.ts';
import { writeOwnRelations } from './own-relations.ts';
import { requireFit } from './policy.ts';
import { stillThere } from './refusals.ts';
import type { RowKey, WriteRun } from './run.ts';
import { requireVisible, unreached } from './visible-keys.ts';

/** Changes a row that was locked and judged as it was, and all that `data` says below it; then it is judged as it is now. */
export async function updateRow(run: WriteRun, model: ApiModel, before: RowKey, data: Value): Promise<RowKey> {
  const write = readColumns(model, data);
  refuseUnwritable(run, model, write, data.path);
  const later = await writeOwnRelations(run, model, write, data, before);
  refuseUnwritable(run, model, write, data.path);
  await requireVisible(run, model, write, data.path, before, unreached(model, write));
  const names = writtenNames(write);
  await requireRules(run, model.model, 'update', [before], names, data.path, false);
  markChanged(model, write);
  const key = stillThere(await changeColumns(run, model, [before], write, data.path), data.path);
  for (const finish of later) await finish();
  await writeOtherRelations(run, model, key, data);
  await requireRules(run, model.model, 'update', [key], names, data.path);
  requireFit(model, write, key, data.path);
  return key;
}
