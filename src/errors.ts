/**
 * The closed set of errors a client can meet. Anything else that is thrown reaches the client as INTERNAL, masked.
 * Each transport has one mapper; database codes are translated in `platform/db.ts`.
 */

/** HTTP status of each stable code. */
export const statusOf = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  INVALID_INPUT: 400,
  CONFLICT: 409,
  TOO_LARGE: 413,
  RATE_LIMITED: 429,
  UNAVAILABLE: 503,
  INTERNAL: 500,
  // @NOTE not of our making: the protocol of automatic persisted queries has this name, by which its clients send the text.
  PERSISTED_QUERY_NOT_FOUND: 404,
} as const;

/** A stable error code; clients may switch on it. */
export type ErrorCode = keyof typeof statusOf;

/** One offending input: where it stands in the arguments (dotted, as `data.title`) and what is wrong with it. */
export interface FieldProblem {
  path: string;
  message: string;
}

/** What a code may carry besides its message. */
export interface ErrorDetails {
  /** With INVALID_INPUT and CONFLICT: the offending inputs. */
  fields?: FieldProblem[];
  /** With CONFLICT of a stale write: what is current, by field. */
  current?: Readonly<Record<string, unknown>>;
  /** With RATE_LIMITED and UNAVAILABLE: seconds to wait. */
  retryAfter?: number;
}

// @NOTE registered symbols: `npm run dev` loads app/ anew at each save, and with it a copy of this file. What one copy throws
// (in a field of app/schema.ts) is caught by the other, whose `instanceof` would not know it by its prototype.
const millraceMark = Symbol.for('millrace.MillraceError');
const startupMark = Symbol.for('millrace.StartupError');

/** An error that may be shown to the client as it is. Its message must never hold a secret or a database word. */
export class MillraceError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
  readonly [millraceMark] = true;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MillraceError';
    this.code = code;
    this.details = details;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: what is derived of this class asks for itself
    return isInstance(this, MillraceError, millraceMark, value);
  }
}

/** A mistake of whoever runs or configures Millrace: one clear line for the terminal, and what to do about it. */
export class StartupError extends Error {
  readonly remedy: string;
  readonly [startupMark] = true;

  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartupError';
    this.remedy = remedy;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: what is derived of this class asks for itself
    return isInstance(this, StartupError, startupMark, value);
  }
}

/** Whether a value is marked as one of the base class; what is derived of it keeps the language's own test. */
function isInstance(asked: object, base: object, mark: symbol, value: unknown): boolean {
  if (asked === base) return typeof value === 'object' && value !== null && mark in value;
  return Function.prototype[Symbol.hasInstance].call(asked, value);
}

/** INVALID_INPUT for one argument path. */
export function invalidInput(path: string, message: string): MillraceError {
  return new MillraceError('INVALID_INPUT', path ? `${path}: ${message}` : message, { fields: [{ path, message }] });
}
