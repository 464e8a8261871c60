/**
 * The model: what the rules of an application mean, worked out over plain rows in memory. It shares nothing with `src/`, so
 * that the two can be held to each other.
 *
 * Terms: a *world* is all rows at one moment; a *sight* is as much of a world as somebody knows of; a *truth* is SQL's: true,
 * false, or undefined for unknown.
 */

/** A row: its columns' values as the API spells them; null is SQL's. */
export type Row = Readonly<Record<string, unknown>>;

/** What a column's values are compared as. */
export type ColumnType = 'text' | 'number' | 'boolean' | 'list' | 'json';

/** How a model's row leads to others: by equal values, or by rows of a join table. */
export interface Relation {
  to: string;
  isList: boolean;
  /** Pairs of a column here and one there. */
  by?: readonly (readonly [here: string, there: string])[];
  /** The join table's rows, with the columns that hold the `id` here and the one there. */
  through?: { rows: string; here: string; there: string };
}

/** A model's columns and relations, under the names of the Prisma schema. */
export interface ModelShape {
  key: readonly string[];
  columns: Readonly<Record<string, ColumnType>>;
  relations: Readonly<Record<string, Relation>>;
}

/** All models, by their names. */
export type Schema = Readonly<Record<string, ModelShape>>;

/** All rows at one moment, by model or join table. */
export interface World {
  schema: Schema;
  rows: Readonly<Record<string, readonly Row[]>>;
}

/** As much of a world as somebody knows of. */
export interface Sight {
  schema: Schema;
  rowsOf(model: string): readonly Row[];
  /** The rows of a join table, which nobody is kept from. */
  joins(table: string): readonly Row[];
  valueOf(model: string, row: Row, column: string): unknown;
}

/** The sight of a rule, which sees everything. */
export const wholeSight = (world: World): Sight => ({
  schema: world.schema,
  rowsOf: (model) => world.rows[model] ?? [],
  joins: (table) => world.rows[table] ?? [],
  valueOf: (_model, row, column) => row[column] ?? null,
});

/** The shape of a model. @throws Error for one that is not there */
export function shapeOf({ schema }: Pick<World, 'schema'>, model: string): ModelShape {
  const shape = schema[model];
  if (!shape) throw new Error(`the model has no ${model}`);
  return shape;
}

/** The rows that a relation leads to, among those of the sight. @NOTE by what is, not by what is seen: keys lead on unseen. */
export function relatedRows(sight: Sight, relation: Relation, row: Row): Row[] {
  const { to, by, through } = relation;
  const others = sight.rowsOf(to);
  if (!through) {
    return others.filter((other) =>
      by!.every(([here, there]) => (row[here] ?? null) !== null && row[here] === other[there]),
    );
  }
  const ids = sight
    .joins(through.rows)
    .filter((join) => join[through.here] === row.id)
    .map((join) => join[through.there]);
  return others.filter((other) => ids.includes(other.id));
}

/** Whether two rows have the same key. */
export const isSameRow = (shape: ModelShape, a: Row, b: Row): boolean => shape.key.every((name) => a[name] === b[name]);
