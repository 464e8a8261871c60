/**
 * The application's own fields in an answer of the planner's. PostgreSQL has answered everything else, and where one of them belongs
 * it has written what that one needs: the value is put there into the text, which is neither parsed nor walked as the executor would.
 * Values are completed as GraphQL says (§6.4.3); what goes wrong is the executor's to tell, which is then asked from the beginning.
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
import { needKey } from '../data/planner/row.ts';
import { collectFields, setsOf } from '../data/planner/selection.ts';
import type { Operation } from '../data/reads.ts';
import { endOfString } from '../platform/json-text.ts';

/** A field of one's own that is asked for. */
interface OwnField {
  nodes: readonly FieldNode[];
  parentType: GraphQLObjectType;
  definition: GraphQLField<unknown, unknown>;
}

/** The own fields of an answer by their response keys. */
export type OwnFields = ReadonlyMap<string, OwnField>;

/** Says that the executor has to answer. */
class NeedsExecutor extends Error {}

/** Finds the own fields that are asked for; undefined where the executor has to answer, for one is an object, or two share a key. */
export function findOwnFields(at: Operation, fields: readonly PlannedField[]): OwnFields | undefined {
  const found = new Map<string, OwnField>();
  const visit = (output: GraphQLOutputType, nodes: readonly FieldNode[]): boolean => {
    const type = getNamedType(output);
    if (!isObjectType(type)) return true;
    return [...collectFields(at, type, setsOf(nodes))].every(([key, same]) => {
      const definition = type.getFields()[same[0]!.name.value];
      if (!definition) return true;
      if (!definition.extensions.needs) return visit(definition.type, same);
      const known = found.get(key);
      if (known && (known.definition !== definition || definition.args.length > 0)) return false;
      found.set(key, known ?? { nodes: same, parentType: type, definition });
      return definition.resolve !== undefined && isLeafType(getNamedType(definition.type));
    });
  };
  return fields.every(({ definition, nodes }) => !definition || visit(definition.type, nodes)) ? found : undefined;
}

/** @NOTE within a text of JSON a quote has a backslash before it, so this is a key; and no name begins with a blank. */
const place = /" ([_A-Za-z][_0-9A-Za-z]*)":/g;

/** The answer's text with own fields in it; undefined where the executor has to say what went wrong. */
export async function fillOwnFields(
  own: OwnFields,
  text: string,
  at: Operation,
  context: Context,
): Promise<string | undefined> {
  const pieces: (string | Promise<string>)[] = [];
  const calls = new Map<string, (needed: unknown) => string | Promise<string>>();
  const callOf = (key: string) => {
    const call = calls.get(key) ?? callFor(own.get(key)!, key, at, context);
    calls.set(key, call);
    return call;
  };
  try {
    let end = 0;
    for (const match of text.matchAll(place)) {
      const key = match[1]!;
      const begin = match.index + match[0].length;
      pieces.push(text.slice(end, match.index), `"${key}":`);
      end = endOfList(text, begin);
      pieces.push(callOf(key)(JSON.parse(text.slice(begin, end))));
    }
    pieces.push(text.slice(end));
    return (pieces.some(isPromise) ? await Promise.all(pieces) : pieces).join('');
  } catch {
    await Promise.allSettled(pieces);
    return undefined;
  }
}

/** The place behind the list of JSON that begins at `start`. */
function endOfList(text: string, start: number): number {
  let depth = 0;
  for (let i = start; i < text.length; i += 1) {
    const character = text[i];
    if (character === '"') i = endOfString(text, i);
    else if (character === '[') depth += 1;
    else if (character === ']') {
      depth -= 1;
      if (depth === 0) return i + 1;
    }
  }
  throw new NeedsExecutor();
}

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';

/** Calls the resolver of a field with what it needs of one row, and spells its value. */
function callFor({ definition, nodes, parentType }: OwnField, key: string, at: Operation, context: Context) {
  const args = getArgumentValues(definition, nodes[0]!, at.variables);
  const info = {
    fieldName: definition.name,
    fieldNodes: nodes,
    returnType: definition.type,
    parentType,
    // Where a row stands in the answer only the executor knows.
    get path(): never {
      throw new NeedsExecutor();
    },
    schema: at.schema,
    fragments: at.fragments,
    rootValue: undefined,
    operation: at.operation,
    variableValues: at.variables,
  } satisfies GraphQLResolveInfo;
  const spelt = (result: unknown) => JSON.stringify(completed(definition.type, result));
  return (needed: unknown): string | Promise<string> => {
    const result: unknown = definition.resolve!({ [needKey(key)]: needed }, args, context, info);
    return isPromise(result) ? Promise.resolve(result).then(spelt) : spelt(result);
  };
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
