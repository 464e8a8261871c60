import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  NoSchemaIntrospectionCustomRule,
  type ValidationRule,
  validate,
} from 'graphql';
import type { CORSOptions, GraphQLParams, Plugin, YogaServerInstance } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
import type { Client, Credentials } from '../client.ts';
import type { GraphqlConfig } from '../config/config.ts';
import type { Context } from '../context.ts';
import { createAnswerRoom } from '../data/answer-room.ts';
import { maxKeptLength } from '../data/plan-cache.ts';
import { MillraceError } from '../errors.ts';
import type { Live } from '../live/live.ts';
import type { Database } from '../platform/db.ts';
import type { Logger } from '../platform/log.ts';
import type { Viewer } from '../viewer.ts';
import { batches, type Enveloped } from './batch.ts';
import { asRequestError, isFault, toClientError, withoutSuggestion } from './client-errors.ts';
import { type Costs, costLimit, isTooCostly, tooCostly } from './cost-limit.ts';
import { exportRule } from './export-rule.ts';
import { type Idempotency, keyIn } from './idempotency.ts';
import type { Lane, Passage, WrittenAnswer } from './lane.ts';
import { limitsRule, mergingRule } from './limits.ts';
import { mutationTransactions } from './mutation-transaction.ts';
import type { Persisted } from './persisted.ts';
import { type PlannedAnswers, plannedExecution, type RawResult, rawData } from './planned-execution.ts';
import { createFindOperation } from './planned-read.ts';
import { type LiveOperation, liveOperation } from './streams.ts';

// @NOTE the CommonJS build: the other one is some hundred files, each of which passes tsx's thread (0.3 s of the start).
const loadYoga = (): typeof import('graphql-yoga') => createRequire(import.meta.url)('graphql-yoga');

/** What is to be sent: a text at hand where the planner wrote it, else a response. */
export type Answered = WrittenAnswer | { response: Response };

/** A GraphQL request, as it arrives by any transport. */
export interface GraphqlRequest {
  query: string;
  variables?: Readonly<Record<string, unknown>> | null;
  operationName?: string | null;
  extensions?: unknown;
  /** What stands for the document in the place of its text; see `persisted.ts`. */
  documentId?: unknown;
}

/** One request by HTTP, who sends it, and where its answer goes. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  client: Client & Credentials;
}

/** An operation for a transport that carries streams: refused, live, or to be executed. */
export type Prepared =
  | { kind: 'refused'; errors: readonly GraphQLError[] }
  /** `query` is the document's text as all share who ask in the same words. */
  | { kind: 'live'; query: string; operation: LiveOperation }
  | { kind: 'executed'; run(): Promise<AsyncIterable<ExecutionResult> | ExecutionResult> };

/** The GraphQL side of a request: parsing, validation, limits, execution, errors. */
export interface GraphqlEngine {
  /** @param asked what the request's body or address says */
  answer(exchange: Exchange, asked: GraphqlRequest): Promise<Answered>;
  /** Answers several operations in their order, as a list. */
  answerMany(exchange: Exchange, asked: readonly GraphqlRequest[]): Promise<Answered>;
  /**
   * Looks at an operation that a stream may answer; never throws.
   * @param context who asks; its failure refuses the operation
   * @param resumeAfter the cursor to go on from, where the transport knows it better than the document
   */
  prepare(request: GraphqlRequest, context: () => Promise<Context>, resumeAfter?: string): Promise<Prepared>;
  /** Results of the executor as clients may see them: errors with their codes, faults masked and logged. */
  finish(result: ExecutionResult): ExecutionResult;
}

/**
 * Makes the engine. `schema` and `contextFor` are asked at every request, so that a reload takes effect with the next one.
 * The body's size and type are the transport's to check.
 */
export function createEngine(given: {
  schema: () => GraphQLSchema;
  viewerOf: (credentials: Credentials) => Promise<Viewer>;
  contextFor: (viewer: Viewer, client: Client) => Context;
  /** Where mutations begin their transactions. */
  db: Pick<Database, 'begin'>;
  idempotency: Idempotency;
  lane: Lane;
  persisted: Persisted;
  costs: Costs;
  live: () => Live;
  config: GraphqlConfig;
  corsOrigins: readonly string[];
  /** Milliseconds that one statement may take, and several operations of one request until the last is begun. */
  statementTimeout: number;
  log: Logger;
}): GraphqlEngine {
  const { config, costs, lane, persisted, log } = given;
  const { createYoga } = loadYoga();
  const answers: PlannedAnswers = new WeakMap();
  const findOperation = createFindOperation();
  const finish = (result: ExecutionResult) => forClient(result, config, log);
  const resolve = async (asked: GraphqlRequest, passage: Passage) => {
    const viewer = () => (passage.viewing ??= given.viewerOf(passage.client));
    try {
      passage.resolved = await persisted.resolve(asked, viewer);
    } catch (error) {
      passage.refusal = error;
    }
  };
  const yoga: YogaServerInstance<Passage, Context> = createYoga<Passage, Context>({
    context: async ({ viewing, client }) => {
      try {
        return given.contextFor(await (viewing ?? given.viewerOf(client)), client);
      } catch (error) {
        throw asRequestError(error);
      }
    },
    graphqlEndpoint: '/graphql',
    plugins: [
      currentSchema(given.schema),
      namedDocuments(persisted),
      batches({
        patience: given.statementTimeout,
        costs,
        persisted,
        contextOf: async (client) => given.contextFor(await given.viewerOf(client), client),
        envelop: (context) => yoga.getEnveloped(context) as Enveloped,
        finish: (result) => withoutHttp(finish(result)),
      }),
      documentLimits(config),
      costLimit(costs),
      mutationTransactions(given.db, { costs, idempotency: given.idempotency, log }),
      // @NOTE behind it, and so around it: a write that one statement does needs no transaction, and must not stand in one.
      plannedExecution(answers),
      { onResultProcess: ({ result, setResult }) => isExecuted(result) && setResult(finish(result)) },
    ],
    maskedErrors: { maskError: toClientError },
    cors: given.corsOrigins.length > 0 ? ({ headers }) => corsFor(headers.get('origin'), given.corsOrigins) : false,
    parserAndValidationCache: { documentCache: keptByDocument(), errorCache: keptByDocument() },
    // @NOTE each of these is done better elsewhere: GraphiQL and the body's limit by the transport, lists by `batches`.
    graphiql: false,
    landingPage: false,
    multipart: false,
    maxRequestBodySize: false,
    batching: false,
    logging: false,
  });
  return {
    async answer({ request: req, response: res, client }, asked) {
      const idempotencyKey = keyIn(asked.extensions) ?? req.headers['idempotency-key'];
      const passage: Passage = { client, idempotencyKey };
      if (persisted.concerns(asked)) await resolve(asked, passage);
      const { resolved, refusal } = passage;
      const known = refusal ? undefined : await lane.answer(req, resolved?.asked ?? asked, passage);
      if (known) {
        if (resolved) persisted.keep(resolved);
        return known;
      }
      const response = await yoga.handleNodeRequestAndResponse(req, res, passage);
      const planned = answers.get(response);
      if (!planned) return { response };
      const headers = Object.fromEntries(response.headers);
      lane.learn(passage, planned, headers);
      return { status: response.status, headers, body: planned.text };
    },
    answerMany: async ({ request, response, client }, batch) => ({
      response: await yoga.handleNodeRequestAndResponse(request, response, { client, batch }),
    }),
    async prepare(request, contextOf, resumeAfter) {
      try {
        // @NOTE a room of its own: who asks on a socket is known once, and asks again and again.
        const room = createAnswerRoom(config.limits.answerBytes);
        const idempotencyKey = keyIn(request.extensions);
        const contextValue: Context & Pick<Passage, 'idempotencyKey'> = {
          ...(await contextOf()),
          room,
          idempotencyKey,
        };
        const resolved = await persisted.resolve(request, () => contextValue.viewer);
        const { schema, parse, validate, execute, subscribe } = yoga.getEnveloped(contextValue);
        const document = parse(resolved.asked.query);
        const errors = validate(schema, document);
        if (errors.length > 0) return { kind: 'refused', errors: withoutHttp(finish({ errors })).errors! };
        persisted.keep(resolved);
        const { variables, operationName } = request;
        const args: ExecutionArgs = { schema, document, contextValue, variableValues: variables, operationName };
        const operation = getOperationAST(document, operationName);
        if (!operation) throw new MillraceError('INVALID_INPUT', 'name the operation to run by operationName');
        const known = findOperation({ schema, document }, operationName)!;
        const cost = costs.of(schema, known, variables, contextValue.viewer);
        if (isTooCostly(cost)) throw tooCostly(cost);
        const live = liveOperation(given.live(), args, resumeAfter);
        if (live) return { kind: 'live', query: document.loc!.source.body, operation: live };
        const run = async () => ofText(await (operation.operation === 'subscription' ? subscribe : execute)(args));
        return { kind: 'executed', run };
      } catch (error) {
        return { kind: 'refused', errors: withoutHttp(finish({ errors: [toClientError(error)] })).errors! };
      }
    },
    finish: (result) => withoutHttp(finish(result)),
  };
}

/** @NOTE with credentials only for who is named: to `*` they would be anybody's, and the origin `null` is of many a page. */
function corsFor(origin: string | null, allowed: readonly string[]): CORSOptions | false {
  if (origin === null) return false;
  if (origin !== '*' && allowed.includes(origin)) return { origin: [origin, origin], credentials: true };
  return allowed.includes('*') ? { origin: '*', credentials: false } : false;
}

const isExecuted = (result: unknown): result is ExecutionResult =>
  typeof result === 'object' && result !== null && 'errors' in result;

/** @NOTE `http` is Yoga's own, which it takes out again where there is an HTTP response to put it into. */
function withoutHttp(result: ExecutionResult): ExecutionResult {
  for (const { extensions } of result.errors ?? []) delete extensions.http;
  return result;
}

/** A planned answer is a text; where results are objects it becomes one. */
function ofText<Result extends object>(result: Result | RawResult): Result {
  return rawData in result ? (JSON.parse(result[rawData].text) as Result) : result;
}

/** What is kept by a document's text: Yoga's own bounds how many, whatever their length. */
function keptByDocument<Kept>(): { get(text: string): Kept | undefined; set(text: string, kept: Kept): void } {
  const known = new LRUCache<string, { kept: Kept }>({ max: 1000 });
  return {
    get: (text) => known.get(text)?.kept,
    set(text, kept) {
      if (text.length <= maxKeptLength) known.set(text, { kept });
    },
  };
}

/** Serves each request by the schema of its moment; Yoga's own `schema` option does the same at several times the cost. */
const currentSchema = (schema: () => GraphQLSchema): Plugin<Context> => ({
  onEnveloped: ({ setSchema }) => setSchema(schema()),
});

/** Puts documents in the place of their names, and keeps those that were sent with one and have proved valid. */
function namedDocuments(persisted: Persisted): Plugin<Context> {
  return {
    onParams({ context, setParams }) {
      const { refusal, resolved } = context as Passage;
      if (refusal) throw asRequestError(refusal);
      if (resolved) setParams(resolved.asked as GraphQLParams);
    },
    onExecute({ args }) {
      const { resolved } = args.contextValue as Passage;
      if (resolved) persisted.keep(resolved);
    },
  };
}
/** Errors of one document that are found, and told: each may look through all names for one that is like it. */
const maxErrors = 20;

function documentLimits({ limits, introspection }: GraphqlConfig): Plugin<Context> {
  const early = [limitsRule(limits), mergingRule];
  return {
    onParse({ parseFn, setParseFn }) {
      // @NOTE by the function: options that are changed in `params` reach nobody.
      setParseFn(
        (source: string, options?: object) => parseFn(source, { ...options, maxTokens: limits.tokens }) as unknown,
      );
    },
    onValidate({ addValidationRule, setValidationFn }) {
      // @NOTE before all other rules, some of which take the square of what these allow.
      setValidationFn((schema: GraphQLSchema, document: DocumentNode, rules?: readonly ValidationRule[]) => {
        const refused = validate(schema, document, early);
        return refused.length > 0 ? refused : validate(schema, document, rules, { maxErrors });
      });
      addValidationRule(exportRule);
      if (!introspection) addValidationRule(NoSchemaIntrospectionCustomRule);
    },
  };
}

/** Gives every error its code, hides what must not be seen, and logs what is our fault. */
function forClient(result: ExecutionResult, { introspection }: GraphqlConfig, log: Logger): ExecutionResult {
  if (!result.errors?.length) return result;
  const errors = result.errors.map((error) => {
    const mapped = toClientError(error);
    if (isFault(mapped)) log.error({ err: mapped.originalError ?? mapped }, 'a request failed');
    if (!introspection) mapped.message = withoutSuggestion(mapped.message);
    return mapped;
  });
  return { ...result, errors };
}
