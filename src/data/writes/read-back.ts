import type { FieldNode, GraphQLResolveInfo } from 'graphql';
import type { ApiModel } from '../api/api-model.ts';
import type { Answers } from '../api/outputs.ts';
import { visible } from '../planner/compiler.ts';
import { answerSql, objectType, rowColumns, rowToJson, type SelectionCompiler } from '../planner/row.ts';
import { collectFields, setsOf } from '../planner/selection.ts';
import { all, tableRef } from '../planner/statement.ts';
import { operationOf } from '../reads.ts';
import { compilerFor, hasKey, hasOneOf, keyColumns, type RowKey, runWritten, type WriteRun } from './run.ts';

const selectionCompiler = (run: WriteRun, info: GraphQLResolveInfo): SelectionCompiler => ({
  ...compilerFor(run),
  at: operationOf(info),
  hasCustomFields: false,
  needsExecutor: false,
});

/** Reads the selection on the written row, as the viewer may see it; null when they may not. */
export async function readBack(
  run: WriteRun,
  info: GraphQLResolveInfo,
  { model }: ApiModel,
  key: RowKey,
): Promise<Answers | null> {
  const c = selectionCompiler(run, info);
  const columns = rowColumns(c, model, 't', info.fieldNodes);
  const condition = all([hasKey(c, model, 't', key), visible(c, model, 't', 'client')]);
  const text = answerSql(c, `select ${columns} from ${tableRef(model.table)} t where ${condition}`);
  const rows = await runWritten(run, c, text);
  return rows[0] ? (JSON.parse(run.context.room.take(rows[0][0] as string | null)) as Answers) : null;
}

/** The same of many rows, in the order of their keys, with how many there are; those that the viewer may not see are counted only. */
export async function readBackMany(
  run: WriteRun,
  info: GraphQLResolveInfo,
  model: ApiModel,
  keys: readonly RowKey[],
): Promise<Answers> {
  const c = selectionCompiler(run, info);
  const answers: Answers = {};
  const batch = objectType(c, run.api.typeName(`${model.name}Batch`));
  for (const [key, nodes] of collectFields(c.at, batch, setsOf(info.fieldNodes))) {
    const name = nodes[0]!.name.value;
    if (name === 'count') answers[key] = keys.length;
    if (name === 'nodes') answers[key] = await readRows(run, info, model, keys, nodes);
  }
  return answers;
}

async function readRows(
  run: WriteRun,
  info: GraphQLResolveInfo,
  { model }: ApiModel,
  keys: readonly RowKey[],
  nodes: readonly FieldNode[],
): Promise<Answers[]> {
  if (keys.length === 0) return [];
  const c = selectionCompiler(run, info);
  const columns = rowColumns(c, model, 't', nodes);
  const condition = all([hasOneOf(c, model, 't', keys), visible(c, model, 't', 'client')]);
  const object = `(select ${rowToJson(`select ${columns}`, '::text')})`;
  // @NOTE of a row that is longer alone than all may be together nothing is sent.
  const bounded = `case when octet_length(j.o) <= ${c.limits.answerBytes} then j.o end`;
  const text = `select ${bounded}, ${keyColumns(model, 't')} from ${tableRef(model.table)} t cross join lateral (select ${object} offset 0) j(o) where ${condition}`;
  const rows = await runWritten(run, c, text);
  const byKey = new Map(rows.map(([answer, ...key]) => [JSON.stringify(key), answer as string | null]));
  return keys.flatMap((key) => {
    const answer = byKey.get(JSON.stringify(key));
    return answer === undefined ? [] : [JSON.parse(run.context.room.take(answer)) as Answers];
  });
}
