/**
 * Cursors. One holds the values that its row was ordered by, and its key: the next page starts behind those values,
 * whether the row is still there or not (keyset pagination). It is made inside the SQL statement, in base64 of a JSON array:
 * a mark of the order it belongs to, then each term's value as PostgreSQL's text.
 */
import { createHash } from 'node:crypto';
import { invalidInput } from '../../errors.ts';
import type { OrderTerm } from './order.ts';
import { all, any, literal, type Statement } from './statement.ts';
import type { Value } from './value.ts';

/** Marks the order that a cursor belongs to. */
export function orderMark(model: string, terms: readonly OrderTerm[]): string {
  const spelt = `${model}(${terms.map((t) => t.label).join(',')})`;
  return createHash('sha256').update(spelt).digest('base64url').slice(0, 8);
}

/** The SQL that makes a row's cursor. */
export function cursorSql(mark: string, terms: readonly OrderTerm[]): string {
  const values = terms.map((t) => `(${t.expression})::text`).join(', ');
  return `translate(encode(convert_to(json_build_array(${literal(mark)}, ${values})::text, 'UTF8'), 'base64'), E'\\n', '')`;
}

/**
 * The condition that a row stands behind the cursor in this order; never unknown.
 * @throws INVALID_INPUT when it is no cursor, or one of another list or order
 */
export function behindCursor(statement: Statement, cursor: Value, mark: string, terms: readonly OrderTerm[]): string {
  const now = decodeCursor(cursor.now, cursor.path, mark, terms);
  const bound = terms.map((_, i) =>
    now[i] === null
      ? undefined
      : statement.parameter((input) => decodeCursor(cursor.read(input), cursor.path, mark, terms)[i]),
  );
  const isUniform = terms.every((t) => !t.isNullable && t.direction === terms[0]!.direction);
  if (isUniform && bound.every((b) => b !== undefined)) {
    const comparison = terms[0]!.direction === 'asc' ? '>' : '<';
    if (terms.length === 1) return `${terms[0]!.expression} ${comparison} ${bound[0]}`;
    return `(${terms.map((t) => t.expression).join(', ')}) ${comparison} (${bound.join(', ')})`;
  }
  const alternatives = terms.map((term, i) =>
    all([...terms.slice(0, i).map((t, j) => equal(t, bound[j])), behind(term, bound[i])]),
  );
  return any(alternatives);
}

const equal = (term: OrderTerm, value: string | undefined): string =>
  value === undefined ? `${term.expression} is null` : `coalesce(${term.expression} = ${value}, false)`;

function behind(term: OrderTerm, value: string | undefined): string {
  if (value === undefined) return term.nulls === 'first' ? `${term.expression} is not null` : 'false';
  const comparison = `${term.expression} ${term.direction === 'asc' ? '>' : '<'} ${value}`;
  if (!term.isNullable) return comparison;
  return `coalesce(${comparison}, ${term.nulls === 'last'})`;
}

/** The nulls of a cursor: which of them a plan was made for is part of the plan's key. */
export function cursorShape(cursor: unknown): string {
  // Every cursor begins with `["`, in base64 `Wy` and two bits more: other texts need not be looked into.
  if (typeof cursor !== 'string' || !cursor.startsWith('Wy')) return 'v';
  const values = parse(cursor);
  return values ? `c${values.map((v) => (v === null ? 'n' : 'v')).join('')}` : 'v';
}

function decodeCursor(cursor: unknown, path: string, mark: string, terms: readonly OrderTerm[]): (string | null)[] {
  const values = typeof cursor === 'string' ? parse(cursor) : undefined;
  if (!values || values.length !== terms.length + 1) throw invalidInput(path, 'is not a cursor of this list');
  if (values[0] !== mark) throw invalidInput(path, 'is a cursor of another list or another orderBy');
  const parts = values.slice(1);
  if (!parts.every((part, i) => part === null || terms[i]!.accepts(part)))
    throw invalidInput(path, 'is not a cursor of this list');
  return parts;
}

function parse(cursor: string): (string | null)[] | undefined {
  try {
    const values: unknown = JSON.parse(Buffer.from(cursor, 'base64').toString('utf8'));
    const isCursor =
      Array.isArray(values) && values.every((v) => v === null || (typeof v === 'string' && !v.includes('\0')));
    return isCursor ? values : undefined;
  } catch {
    return undefined;
  }
}
