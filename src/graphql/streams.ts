/**
 * Operations that go on answering: subscriptions to changes and live queries. A transport that carries streams asks here what
 * an operation is; what is live is answered by the live engine, everything else by the executor.
 */
import {
  type ExecutionArgs,
  GraphQLError,
  getOperationAST,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
} from 'graphql';
import type { Context } from '../context.ts';
import { fieldArguments } from '../data/planner/arguments.ts';
import type { PlannedField } from '../data/planner/plan.ts';
import { collectFields } from '../data/planner/selection.ts';
import type { Operation } from '../data/reads.ts';
import { MillraceError } from '../errors.ts';
import type { Live } from '../live/live.ts';
import { changesOf } from '../live/schema.ts';
import type { Sink, Stream } from '../live/sink.ts';
import type { LogPosition } from '../log/entry.ts';
import { toClientError } from './client-errors.ts';
import { guardOf } from './guard.ts';

/** A live operation, checked and permitted: opened when the client's end is there. */
export interface LiveOperation {
  /** @param from where to go on, in the place of a stream that has ended */
  open(sink: Sink, from?: LogPosition): Promise<Stream>;
}

/**
 * What of an operation the live engine answers; undefined when it is the executor's.
 * @throws GraphQLError for a live operation that cannot be begun: refused, or with wrong variables
 */
export function liveOperation(live: Live, args: ExecutionArgs, resumeAfter?: string): LiveOperation | undefined {
  const { schema, document, operationName } = args;
  const operation = getOperationAST(document, operationName);
  if (operation?.operation !== 'subscription') return undefined;
  const root = schema.getSubscriptionType();
  if (!root) return undefined;
  const at = operationAt(args, operation);
  const [entry] = collectFields(at, root, [operation.selectionSet]);
  if (!entry) return undefined;
  const [key, nodes] = entry;
  const definition = root.getFields()[nodes[0]!.name.value];
  const changes = definition && changesOf(definition.extensions);
  if (!changes) return undefined;
  const context = args.contextValue as Context;
  requirePermission(definition.extensions, context);
  const field: PlannedField = { key, nodes, definition, read: undefined };
  const asked: unknown = fieldArguments(nodes[0]!, definition.args, at.variables).get('after').now;
  const after = resumeAfter ?? (typeof asked === 'string' ? asked : undefined);
  const { verdicts } = context;
  return {
    async open(sink, from) {
      try {
        return await live.openChanges({ at, field, changes, verdicts, after, from }, sink);
      } catch (error) {
        throw toClientError(new GraphQLError(messageOf(error), { nodes, path: [key], originalError: asError(error) }));
      }
    },
  };
}

function operationAt(
  { schema, document, variableValues }: ExecutionArgs,
  operation: OperationDefinitionNode,
): Operation {
  const coerced = getVariableValues(schema, operation.variableDefinitions ?? [], variableValues ?? {});
  if (coerced.errors) throw toClientError(coerced.errors[0]);
  const fragments = Object.fromEntries(
    document.definitions.flatMap((d) => (d.kind === Kind.FRAGMENT_DEFINITION ? [[d.name.value, d]] : [])),
  );
  return { schema, operation, fragments, variables: coerced.coerced };
}

function requirePermission(extensions: Readonly<Record<string, unknown>>, context: Context): void {
  if (guardOf(extensions)(context)) return;
  const { isAnonymous } = context.viewer;
  throw toClientError(
    isAnonymous
      ? new MillraceError('UNAUTHENTICATED', 'sign in to do this')
      : new MillraceError('FORBIDDEN', 'not allowed'),
  );
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
const messageOf = (error: unknown): string => asError(error).message;
