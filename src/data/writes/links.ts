import { invalidInput } from '../../errors.ts';
import { type Model, modelNamed, type RelationField, relationNamed } from '../model/datamodel.ts';
import { apiModelOf } from '../planner/compiler.ts';
import { all, columnRef, identifier, tableRef } from '../planner/statement.ts';
import { constant } from '../planner/value.ts';
import type { Origin } from './find-rows.ts';
import { requireRules } from './judge.ts';
import { changeMarks } from './marks.ts';
import { stillThere } from './refusals.ts';
import { hasKey, hasOneOf, keyColumns, type RowKey, runStatement, type WriteRun } from './run.ts';
import { requireVisible } from './visible-keys.ts';

/** What the other rows hold of this one as their key. */
export async function localValues(
  run: WriteRun,
  model: Model,
  { link }: RelationField,
  key: RowKey,
  path: string,
): Promise<readonly unknown[]> {
  const locals = link.kind === 'join' ? [link.local] : link.pairs.map(({ local }) => local);
  const rows = await runStatement(run, (c) => {
    const columns = locals.map((local) => `${columnRef('t', local)}::text`);
    return `select ${columns.join(', ')} from ${tableRef(model.table)} t where ${hasKey(c, model, 't', key)}`;
  });
  return stillThere(rows, path);
}

/** Takes a row in by the join table; one that is there already stays. @param remote its value in the join table */
export async function linkJoined(run: WriteRun, origin: Origin, target: Model, remote: unknown): Promise<void> {
  const { model, key, relation } = origin;
  await runStatement(run, (c) => {
    const { link } = relation;
    if (link.kind !== 'join') throw new Error(`${relation.name} has no join table`);
    const columns = `${identifier(link.localColumn)}, ${identifier(link.remoteColumn)}`;
    // @NOTE through a sub-select, so that PostgreSQL knows the parameter's type.
    const other = `(select ${columnRef('o', link.remote)} from ${tableRef(target.table)} o where ${columnRef('o', link.remote)} = ${c.statement.bind(constant(remote))})`;
    const source = `select ${columnRef('t', link.local)}, ${other} from ${tableRef(model.table)} t where ${hasKey(c, model, 't', key)}`;
    return `insert into ${tableRef(link.table)} (${columns}) ${source} on conflict do nothing`;
  });
}

/** Lets go of rows by the join table. */
export async function unlinkJoined(
  run: WriteRun,
  { model, key, relation }: Origin,
  target: Model,
  keys: readonly RowKey[],
): Promise<void> {
  const { link } = relation;
  if (link.kind !== 'join' || keys.length === 0) return;
  await runStatement(run, (c) => {
    const local = `(select ${columnRef('p', link.local)} from ${tableRef(model.table)} p where ${hasKey(c, model, 'p', key)})`;
    const remote = `(select ${columnRef('t', link.remote)} from ${tableRef(target.table)} t where ${hasOneOf(c, target, 't', keys)})`;
    return `delete from ${tableRef(link.table)} j where j.${identifier(link.localColumn)} = ${local} and j.${identifier(link.remoteColumn)} in ${remote}`;
  });
}

/** The other row comes to belong to this one. It is changed by that, and was locked and judged for it; so it is as it is now. */
export async function linkForeign(
  run: WriteRun,
  { model, key, relation }: Origin,
  target: Model,
  child: RowKey,
  path: string,
): Promise<void> {
  const { link } = relation;
  if (link.kind !== 'foreign') throw new Error(`${relation.name} is held by this row`);
  const fields = link.pairs.map((pair) => pair.remote);
  const names = fields.map((f) => f.name);
  await requireRules(run, target, 'update', [child], names, path, false);
  const rows = await runStatement(run, (c) => {
    const sets = link.pairs.map(({ local, remote }) => `${identifier(remote.column)} = ${columnRef('p', local)}`);
    sets.push(...changeMarks(apiModelOf(run, target.name), fields));
    const condition = all([hasKey(c, target, 't', child), hasKey(c, model, 'p', key)]);
    return `update ${tableRef(target.table)} t set ${sets.join(', ')} from ${tableRef(model.table)} p where ${condition} returning ${keyColumns(target, 't')}`;
  });
  const changed = stillThere(rows, path) as RowKey;
  await requireRules(run, target, 'update', [changed], names, path);
  // Other keys of the row may share a column with the one that was set, and lead elsewhere now.
  const others = target.relations.filter(({ name }) => name !== relation.inverse);
  const write = { columns: new Map(), written: new Set(fields) };
  await requireVisible(run, apiModelOf(run, target.name), write, path, changed, others);
}

/** The other rows, which were locked and judged, belong to none any more. @throws INVALID_INPUT where they cannot */
export async function unlinkForeign(
  run: WriteRun,
  relation: RelationField,
  target: Model,
  keys: readonly RowKey[],
  path: string,
): Promise<void> {
  const inverse = relationNamed(modelNamed(run.datamodel, relation.target), relation.inverse);
  if (inverse.link.kind !== 'own' || keys.length === 0) return;
  const emptied = inverse.link.pairs.map(({ local }) => local).filter((local) => !local.isRequired);
  if (emptied.length === 0) throw invalidInput(path, 'cannot be without it; delete it, or connect it to another one');
  const names = emptied.map(({ name }) => name);
  await requireRules(run, target, 'update', keys, names, path, false);
  const changed = await runStatement(run, (c) => {
    const sets = [
      ...emptied.map(({ column }) => `${identifier(column)} = null`),
      ...changeMarks(apiModelOf(run, target.name), emptied),
    ];
    return `update ${tableRef(target.table)} t set ${sets.join(', ')} where ${hasOneOf(c, target, 't', keys)} returning ${keyColumns(target, 't')}`;
  });
  await requireRules(run, target, 'update', changed as unknown as RowKey[], names, path);
}
