import {
  type ColumnField,
  type Datamodel,
  type Model,
  modelNamed,
  relationNamed,
  type TableName,
} from '../../data/model/datamodel.ts';
import { StartupError } from '../../errors.ts';
import { databaseColumns, type Row, withDefaults } from './defaults.ts';
import type { Random } from './random.ts';

/** One connection, inside one transaction. */
export interface Connection {
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
}

/** What storing needs; `stored` is told how many rows went where. */
export interface StoreNeeds {
  connection: Connection;
  datamodel: Datamodel;
  random: Random;
  now: Date;
  stored(name: string, count: number): void;
}

const batchSize = 5_000;

/** Stores rows by few, large statements, and returns them with ids and defaults. */
export async function insertRows(needs: StoreNeeds, modelName: string, rows: readonly Row[]): Promise<Row[]> {
  const model = modelNamed(needs.datamodel, modelName);
  const complete = rows.map((row) => withDefaults(model, row, needs.random, needs.now));
  const left = databaseColumns(model).filter((field) => complete.every((row) => row[field.name] === undefined));
  for (const batch of batches(complete)) {
    const columns = model.columns.filter((field) => !left.includes(field));
    const returned = await insertBatch(needs.connection, model, columns, left, batch);
    for (const [index, row] of returned.entries()) Object.assign(batch[index]!, row);
    needs.stored(model.name, batch.length);
  }
  return complete;
}

async function insertBatch(
  connection: Connection,
  model: Model,
  columns: ColumnField[],
  left: ColumnField[],
  rows: Row[],
) {
  const names = columns.map((field) => quote(field.column)).join(', ');
  const table = quoteTable(model.table);
  const returning = left.map((field) => `${quote(field.column)} AS ${quote(field.name)}`).join(', ');
  // The table's own row type reads the values, so that every type PostgreSQL has is written as PostgreSQL reads it.
  const text = `INSERT INTO ${table} (${names}) SELECT ${names} FROM json_populate_recordset(NULL::${table}, $1)`;
  const json = JSON.stringify(rows.map((row) => encodeRow(columns, row)));
  const result = await connection.query(left.length > 0 ? `${text} RETURNING ${returning}` : text, [json]);
  return result.rows;
}

/** Fills the join table of an implicit many-to-many relation. */
export async function linkRows(
  needs: StoreNeeds,
  modelName: string,
  relationName: string,
  pairs: readonly (readonly [unknown, unknown])[],
): Promise<void> {
  const { link } = relationNamed(modelNamed(needs.datamodel, modelName), relationName);
  if (link.kind !== 'join') {
    throw new StartupError(
      `${modelName}.${relationName} has no join table of its own.`,
      'Set the foreign keys of its rows when you insert them.',
    );
  }
  const table = quoteTable(link.table);
  const text = `INSERT INTO ${table} ("A", "B") SELECT "A", "B" FROM json_populate_recordset(NULL::${table}, $1)`;
  for (const batch of batches(pairs)) {
    const rows = batch.map(([own, other]) => ({ [link.localColumn]: own, [link.remoteColumn]: other }));
    await needs.connection.query(text, [JSON.stringify(rows, writeBigInt)]);
    needs.stored(`${modelName}.${relationName}`, batch.length);
  }
}

/** Whether any table of a model holds a row. */
export async function findStoredModel({ connection, datamodel }: Pick<StoreNeeds, 'connection' | 'datamodel'>) {
  for (const model of tables(datamodel)) {
    const { rows } = await connection.query(`SELECT EXISTS (SELECT FROM ${quoteTable(model.table)}) AS "any"`);
    if (rows[0]?.any) return model.name;
  }
  return undefined;
}

/** Deletes every row of every model; fails, and deletes nothing, where other tables refer to them. */
export async function emptyTables({
  connection,
  datamodel,
}: Pick<StoreNeeds, 'connection' | 'datamodel'>): Promise<void> {
  const names = new Set(tables(datamodel).map((model) => quoteTable(model.table)));
  for (const { link } of tables(datamodel).flatMap((model) => model.relations)) {
    if (link.kind === 'join') names.add(quoteTable(link.table));
  }
  if (names.size > 0) await connection.query(`TRUNCATE ${[...names].join(', ')}`);
}

/** Lets the query planner know what is in the tables now. */
export async function analyzeTables({ connection, datamodel }: Pick<StoreNeeds, 'connection' | 'datamodel'>) {
  for (const model of tables(datamodel)) await connection.query(`ANALYZE ${quoteTable(model.table)}`);
}

function tables(datamodel: Datamodel): Model[] {
  return [...datamodel.models.values()].filter((model) => !model.isView);
}

function* batches<T>(rows: readonly T[]): Generator<T[]> {
  for (let start = 0; start < rows.length; start += batchSize) yield rows.slice(start, start + batchSize);
}

function encodeRow(columns: ColumnField[], row: Row): Row {
  return Object.fromEntries(columns.map((field) => [field.column, encode(field, row[field.name])]));
}

function encode(field: ColumnField, value: unknown): unknown {
  if (field.isList && Array.isArray(value)) return value.map((item) => encodeOne(field, item));
  return encodeOne(field, value);
}

function encodeOne({ type }: ColumnField, value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (type.kind === 'enum') return type.enum.values.find(({ name }) => name === value)?.label ?? value;
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`;
  return value;
}

function writeBigInt(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

function quoteTable({ schema, name }: TableName): string {
  return `${quote(schema)}.${quote(name)}`;
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
