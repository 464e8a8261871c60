import { type FieldProblem, MillraceError } from '../../errors.ts';
import type { ApiModel } from '../api/api-model.ts';
import type { Value } from '../planner/value.ts';
import { pathOf } from './assignments.ts';
import { checkValues, refuseProblems } from './check-values.ts';
import { columnsSet, inputRows, type RowKind } from './input-rows.ts';
import type { WriteRun } from './run.ts';

/**
 * Refuses what can be refused by looking at an input alone, nested rows included, before any statement is run.
 * @throws FORBIDDEN naming the fields that the viewer never sets; INVALID_INPUT naming every value that is wrong
 */
export function checkInput(run: Pick<WriteRun, 'api' | 'context'>, model: ApiModel, data: Value, kind: RowKind): void {
  // First: what may not be set needs no advice on how.
  refuseUnwritable(run, model, data, kind);
  const { viewer } = run.context;
  refuseProblems(
    checkValues(run.api, model, data, kind, ({ policy }, field) =>
      Object.hasOwn(policy?.fill(viewer) ?? {}, field.name),
    ),
  );
}

/** A value the viewer may not set is refused, not ignored; rules that depend on the row are checked on the row. */
function refuseUnwritable(
  { api, context }: Pick<WriteRun, 'api' | 'context'>,
  model: ApiModel,
  data: Value,
  kind: RowKind,
): void {
  const fields: FieldProblem[] = [];
  for (const row of inputRows(api, model, data, kind)) {
    for (const field of columnsSet(row.model, row.data)) {
      if (context.verdicts.of(`write:${row.model.model.name}.${field.name}`) === false)
        fields.push({ path: pathOf(row.model, field, row.data.path), message: 'may not be set' });
    }
  }
  if (fields.length === 0) return;
  throw new MillraceError('FORBIDDEN', `not allowed to set ${fields.map((f) => f.path).join(', ')}`, { fields });
}
