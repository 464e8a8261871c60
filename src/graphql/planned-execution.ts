/**
 * The short way of a read. Where every root field of a query is one of the data API, and none of the user's own resolvers
 * lies below, PostgreSQL's answer IS the response: its text goes out without being parsed. The guards at the root are the same
 * that the executor would meet. Any fault on the short way is answered by the ordinary one.
 */
import {
  type ExecutionArgs,
  type ExecutionResult,
  type FieldNode,
  type GraphQLObjectType,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../context.ts';
import type { PlannedField } from '../data/planner/plan.ts';
import { collectFields } from '../data/planner/selection.ts';
import { type Operation, readOf } from '../data/reads.ts';
import { type ErrorCode, MillraceError } from '../errors.ts';
import { asRequestError } from './client-errors.ts';
import { guardOf } from './guard.ts';

/** Holds the JSON text of a result that was never an object. */
export const rawData = Symbol('raw data');

/** A result of the short way. */
export interface RawResult {
  [rawData]: string;
}

/** What is known of an operation whatever its variables. */
interface Prepared {
  operation: OperationDefinitionNode;
  fragments: Operation['fragments'];
  /** False when no variables could make it a planned read. */
  isCandidate: boolean;
}

/** The texts of planned answers, by their responses. */
export type PlannedTexts = WeakMap<Response, string>;

/**
 * Lets the planner answer queries in place of the executor, where it can.
 * @param texts where the transport finds what it can send without unwrapping the response
 */
export function plannedExecution(texts: PlannedTexts): Plugin<Context> {
  const prepared = new WeakMap<ExecutionArgs['document'], Map<string, Prepared>>();
  return {
    onExecute({ args, executeFn, setExecuteFn }) {
      const known = prepareOperation(args as ExecutionArgs, prepared);
      if (!known?.isCandidate) return;
      setExecuteFn(async (executeArgs: ExecutionArgs) => (await answer(executeArgs, known)) ?? executeFn(executeArgs));
    },
    onResultProcess({ request, result, setResult, setResultProcessor }) {
      if (!result || !(rawData in result)) return;
      const type = mediaTypeFor(request.headers.get('accept'));
      if (!type) {
        // Yoga knows other forms, such as events, and puts an object into them.
        setResult(JSON.parse((result as unknown as RawResult)[rawData]) as ExecutionResult);
        return;
      }
      setResultProcessor((raw, { Response }) => {
        const text = (raw as unknown as RawResult)[rawData];
        // @NOTE with its length the text leaves in one piece with its headers, not in chunks.
        const length = String(Buffer.byteLength(text));
        const headers = { 'content-type': `${type}; charset=utf-8`, 'content-length': length };
        const response = new Response(text, { status: 200, headers });
        texts.set(response, text);
        return response;
      }, type);
    },
  };
}

/** The type of the answer, as Yoga would choose it: the first that both sides know; none where it is not plain JSON. */
function mediaTypeFor(accept: string | null): string | undefined {
  for (const part of (accept || '*/*').toLowerCase().split(',')) {
    const type = part.split(';', 1)[0]!.trim();
    if (type === 'application/graphql-response+json') return type;
    if (type === 'application/json' || type === 'application/*' || type === '*/*') return 'application/json';
  }
  return undefined;
}

function prepareOperation(
  { schema, document, operationName }: ExecutionArgs,
  cache: WeakMap<ExecutionArgs['document'], Map<string, Prepared>>,
): Prepared | undefined {
  const byName = cache.get(document) ?? new Map<string, Prepared>();
  cache.set(document, byName);
  const key = operationName ?? '';
  const known = byName.get(key);
  if (known) return known;
  const operations = document.definitions.filter((d) => d.kind === Kind.OPERATION_DEFINITION);
  const operation = operationName ? operations.find((o) => o.name?.value === operationName) : operations[0];
  if (!operation || (!operationName && operations.length > 1)) return undefined;
  const fragments = fragmentsIn(document);
  const query = schema.getQueryType();
  const isCandidate = operation.operation === 'query' && !!query && mayBePlanned(operation, query);
  const made = { operation, fragments, isCandidate };
  byName.set(key, made);
  return made;
}

/** A document's fragments by their names. */
export const fragmentsIn = ({ definitions }: ExecutionArgs['document']): Operation['fragments'] =>
  Object.fromEntries(definitions.flatMap((d) => (d.kind === Kind.FRAGMENT_DEFINITION ? [[d.name.value, d]] : [])));

/** A first look without variables: no root field that is written out is another module's, or introspection. */
const mayBePlanned = (operation: OperationDefinitionNode, query: GraphQLObjectType): boolean =>
  operation.selectionSet.selections.every(
    (s) => s.kind !== Kind.FIELD || s.name.value === '__typename' || isRead(query, s),
  );

const isRead = (query: GraphQLObjectType, node: FieldNode): boolean => {
  const field = query.getFields()[node.name.value];
  return field !== undefined && readOf(field.extensions) !== undefined;
};

/** What is only known when all the work was done. */
const costly: ReadonlySet<ErrorCode> = new Set(['UNAVAILABLE', 'TOO_LARGE']);

/** The raw answer; undefined when the ordinary way has to be taken. */
async function answer(args: ExecutionArgs, { operation, fragments }: Prepared): Promise<RawResult | undefined> {
  const { schema } = args;
  const context = args.contextValue as Context;
  const coerced = getVariableValues(schema, operation.variableDefinitions ?? [], args.variableValues ?? {});
  if (coerced.errors) return undefined;
  const at: Operation = { schema, operation, fragments, variables: coerced.coerced };
  const query = schema.getQueryType()!;
  try {
    const fields = rootFields(at, query);
    if (!fields) return undefined;
    if (!fields.every(({ definition }) => !definition || guardOf(definition.extensions)(context))) return undefined;
    const plan = context.reads.plan(at, query, fields, context.verdicts);
    if (plan.hasCustomFields) return undefined;
    const data = await context.reads.run(context, plan, at.variables);
    return { [rawData]: `{"data":${data}}` };
  } catch (error) {
    // @NOTE the executor knows how to say which field failed; what would cost as much again is answered here.
    if (error instanceof MillraceError && costly.has(error.code)) throw asRequestError(error);
    return undefined;
  }
}

/** The root fields of a query, where all of them are reads of the data API; undefined where one is not. */
export function rootFields(at: Operation, query: GraphQLObjectType): PlannedField[] | undefined {
  const fields: PlannedField[] = [];
  for (const [key, nodes] of collectFields(at, query, [at.operation.selectionSet])) {
    const definition = query.getFields()[nodes[0]!.name.value];
    const read = definition && readOf(definition.extensions);
    if (!read && nodes[0]!.name.value !== '__typename') return undefined;
    fields.push({ key, nodes, definition, read });
  }
  return fields.length > 0 ? fields : undefined;
}
