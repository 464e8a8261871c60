/** What can go wrong with a stream, and whether it passes when one tries again. */
import type { GraphQLFormattedError } from 'graphql';

/** A connection that failed otherwise than by GraphQL's errors. */
export class StreamError extends Error {
  /** Trying again would fail again. */
  readonly isFatal: boolean;

  constructor(message: string, isFatal: boolean, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StreamError';
    this.isFatal = isFatal;
  }
}

/** The server's refusal of an operation, with the errors as it told them. */
export class RefusedError extends Error {
  readonly errors: readonly GraphQLFormattedError[];

  constructor(errors: readonly GraphQLFormattedError[]) {
    super(errors.map((e) => e.message).join('; '));
    this.name = 'RefusedError';
    this.errors = errors;
  }
}

/** What comes of a failure. */
export interface Outlook {
  /** Worth another try: always, never, or only on a stream that has been let in before. */
  tryAgain: 'always' | 'never' | 'once let in';
  /** Milliseconds that the server asks to wait. */
  wait: number;
}

const fatalCodes = [4004, 4400, 4401, 4403, 4406, 4409];
/** Codes below 2000 (RFC 6455 §7.4.1) that say nothing against trying again. */
const passingCodes = [1000, 1001, 1005, 1006, 1011, 1012, 1013, 1014];

/** Whether a failure passes; what is not known is taken for a connection that was cut. */
export function outlookOf(failure: unknown): Outlook {
  if (isErrors(failure)) return outlookOfErrors(failure);
  if (failure instanceof StreamError) return { tryAgain: failure.isFatal ? 'never' : 'always', wait: 0 };
  const code = closeCodeOf(failure);
  if (code === undefined) return { tryAgain: 'always', wait: 0 };
  const isFatal = code < 2000 ? !passingCodes.includes(code) : fatalCodes.includes(code);
  return { tryAgain: isFatal ? 'never' : 'always', wait: 0 };
}

function outlookOfErrors(errors: readonly GraphQLFormattedError[]): Outlook {
  const { code, retryAfter } = errors[0]?.extensions ?? {};
  const wait = typeof retryAfter === 'number' ? retryAfter * 1000 : 0;
  if (code === 'UNAVAILABLE' || code === 'RATE_LIMITED') return { tryAgain: 'always', wait };
  // A token has expired: the next connection may bring a new one.
  return { tryAgain: code === 'UNAUTHENTICATED' ? 'once let in' : 'never', wait };
}

/** Whether a failure is GraphQL's errors, as a sink is told them. */
export const isErrors = (failure: unknown): failure is readonly GraphQLFormattedError[] => Array.isArray(failure);

/** A failure as something to be thrown. */
export function asError(failure: unknown): Error {
  if (isErrors(failure)) return new RefusedError(failure);
  if (failure instanceof Error) return failure;
  const code = closeCodeOf(failure);
  return new StreamError(code === undefined ? 'the connection failed' : `the connection was closed: ${code}`, true, {
    cause: failure,
  });
}

function closeCodeOf(failure: unknown): number | undefined {
  if (typeof failure !== 'object' || failure === null || !('code' in failure) || !('reason' in failure))
    return undefined;
  return typeof failure.code === 'number' ? failure.code : undefined;
}
