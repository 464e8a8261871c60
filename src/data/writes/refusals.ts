import { MillraceError } from '../../errors.ts';
import type { Model } from '../model/datamodel.ts';
import type { WriteRun } from './run.ts';

/** A row that is not there, and one that the viewer may not see, are the same to them. */
export const notFound = (run: Pick<WriteRun, 'api'>, model: Model, path: string): MillraceError =>
  new MillraceError('NOT_FOUND', `there is no such ${run.api.models.get(model.name)?.name ?? 'row'}`, {
    fields: [{ path, message: 'names no row' }],
  });

/** A row that the viewer sees, and may not do this with. */
export const forbidden = (path: string): MillraceError =>
  new MillraceError('FORBIDDEN', 'not allowed', { fields: [{ path, message: 'not allowed' }] });

/** The row that a statement has answered of. What is written around it may have deleted it meanwhile. @throws FORBIDDEN */
export function stillThere<Row>(rows: readonly Row[], path: string): Row {
  const [row] = rows;
  if (!row) throw forbidden(path);
  return row;
}
