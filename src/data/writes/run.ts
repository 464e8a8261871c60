import type { Context } from '../../context.ts';
import { MillraceError } from '../../errors.ts';
import type { Queryable, Rows } from '../../platform/db.ts';
import { translateDatabaseError } from '../../platform/db-errors.ts';
import type { Api, ApiModel } from '../api/api-model.ts';
import { type ColumnField, type Datamodel, identifyingFields, type Model } from '../model/datamodel.ts';
import { type Compiler, createCompiler } from '../planner/compiler.ts';
import { all, any, columnRef } from '../planner/statement.ts';
import { constant, type PlanInput, type Value } from '../planner/value.ts';

/** One write under way: the transaction it runs in, and on whose behalf. */
export interface WriteRun {
  tx: Queryable;
  context: Context;
  api: Api;
  datamodel: Datamodel;
  variables: PlanInput['variables'];
  nodes: Nodes;
  /** Rows that it has touched so far. */
  touched: number;
}

/** What can be done with a row at any depth. Each way reaches the others by these, so that a file for one need not know those of the others. */
export interface Nodes {
  /** Makes rows of these; none for one that was skipped. */
  create(run: WriteRun, model: ApiModel, items: readonly NewRow[], skipsDuplicates?: boolean): Promise<RowKey[]>;
  /** Changes a row that was locked and judged as it was; its key may change. */
  update(run: WriteRun, model: ApiModel, key: RowKey, data: Value): Promise<RowKey>;
  /** Deletes rows that were locked and judged. */
  remove(run: WriteRun, model: Model, keys: readonly RowKey[]): Promise<void>;
}

/** What a new row is made of. */
export interface NewRow {
  data: Value;
  /** What the write around it sets. */
  around?: Around;
}

/** The columns by which a new row belongs to the one around it, and the relation that they are the key of. */
export interface Around {
  relation: string;
  columns: ReadonlyMap<ColumnField, unknown>;
}

/** The values of a row's key, as PostgreSQL's text, in the order of `identifyingFields`. */
export type RowKey = readonly (string | null)[];

/** Rows that one field of a mutation may touch: one transaction has to hold them all open. */
export const maxTouched = 1000;

/** Counts rows that the write is about to touch. @throws TOO_LARGE when they are too many */
export function touch(run: WriteRun, count: number, path: string): void {
  run.touched += count;
  if (run.touched <= maxTouched) return;
  const message = `one write may touch at most ${maxTouched} rows`;
  throw new MillraceError('TOO_LARGE', message, { fields: [{ path, message }] });
}

/** A compiler for one statement of this write. */
export const compilerFor = ({ api, datamodel, context, variables }: WriteRun): Compiler =>
  createCompiler({ api, datamodel, verdicts: context.verdicts, variables, limits: context.reads.limits });

/** Writes one statement with the planner's means and runs it once. */
export async function runStatement(run: WriteRun, write: (c: Compiler) => string): Promise<Rows> {
  const c = compilerFor(run);
  return runWritten(run, c, write(c));
}

/** Runs what a compiler has written, once. */
export async function runWritten({ tx, context, variables }: WriteRun, c: Compiler, written: string): Promise<Rows> {
  const rules = Object.fromEntries([...c.slots].map((slot) => [slot, context.verdicts.of(slot)]));
  const { text, values } = c.statement.finish(written);
  try {
    return await tx.query({ text, values: values({ variables, rules }) });
  } catch (error) {
    throw translateDatabaseError(error);
  }
}

/** The select list that yields a row's key. */
export const keyColumns = (model: Model, alias: string): string =>
  identifyingFields(model)
    .map((field) => `${columnRef(alias, field)}::text`)
    .join(', ');

/** The condition that the row at `alias` has this key. */
export const hasKey = (c: Compiler, model: Model, alias: string, key: RowKey): string =>
  all(identifyingFields(model).map((field, i) => `${columnRef(alias, field)} = ${c.statement.bind(constant(key[i]))}`));

/** The condition that the row at `alias` has one of these keys. */
export function hasOneOf(c: Compiler, model: Model, alias: string, keys: readonly RowKey[]): string {
  const [field, ...others] = identifyingFields(model);
  if (keys.length === 1 || others.length > 0 || !field) return any(keys.map((key) => hasKey(c, model, alias, key)));
  return `${columnRef(alias, field)} = any (${c.statement.bind(constant(keys.map(([value]) => value)))})`;
}
