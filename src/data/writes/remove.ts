import type { Model } from '../model/datamodel.ts';
import { tableRef } from '../planner/statement.ts';
import { hasOneOf, type RowKey, runStatement, type WriteRun } from './run.ts';

/** Deletes rows that were locked and judged; what depends on them goes, stays or keeps them, as the schema's `onDelete` says. */
export async function deleteRows(run: WriteRun, model: Model, keys: readonly RowKey[]): Promise<void> {
  if (keys.length === 0) return;
  await runStatement(run, (c) => `delete from ${tableRef(model.table)} t where ${hasOneOf(c, model, 't', keys)}`);
}
