/**
 * What is done to rows by relations whose key the written row holds itself: it becomes, or leaves, a value of that key.
 */
import { invalidInput } from '../../errors.ts';
import type { ApiModel } from '../api/api-model.ts';
import { type Model, modelNamed, type RelationField } from '../model/datamodel.ts';
import { apiModelOf } from '../planner/compiler.ts';
import { columnRef, tableRef } from '../planner/statement.ts';
import type { Value } from '../planner/value.ts';
import { assign, type RowWrite } from './assignments.ts';
import { findRemote, lockRow, lockRows, remotesOf } from './find-rows.ts';
import { notFound, stillThere } from './refusals.ts';
import { hasKey, type RowKey, runStatement, type WriteRun } from './run.ts';

/** What is left to do once the row itself is written. */
export type Later = () => Promise<void>;

/** The operations of a nested input that are given, in the order in which they are done. */
export const given = (operations: Value, order: readonly string[]): [operation: string, value: Value][] =>
  order.flatMap((name): [string, Value][] => {
    const value = operations.get(name);
    return value.now === undefined || value.now === null ? [] : [[name, value]];
  });

const ownOrder = ['disconnect', 'delete', 'update', 'upsert', 'connect', 'connectOrCreate', 'create'];

/**
 * Does what `data` says of such relations, and sets the keys in the write.
 * @param before the row that is changed; a new one has none
 */
export async function writeOwnRelations(
  run: WriteRun,
  model: ApiModel,
  write: RowWrite,
  data: Value,
  before?: RowKey,
): Promise<Later[]> {
  const later: Later[] = [];
  for (const [name, field] of model.fields) {
    if (field.kind !== 'relation' || field.link.kind !== 'own') continue;
    const operations = data.get(name);
    if (operations.now === undefined) continue;
    if (operations.now === null) throw invalidInput(operations.path, 'must not be null; leave it out');
    for (const [operation, value] of given(operations, ownOrder)) {
      const left = await writeOwn(run, model, write, field, operation, value, before);
      if (left) later.push(left);
    }
  }
  return later;
}

async function writeOwn(
  run: WriteRun,
  { model }: ApiModel,
  write: RowWrite,
  field: RelationField,
  operation: string,
  value: Value,
  before: RowKey | undefined,
): Promise<Later | undefined> {
  const target = modelNamed(run.datamodel, field.target);
  const related = before && { of: { model, key: before, relation: field }, path: value.path };
  const make = async (data: Value) => {
    const [key] = await run.nodes.create(run, apiModelOf(run, target.name), [{ data }]);
    take(write, field, await remoteValues(run, target, field, key!, value.path), value.path);
  };
  switch (operation) {
    case 'create':
      await make(value);
      return undefined;
    case 'connect': {
      const remote = await findRemote(run, field, value);
      if (!remote) throw notFound(run, target, value.path);
      take(write, field, remote, value.path);
      return undefined;
    }
    case 'connectOrCreate': {
      const remote = await findRemote(run, field, value.get('where'));
      if (remote) take(write, field, remote, value.path);
      else await make(value.get('create'));
      return undefined;
    }
    case 'update': {
      const key = await lockRow(run, target, 'update', related!);
      await run.nodes.update(run, apiModelOf(run, target.name), key, value);
      return undefined;
    }
    case 'upsert': {
      const [key] = await lockRows(run, target, 'update', related!);
      if (key) await run.nodes.update(run, apiModelOf(run, target.name), key, value.get('update'));
      else await make(value.get('create'));
      return undefined;
    }
    case 'disconnect':
      if (value.now === true) leave(write, field, value.path);
      return undefined;
    case 'delete': {
      if (value.now !== true) return undefined;
      const key = await lockRow(run, target, 'delete', related!);
      leave(write, field, value.path);
      return () => run.nodes.remove(run, target, [key]);
    }
    default:
      throw new Error(`no operation ${operation}`);
  }
}

function take(write: RowWrite, field: RelationField, remote: readonly unknown[], path: string): void {
  if (field.link.kind !== 'own') return;
  for (const [i, { local }] of field.link.pairs.entries()) assign(write, local, remote[i], path);
  write.reached.add(field.name);
}

/** Of a key of several columns those that may be empty are emptied: one is enough for it to lead nowhere. */
function leave(write: RowWrite, field: RelationField, path: string): void {
  if (field.link.kind !== 'own') return;
  const emptied = field.link.pairs.filter(({ local }) => !local.isRequired);
  if (emptied.length === 0) throw invalidInput(path, 'cannot be without it');
  for (const { local } of emptied) assign(write, local, null, path);
}

/** What a relation's key is made of, in the row at the other end. */
export async function remoteValues(
  run: WriteRun,
  target: Model,
  field: RelationField,
  key: RowKey,
  path: string,
): Promise<readonly unknown[]> {
  const rows = await runStatement(run, (c) => {
    const columns = remotesOf(field).map((remote) => `${columnRef('t', remote)}::text`);
    return `select ${columns.join(', ')} from ${tableRef(target.table)} t where ${hasKey(c, target, 't', key)}`;
  });
  return stillThere(rows, path);
}
