/**
 * Several operations in one request, answered in their order as a list. Yoga has this too, but runs them side by side and
 * each by itself: here who asks is found once, all of them together may cost what one may, and be answered with as much, and
 * a write is done before what follows it. Nothing is begun when they cost too much together, nor when those before it have
 * taken the time of one.
 */
import { type ExecutionArgs, type ExecutionResult, getOperationAST } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Client, Credentials } from '../client.ts';
import type { Context } from '../context.ts';
import { invalidInput, MillraceError } from '../errors.ts';
import { asRequestError, toClientError } from './client-errors.ts';
import { type Costs, isTooCostly, tooCostly } from './cost-limit.ts';
import { keyIn } from './idempotency.ts';
import type { Passage } from './lane.ts';
import type { Persisted } from './persisted.ts';
import { mediaTypeFor, type RawResult, rawData } from './planned-execution.ts';
import { createFindOperation } from './planned-read.ts';
import type { GraphqlRequest } from './yoga.ts';

/** What Yoga does with an operation, with all plugins in place. */
export interface Enveloped {
  schema: ExecutionArgs['schema'];
  parse(text: string): ExecutionArgs['document'];
  validate(schema: ExecutionArgs['schema'], document: ExecutionArgs['document']): readonly Error[];
  execute(args: ExecutionArgs): Promise<ExecutionResult | RawResult> | ExecutionResult | RawResult;
}

/** An operation that may be run, or its answer already. */
type Item = { args: ExecutionArgs; cost: number } | { answer: ExecutionResult };

/** Answers a list of operations in place of the one that Yoga would look for, under the headers that Yoga gives any answer. */
export function batches(given: {
  /** Milliseconds after which no further one of them is begun. */
  patience: number;
  costs: Costs;
  persisted: Persisted;
  contextOf(client: Client & Credentials): Promise<Context>;
  envelop(context: Context): Enveloped;
  /** Results as clients may see them. */
  finish(result: ExecutionResult): ExecutionResult;
}): Plugin<Passage> {
  const { costs, persisted, finish } = given;
  const findOperation = createFindOperation();

  const prepare = async (
    { schema, parse, validate }: Enveloped,
    context: Context,
    sent: GraphqlRequest,
    header: string | null,
  ): Promise<Item> => {
    try {
      const resolved = persisted.concerns(sent) ? await persisted.resolve(sent, () => context.viewer) : { asked: sent };
      const { asked } = resolved;
      checkItem(asked);
      const document = parse(asked.query);
      const errors = validate(schema, document);
      if (errors.length > 0) return { answer: { errors: errors.map(toClientError) } };
      persisted.keep(resolved);
      const { variables, operationName } = asked;
      const known = findOperation({ schema, document }, operationName);
      if (!known || !getOperationAST(document, operationName))
        throw new MillraceError('INVALID_INPUT', 'name the operation to run by operationName');
      if (known.operation.operation === 'subscription')
        throw new MillraceError('INVALID_INPUT', 'a subscription cannot be one of several operations');
      const idempotencyKey = keyIn(sent.extensions);
      if (header !== null && idempotencyKey === undefined && known.operation.operation === 'mutation') {
        throw invalidInput(
          'extensions.idempotencyKey',
          'in a list each mutation has a key of its own, not of the header',
        );
      }
      const cost = costs.of(schema, known, variables, context.viewer).requested;
      const contextValue = { ...context, idempotencyKey } satisfies Context & Pick<Passage, 'idempotencyKey'>;
      return { args: { schema, document, contextValue, variableValues: variables, operationName }, cost };
    } catch (error) {
      return { answer: { errors: [toClientError(error)] } };
    }
  };
  const run = async (enveloped: Enveloped, item: Item): Promise<string> => {
    if ('answer' in item) return JSON.stringify(finish(item.answer));
    try {
      const result = await enveloped.execute(item.args);
      return rawData in result ? result[rawData].text : JSON.stringify(finish(result));
    } catch (error) {
      return JSON.stringify(finish({ errors: [toClientError(error)] }));
    }
  };
  const answer = async (
    asked: readonly GraphqlRequest[],
    headers: Headers,
    client: Client & Credentials,
  ): Promise<string> => {
    const context = await given.contextOf(client);
    const enveloped = given.envelop(context);
    const items: Item[] = [];
    for (const one of asked) items.push(await prepare(enveloped, context, one, headers.get('idempotency-key')));
    const requested = items.reduce((sum, item) => sum + ('cost' in item ? item.cost : 0), 0);
    const cost = { requested, limit: costs.limitFor(context.viewer) };
    if (isTooCostly(cost)) throw tooCostly(cost);
    const texts: string[] = [];
    // @NOTE what PostgreSQL has to do for a filter is in no cost, only in the time that a statement may take.
    const until = performance.now() + given.patience;
    for (const item of items) texts.push(await run(enveloped, performance.now() < until ? item : tooLate()));
    return `[${texts.join(',')}]`;
  };

  return {
    async onRequestParse({ request, serverContext, endResponse, fetchAPI: { Response } }) {
      const { batch, client } = serverContext as Partial<Passage>;
      if (!batch || !client) return;
      const type = mediaTypeFor(request.headers.get('accept'));
      if (!type) return endResponse(new Response(null, { status: 406, headers: { accept: 'application/json' } }));
      const send = (text: string, status = 200, headers: Record<string, string> = {}) =>
        endResponse(new Response(text, { status, headers: { ...headers, 'content-type': `${type}; charset=utf-8` } }));
      try {
        send(await answer(batch, request.headers, client));
      } catch (error) {
        const refused = asRequestError(error);
        const { status, headers } = refused.extensions.http as { status: number; headers: Record<string, string> };
        send(JSON.stringify(finish({ errors: [refused] })), status, headers);
      }
    },
  };
}

const tooLate = (): Item => {
  const message = 'the operations before it took longer than is allowed';
  return { answer: { errors: [toClientError(new MillraceError('UNAVAILABLE', message, { retryAfter: 1 }))] } };
};

/** Refuses what Yoga refuses of a request that stands alone. */
function checkItem(asked: GraphqlRequest): void {
  const { query, variables, operationName, extensions, ...others } = asked;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalidInput('', `unexpected parameter ${JSON.stringify(unknown.slice(0, 50))}`);
  for (const [name, value] of Object.entries({ variables, extensions }))
    if (Array.isArray(value) || typeof (value ?? {}) !== 'object') throw invalidInput(name, 'must be an object');
  if (typeof (operationName ?? '') !== 'string') throw invalidInput('operationName', 'must be a string');
}
