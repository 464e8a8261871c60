import type { Model, RelationField } from '../model/datamodel.ts';
import type { Compiler } from './compiler.ts';
import { all, columnRef, identifier } from './statement.ts';

/** The table of the rows at the other end, named `alias`; with the join table between, for a many-to-many relation. */
export function relatedFrom(c: Compiler, field: RelationField, target: Model, alias: string): string {
  const table = `${c.rowsOf(target.table)} ${alias}`;
  if (field.link.kind !== 'join') return table;
  const { link } = field;
  const join = joinAlias(alias);
  c.statement.register(join, link.table);
  return `${table} join ${c.rowsOf(link.table)} ${join} on ${join}.${identifier(link.remoteColumn)} = ${columnRef(alias, link.remote)}`;
}

/** The condition that the row at `other` belongs to the row at `alias`. */
export function joinCondition(c: Compiler, field: RelationField, alias: string, other: string): string {
  const { link } = field;
  const note = (column: string, otherAlias: string, otherColumn: string) =>
    c.joins.push({ alias, column, other: otherAlias, otherColumn });
  if (link.kind === 'join') note(link.local.column, joinAlias(other), link.localColumn);
  else for (const { local, remote } of link.pairs) note(local.column, other, remote.column);
  if (link.kind === 'join')
    return `${joinAlias(other)}.${identifier(link.localColumn)} = ${columnRef(alias, link.local)}`;
  return all(link.pairs.map(({ local, remote }) => `${columnRef(other, remote)} = ${columnRef(alias, local)}`));
}

const joinAlias = (alias: string): string => `${alias}_j`;
