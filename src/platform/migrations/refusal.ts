/** What is said of a migration that PostgreSQL does not take. */
import pg from 'pg';

/** The reason in one line, with the line of the script that it is about. */
export function describeRefusal(error: unknown, sql: string): string {
  if (!(error instanceof pg.DatabaseError)) return error instanceof Error ? error.message : String(error);
  const detail = error.detail ? ` (${error.detail})` : '';
  return `${error.message}${error.position ? placeOf(Number(error.position), sql) : ''}${detail}`;
}

// With its text, since a migration that is taken back leaves no file to look it up in.
function placeOf(position: number, sql: string): string {
  const line = sql.slice(0, position).split('\n').length;
  const text = sql.split('\n')[line - 1]!.trim().replace(/[,;]$/, '');
  return ` at line ${line}: ${text.length > 100 ? `${text.slice(0, 99)}…` : text}`;
}

const written = 'let `npx prisma migrate dev --create-only` write the migration';

/** SQLSTATEs of what is not there: a function; a type or an operator class; a sequence; a schema. */
const absent = new Set(['42883', '42704', '42P01', '3F000']);

/** What to do about a migration that was made of a schema and refused: a schema may take for granted what it cannot make. */
export function remedyForRefusal(error: unknown): string {
  const { code = '', message = '' } = error instanceof pg.DatabaseError ? error : {};
  // PostgreSQL 18 has no code of its own for it; those before say that a file is missing.
  if (/^extension ".*" is not available|^could not open extension control file/.test(message)) {
    return (
      'name a server in DATABASE_URL that has the extension; ' +
      'the PostgreSQL that comes along has those of PostgreSQL itself'
    );
  }
  if (/column reference in DEFAULT/.test(message)) {
    return `the database computes this column: ${written}, put GENERATED ALWAYS AS (…) STORED in the place of the DEFAULT, and start again`;
  }
  if (absent.has(code)) {
    return `the schema takes it for granted: ${written}, put what makes it (CREATE EXTENSION, FUNCTION, SEQUENCE …) on top, and start again`;
  }
  return 'change the schema or the rows';
}
