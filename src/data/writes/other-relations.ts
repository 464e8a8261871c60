/**
 * What is done to rows by relations whose key the written row does not hold: the other rows do, and are changed by it, or a join
 * table does. Of the rows that are related only those are there that the viewer may see.
 */
import { invalidInput } from '../../errors.ts';
import type { ApiModel } from '../api/api-model.ts';
import { type Model, modelNamed } from '../model/datamodel.ts';
import { apiModelOf } from '../planner/compiler.ts';
import type { Value } from '../planner/value.ts';
import { findRemote, findRows, lockRow, lockRows, type Origin, type Sought } from './find-rows.ts';
import { linkForeign, linkJoined, localValues, unlinkForeign, unlinkJoined } from './links.ts';
import { given, remoteValues } from './own-relations.ts';
import { notFound } from './refusals.ts';
import type { Around, RowKey, WriteRun } from './run.ts';
import { updateMany } from './update-many.ts';

/** The order in which the operations of one relation are done, whatever the client's: what goes first, then what changes, then what comes. */
const order = [
  'set',
  'disconnect',
  'delete',
  'deleteMany',
  'update',
  'updateMany',
  'upsert',
  'connect',
  'connectOrCreate',
  'create',
  'createMany',
];

/** Does what `data` says of such relations of the row, once it is there. */
export async function writeOtherRelations(run: WriteRun, model: ApiModel, key: RowKey, data: Value): Promise<void> {
  for (const [name, field] of model.fields) {
    if (field.kind !== 'relation' || field.link.kind === 'own') continue;
    const operations = data.get(name);
    if (operations.now === undefined) continue;
    if (operations.now === null) throw invalidInput(operations.path, 'must not be null; leave it out');
    const relation: Related = {
      origin: { model: model.model, key, relation: field },
      target: modelNamed(run.datamodel, field.target),
    };
    for (const [operation, value] of given(operations, order)) await writeOther(run, relation, operation, value);
  }
}

/** A row, its relation, and the model of the rows at the other end. */
interface Related {
  origin: Origin;
  target: Model;
}

async function writeOther(run: WriteRun, related: Related, operation: string, value: Value): Promise<void> {
  const { origin, target } = related;
  const { relation } = origin;
  const all = { of: origin, path: value.path };
  switch (operation) {
    case 'set':
      return setRows(run, related, value);
    case 'disconnect':
      if (relation.isList) {
        for (const item of value.items()) await unlink(run, related, { ...all, unique: item, path: item.path }, true);
      } else if (value.now === true) await unlink(run, related, all, false);
      return;
    case 'delete':
      if (relation.isList) {
        for (const item of value.items())
          await remove(run, target, [
            await lockRow(run, target, 'delete', { of: origin, unique: item, path: item.path }),
          ]);
      } else if (value.now === true) await remove(run, target, [await lockRow(run, target, 'delete', all)]);
      return;
    case 'deleteMany':
      for (const where of value.items()) {
        await remove(run, target, await lockRows(run, target, 'delete', { of: origin, where, path: where.path }));
      }
      return;
    case 'update':
      for (const item of value.items()) {
        const [sought, data] = relation.isList
          ? [{ of: origin, unique: item.get('where'), path: item.get('where').path }, item.get('data')]
          : [all, item];
        await change(run, target, await lockRow(run, target, 'update', sought), data);
      }
      return;
    case 'updateMany':
      for (const item of value.items()) {
        const where = item.get('where');
        const keys = await lockRows(run, target, 'update', { of: origin, where, path: item.path });
        await updateMany(run, apiModelOf(run, target.name), keys, item.get('data'));
      }
      return;
    case 'upsert':
      for (const item of value.items()) {
        const sought = relation.isList ? { of: origin, unique: item.get('where'), path: item.get('where').path } : all;
        const [key] = await lockRows(run, target, 'update', sought);
        if (key) await change(run, target, key, item.get('update'));
        else await createRelated(run, related, [item.get('create')]);
      }
      return;
    case 'connect':
      for (const item of value.items()) await connect(run, related, item);
      return;
    case 'connectOrCreate':
      for (const item of value.items()) {
        const isThere = (await findRemoteOf(run, related, item.get('where'))) !== undefined;
        if (isThere) await connect(run, related, item.get('where'));
        else await createRelated(run, related, [item.get('create')]);
      }
      return;
    case 'create':
      return createRelated(run, related, value.items());
    case 'createMany':
      return createRelated(run, related, value.get('data').items(), value.get('skipDuplicates').now === true);
    default:
      throw new Error(`no operation ${operation}`);
  }
}

const remove = (run: WriteRun, target: Model, keys: readonly RowKey[]): Promise<void> =>
  run.nodes.remove(run, target, keys);

const change = async (run: WriteRun, target: Model, key: RowKey, data: Value): Promise<void> =>
  void (await run.nodes.update(run, apiModelOf(run, target.name), key, data));

const findRemoteOf = (run: WriteRun, { origin }: Related, where: Value) => findRemote(run, origin.relation, where);

async function connect(run: WriteRun, related: Related, where: Value): Promise<void> {
  const { origin, target } = related;
  if (origin.relation.link.kind === 'join') {
    const remote = await findRemoteOf(run, related, where);
    if (!remote) throw notFound(run, target, where.path);
    return linkJoined(run, origin, target, remote[0]);
  }
  const child = await lockRow(run, target, 'update', { unique: where, path: where.path });
  return linkForeign(run, origin, target, child, where.path);
}

/** @param isNamed it has to be there */
async function unlink(run: WriteRun, related: Related, sought: Sought, isNamed: boolean): Promise<void> {
  const { origin, target } = related;
  const isJoined = origin.relation.link.kind === 'join';
  const keys = isJoined ? await findRows(run, target, sought) : await lockRows(run, target, 'update', sought);
  if (isNamed && keys.length === 0) throw notFound(run, target, sought.path);
  if (isJoined) await unlinkJoined(run, origin, target, keys);
  else await unlinkForeign(run, origin.relation, target, keys, sought.path);
}

/** Leaves the row with these related rows and no others, as far as the viewer sees them. */
async function setRows(run: WriteRun, related: Related, value: Value): Promise<void> {
  const { origin, target } = related;
  const [kept, missing] = [new Set<string>(), [] as Value[]];
  for (const unique of value.items()) {
    const [key] = await findRows(run, target, { of: origin, unique, path: unique.path });
    if (key) kept.add(JSON.stringify(key));
    else missing.push(unique);
  }
  const there = await findRows(run, target, { of: origin, path: value.path });
  const keys = there.filter((key) => !kept.has(JSON.stringify(key)));
  if (keys.length > 0) await unlink(run, related, { of: origin, keys, path: value.path }, false);
  for (const unique of missing) await connect(run, related, unique);
}

async function createRelated(
  run: WriteRun,
  { origin, target }: Related,
  items: readonly Value[],
  skipsDuplicates = false,
): Promise<void> {
  if (items.length === 0) return;
  const { relation, model, key } = origin;
  const api = apiModelOf(run, target.name);
  if (relation.link.kind === 'join') {
    const keys = await run.nodes.create(
      run,
      api,
      items.map((data) => ({ data })),
      skipsDuplicates,
    );
    for (const made of keys) {
      const [remote] = await remoteValues(run, target, relation, made, items[0]!.path);
      await linkJoined(run, origin, target, remote);
    }
    return;
  }
  const values = await localValues(run, model, relation, key, items[0]!.path);
  const columns = new Map(
    relation.link.kind === 'foreign' ? relation.link.pairs.map((p, i) => [p.remote, values[i]]) : [],
  );
  const around: Around = { relation: relation.inverse, columns };
  await run.nodes.create(
    run,
    api,
    items.map((data) => ({ data, around })),
    skipsDuplicates,
  );
}
