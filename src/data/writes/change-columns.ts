import type { ApiModel } from '../api/api-model.ts';
import { identifier, tableRef } from '../planner/statement.ts';
import { assignedSql, type RowWrite } from './assignments.ts';
import { inFieldNames } from './create.ts';
import { hasOneOf, keyColumns, type RowKey, runStatement, type WriteRun } from './run.ts';

/** Sets the columns of a write in these rows; yields the keys that they have now, in the order of these. */
export async function changeColumns(
  run: WriteRun,
  model: ApiModel,
  keys: readonly RowKey[],
  write: RowWrite,
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

/** PostgreSQL answers an UPDATE in no order. */
const byKey = (a: RowKey, b: RowKey): number => (a.join('\0') < b.join('\0') ? -1 : 1);
