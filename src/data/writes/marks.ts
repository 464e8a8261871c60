import type { ApiModel } from '../api/api-model.ts';
import type { ColumnField } from '../model/datamodel.ts';
import { columnRef, identifier } from '../planner/statement.ts';
import type { RowWrite } from './assignments.ts';

/** What every change of a row sets besides what is asked: when it was, and how often. The row is at the alias `t`. */
function marksOf({ model, policy, version }: ApiModel): [ColumnField, string][] {
  const isCounted = (field: ColumnField) => field === version || policy?.counted.has(field.name);
  return model.columns.flatMap((field): [ColumnField, string][] => {
    if (field.isUpdatedAt) return [[field, 'now()']];
    return isCounted(field) ? [[field, `${columnRef('t', field)} + 1`]] : [];
  });
}

/** Adds the marks of a change to what it sets; an instant that the client has set stays. */
export function markChanged(model: ApiModel, write: RowWrite): void {
  for (const [field, sql] of marksOf(model)) if (!write.columns.has(field)) write.columns.set(field, { sql });
}

/** The same as parts of an UPDATE's `set`, of columns other than these. */
export const changeMarks = (model: ApiModel, others: readonly ColumnField[] = []): string[] =>
  marksOf(model)
    .filter(([field]) => !others.includes(field))
    .map(([field, sql]) => `${identifier(field.column)} = ${sql}`);
