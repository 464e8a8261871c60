import type { FieldNode } from 'graphql';
import type { Model } from '../model/datamodel.ts';
import { apiModelOf } from './compiler.ts';
import { Measured, measureField } from './measured.ts';
import { objectSql, objectType, type SelectionCompiler } from './row.ts';
import { collectFields, setsOf } from './selection.ts';
import { type Parent, sourceOf } from './source.ts';
import { identifier, literal } from './statement.ts';
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
  const columns = [...collectFields(c.at, type, setsOf(nodes))].map(([key, same]) => {
    const name = same[0]!.name.value;
    const sql = name === '__typename' ? `${literal(type.name)}::text` : measureField(c, measured, name, same);
    return `${sql} as ${identifier(key)}`;
  });
  return columns.length > 0 ? objectSql(columns.join(', '), measured.fromSql()) : "'{}'::json";
}
