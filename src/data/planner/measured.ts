import type { FieldNode } from 'graphql';
import { measureTypeName } from '../api/aggregates.ts';
import { type Measure, measures, resultOf } from '../api/measures.ts';
import type { ColumnField } from '../model/datamodel.ts';
import { comparable } from './column-filter.ts';
import { apiModelOf, column } from './compiler.ts';
import { outputSql } from './output.ts';
import { emptyObject, objectSql, objectType, type SelectionCompiler, selectedColumns } from './row.ts';
import type { Source } from './source.ts';

/** Names inside the statement that no response key can have: the rows that are measured, and what came out. */
const rows = '"  g"';
const results = '"  m"';

/**
 * What is measured of some rows, all at once or by groups: collects what is needed of them while the answer is written, then
 * writes the select that yields it. Values are the client's: one that the viewer may not read is null, and measured as such.
 */
export class Measured {
  readonly source: Source;
  private readonly c: SelectionCompiler;
  private readonly values = new Map<string, string>();
  private readonly measures = new Map<string, string>();
  private readonly keys: string[] = [];

  constructor(c: SelectionCompiler, source: Source) {
    this.c = c;
    this.source = source;
  }

  /** Groups the rows by an expression on them, and names it in the result. */
  key(expression: string): string {
    const name = `k${this.keys.length}`;
    this.keys.push(`${expression} as ${name}`);
    return `${results}.${name}`;
  }

  /** How many rows there are. */
  count(): string {
    return this.result('count(*)');
  }

  /** A measure of a field that has it. */
  of(field: ColumnField, measure: Measure): string {
    return this.result(measureSql(field, measure, this.value(field)));
  }

  /** The value of a field in the rows, as the viewer may know it. */
  column(field: ColumnField): string {
    return column(this.c, this.source.model, this.source.alias, field, 'client');
  }

  private value(field: ColumnField): string {
    return `${rows}.${nameIn(this.values, this.column(field), 'v')}`;
  }

  private result(sql: string): string {
    return `${results}.${nameIn(this.measures, sql, 'm')}`;
  }

  /** One row, or one for each group; nothing at all where nothing was asked for. */
  fromSql(): string {
    const keys = this.keys.map((_, i) => `k${i}`);
    if (keys.length === 0 && this.measures.size === 0) return '';
    const inner = [...this.keys, ...[...this.values].map(([sql, name]) => `${sql} as ${name}`)];
    const outer = [...keys, ...[...this.measures].map(([sql, name]) => `${sql} as ${name}`)];
    const grouped = keys.length > 0 ? ` group by ${keys.join(', ')}` : '';
    return `from (select ${outer.join(', ')} from (select ${inner.join(', ')} ${this.source.sql}) ${rows}${grouped}) ${results}`;
  }
}

function nameIn(known: Map<string, string>, sql: string, prefix: string): string {
  const name = known.get(sql) ?? `${prefix}${known.size}`;
  known.set(sql, name);
  return name;
}

function measureSql(field: ColumnField, measure: Measure, value: string): string {
  switch (measure) {
    case 'count':
      return `count(${value})`;
    case 'distinct':
      return `count(distinct ${comparable(field, value)})`;
    case 'min':
    case 'max':
      // PostgreSQL compares UUIDs, and knows no least one; their texts have the same order.
      return field.nativeType === 'Uuid' ? `${measure}(${value}::text collate "C")::uuid` : `${measure}(${value})`;
    default: {
      const result = `${measure}(${summable(field, value)})`;
      const { type } = resultOf(field, measure)!;
      return type.kind === 'scalar' && type.name === 'Float' ? `${result}::float8` : result;
    }
  }
}

/** PostgreSQL adds up neither, or with fewer digits than there are. */
function summable({ nativeType }: ColumnField, value: string): string {
  const type = { Money: 'numeric', Oid: 'bigint', Real: 'float8' }[nativeType ?? ''];
  return type ? `${value}::${type}` : value;
}

/** The columns of a select list that answers one field of an aggregate or group: `count`, `min` … of some fields. */
export function measureField(
  c: SelectionCompiler,
  measured: Measured,
  name: string,
  nodes: readonly FieldNode[],
): string {
  const measure = measures.find((known) => known === name);
  if (!measure) {
    c.hasCustomFields = true;
    return 'null';
  }
  const api = apiModelOf(c, measured.source.model.name);
  const type = objectType(c, measureTypeName(c.api, api, measure));
  const columns = selectedColumns(c, type, nodes, (part) => {
    if (part === '_all') return measured.count();
    const field = api.fields.get(part);
    if (field?.kind === 'column') return outputSql(resultOf(field, measure)!, measured.of(field, measure));
    c.hasCustomFields = true;
    return 'null';
  });
  return columns.length > 0 ? objectSql(columns.join(', '), '') : emptyObject;
}
