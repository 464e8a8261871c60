import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { type GraphQLSchema, NoSchemaIntrospectionCustomRule } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
import type { GraphqlConfig } from '../config/config.ts';
import type { Context } from '../context.ts';
import { maxKeptLength } from '../data/reads.ts';
import type { Logger } from '../platform/log.ts';
import { asRequestError, isFault, toClientError, withoutSuggestion } from './client-errors.ts';
import { limitsRule } from './limits.ts';
import { type PlannedTexts, plannedExecution } from './planned-execution.ts';

// @NOTE the CommonJS build: the other one is some hundred files, each of which passes tsx's thread (0.3 s of the start).
const loadYoga = (): typeof import('graphql-yoga') => createRequire(import.meta.url)('graphql-yoga');

/** What is to be sent: a response, and its text at hand where the planner wrote it. */
export interface Answered {
  response: Response;
  text: string | undefined;
}

/** The GraphQL side of a request: parsing, validation, limits, execution, errors. */
export interface GraphqlEngine {
  answer(request: IncomingMessage, response: ServerResponse): Promise<Answered>;
}

/**
 * Makes the engine. `schema` and `contextOf` are asked at every request, so that a reload takes effect with the next one.
 * The body's size and type are the transport's to check.
 */
export function createEngine(given: {
  schema: () => GraphQLSchema;
  contextOf: (request: Request) => Promise<Context>;
  config: GraphqlConfig;
  corsOrigins: readonly string[];
  log: Logger;
}): GraphqlEngine {
  const { config, log } = given;
  const { createYoga } = loadYoga();
  const texts: PlannedTexts = new WeakMap();
  const yoga = createYoga<object, Context>({
    context: async ({ request }) => {
      try {
        return await given.contextOf(request);
      } catch (error) {
        throw asRequestError(error);
      }
    },
    graphqlEndpoint: '/graphql',
    plugins: [
      currentSchema(given.schema),
      documentLimits(config),
      plannedExecution(texts),
      errorsForClients(config, log),
    ],
    maskedErrors: { maskError: toClientError },
    cors: given.corsOrigins.length > 0 ? { origin: [...given.corsOrigins], credentials: false } : false,
    parserAndValidationCache: { documentCache: keptByDocument(), errorCache: keptByDocument() },
    // @NOTE each of these is done better elsewhere: GraphiQL and the body's limit by the transport.
    graphiql: false,
    landingPage: false,
    multipart: false,
    maxRequestBodySize: false,
    batching: false,
    logging: false,
  });
  return {
    async answer(req, res) {
      const response = await yoga.handleNodeRequestAndResponse(req, res);
      return { response, text: texts.get(response) };
    },
  };
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

function documentLimits({ limits, introspection }: GraphqlConfig): Plugin<Context> {
  const rule = limitsRule(limits);
  return {
    onParse({ parseFn, setParseFn }) {
      // @NOTE by the function: options that are changed in `params` reach nobody.
      setParseFn(
        (source: string, options?: object) => parseFn(source, { ...options, maxTokens: limits.tokens }) as unknown,
      );
    },
    onValidate({ addValidationRule }) {
      addValidationRule(rule);
      if (!introspection) addValidationRule(NoSchemaIntrospectionCustomRule);
    },
  };
}

/** Gives every error its code, hides what must not be seen, and logs what is our fault. */
function errorsForClients({ introspection }: GraphqlConfig, log: Logger): Plugin<Context> {
  return {
    onResultProcess({ result, setResult }) {
      if (!('errors' in result) || !result.errors?.length) return;
      const errors = result.errors.map((error) => {
        const mapped = toClientError(error);
        if (isFault(mapped)) log.error({ err: mapped.originalError ?? mapped }, 'a request failed');
        if (!introspection) mapped.message = withoutSuggestion(mapped.message);
        return mapped;
      });
      setResult({ ...result, errors });
    },
  };
}
