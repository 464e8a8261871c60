import type { GraphQLResolveInfo } from 'graphql';
import type { Context } from '../context.ts';
import type { Answers } from './api/outputs.ts';
import type { PlannedField } from './planner/plan.ts';
import { operationOf, readOf } from './reads.ts';

/** The root field that a resolver is called for. */
export function rootFieldOf(info: GraphQLResolveInfo): PlannedField {
  const definition = info.parentType.getFields()[info.fieldName]!;
  return { key: String(info.path.key), nodes: info.fieldNodes, definition, read: readOf(definition.extensions) };
}

/** Resolves one root field of the data API by its own statement, into the tree that the executor then walks. */
export async function resolveRead<Answer = Answers>(context: Context, info: GraphQLResolveInfo): Promise<Answer> {
  const field = rootFieldOf(info);
  const plan = context.reads.plan(operationOf(info), info.parentType, [field], context.verdicts);
  const text = await context.reads.run(context, plan, info.variableValues);
  return (JSON.parse(text) as Record<string, Answer>)[field.key]!;
}
