import type { GraphQLResolveInfo } from 'graphql';
import type { Context } from '../../context.ts';
import type { ApiModel } from '../api/api-model.ts';
import type { Answers } from '../api/outputs.ts';
import { fieldArguments } from '../planner/arguments.ts';
import type { Value } from '../planner/value.ts';
import { checkInput } from './check-input.ts';
import { createRows, inFieldNames } from './create.ts';
import { lockRow, lockRows } from './find-rows.ts';
import type { RowKind } from './input-rows.ts';
import { readBack, readBackMany } from './read-back.ts';
import { deleteRows } from './remove.ts';
import type { Nodes, WriteRun } from './run.ts';
import { updateRow } from './update.ts';
import { updateMany } from './update-many.ts';
import { requireCurrent } from './versions.ts';

/** What a root field of the data API does to rows of its model. */
export type Write = 'create' | 'update' | 'upsert' | 'delete' | 'createMany' | 'updateMany' | 'deleteMany';

const nodes: Nodes = { create: createRows, update: updateRow, remove: deleteRows };

/** Resolves a write: one transaction that changes the rows, holds them to the rules, and reads the answer back. */
export async function resolveWrite(
  context: Context,
  info: GraphQLResolveInfo,
  model: ApiModel,
  write: Write,
): Promise<Answers | null> {
  const definition = info.parentType.getFields()[info.fieldName]!;
  const args = fieldArguments(info.fieldNodes[0]!, definition.args, info.variableValues);
  const { api, datamodel } = context.reads;
  checkInput({ api, context }, model, partsOf(write, args));
  try {
    return await context.db.transaction((tx) => {
      const run: WriteRun = { tx, context, api, datamodel, variables: info.variableValues, nodes, touched: 0 };
      return writers[write](run, info, model, args);
    });
  } catch (error) {
    throw inFieldNames(error, model, args.get('data').now === undefined ? 'where' : 'data');
  }
}

/** The parts of the arguments that speak of rows, and what they make of them. */
function partsOf(write: Write, args: Value): [data: Value, kind: RowKind][] {
  const data = args.get('data');
  switch (write) {
    case 'create':
    case 'createMany':
      return data.items().map((row) => [row, 'create']);
    case 'update':
    case 'updateMany':
      return [[data, 'update']];
    case 'upsert':
      return [
        [args.get('create'), 'create'],
        [args.get('update'), 'update'],
      ];
    default:
      return [];
  }
}

type Writer = (run: WriteRun, info: GraphQLResolveInfo, model: ApiModel, args: Value) => Promise<Answers | null>;

const writers: Record<Write, Writer> = {
  async create(run, info, model, args) {
    const [key] = await createRows(run, model, [{ data: args.get('data') }]);
    return readBack(run, info, model, key!);
  },
  async update(run, info, model, args) {
    const before = await lockRow(run, model.model, 'update', uniqueIn(args));
    await requireCurrent(run, model, before, args);
    const key = await updateRow(run, model, before, args.get('data'));
    return readBack(run, info, model, key);
  },
  async upsert(run, info, model, args) {
    const [before] = await lockRows(run, model.model, 'update', uniqueIn(args));
    const [key] = before
      ? [await updateRow(run, model, before, args.get('update'))]
      : await createRows(run, model, [{ data: args.get('create') }]);
    return readBack(run, info, model, key!);
  },
  async delete(run, info, model, args) {
    const key = await lockRow(run, model.model, 'delete', uniqueIn(args));
    await requireCurrent(run, model, key, args);
    const answer = await readBack(run, info, model, key);
    await deleteRows(run, model.model, [key]);
    return answer;
  },
  async createMany(run, info, model, args) {
    const items = args
      .get('data')
      .items()
      .map((data) => ({ data }));
    const keys = await createRows(run, model, items, args.get('skipDuplicates').now === true);
    return readBackMany(run, info, model, keys);
  },
  async updateMany(run, info, model, args) {
    const keys = await lockRows(run, model.model, 'update', filterIn(args));
    return readBackMany(run, info, model, await updateMany(run, model, keys, args.get('data')));
  },
  async deleteMany(run, info, model, args) {
    const keys = await lockRows(run, model.model, 'delete', filterIn(args));
    const answer = await readBackMany(run, info, model, keys);
    await deleteRows(run, model.model, keys);
    return answer;
  },
};

const uniqueIn = (args: Value) => ({ unique: args.get('where'), path: 'where' });
const filterIn = (args: Value) => ({ where: args.get('where'), path: 'where' });
