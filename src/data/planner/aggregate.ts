import type { FieldNode } from 'graphql';
import type { Model } from '../model/datamodel.ts';
import { apiModelOf } from './compiler.ts';
import { Measured, measureField } from './measured.ts';
import { emptyObject, objectSql, objectType, type SelectionCompiler, selectedColumns } from './row.ts';
import { type Parent, sourceOf } from './source.ts';
import type { Value } from './value.ts';

/** A scalar sub-select that yields what is measured over all rows of a model, or all that are related to one row. */
export function aggregateSql(
  c: SelectionCompiler,
  model: Model,
  args: Value,
  nodes: readonly FieldNode[],
  parent?: Parent,
): string {
  const type = objectType(c, c.api.typeName(`${apiModelOf(c, model.name).name}Aggregate`));
  const measured = new Measured(c, sourceOf(c, model, args.get('where'), parent));
  const columns = selectedColumns(c, type, nodes, (name, same) => measureField(c, measured, name, same));
  return columns.length > 0 ? objectSql(columns.join(', '), measured.fromSql()) : emptyObject;
}
