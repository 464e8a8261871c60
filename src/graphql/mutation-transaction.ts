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
  type GraphQLSchema,
  getVariableValues,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../context.ts';
import { collectFields } from '../data/planner/selection.ts';
import type { Judgment } from '../data/rules/judgment.ts';
import { invalidInput, MillraceError } from '../errors.ts';
import type { Database } from '../platform/db.ts';
import type { Logger } from '../platform/log.ts';
import type { Transaction } from '../platform/transaction.ts';
import { asRequestError } from './client-errors.ts';
import { type Costs, isTooCostly, tooCostly } from './cost-limit.ts';
import { createExporting, type ExportedValues } from './exports.ts';
import { type Claim, claimOf, type Idempotency } from './idempotency.ts';
import type { Passage } from './lane.ts';
import { createFindOperation, type KnownOperation } from './planned-read.ts';
import { below, isPreview, withRules } from './preview.ts';
import { rootOperation, variablesIn } from './root-operation.ts';

type Execute = (args: ExecutionArgs) => ExecutionResult | Promise<ExecutionResult>;

/** The root fields of an operation by their response keys, in the order in which they run. */
type RootFields = ReadonlyMap<string, readonly FieldNode[]>;

/** A mutation that is to be executed. */
interface Mutation {
  args: ExecutionArgs;
  known: KnownOperation;
  fields: RootFields;
  execute: Execute;
  parts: MutationParts;
  claim: Claim | undefined;
}

/** What mutations are run with. */
export interface MutationParts {
  costs: Costs;
  idempotency: Idempotency;
  log: Logger;
}

/** How often an operation is done again when another one came between, and how long at least it waits before, in milliseconds. */
const retries = { most: 3, wait: 15 };

const maxErrors = { maxErrors: 50 };

/** Whether the answer of a root field may not be kept, for who has it could act for others. */
const isSecret = (schema: GraphQLSchema, { name }: FieldNode): boolean =>
  schema.getMutationType()?.getFields()[name.value]?.extensions.secret === true;

/** Runs every mutation, by whatever transport it comes, in a transaction of its own. */
export function mutationTransactions(db: Pick<Database, 'begin'>, parts: MutationParts): Plugin<Context> {
  const findOperation = createFindOperation();
  const exporting = createExporting();
  const run = async (args: ExecutionArgs, known: KnownOperation, execute: Execute): Promise<ExecutionResult> => {
    const { schema, variableValues: variables } = args;
    const { operation, fragments } = known;
    const coerced = getVariableValues(schema, operation.variableDefinitions ?? [], variables ?? {}, maxErrors);
    if (coerced.errors) return { errors: coerced.errors.map(asRequestError) };
    const begin = () => exporting(schema, operation, fragments);
    for (const name of begin().names)
      if (variables?.[name] != null) return { errors: [asRequestError(invalidInput(name, 'is exported, not sent'))] };
    const at = { schema, fragments, variables: coerced.coerced };
    const fields = collectFields(at, schema.getMutationType()!, [operation.selectionSet]);
    const claim = isPreview(operation) ? undefined : claimOf(args, (args.contextValue as Passage).idempotencyKey);
    if (claim && [...fields.values()].some(([node]) => isSecret(schema, node!)))
      return refused(invalidInput('', 'it holds secrets, of which nothing is kept: send it without a key'));
    const work = () => runInTransaction(db, { args, known, fields, execute, parts, claim }, begin);
    return claim ? parts.idempotency.inTurn(claim, work) : work();
  };
  return {
    onExecute({ args, executeFn, setExecuteFn }) {
      const { schema, document, operationName } = args as ExecutionArgs;
      const known = findOperation({ schema, document }, operationName);
      if (known?.operation.operation !== 'mutation') return;
      setExecuteFn((executed: ExecutionArgs) => run(executed, known, executeFn as Execute).catch(refused));
    },
  };
}

/** Runs a mutation until it is committed, has failed, or has met others too often. */
async function runInTransaction(
  db: Pick<Database, 'begin'>,
  mutation: Mutation,
  begin: () => ExportedValues,
): Promise<ExecutionResult> {
  const { room } = mutation.args.contextValue as Context;
  for (let attempt = 1; ; attempt += 1) {
    const giveBack = room.mark();
    const tx = db.begin();
    try {
      const result = (await doneBefore(tx, mutation)) ?? (await runFields(tx, mutation, begin()));
      if (!tx.isContended || !result.errors || attempt > retries.most) return result;
    } finally {
      await tx.rollback();
    }
    giveBack();
    await setTimeout(retries.wait * 2 ** attempt * (1 + Math.random()));
  }
}

/** The answer of a mutation that was done before under its key; undefined when the key is this transaction's. */
async function doneBefore(tx: Transaction, { args, claim, parts }: Mutation): Promise<ExecutionResult | undefined> {
  if (!claim) return undefined;
  try {
    const text = await parts.idempotency.take(tx, claim);
    return text === undefined
      ? undefined
      : (JSON.parse((args.contextValue as Context).room.take(text)) as ExecutionResult);
  } catch (error) {
    return refused(error);
  }
}

const refused = (error: unknown): ExecutionResult => ({ errors: [asRequestError(error)] });

/** Runs all fields and commits; what has failed is left to whoever began the transaction. */
async function runFields(tx: Transaction, mutation: Mutation, exported: ExportedValues): Promise<ExecutionResult> {
  const { args, known, fields, execute, claim, parts } = mutation;
  const data: Record<string, unknown> = {};
  const rules: Judgment[] = [];
  const effects: (() => void)[] = [];
  const afterCommit = (effect: () => void) => void effects.push(effect);
  const end = (result: ExecutionResult) => (isPreview(known.operation) ? withRules(result, rules) : result);
  for (const [key, nodes] of fields) {
    const failed = (error: Error) => end(rolledBack(fields, key, [located(error, nodes, key)]));
    const judged: Judgment[] | undefined = isPreview(known.operation) ? [] : undefined;
    const contextValue: Context = { ...(args.contextValue as Context), db: tx, judged, afterCommit };
    try {
      const field = fields.size === 1 && exported.names.size === 0 ? args : argumentsOf(mutation, nodes, exported);
      const { errors, data: answer } = await execute({ ...field, contextValue });
      for (const judgment of below(key, judged ?? [])) rules.push(judgment);
      if (errors?.length) return end(rolledBack(fields, key, errors));
      // Whoever caught it did not make it undone: PostgreSQL takes nothing more, and keeps nothing.
      if (tx.failure) return failed(tx.failure);
      data[key] = answer![key];
      exported.take(key, answer![key]);
    } catch (error) {
      if (error instanceof MillraceError) return failed(error);
      throw error;
    }
  }
  try {
    // What only a commit would find out is found out here.
    if (isPreview(known.operation)) await tx.script('set constraints all immediate');
    else {
      if (claim) await parts.idempotency.keep(tx, claim, JSON.stringify({ data }));
      await tx.commit();
      for (const effect of effects) runEffect(effect, parts.log);
    }
  } catch (error) {
    return end(
      rolledBack(fields, undefined, [error instanceof Error ? located(error) : new GraphQLError(String(error))]),
    );
  }
  return end({ data });
}

/** @NOTE what is committed is done: an effect that fails is for the log, and must not have the operation told as rolled back. */
function runEffect(effect: () => void, log: Logger): void {
  try {
    effect();
  } catch (error) {
    log.error({ err: error }, 'what follows a mutation failed');
  }
}

/** What executes one root field. @throws MillraceError INVALID_INPUT, TOO_LARGE for what is or is not exported by now */
function argumentsOf(
  { args, known, parts: { costs } }: Mutation,
  nodes: readonly FieldNode[],
  { names, values }: ExportedValues,
): ExecutionArgs {
  const variables = { ...args.variableValues, ...values };
  const field = rootOperation(args, known.operation, nodes, variables);
  if (names.size === 0) return field;
  const used = [...variablesIn(args.document, nodes)].filter((name) => names.has(name));
  for (const name of used)
    if (!Object.hasOwn(values, name))
      throw invalidInput(name, 'nothing was exported to it, for there was no such field');
  // @NOTE what the operation costs was reckoned before anybody knew the values of these.
  const cost = costs.of(args.schema, known, variables, (args.contextValue as Context).viewer);
  if (used.length > 0 && isTooCostly(cost)) throw tooCostly(cost);
  return field;
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
