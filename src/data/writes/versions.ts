import { MillraceError } from '../../errors.ts';
import type { ApiModel } from '../api/api-model.ts';
import type { ColumnField } from '../model/datamodel.ts';
import { column } from '../planner/compiler.ts';
import { encoderOf } from '../planner/encode.ts';
import { outputSql } from '../planner/output.ts';
import { columnRef, tableRef } from '../planner/statement.ts';
import type { Value } from '../planner/value.ts';
import { hasKey, type RowKey, runStatement, type WriteRun } from './run.ts';

/** The instant at which a row was last changed, where the model has one that is in the API. */
export const changedAt = ({ model, nameOf }: ApiModel): ColumnField | undefined =>
  model.columns.find((field) => field.isUpdatedAt && nameOf.has(field.name));

/**
 * Holds a locked row to what the client has seen of it: its version (`ifVersion`), or that it has not been changed since (`ifUnchangedSince`,
 * to the millisecond, which is all that a JavaScript client keeps; compare RFC 9110, section 13.1.4).
 * @throws CONFLICT with what is current, as far as the viewer may read it
 */
export async function requireCurrent(run: WriteRun, model: ApiModel, key: RowKey, args: Value): Promise<void> {
  const { version } = model;
  const instant = changedAt(model);
  const asked: [ColumnField, Value, (field: string, value: string) => string][] = [];
  const [ifVersion, ifUnchangedSince] = [args.get('ifVersion'), args.get('ifUnchangedSince')];
  if (version && isGiven(ifVersion)) asked.push([version, ifVersion, (field, value) => `${field} = ${value}`]);
  if (instant && isGiven(ifUnchangedSince))
    asked.push([instant, ifUnchangedSince, (field, value) => `date_trunc('milliseconds', ${field}) <= ${value}`]);
  if (asked.length === 0) return;
  const [row] = await runStatement(run, (c) => {
    const holds = asked.map(
      ([field, value, compare]) =>
        `(${compare(columnRef('t', field), c.statement.bind(value, encoderOf(field)))}) is true`,
    );
    const current = asked.map(
      ([field]) => `to_json(${outputSql(field, column(c, model.model, 't', field, 'client'))})::text`,
    );
    return `select ${[...holds, ...current].join(', ')} from ${tableRef(model.model.table)} t where ${hasKey(c, model.model, 't', key)}`;
  });
  if (asked.every((_, i) => row![i] === true)) return;
  const current = Object.fromEntries(
    asked.flatMap(([field], i) => {
      const text = row![asked.length + i] as string | null;
      return text === null ? [] : [[model.nameOf.get(field.name)!, JSON.parse(text) as unknown]];
    }),
  );
  const fields = asked.map(([, { path }]) => ({ path, message: 'is not current' }));
  throw new MillraceError('CONFLICT', 'the row has been changed meanwhile', { fields, current });
}

const isGiven = ({ now }: Value): boolean => now !== undefined && now !== null;
