/**
 * The application's own fields in an answer of the planner's. PostgreSQL has answered everything else and what they need; they are put
 * where they belong without the executor, which would walk all of the answer and takes several times as long. Their values are
 * completed as GraphQL says (§6.4.3); what goes wrong is the executor's to tell, which is then asked from the beginning.
 */
import {
  type FieldNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  getArgumentValues,
  getNamedType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import type { Context } from '../context.ts';
import type { PlannedField } from '../data/planner/plan.ts';
import { collectFields, setsOf } from '../data/planner/selection.ts';
import type { Operation } from '../data/reads.ts';

type Path = GraphQLResolveInfo['path'];
type Json = Record<string, unknown>;

/** A field of one's own that is asked for. */
interface OwnField {
  key: string;
  nodes: readonly FieldNode[];
  parentType: GraphQLObjectType;
  definition: GraphQLField<unknown, unknown>;
}

/** An object of the answer with own fields in it or below it: what stands under each of its keys, in their order. */
interface Shape {
  typeName: string;
  parts: readonly ({ key: string; below?: Shape } | OwnField)[];
}

/** Where own fields belong in an answer. */
export type OwnFields = Shape;

/** A value that is not to be completed here. */
class NeedsExecutor extends Error {}

/** Finds where own fields belong; undefined where the executor has to answer, for one of them is an object. */
export function findOwnFields(
  at: Operation,
  query: GraphQLObjectType,
  fields: readonly PlannedField[],
): OwnFields | undefined {
  try {
    const parts = fields.map(({ key, nodes, definition }) => ({
      key,
      below: definition && shapeOf(at, definition.type, nodes),
    }));
    return { typeName: query.name, parts };
  } catch (error) {
    if (error instanceof NeedsExecutor) return undefined;
    throw error;
  }
}

/** The shape of what is selected of an object; undefined where PostgreSQL's answer is all of it. */
function shapeOf(at: Operation, output: GraphQLOutputType, nodes: readonly FieldNode[]): Shape | undefined {
  const type = getNamedType(output);
  if (!isObjectType(type)) return undefined;
  let isWhole = true;
  const parts = [...collectFields(at, type, setsOf(nodes))].map(([key, same]): Shape['parts'][number] => {
    // @NOTE objects without a prototype would bear it, and are several times as slow.
    if (key === '__proto__') throw new NeedsExecutor();
    const definition = type.getFields()[same[0]!.name.value];
    if (definition?.extensions.needs) {
      isWhole = false;
      if (!definition.resolve || !isLeafType(getNamedType(definition.type))) throw new NeedsExecutor();
      return { key, nodes: same, parentType: type, definition };
    }
    const below = definition && shapeOf(at, definition.type, same);
    if (below) isWhole = false;
    return { key, below };
  });
  // An object of nothing has a key in SQL, which is not to be shown.
  return isWhole && parts.length > 0 ? undefined : { typeName: type.name, parts };
}

/** The answer's text with own fields in it; undefined where the executor has to say what went wrong. */
export async function fillOwnFields(
  shape: OwnFields,
  text: string,
  at: Operation,
  context: Context,
): Promise<string | undefined> {
  const waiting: Promise<void>[] = [];
  const calls = new Map<OwnField, (parent: Json, path: Path) => unknown>();
  const callOf = (own: OwnField) => {
    const call = calls.get(own) ?? callFor(own, at, context);
    calls.set(own, call);
    return call;
  };
  const fill = (value: unknown, within: Shape, path: Path | undefined): unknown => {
    if (Array.isArray(value))
      return value.map((item, i) => fill(item, within, { prev: path, key: i, typename: undefined }));
    if (value === null) return null;
    const filled: Json = {};
    for (const part of within.parts) {
      const { key } = part;
      const found = (value as Json)[key];
      if (!('definition' in part) && !part.below) {
        filled[key] = found;
        continue;
      }
      const here: Path = { prev: path, key, typename: within.typeName };
      if (!('definition' in part)) {
        filled[key] = fill(found, part.below!, here);
        continue;
      }
      const { type } = part.definition;
      const result = callOf(part)(value as Json, here);
      filled[key] = isPromise(result) ? null : completed(type, result);
      if (isPromise(result))
        waiting.push(
          result.then((settled) => {
            filled[key] = completed(type, settled);
          }),
        );
    }
    return filled;
  };
  try {
    const answer = fill(JSON.parse(text), shape, undefined);
    if (waiting.length > 0) await Promise.all(waiting);
    return JSON.stringify(answer);
  } catch {
    await Promise.allSettled(waiting);
    return undefined;
  }
}

const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof (value as Promise<unknown> | null | undefined)?.then === 'function';

/** Calls the resolver of a field for one row, as the executor would. */
function callFor(own: OwnField, at: Operation, context: Context) {
  const { definition, nodes, parentType } = own;
  const args = getArgumentValues(definition, nodes[0]!, at.variables);
  const about = {
    fieldName: definition.name,
    fieldNodes: nodes,
    returnType: definition.type,
    parentType,
    schema: at.schema,
    fragments: at.fragments,
    rootValue: undefined,
    operation: at.operation,
    variableValues: at.variables,
  };
  return (parent: Json, path: Path): unknown =>
    definition.resolve!(parent, args, context, { ...about, path } as GraphQLResolveInfo);
}

/** A resolver's result as its type has it. @throws for whatever the executor would tell an error of */
function completed(type: GraphQLOutputType, result: unknown): unknown {
  if (isNonNullType(type)) {
    const inner = completed(type.ofType, result);
    if (inner === null) throw new NeedsExecutor();
    return inner;
  }
  if (result === null || result === undefined) return null;
  if (result instanceof Error) throw new NeedsExecutor();
  if (isListType(type)) {
    if (!Array.isArray(result)) throw new NeedsExecutor();
    return result.map((item) => {
      if (isPromise(item)) throw new NeedsExecutor();
      return completed(type.ofType, item);
    });
  }
  if (!isLeafType(type)) throw new NeedsExecutor();
  const serialized: unknown = type.serialize(result);
  if (serialized === null || serialized === undefined) throw new NeedsExecutor();
  return serialized;
}
