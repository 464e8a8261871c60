import type { Row } from '../../model/world.ts';
import type { Link, WriteSchema, WriteShape, WrittenWorld } from './shape.ts';

/** Why a mutation is refused. */
export type Code = 'UNAUTHENTICATED' | 'FORBIDDEN' | 'NOT_FOUND' | 'CONFLICT' | 'INVALID_INPUT';

/** Ends a mutation, of which nothing stays. */
export class Refusal extends Error {
  readonly code: Code;
  /** Whether it might as well be refused for what comes after: a row that is gone can be missed at several places. */
  readonly isOpen: boolean;
  constructor(code: Code, why: string, isOpen = false) {
    super(why);
    this.code = code;
    this.isOpen = isOpen;
  }
}

/** Values of the key that names a row. */
export type Key = readonly unknown[];

/** A database in memory: tables that hold their constraints, and know of no rule. */
export interface Memory {
  /** As it is now. */
  world: WrittenWorld;
}

/** The shape of a model. */
export function shapeIn({ world }: Memory, model: string): WriteShape {
  const found = world.schema[model];
  if (!found) throw new Error(`there is no ${model}`);
  return found;
}

/** All rows of a model or join table. */
export const rowsOf = ({ world }: Memory, table: string): readonly Row[] => world.rows[table] ?? [];

/** The key of a row. */
export const keyOf = (memory: Memory, model: string, row: Row): Key =>
  shapeIn(memory, model).key.map((name) => row[name]);

/** The row of that key; undefined when there is none any more. */
export function rowAt(memory: Memory, model: string, key: Key): Row | undefined {
  const names = shapeIn(memory, model).key;
  return rowsOf(memory, model).find((row) => names.every((name, i) => row[name] === key[i]));
}

function setRows(memory: Memory, table: string, rows: readonly Row[]): void {
  memory.world = { ...memory.world, rows: { ...memory.world.rows, [table]: rows } };
}

/** Adds a row. @throws Refusal where a constraint is against it */
export function insert(memory: Memory, model: string, row: Row): void {
  requireConstraints(memory, model, row, undefined);
  setRows(memory, model, [...rowsOf(memory, model), row]);
}

/** Whether a row stands in the way of a new one by a key. */
export const isTaken = (memory: Memory, model: string, row: Row, but?: Row): boolean => {
  const { key, uniques } = shapeIn(memory, model);
  return [key, ...uniques].some((columns) =>
    rowsOf(memory, model).some(
      (other) => other !== but && columns.every((c) => (row[c] ?? null) !== null && other[c] === row[c]),
    ),
  );
};

function requireConstraints(memory: Memory, model: string, row: Row, before: Row | undefined): void {
  const { columns, nullable, links } = shapeIn(memory, model);
  const lacking = Object.keys(columns).find((name) => !nullable.has(name) && (row[name] ?? null) === null);
  if (lacking) throw new Refusal('INVALID_INPUT', `${model}.${lacking} must not be null`);
  if (isTaken(memory, model, row, before)) throw new Refusal('CONFLICT', `a key of ${model} is taken`);
  for (const link of Object.values(links)) {
    if (link.kind !== 'own' || (row[link.local] ?? null) === null) continue;
    const isSelf = link.to === model && row[link.remote] === row[link.local];
    if (!isSelf && !rowsOf(memory, link.to).some((other) => other[link.remote] === row[link.local])) {
      throw new Refusal('NOT_FOUND', `${model}.${link.local} leads nowhere`);
    }
  }
}

/** Changes a row, and the keys of those that lead to it. @returns the row as it is then. @throws Refusal */
export function change(memory: Memory, model: string, before: Row, values: Row): Row {
  const after = { ...before, ...values };
  requireConstraints(memory, model, after, before);
  setRows(
    memory,
    model,
    rowsOf(memory, model).map((row) => (row === before ? after : row)),
  );
  for (const { table, link } of linksTo(memory.world.schema, model)) {
    if (before[link.remote] === after[link.remote]) continue;
    setRows(
      memory,
      table,
      rowsOf(memory, table).map((row) =>
        row[link.local] === before[link.remote] ? { ...row, [link.local]: after[link.remote] } : row,
      ),
    );
  }
  for (const { table, here } of joinsOf(memory.world.schema, model)) {
    if (before.id === after.id) continue;
    setRows(
      memory,
      table,
      rowsOf(memory, table).map((row) => (row[here] === before.id ? { ...row, [here]: after.id } : row)),
    );
  }
  return rowAt(memory, model, keyOf(memory, model, after))!;
}

/** Removes rows, and does with those that lead to them what the schema says. @throws Refusal */
export function remove(memory: Memory, model: string, rows: readonly Row[]): void {
  setRows(
    memory,
    model,
    rowsOf(memory, model).filter((row) => !rows.includes(row)),
  );
  for (const { table, here } of joinsOf(memory.world.schema, model)) {
    setRows(
      memory,
      table,
      rowsOf(memory, table).filter((join) => !rows.some((row) => row.id === join[here])),
    );
  }
  for (const { table, link } of linksTo(memory.world.schema, model)) {
    const led = rowsOf(memory, table).filter((other) => rows.some((row) => row[link.remote] === other[link.local]));
    if (led.length === 0) continue;
    if (link.onDelete === 'Restrict') throw new Refusal('CONFLICT', `${table} needs the row of ${model}`);
    if (link.onDelete === 'Cascade') remove(memory, table, led);
    else {
      setRows(
        memory,
        table,
        rowsOf(memory, table).map((row) => (led.includes(row) ? { ...row, [link.local]: null } : row)),
      );
    }
  }
}

/** Joins two rows; what is joined already stays so. */
export function join(memory: Memory, link: Extract<Link, { kind: 'join' }>, here: unknown, there: unknown): void {
  const rows = rowsOf(memory, link.table);
  if (rows.some((row) => row[link.here] === here && row[link.there] === there)) return;
  setRows(memory, link.table, [...rows, { [link.here]: here, [link.there]: there }]);
}

/** Parts two rows. */
export function part(memory: Memory, link: Extract<Link, { kind: 'join' }>, here: unknown, there: unknown): void {
  const rows = rowsOf(memory, link.table);
  setRows(
    memory,
    link.table,
    rows.filter((row) => row[link.here] !== here || row[link.there] !== there),
  );
}

const linksTo = (schema: WriteSchema, model: string) =>
  Object.entries(schema).flatMap(([table, { links }]) =>
    Object.values(links).flatMap((link) => (link.kind === 'own' && link.to === model ? [{ table, link }] : [])),
  );

const joinsOf = (schema: WriteSchema, model: string) =>
  Object.values(schema[model]!.links).flatMap((link) => (link.kind === 'join' ? [link] : []));
