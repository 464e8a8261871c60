import type { Model, RelationField } from '../model/datamodel.ts';
import { type Compiler, relatedness, visible, visibleFrom, writeConjunct } from './compiler.ts';
import { relatedFrom } from './relation.ts';
import { all } from './statement.ts';
import type { Value } from './value.ts';
import { compileWhere } from './where.ts';

/** The row whose related rows are meant. */
export interface Parent {
  model: Model;
  relation: RelationField;
  alias: string;
}

/** Rows of a model: those of a table, or those related to one row. */
export interface Source {
  model: Model;
  alias: string;
  /** `from … where …` of all of them that the viewer may see and that the client's filter finds. */
  sql: string;
}

/** The rows that a list or a measure is about. */
export function sourceOf(c: Compiler, model: Model, where: Value, parent: Parent | undefined): Source {
  const alias = c.statement.alias(model.table);
  const from = parent ? relatedFrom(c, parent.relation, model, alias) : `${c.rowsOf(model.table)} ${alias}`;
  const conditions = [
    parent ? relatedness(c, parent.model, parent.relation, parent.alias, alias, 'client') : 'true',
    parent ? visibleFrom(c, parent, parent.relation, model, alias) : visible(c, model, alias, 'client'),
    writeConjunct(c, true, () => compileWhere(c, model, alias, where, 'client')),
  ];
  return { model, alias, sql: `from ${from} where ${all(conditions)}` };
}
