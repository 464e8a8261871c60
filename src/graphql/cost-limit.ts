/** How much one operation may cost, by who asks, and what its answer says of that. */
import type { ExecutionArgs, ExecutionResult, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { GraphqlConfig } from '../config/config.ts';
import type { Context } from '../context.ts';
import { MillraceError } from '../errors.ts';
import type { Viewer } from '../viewer.ts';
import { asRequestError } from './client-errors.ts';
import { compileCost, type RawVariables, type Reckon } from './cost.ts';
import { type RawResult, rawData } from './planned-execution.ts';
import { createFindOperation, type KnownOperation } from './planned-read.ts';

/** What an operation costs, and how much it may. */
export interface Cost {
  readonly requested: number;
  readonly limit: number;
}

/** Reckons what operations cost. */
export interface Costs {
  /** @throws MillraceError INVALID_INPUT for more input than any operation may use */
  of(schema: GraphQLSchema, known: KnownOperation, variables: RawVariables, viewer: Viewer): Cost;
  /** How much this viewer may cost with one request. */
  limitFor(viewer: Viewer): number;
  /** What stands behind the data of an answer's JSON text. */
  report(cost: Cost): string;
  readonly isReported: boolean;
}

/** Makes what reckons costs, and keeps what it has compiled for as long as the document lives. */
export function createCosts({ cost, limits }: Pick<GraphqlConfig, 'cost' | 'limits'>): Costs {
  // @NOTE by schema: a document is kept by its text, and outlives the schema that it was compiled for.
  const bySchema = new WeakMap<GraphQLSchema, WeakMap<OperationDefinitionNode, Reckon>>();
  const limitFor = ({ role }: Viewer): number => (role === undefined ? cost.max : (cost.byRole.get(role) ?? cost.max));
  return {
    limitFor,
    isReported: cost.isReported,
    of(schema, { operation, fragments }, variables, viewer) {
      const compiled = bySchema.get(schema) ?? new WeakMap<OperationDefinitionNode, Reckon>();
      bySchema.set(schema, compiled);
      const reckon = compiled.get(operation) ?? compileCost(schema, operation, fragments, limits);
      compiled.set(operation, reckon);
      return { requested: Math.min(Math.ceil(reckon(variables)), Number.MAX_SAFE_INTEGER), limit: limitFor(viewer) };
    },
    report: ({ requested, limit }) =>
      cost.isReported ? `,"extensions":{"cost":{"requested":${requested},"limit":${limit}}}` : '',
  };
}

/** Whether an operation may not be begun. */
export const isTooCostly = ({ requested, limit }: Cost): boolean => requested > limit;

/** What is said to who asks for too much. */
export const tooCostly = ({ requested, limit }: Cost): MillraceError =>
  new MillraceError(
    'TOO_LARGE',
    `the operation costs ${requested}, and at most ${limit} is allowed; ask for smaller pages`,
  );

/** Refuses operations that cost too much before they are executed, and says in the answers of others what they cost. */
export function costLimit(costs: Costs): Plugin<Context> {
  const findOperation = createFindOperation();
  const costOf = ({ schema, document, operationName, variableValues, contextValue }: ExecutionArgs) => {
    const known = findOperation({ schema, document }, operationName);
    return known && costs.of(schema, known, variableValues, (contextValue as Context).viewer);
  };
  const refusalOf = (cost: Cost): ExecutionResult => ({
    errors: [asRequestError(tooCostly(cost))],
    ...(costs.isReported ? { extensions: { cost } } : {}),
  });
  return {
    onExecute({ args, setResultAndStopExecution }) {
      let cost: Cost | undefined;
      try {
        cost = costOf(args as ExecutionArgs);
      } catch (error) {
        return setResultAndStopExecution({ errors: [asRequestError(error)] });
      }
      if (!cost) return;
      if (isTooCostly(cost)) return setResultAndStopExecution(refusalOf(cost));
      if (!costs.isReported) return;
      return {
        onExecuteDone({ result, setResult }) {
          if (isRaw(result)) {
            const { text, ...rest } = result[rawData];
            setResult({ [rawData]: { ...rest, text: `${text.slice(0, -1)}${costs.report(cost)}}` } } as never);
          } else if (!(Symbol.asyncIterator in result)) {
            setResult({ ...result, extensions: { ...result.extensions, cost } });
          }
        },
      };
    },
    onSubscribe({ args, setResultAndStopExecution }) {
      const cost = costOf(args as ExecutionArgs);
      if (cost && isTooCostly(cost)) setResultAndStopExecution(refusalOf(cost));
    },
  };
}

const isRaw = (result: object): result is RawResult => rawData in result;
