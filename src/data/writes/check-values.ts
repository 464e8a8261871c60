import { type FieldProblem, MillraceError } from '../../errors.ts';
import type { ApiModel } from '../api/api-model.ts';
import type { ColumnField } from '../model/datamodel.ts';
import { pathOf } from './assignments.ts';
import { type ColumnValue, columnValue, operandValue } from './column-value.ts';
import { changesIn, columnsSet, type InputRow, keyAround } from './input-rows.ts';

/** Whether something else fills this column of a new row where the client leaves it out. */
export type IsFilled = (model: ApiModel, field: ColumnField) => boolean;

/** Problems that are told of one operation. */
const maxProblems = 100;

/**
 * Everything that is wrong with the values of an input, nested rows included, at most a hundred things. It looks at the input alone: what
 * is in the database, and who may do what, is found by the write itself.
 */
export function checkValues(rows: Iterable<InputRow>, isFilled: IsFilled = () => false): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const row of rows) {
    for (const problem of rowProblems(row, isFilled)) {
      problems.push(problem);
      if (problems.length === maxProblems) return problems;
    }
  }
  return problems;
}

/** Refuses an input for its problems, where there are any. @throws INVALID_INPUT with all of them */
export function refuseProblems(problems: readonly FieldProblem[]): void {
  if (problems.length === 0) return;
  const shown = problems.slice(0, 3).map(({ path, message }) => (path ? `${path}: ${message}` : message));
  const rest = problems.length - shown.length;
  const text = shown.join('; ') + (rest > 0 ? `; and ${rest} more` : '');
  throw new MillraceError('INVALID_INPUT', text, { fields: [...problems] });
}

function* rowProblems(row: InputRow, isFilled: IsFilled): Generator<FieldProblem> {
  const { model, data, around } = row;
  const key = new Set(keyAround(around));
  for (const name of data.keys()) {
    const field = model.fields.get(name);
    const value = data.get(name);
    const isTaken = field?.kind === 'column' ? key.has(field) : around && field?.name === around.inverse;
    if (isTaken) yield { path: value.path, message: 'is set by the write around it' };
    else if (field?.kind === 'column') yield* problemsIn(columnValue(model, field, value));
    else if (field && value.now === null) yield { path: value.path, message: 'must not be null; leave it out' };
    for (const { column, change, by } of changesIn(model, name, value))
      yield* problemsIn(operandValue(column, change, by));
  }
  if (row.kind === 'create') yield* missingFields(row, isFilled);
}

const problemsIn = (read: ColumnValue): FieldProblem[] => ('problems' in read ? read.problems : []);

/** Required columns that nothing fills: neither the client nor a default nor the row around. */
function missingFields({ model, data, around }: InputRow, isFilled: IsFilled): FieldProblem[] {
  const given = new Set([...keyAround(around), ...columnsSet(model, data)]);
  return model.model.columns
    .filter((f) => f.isRequired && !f.isList && !f.default && !f.isUpdatedAt && !given.has(f) && !isFilled(model, f))
    .map((f) => ({ path: pathOf(model, f, data.path), message: 'is required' }));
}
