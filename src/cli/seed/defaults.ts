import { ulid } from 'ulid';
import { v4, v7 } from 'uuid';
import type { ColumnField, DefaultFunction, Model } from '../../data/model/datamodel.ts';
import type { Random } from './random.ts';

/** A row in the schema's names. */
export type Row = Record<string, unknown>;

const madeByDatabase = ['autoincrement', 'dbgenerated', 'sequence'];

/** The columns that only the database can fill: their defaults are its own. */
export function databaseColumns(model: Model): ColumnField[] {
  return model.columns.filter(
    (field) => field.default?.kind === 'function' && madeByDatabase.includes(field.default.function.name),
  );
}

/** The row with every default that Prisma would fill in; ids come from `random`, and carry the row's own time. */
export function withDefaults(model: Model, row: Row, random: Random, now: Date): Row {
  const filled: Row = { ...row };
  const time = model.columns.map((field) => row[field.name]).find((value) => value instanceof Date && value <= now);
  for (const field of model.columns) {
    if (filled[field.name] !== undefined) continue;
    const value = defaultValue(field, random, (time as Date | undefined) ?? now);
    if (value !== undefined) filled[field.name] = value;
  }
  return filled;
}

function defaultValue(field: ColumnField, random: Random, time: Date): unknown {
  if (field.default?.kind === 'value') return literalDefault(field, field.default.value);
  if (field.default?.kind === 'function') return generated(field.default.function, random, time);
  if (field.isUpdatedAt) return time;
  return undefined;
}

/** Prisma writes the default of a Json field as the text of a document. */
function literalDefault(field: ColumnField, value: unknown): unknown {
  const isJson = field.type.kind === 'scalar' && field.type.name === 'Json';
  return isJson && typeof value === 'string' ? JSON.parse(value) : value;
}

function generated({ name, args }: DefaultFunction, random: Random, time: Date): unknown {
  if (name === 'now') return time;
  if (name === 'uuid') {
    return args[0] === 7 ? v7({ msecs: time.getTime(), random: random.bytes(16) }) : v4({ random: random.bytes(16) });
  }
  if (name === 'ulid') return ulid(time.getTime(), random.fraction);
  if (name === 'cuid') return `c${letters(random, 24)}`;
  if (name === 'nanoid') return letters(random, Number(args[0] ?? 21));
  return undefined;
}

function letters(random: Random, length: number): string {
  return Array.from({ length }, () => random.int(0, 35).toString(36)).join('');
}
