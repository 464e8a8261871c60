/**
 * What an answer depends on, found while its statement is written: which tables are read, which of their columns, and, where the
 * statement says so, of which rows only. A change of anything else leaves the answer as it is.
 */
import type { ColumnField, TableName } from '../model/datamodel.ts';
import type { Encode, TableRead } from './statement.ts';
import { isRecord, type PlanInput, type Value } from './value.ts';

/** A column that, of all rows read under an alias, has one of these values: rows with other values are not looked at. */
export interface Pin {
  alias: string;
  column: string;
  /** The values, as texts; undefined when they cannot be told. */
  values(input: PlanInput): readonly string[] | undefined;
}

/** Rows under two aliases that are read together only where their columns are equal. */
export interface Join {
  alias: string;
  column: string;
  other: string;
  otherColumn: string;
}

/** A table that an answer depends on. */
export interface Dependency {
  table: TableName;
  columns: ReadonlySet<string>;
  pins: readonly Pin[];
}

/** Types whose values have one text only, in a row's JSON as in a statement's parameter. */
const plainTypes = new Set(['String', 'Int', 'Boolean']);
/** Texts of these types are equal when they differ in case, or in spaces at the end. */
const looseTypes = new Set(['Citext', 'Char', 'Xml', 'Oid']);

/** The pin that a filter of a column amounts to; undefined when it is none that can be told from a row's JSON. */
export function pinOf(alias: string, field: ColumnField, filter: Value, encode: Encode): Pin | undefined {
  const isPlain = field.type.kind === 'enum' || plainTypes.has(field.type.name);
  if (field.isList || !isPlain || looseTypes.has(field.nativeType ?? '')) return undefined;
  const operand = isRecord(filter.now) ? equalTo(filter) : filter;
  if (!operand || operand.now === null || operand.now === undefined) return undefined;
  return {
    alias,
    column: field.column,
    values(input) {
      const now = operand.read(input);
      const list: unknown[] = Array.isArray(now) ? now : [now];
      try {
        return list.map((value) => String(encode(value, operand.path)).toLowerCase());
      } catch {
        return undefined; // a rule's value that no such column can hold
      }
    },
  };
}

function equalTo(filter: Value): Value | undefined {
  if (filter.get('mode').now !== undefined) return undefined;
  return filter.keys().includes('equals')
    ? filter.get('equals')
    : filter.keys().includes('in')
      ? filter.get('in')
      : undefined;
}

/** Joins what was noted while a statement was written: a row that is joined to a pinned one is pinned by the same values. */
export function dependenciesOf(
  reads: readonly TableRead[],
  pins: readonly Pin[],
  joins: readonly Join[],
): Dependency[] {
  const known = [...pins];
  for (let isNew = true; isNew; ) {
    isNew = false;
    for (const { alias, column, other, otherColumn } of joins) {
      for (const pin of known.filter((p) => p.alias === alias && p.column === column)) {
        if (known.some((p) => p.alias === other && p.column === otherColumn && p.values === pin.values)) continue;
        known.push({ alias: other, column: otherColumn, values: pin.values });
        isNew = true;
      }
    }
  }
  return reads.map(({ alias, table, columns }) => ({ table, columns, pins: known.filter((p) => p.alias === alias) }));
}
