import { GraphQLError } from 'graphql';
import { type FieldProblem, MillraceError, statusOf } from '../errors.ts';

/**
 * The error that a client sees. An error of ours keeps its message, code and details; a fault of the document is
 * INVALID_INPUT; anything else becomes INTERNAL and says nothing, its original kept for the log. Mapping twice changes nothing.
 */
export function toClientError(error: unknown): GraphQLError {
  if (!(error instanceof GraphQLError)) return fromAny(error, undefined);
  if (typeof error.extensions.code === 'string' && error.extensions.code in statusOf) return error;
  const original = rootOf(error);
  if (original && !(original instanceof GraphQLError)) return fromAny(original, error);
  const message =
    error.message === 'Validation aborted.' ? 'the document is too complex to be validated' : error.message;
  return withExtensions(message, error, { code: 'INVALID_INPUT', ...fieldsIn(message), ...httpOf(error) }, original);
}

/** Which input a refused variable's message speaks of: GraphQL says it in words only. */
function fieldsIn(message: string): { fields?: FieldProblem[] } {
  const match =
    /^Variable "\$(\w+)" (?:got invalid value .*?(?: at "([^"]+)")?; (.*)|(of required type .* was not provided\.))$/s.exec(
      message,
    );
  if (!match) return {};
  const [, variable, path, problem, missing] = match;
  return { fields: [{ path: path ?? variable!, message: withoutSuggestion(problem ?? missing!) }] };
}

function rootOf(error: GraphQLError): Error | undefined {
  let current: Error | undefined = error.originalError ?? undefined;
  while (current instanceof GraphQLError && current.originalError) current = current.originalError;
  return current;
}

function fromAny(error: unknown, at: GraphQLError | undefined): GraphQLError {
  const original = error instanceof Error ? error : new Error(String(error));
  // @NOTE without the original: see below.
  if (isStackOverflow(error)) return withExtensions('nested too deeply', at, { code: 'INVALID_INPUT' }, undefined);
  if (error instanceof MillraceError && error.code !== 'INTERNAL') {
    const { fields, current, retryAfter } = error.details;
    // @NOTE the outer message: of a value that a scalar refused, it says where the value stands.
    const message = at?.message ?? error.message;
    return withExtensions(
      message,
      at,
      {
        code: error.code,
        ...(fields ? { fields } : fieldsIn(message)),
        ...(current && { current }),
        ...(retryAfter === undefined ? {} : { retryAfter }),
      },
      // @NOTE without the original: Yoga takes whoever has one for a fault, and answers 500.
      undefined,
    );
  }
  return withExtensions('something went wrong', at, { code: 'INTERNAL' }, original);
}

/** What is nested deeper than the stack has room for is the client's doing: nothing of ours is. */
const isStackOverflow = (error: unknown): boolean =>
  error instanceof RangeError && error.message.startsWith('Maximum call stack size');

const withExtensions = (
  message: string,
  at: GraphQLError | undefined,
  extensions: Record<string, unknown>,
  originalError: Error | undefined,
): GraphQLError =>
  new GraphQLError(message, {
    nodes: at?.nodes,
    source: at?.source,
    positions: at?.positions,
    path: at?.path,
    extensions,
    originalError,
  });

/** HTTP's part of an error that Yoga made (a wrong method, say) is kept. */
const httpOf = (error: GraphQLError): Record<string, unknown> =>
  error.extensions.http ? { http: error.extensions.http } : {};

/** The same error for a request that was refused as a whole: with the HTTP status of its code. */
export function asRequestError(error: unknown): GraphQLError {
  const mapped = toClientError(error);
  const code = mapped.extensions.code as keyof typeof statusOf;
  const retryAfter = mapped.extensions.retryAfter;
  const headers = {
    ...(code === 'UNAUTHENTICATED' ? { 'WWW-Authenticate': 'Bearer' } : {}),
    ...(typeof retryAfter === 'number' ? { 'Retry-After': String(retryAfter) } : {}),
  };
  // @NOTE clients of that protocol expect 200 with `application/json`, and not all read another answer's body.
  const isOrdinary = code === 'PERSISTED_QUERY_NOT_FOUND';
  const http = { status: statusOf[code], headers, ...(isOrdinary && { spec: true }) };
  return withExtensions(mapped.message, mapped, { ...mapped.extensions, http }, mapped.originalError ?? undefined);
}

/** Whether the error is a fault of ours that the log should hold. */
export const isFault = (error: GraphQLError): boolean => error.extensions.code === 'INTERNAL';

/**
 * Hides which names the schema has nearby: for a server that does not show its schema.
 * @NOTE no pattern: it would look for the end anew wherever a client's value in the message says the same.
 */
export function withoutSuggestion(message: string): string {
  const at = message.endsWith('?') ? message.indexOf(' Did you mean ') : -1;
  return at < 0 ? message : message.slice(0, at);
}
