/** The short way of a read as a plugin of Yoga: the planner answers in place of the executor, where it can. */
import type { ExecutionArgs, ExecutionResult } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../context.ts';
import { asRequestError } from './client-errors.ts';
import type { Passage } from './lane.ts';
import { createFindOperation, plannedData, type Validated } from './planned-read.ts';

/** Holds the JSON text of a result that was never an object. */
export const rawData = Symbol('raw data');

/** A result of the short way. */
export interface RawResult {
  [rawData]: PlannedAnswer;
}

/** A planned answer, and what was asked. */
export interface PlannedAnswer {
  text: string;
  validated: Validated;
}

/** Planned answers by their responses. */
export type PlannedAnswers = WeakMap<Response, PlannedAnswer>;

/**
 * Lets the planner answer queries in place of the executor, where it can.
 * @param answers where the engine finds what can be sent without unwrapping the response
 */
export function plannedExecution(answers: PlannedAnswers): Plugin<Context> {
  const findOperation = createFindOperation();
  return {
    onExecute({ args, setExecuteFn, executeFn }) {
      const { outcome, idempotencyKey } = args.contextValue as Passage;
      if (outcome === 'unplanned') return;
      if (outcome) {
        return setExecuteFn(() => {
          throw asRequestError(outcome);
        });
      }
      const known = findOperation(args as ExecutionArgs, (args as ExecutionArgs).operationName);
      if (!known?.isCandidate) return;
      // @NOTE it may have been done before.
      if (known.operation.operation === 'mutation' && idempotencyKey !== undefined) return;
      setExecuteFn(async (executed: ExecutionArgs) => {
        const { schema, document, variableValues, contextValue } = executed;
        const data = await plannedData(schema, known, variableValues, contextValue as Context).catch(
          (error: unknown) => {
            throw asRequestError(error);
          },
        );
        if (data === undefined) return executeFn(executed);
        return { [rawData]: { text: `{"data":${data}}`, validated: { schema, document } } };
      });
    },
    onResultProcess({ request, result, setResult, setResultProcessor }) {
      if (!result || !(rawData in result)) return;
      const answer = (result as unknown as RawResult)[rawData];
      const type = mediaTypeFor(request.headers.get('accept'));
      if (!type) {
        // Yoga knows other forms, such as events, and puts an object into them.
        setResult(JSON.parse(answer.text) as ExecutionResult);
        return;
      }
      setResultProcessor((_raw, { Response }) => {
        // @NOTE with its length the text leaves in one piece with its headers, not in chunks.
        const length = String(Buffer.byteLength(answer.text));
        const headers = { 'content-type': `${type}; charset=utf-8`, 'content-length': length };
        const response = new Response(answer.text, { status: 200, headers });
        answers.set(response, answer);
        return response;
      }, type);
    },
  };
}

/** The type of the answer, as Yoga would choose it: the first that both sides know; none where it is not plain JSON. */
export function mediaTypeFor(accept: string | null): string | undefined {
  for (const part of (accept || '*/*').toLowerCase().split(',')) {
    const type = part.split(';', 1)[0]!.trim();
    if (type === 'application/graphql-response+json') return type;
    if (type === 'application/json' || type === 'application/*' || type === '*/*') return 'application/json';
  }
  return undefined;
}
