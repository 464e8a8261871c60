import { MillraceError } from '../errors.ts';

/** What PostgreSQL's driver attaches to an error. */
interface DriverError {
  code?: string;
  message: string;
  detail?: string;
  column?: string;
  constraint?: string;
  table?: string;
}

/** A constraint that a write ran against: for whoever knows which fields its columns are. */
export interface Violation {
  kind: 'unique' | 'reference' | 'required' | 'check';
  table: string | undefined;
  columns: readonly string[];
  /** Their values, as PostgreSQL writes them. Somebody's data: they are compared with what a client has sent, and never shown. */
  values?: string;
}

/** An error of the database in our own words. The original is kept as `cause` for the log and never shown. */
export class DatabaseError extends MillraceError {
  readonly violation: Violation | undefined;

  constructor(code: MillraceError['code'], message: string, cause: unknown, violation?: Violation) {
    super(code, message, code === 'UNAVAILABLE' ? { retryAfter: 1 } : {}, { cause });
    this.name = 'DatabaseError';
    this.violation = violation;
  }
}

/**
 * Whether it is certain that nothing stays of the statement that failed so: PostgreSQL has refused it.
 * @NOTE of a connection that broke, nobody knows.
 */
export const leavesNothing = (error: unknown): boolean =>
  error instanceof DatabaseError &&
  error.code !== 'UNAVAILABLE' &&
  (error.cause as Partial<DriverError> | undefined)?.code?.length === 5;

/** By SQLSTATE, or the class that its first two characters name (PostgreSQL manual, appendix A). */
const meanings: Record<string, [code: MillraceError['code'], message: string]> = {
  '23505': ['CONFLICT', 'another row has these values already'],
  '23503': ['CONFLICT', 'rows depend on each other here'],
  // From PostgreSQL 18 on, where a foreign key says RESTRICT.
  '23001': ['CONFLICT', 'rows depend on each other here'],
  '23502': ['INVALID_INPUT', 'a value is required'],
  '23514': ['INVALID_INPUT', 'a value is not allowed here'],
  '23P01': ['CONFLICT', 'another row excludes this one'],
  '428C9': ['INVALID_INPUT', 'the database makes one of these values by itself'],
  // What `millrace.refuse()` takes back a write by.
  MR001: ['FORBIDDEN', 'not allowed'],
  '23': ['INVALID_INPUT', 'a value is not allowed here'],
  '44': ['INVALID_INPUT', 'a value is not allowed here'],
  '25006': ['UNAVAILABLE', 'the database takes no changes now'],
  '22003': ['INVALID_INPUT', 'a number is out of range'],
  '22001': ['INVALID_INPUT', 'a text is too long'],
  '22012': ['INVALID_INPUT', 'division by zero'],
  '22': ['INVALID_INPUT', 'a value has the wrong form'],
  '54': ['INVALID_INPUT', 'the request is too complex'],
  '57014': ['UNAVAILABLE', 'the request took longer than is allowed'],
  '40': ['CONFLICT', 'another change came between; try again'],
  '55P03': ['CONFLICT', 'another change is under way; try again'],
  '53100': ['UNAVAILABLE', 'there is no room to store this now'],
  '53': ['UNAVAILABLE', 'the database is overloaded'],
  '57': ['UNAVAILABLE', 'the database is not available'],
  '58': ['UNAVAILABLE', 'the database is not available'],
  '08': ['UNAVAILABLE', 'the database is not available'],
  '3D': ['UNAVAILABLE', 'the database is not available'],
  '28': ['UNAVAILABLE', 'the database is not available'],
};

/** What a trigger or a function of whoever owns the database says no with. */
const refusal: [code: MillraceError['code'], message: string] = ['INVALID_INPUT', 'the database does not accept this'];

/**
 * What PL/pgSQL raises, the standard's class of exceptions of one's own, and the classes that the standard leaves to everybody and
 * PostgreSQL does not use. (Node's own codes begin with E.)
 */
const isRefusal = (code: string): boolean => /^(?:09|27|45|(?!72|XX)[6-9I-Z])/.test(code);

/** What a database without `pg_trgm` says of fuzzy search. */
const lacksTrigrams = /\b(?:word_)?similarity\(text, text\)/;

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'EAI_AGAIN',
  'ENOENT',
]);
const lostConnection =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/;

/** Turns whatever the driver threw into an error that may be shown. Errors of ours pass through. */
export function translateDatabaseError(error: unknown): MillraceError {
  if (error instanceof MillraceError) return error;
  if (!(error instanceof Error)) return new DatabaseError('INTERNAL', 'something went wrong', error);
  const driver = error as DriverError;
  const code = driver.code ?? '';
  if (networkCodes.has(code) || lostConnection.test(driver.message)) {
    return new DatabaseError('UNAVAILABLE', 'the database is not available', error);
  }
  if (code === '42883' && lacksTrigrams.test(driver.message)) {
    const message =
      'fuzzy search needs the extension pg_trgm, which the database does not have: npx millrace search-index makes a migration for it';
    return new DatabaseError('INVALID_INPUT', message, error);
  }
  const meaning = meanings[code] ?? meanings[code.slice(0, 2)] ?? (isRefusal(code) ? refusal : undefined);
  if (!meaning || code.length !== 5) return new DatabaseError('INTERNAL', 'something went wrong', error);
  return new DatabaseError(...meaning, error, violationOf(code, driver));
}

/** Whether a transaction failed because another one came first, so that it may succeed when it is done again (40001, 40P01). */
export function isContention(error: unknown): boolean {
  const code = error instanceof DatabaseError ? (error.cause as DriverError | undefined)?.code : undefined;
  return code === '40001' || code === '40P01';
}

function violationOf(code: string, driver: DriverError): Violation | undefined {
  const table = driver.table;
  switch (code) {
    case '23505':
      return { kind: 'unique', table, columns: keyColumns(driver.detail), values: keyValues(driver.detail) };
    case '23503':
    case '23001':
      return { kind: 'reference', table, columns: keyColumns(driver.detail) };
    case '23502':
      return { kind: 'required', table, columns: driver.column ? [driver.column] : [] };
    case '23514':
      return { kind: 'check', table, columns: [] };
    default:
      return undefined;
  }
}

/** The values in `Key (a, "b")=(…)`. */
const keyValues = (detail: string | undefined): string | undefined =>
  detail?.match(/^Key \(.*?\)=\((.*)\) already exists\.$/s)?.[1];

/** The columns in `Key (a, "b")=(…)`. */
function keyColumns(detail: string | undefined): string[] {
  const list = detail?.match(/^Key \((.*?)\)=/)?.[1];
  return list ? list.split(', ').map((name) => name.replaceAll(/^"|"$/g, '').replaceAll('""', '"')) : [];
}
