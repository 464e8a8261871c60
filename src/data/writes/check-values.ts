import { type FieldProblem, MillraceError } from '../../errors.ts';
import type { Api, ApiModel } from '../api/api-model.ts';
import type { ColumnField } from '../model/datamodel.ts';
import type { Value } from '../planner/value.ts';
import { pathOf } from './assignments.ts';
import { columnValue, typeProblems } from './column-value.ts';
import { columnsSet, type InputRow, inputRows, operatedColumns, type RowKind } from './input-rows.ts';

/** Whether something else fills this column of a new row where the client leaves it out. */
export type IsFilled = (model: ApiModel, field: ColumnField) => boolean;

/** Problems that are told of one operation. */
const maxProblems = 100;

/**
 * Everything that is wrong with the values of `data`, nested rows included, at most a hundred things. It looks at the input alone:
 * what is in the database, and who may do what, is found by the write itself.
 */
export function checkValues(
  api: Api,
  model: ApiModel,
  data: Value,
  kind: RowKind,
  isFilled: IsFilled = () => false,
): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const row of inputRows(api, model, data, kind)) {
    for (const problem of rowProblems(row, isFilled)) {
      problems.push(problem);
      if (problems.length === maxProblems) return problems;
    }
  }
  return problems;
}

/** @throws INVALID_INPUT with all of the problems, where there are any */
export function refuseProblems(problems: readonly FieldProblem[]): void {
  if (problems.length === 0) return;
  const shown = problems.slice(0, 3).map(({ path, message }) => (path ? `${path}: ${message}` : message));
  const rest = problems.length - shown.length;
  const text = shown.join('; ') + (rest > 0 ? `; and ${rest} more` : '');
  throw new MillraceError('INVALID_INPUT', text, { fields: [...problems] });
}

function* rowProblems(row: InputRow, isFilled: IsFilled): Generator<FieldProblem> {
  const { model, data } = row;
  for (const name of data.keys()) {
    const field = model.fields.get(name);
    const value = data.get(name);
    if (field?.kind === 'column') {
      const read = columnValue(model, field, value);
      if ('problems' in read) yield* read.problems;
    } else if (field) {
      if (value.now === null) yield { path: value.path, message: 'must not be null; leave it out' };
    } else {
      // By type only: no schema of the whole value knows what comes of it.
      for (const [column, by] of operatedColumns(model, value)) yield* typeProblems(column, by);
    }
  }
  if (row.kind === 'create') yield* missingFields(row, isFilled);
}

/** Required columns that nothing fills: neither the client nor a default nor the row around. */
function missingFields({ model, data, taken }: InputRow, isFilled: IsFilled): FieldProblem[] {
  const given = new Set([...taken, ...columnsSet(model, data)]);
  return model.model.columns
    .filter((f) => f.isRequired && !f.isList && !f.default && !f.isUpdatedAt && !given.has(f) && !isFilled(model, f))
    .map((f) => ({ path: pathOf(model, f, data.path), message: 'is required' }));
}
