/**
 * One document, one transaction: all root fields of a mutation are kept together, or nothing of them is. They run one after
 * the other, each as an operation of its own, so that nothing runs any more once one of them has failed.
 */
import { setTimeout } from 'node:timers/promises';
import {
  type ExecutionArgs,
  type ExecutionResult,
  type FieldNode,
  GraphQLError,
  getVariableValues,
  type OperationDefinitionNode,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../context.ts';
import { collectFields } from '../data/planner/selection.ts';
import { MillraceError } from '../errors.ts';
import type { Database } from '../platform/db.ts';
import type { Transaction } from '../platform/transaction.ts';
import { asRequestError } from './client-errors.ts';
import { createFindOperation, type KnownOperation } from './planned-read.ts';
import { rootOperation } from './root-operation.ts';

type Execute = (args: ExecutionArgs) => ExecutionResult | Promise<ExecutionResult>;

/** The root fields of an operation by their response keys, in the order in which they run. */
type RootFields = ReadonlyMap<string, readonly FieldNode[]>;

/** How often an operation is done again when another one came between, and how long at least it waits before, in milliseconds. */
const retries = { most: 3, wait: 15 };

/** Runs every mutation, by whatever transport it comes, in a transaction of its own. */
export function mutationTransactions(db: Pick<Database, 'begin'>): Plugin<Context> {
  const findOperation = createFindOperation();
  return {
    onExecute({ args, executeFn, setExecuteFn }) {
      const { schema, document, operationName } = args as ExecutionArgs;
      const known = findOperation({ schema, document }, operationName);
      if (known?.operation.operation !== 'mutation') return;
      setExecuteFn((executed: ExecutionArgs) => runMutation(db, executed, known, executeFn as Execute));
    },
  };
}

async function runMutation(
  db: Pick<Database, 'begin'>,
  args: ExecutionArgs,
  { operation, fragments }: KnownOperation,
  execute: Execute,
): Promise<ExecutionResult> {
  const { schema, variableValues } = args;
  const coerced = getVariableValues(schema, operation.variableDefinitions ?? [], variableValues ?? {}, maxErrors);
  if (coerced.errors) return { errors: coerced.errors.map(asRequestError) };
  const surroundings = { schema, fragments, variables: coerced.coerced };
  const fields: RootFields = collectFields(surroundings, schema.getMutationType()!, [operation.selectionSet]);
  const { room } = args.contextValue as Context;
  for (let attempt = 1; ; attempt += 1) {
    const giveBack = room.mark();
    const tx = db.begin();
    try {
      const result = await runFields(tx, args, operation, fields, execute);
      if (!tx.isContended || !result.errors || attempt > retries.most) return result;
    } finally {
      await tx.rollback();
    }
    giveBack();
    await setTimeout(retries.wait * 2 ** attempt * (1 + Math.random()));
  }
}

const maxErrors = { maxErrors: 50 };

/** Runs all fields and commits; what has failed is left to whoever began the transaction. */
async function runFields(
  tx: Transaction,
  args: ExecutionArgs,
  operation: OperationDefinitionNode,
  fields: RootFields,
  execute: Execute,
): Promise<ExecutionResult> {
  const contextValue: Context = { ...(args.contextValue as Context), db: tx };
  const data: Record<string, unknown> = {};
  for (const [key, nodes] of fields) {
    const field = fields.size === 1 ? args : rootOperation(args, operation, nodes);
    const { errors, data: answer } = await execute({ ...field, contextValue });
    if (errors?.length) return rolledBack(fields, key, errors);
    // Whoever caught it did not make it undone: PostgreSQL takes nothing more, and keeps nothing.
    if (tx.failure) return rolledBack(fields, key, [located(tx.failure, nodes, key)]);
    data[key] = answer![key];
  }
  try {
    await tx.commit();
  } catch (error) {
    return rolledBack(fields, undefined, [error instanceof Error ? located(error) : new GraphQLError(String(error))]);
  }
  return { data };
}

const located = (originalError: Error, nodes?: readonly FieldNode[], key?: string): GraphQLError =>
  new GraphQLError(originalError.message, { nodes, path: key === undefined ? undefined : [key], originalError });

/** What is answered when nothing is kept: first what failed, then each field that did not. */
function rolledBack(fields: RootFields, failed: string | undefined, errors: readonly GraphQLError[]): ExecutionResult {
  const why = failed === undefined ? 'the operation could not be committed' : `${failed} failed`;
  const others = [...fields].flatMap(([key, nodes]) =>
    key === failed ? [] : [located(new MillraceError('ROLLED_BACK', `nothing of it was kept, for ${why}`), nodes, key)],
  );
  return { errors: [...errors, ...others], data: null };
}
