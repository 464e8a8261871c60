import type { GraphQLResolveInfo } from 'graphql';
import type { Context } from '../../context.ts';
import { MillraceError } from '../../errors.ts';
import { DatabaseError } from '../../platform/db-errors.ts';
import type { ApiModel } from '../api/api-model.ts';
import type { Answers } from '../api/outputs.ts';
import type { Model } from '../model/datamodel.ts';
import { fieldArguments } from '../planner/arguments.ts';
import { type Compiler, visible } from '../planner/compiler.ts';
import { answerSql, rowColumns, type SelectionCompiler } from '../planner/row.ts';
import { all, identifier, tableRef } from '../planner/statement.ts';
import { constant, type Value } from '../planner/value.ts';
import { operationOf } from '../reads.ts';
import type { Action } from '../rules/rule-set.ts';
import { type Assignment, fillDefaults, pathOf, type RowWrite, readRowWrite } from './assignments.ts';
import { checkInput } from './check-input.ts';
import { connectOthers, leftToDefaults, lockRow, notFound, requireRule, requireVisible } from './connect.ts';
import { countByPolicy, fillByPolicy, renameByPolicy, requireFit } from './policy.ts';
import { compilerFor, hasKey, keyColumns, type RowKey, runStatement, runWritten, type WriteRun } from './run.ts';

/** Resolves a write: one transaction that changes the row, holds it to the rules, and reads the answer back. */
export async function resolveWrite(
  context: Context,
  info: GraphQLResolveInfo,
  model: ApiModel,
  action: Exclude<Action, 'read'>,
): Promise<Answers | null> {
  const definition = info.parentType.getFields()[info.fieldName]!;
  const args = fieldArguments(info.fieldNodes[0]!, definition.args, info.variableValues);
  const { api, datamodel } = context.reads;
  try {
    return await context.db.transaction((tx) => {
      const run: WriteRun = { tx, context, api, datamodel, variables: info.variableValues };
      if (action === 'create') return createRow(run, info, model, args.get('data'));
      if (action === 'update') return updateRow(run, info, model, args.get('where'), args.get('data'));
      return deleteRow(run, info, model, args.get('where'));
    });
  } catch (error) {
    if (action === 'create' && isTaken(error)) await requireAllowed(context, info, model, args.get('data'));
    throw (
      (action === 'create' && leadingNowhere(error, context, model, args.get('data'))) ||
      inFieldNames(error, model, args)
    );
  }
}

async function createRow(
  run: WriteRun,
  info: GraphQLResolveInfo,
  model: ApiModel,
  data: Value,
): Promise<Answers | null> {
  checkInput(run, model, data, 'create');
  const { key, write } = await insertRow(run, model, data);
  requireFit(model, write, key, data.path);
  return readBack(run, info, model.model, key);
}

/** Makes the row and holds it to the rules. @param change of what is written, before it is */
async function insertRow(
  run: WriteRun,
  model: ApiModel,
  data: Value,
  change: (write: RowWrite) => void = () => {},
): Promise<{ key: RowKey; write: RowWrite }> {
  const write = await readRowWrite(run, model, data);
  const unchecked = leftToDefaults(model.model, write);
  fillByPolicy(model, write, run.context.viewer);
  fillDefaults(model, write, data.path);
  change(write);
  const [row] = await runStatement(run, (c) => {
    const fields = [...write.columns];
    const names = fields.map(([field]) => identifier(field.column)).join(', ');
    const values = fields.map(([, assignment]) => assignedSql(c, assignment)).join(', ');
    const body = fields.length > 0 ? `(${names}) values (${values})` : 'default values';
    return `insert into ${tableRef(model.model.table)} as t ${body} returning ${keyColumns(model.model, 't')}`;
  });
  const key = row as RowKey;
  await requireVisible(run, model, write, data.path, key, unchecked);
  await connectOthers(run, model.model, key, write);
  await requireRule(run, model.model, 'create', key, writtenNames(write), data.path);
  return { key, write };
}

const isTaken = (error: unknown): boolean => error instanceof DatabaseError && error.violation?.kind === 'unique';

/**
 * That a name is taken is told to those who might have made the row under another one, which is tried. @throws FORBIDDEN
 */
async function requireAllowed(context: Context, info: GraphQLResolveInfo, model: ApiModel, data: Value): Promise<void> {
  if (!model.policy) return;
  const { api, datamodel } = context.reads;
  const undone = new MillraceError('CONFLICT', 'nothing of this is to stay');
  try {
    await context.db.transaction(async (tx) => {
      const run: WriteRun = { tx, context, api, datamodel, variables: info.variableValues };
      await insertRow(run, model, data, (write) => renameByPolicy(model, write));
      throw undone;
    });
  } catch (error) {
    if (error !== undone) throw error;
  }
}

async function updateRow(
  run: WriteRun,
  info: GraphQLResolveInfo,
  model: ApiModel,
  where: Value,
  data: Value,
): Promise<Answers | null> {
  checkInput(run, model, data, 'update');
  const before = await lockRow(run, model.model, 'update', where);
  const write = await readRowWrite(run, model, data, before);
  await requireRule(run, model.model, 'update', before, writtenNames(write), data.path);
  for (const field of model.model.columns) {
    if (field.isUpdatedAt && !write.columns.has(field)) write.columns.set(field, { sql: 'now()' });
  }
  countByPolicy(model, write);
  const key = await changeColumns(run, model.model, before, write);
  await connectOthers(run, model.model, key, write);
  await requireRule(run, model.model, 'update', key, writtenNames(write), data.path);
  requireFit(model, write, key, data.path);
  return readBack(run, info, model.model, key);
}

/** What a column is set to, in SQL. */
const assignedSql = (c: Compiler, assignment: Assignment): string =>
  'sql' in assignment ? assignment.sql : c.statement.bind(constant(assignment.value));

async function changeColumns(run: WriteRun, model: Model, key: RowKey, write: RowWrite): Promise<RowKey> {
  if (write.columns.size === 0) return key;
  const [row] = await runStatement(run, (c) => {
    const sets = [...write.columns].map(([field, a]) => `${identifier(field.column)} = ${assignedSql(c, a)}`);
    return `update ${tableRef(model.table)} t set ${sets.join(', ')} where ${hasKey(c, model, 't', key)} returning ${keyColumns(model, 't')}`;
  });
  return row as RowKey;
}

async function deleteRow(
  run: WriteRun,
  info: GraphQLResolveInfo,
  model: ApiModel,
  where: Value,
): Promise<Answers | null> {
  const key = await lockRow(run, model.model, 'delete', where);
  const answer = await readBack(run, info, model.model, key);
  await runStatement(
    run,
    (c) => `delete from ${tableRef(model.model.table)} t where ${hasKey(c, model.model, 't', key)}`,
  );
  return answer;
}

const writtenNames = (write: RowWrite): string[] => [...write.written].map((field) => field.name);

/** Reads the selection on the written row, as the viewer may see it; null when they may not. */
async function readBack(run: WriteRun, info: GraphQLResolveInfo, model: Model, key: RowKey): Promise<Answers | null> {
  const c: SelectionCompiler = {
    ...compilerFor(run),
    at: operationOf(info),
    hasCustomFields: false,
    needsExecutor: false,
  };
  const columns = rowColumns(c, model, 't', info.fieldNodes);
  const condition = all([hasKey(c, model, 't', key), visible(c, model, 't', 'client')]);
  const text = answerSql(c, `select ${columns} from ${tableRef(model.table)} t where ${condition}`);
  const rows = await runWritten(run, c, text);
  return rows[0] ? (JSON.parse(run.context.room.take(rows[0][0] as string | null)) as Answers) : null;
}

/**
 * A key of a new row that leads nowhere is told as one that leads to a hidden row. Only one that is partly made of defaults
 * gets as far as the database.
 */
function leadingNowhere(error: unknown, context: Context, { model, nameOf }: ApiModel, data: Value): unknown {
  const violation = error instanceof DatabaseError ? error.violation : undefined;
  if (violation?.kind !== 'reference' || violation.table !== model.table.name) return undefined;
  for (const { link, target } of model.relations) {
    if (link.kind !== 'own' || link.pairs.some(({ local }) => !violation.columns.includes(local.column))) continue;
    const set = link.pairs.find(({ local }) => data.get(nameOf.get(local.name) ?? '').now !== undefined);
    const name = set && nameOf.get(set.local.name);
    return notFound(context.reads.api.models.get(target)?.name ?? 'row', name ? `${data.path}.${name}` : data.path);
  }
  return undefined;
}

/** Says which fields a violated constraint is about, where they are this model's. */
function inFieldNames(error: unknown, model: ApiModel, args: Value): unknown {
  if (!(error instanceof DatabaseError)) return error;
  const path = args.get('data').now === undefined ? 'where' : 'data';
  const columns = error.violation?.table === model.model.table.name ? error.violation.columns : [];
  const fields = columns.flatMap((column) => {
    const field = model.model.columns.find((f) => f.column === column);
    return field ? [{ path: pathOf(model, field, path), message: error.message }] : [];
  });
  if (fields.length === 0 && error.code === 'INVALID_INPUT') fields.push({ path, message: error.message });
  return fields.length > 0 ? new MillraceError(error.code, error.message, { fields }, { cause: error }) : error;
}
