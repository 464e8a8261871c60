/**
 * Operations that go on answering: subscriptions to changes and live queries. A transport that carries streams asks here what
 * an operation is; what is live is answered by the live engine, everything else by the executor.
 */
import {
  type ExecutionArgs,
  type FieldNode,
  GraphQLError,
  getDirectiveValues,
  getOperationAST,
  getVariableValues,
  type OperationDefinitionNode,
} from 'graphql';
import type { Context } from '../context.ts';
import { fieldArguments } from '../data/planner/arguments.ts';
import type { PlannedField } from '../data/planner/plan.ts';
import { collectFields } from '../data/planner/selection.ts';
import type { Operation } from '../data/reads.ts';
import { invalidInput } from '../errors.ts';
import type { Live } from '../live/live.ts';
import { changesOf, liveDirective } from '../live/schema.ts';
import type { Sink, Stream } from '../live/sink.ts';
import type { LogPosition } from '../log/entry.ts';
import { toClientError } from './client-errors.ts';
import { guardOf, refuse } from './guard.ts';
import { fragmentsIn, rootFields } from './planned-read.ts';

/** A live operation, checked and permitted: opened when the client's end is there. */
export interface LiveOperation {
  /** @param from where to go on, in the place of a stream that has ended */
  open(sink: Sink, from?: LogPosition): Promise<Stream>;
}

/**
 * What of an operation the live engine answers; undefined when it is the executor's.
 * @param resumeAfter the cursor to go on from, where the transport knows it better than the document
 * @throws GraphQLError for a live operation that cannot be begun: refused, or with wrong variables
 */
export function liveOperation(live: Live, args: ExecutionArgs, resumeAfter?: string): LiveOperation | undefined {
  const operation = getOperationAST(args.document, args.operationName);
  if (operation?.operation === 'subscription') return changesOperation(live, args, operation, resumeAfter);
  if (operation?.operation === 'query') return queryOperation(live, args, operation);
  return undefined;
}

function changesOperation(
  live: Live,
  args: ExecutionArgs,
  operation: OperationDefinitionNode,
  resumeAfter: string | undefined,
): LiveOperation | undefined {
  const root = args.schema.getSubscriptionType();
  if (!root) return undefined;
  const at = operationAt(args, operation);
  const [entry] = collectFields(at, root, [operation.selectionSet]);
  if (!entry) return undefined;
  const [key, nodes] = entry;
  const definition = root.getFields()[nodes[0]!.name.value];
  const changes = definition && changesOf(definition.extensions);
  if (!changes) return undefined;
  const { verdicts } = requirePermission([definition.extensions], args);
  const field: PlannedField = { key, nodes, definition, read: undefined };
  const asked: unknown = fieldArguments(nodes[0]!, definition.args, at.variables).get('after').now;
  const after = resumeAfter ?? (typeof asked === 'string' ? asked : undefined);
  return {
    open: (sink, from) =>
      placed(nodes, [key], () => live.openChanges({ at, field, changes, verdicts, after, from }, sink)),
  };
}

function queryOperation(
  live: Live,
  args: ExecutionArgs,
  operation: OperationDefinitionNode,
): LiveOperation | undefined {
  const asked = getDirectiveValues(liveDirective, operation, args.variableValues ?? {});
  if (!asked) return undefined;
  const at = operationAt(args, operation);
  const fields = rootFields(at, args.schema.getQueryType()!);
  if (!fields) {
    const message = 'a live query has fields of the data API alone';
    throw toClientError(new GraphQLError(message, { nodes: operation, originalError: invalidInput('', message) }));
  }
  const { verdicts } = requirePermission(
    fields.flatMap(({ definition }) => (definition ? [definition.extensions] : [])),
    args,
  );
  const { nodes, key } = fields[0]!;
  const asPatch = asked.patch === true;
  return { open: (sink) => placed(nodes, [key], () => live.queries.open({ at, fields, verdicts, asPatch }, sink)) };
}

/** Says where in the document something failed. */
async function placed<T>(
  nodes: readonly FieldNode[],
  path: readonly string[],
  action: () => T | Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const originalError = error instanceof Error ? error : new Error(String(error));
    throw toClientError(new GraphQLError(originalError.message, { nodes, path, originalError }));
  }
}

function operationAt(
  { schema, document, variableValues }: ExecutionArgs,
  operation: OperationDefinitionNode,
): Operation {
  const coerced = getVariableValues(schema, operation.variableDefinitions ?? [], variableValues ?? {}, {
    maxErrors: 1,
  });
  if (coerced.errors) throw toClientError(coerced.errors[0]);
  return { schema, operation, fragments: fragmentsIn(document), variables: coerced.coerced };
}

/** Asks the guards of these root fields, as the executor would. @throws GraphQLError when one refuses */
function requirePermission(roots: readonly Readonly<Record<string, unknown>>[], args: ExecutionArgs): Context {
  const context = args.contextValue as Context;
  if (roots.every((extensions) => guardOf(extensions)(context))) return context;
  throw refuse(context.viewer);
}
