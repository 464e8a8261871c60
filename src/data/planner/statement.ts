import { MillraceError } from '../../errors.ts';
import type { ColumnField, TableName } from '../model/datamodel.ts';
import type { PlanInput, Value } from './value.ts';

/** A parameter of a statement: how to make it from the input. May throw INVALID_INPUT. */
export type Parameter = (input: PlanInput) => unknown;

/** Turns an API value into what PostgreSQL reads; never called with undefined. */
export type Encode = (value: unknown, path: string) => unknown;

/** Begins a placeholder; no name in a schema can have it. */
const mark = '\u0001';
const placeholder = new RegExp(`${mark}(\\d+);`, 'g');

/** Collects the parameters of one statement while its text is written. */
export class Statement {
  private readonly parameters: Parameter[] = [];
  /** Whether what is written now belongs to a rule. */
  isRule = false;
  private readonly tables = new Map<string, TableName>();

  /** Binds a value and returns its placeholder; PostgreSQL infers the type from where it stands. */
  bind(value: Value, encode: Encode = (v) => v): string {
    const { read, path } = value;
    const toParameter = this.isRule ? orUnknown(encode) : encode;
    return this.parameter((input) => {
      const current = read(input);
      return current === null || current === undefined ? null : toParameter(current, path);
    });
  }

  /** Binds a parameter of any origin. */
  parameter(parameter: Parameter): string {
    this.parameters.push(parameter);
    return `${mark}${this.parameters.length - 1};`;
  }

  /**
   * The text with its placeholders named (`$1` … unless said otherwise), and how to make their values. What was bound for a part that was not written
   * after all (the size of a page of which only the total is asked) is checked and not sent: PostgreSQL would refuse it.
   */
  finish(
    text: string,
    nameOf: (number: number) => string = (n) => `$${n}`,
  ): { text: string; values: (input: PlanInput) => unknown[] } {
    const used: number[] = [];
    const numbered = text.replaceAll(placeholder, (_, index: string) => {
      const known = used.indexOf(Number(index));
      return nameOf(known >= 0 ? known + 1 : used.push(Number(index)));
    });
    const values = (input: PlanInput) => {
      const all = this.parameters.map((parameter) => parameter(input));
      return used.map((index) => all[index]);
    };
    return { text: numbered, values };
  }

  /** An alias of the table that stands nowhere else in the statement. */
  alias(table: TableName): string {
    const alias = `t${this.tables.size + 1}`;
    this.tables.set(alias, table);
    return alias;
  }

  /** Notes that the table is read under an alias made elsewhere. */
  register(alias: string, table: TableName): void {
    this.tables.set(alias, table);
  }

  /** The columns that a text of this statement reads, by alias and table. */
  readsOf(text: string): TableRead[] {
    const reads = new Map(
      [...this.tables].map(([alias, table]) => [alias, { alias, table, columns: new Set<string>() }]),
    );
    for (const [, alias, column] of text.matchAll(reference))
      reads.get(alias!)?.columns.add(column!.replaceAll('""', '"'));
    return [...reads.values()].filter(({ alias }) => new RegExp(`\\b${alias}\\b`).test(text));
  }
}

/** A table as a statement reads it: under which alias, and which of its columns. */
export interface TableRead {
  alias: string;
  table: TableName;
  columns: ReadonlySet<string>;
}

/** A column of an alias of ours, as every part of the planner writes it. */
const reference = /\b(t\d+(?:_j)?)\."((?:[^"]|"")+)"/g;

/** A rule may compare with what no such column can hold (an id of a token's that is no UUID, say): no row is equal to it. */
const orUnknown =
  (encode: Encode): Encode =>
  (value, path) => {
    try {
      return encode(value, path);
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      return Array.isArray(value) ? [null] : null;
    }
  };

/** A name in SQL, quoted. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** A text in SQL, quoted; for names of ours, never for a client's values. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** A table in SQL. */
export const tableRef = (table: TableName): string => `${identifier(table.schema)}.${identifier(table.name)}`;

/** A column of an aliased table in SQL. */
export const columnRef = (alias: string, field: ColumnField): string => `${alias}.${identifier(field.column)}`;

/** Conditions that must all hold; none at all is true. */
export function all(conditions: readonly string[]): string {
  const real = conditions.filter((c) => c !== 'true');
  if (real.includes('false')) return 'false';
  if (real.length === 0) return 'true';
  return real.length === 1 ? real[0]! : `(${real.join(' and ')})`;
}

/** Conditions of which one must hold; none at all is false. */
export function any(conditions: readonly string[]): string {
  const real = conditions.filter((c) => c !== 'false');
  if (real.includes('true')) return 'true';
  if (real.length === 0) return 'false';
  return real.length === 1 ? real[0]! : `(${real.join(' or ')})`;
}

/** The contrary of a condition; unknown stays unknown. */
export function not(condition: string): string {
  if (condition === 'true') return 'false';
  return condition === 'false' ? 'true' : `not (${condition})`;
}
