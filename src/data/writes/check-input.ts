import { type FieldProblem, MillraceError } from '../../errors.ts';
import type { ApiModel } from '../api/api-model.ts';
import type { Value } from '../planner/value.ts';
import { byRule, pathOf } from './assignments.ts';
import { checkValues, refuseProblems } from './check-values.ts';
import { columnsSet, type InputRow, inputRows, type RowKind } from './input-rows.ts';
import type { WriteRun } from './run.ts';

/** On whose behalf an input is looked at. */
type Asked = Pick<WriteRun, 'api' | 'context'>;

/**
 * Refuses what can be refused by looking at the input alone, nested rows included, before any statement is run.
 * @throws FORBIDDEN naming the fields that the viewer never sets; INVALID_INPUT naming every value that is wrong
 */
export function checkInput(
  asked: Asked,
  model: ApiModel,
  parts: readonly (readonly [data: Value, kind: RowKind])[],
): void {
  const rows = parts.flatMap(([data, kind]) => [...inputRows(asked.api, model, data, kind)]);
  // First: what may not be set needs no advice on how.
  refuseUnwritable(asked, rows);
  const { viewer } = asked.context;
  const isFilled = (of: ApiModel, field: Parameters<typeof byRule>[2]) =>
    Object.hasOwn(of.policy?.fill(viewer) ?? {}, field.name) || byRule(asked, of, field) !== undefined;
  refuseProblems(checkValues(rows, isFilled));
}

function refuseUnwritable({ context }: Asked, rows: readonly InputRow[]): void {
  const fields: FieldProblem[] = [];
  for (const { model, data } of rows) {
    for (const field of columnsSet(model, data)) {
      if (context.verdicts.of(`write:${model.model.name}.${field.name}`) !== false) continue;
      fields.push({ path: pathOf(model, field, data.path), message: 'may not be set' });
    }
    if (fields.length >= maxFields) break;
  }
  if (fields.length === 0) return;
  const named = fields.slice(0, 3).map(({ path }) => path);
  const rest = fields.length - named.length;
  const text = `not allowed to set ${named.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
  throw new MillraceError('FORBIDDEN', text, { fields });
}

/** Fields that one refusal names, and those of the row in which it gets that far. */
const maxFields = 100;
