import type { Context } from '../../context.ts';
import type { Queryable, Rows } from '../../platform/db.ts';
import type { Api } from '../api/api-model.ts';
import { type Datamodel, identifyingFields, type Model } from '../model/datamodel.ts';
import { type Compiler, createCompiler } from '../planner/compiler.ts';
import { all, columnRef } from '../planner/statement.ts';
import { constant, type PlanInput } from '../planner/value.ts';

/** One write under way: the transaction it runs in, and on whose behalf. */
export interface WriteRun {
  tx: Queryable;
  context: Context;
  api: Api;
  datamodel: Datamodel;
  variables: PlanInput['variables'];
}

/** The values of a row's key, as PostgreSQL's text, in the order of `identifyingFields`. */
export type RowKey = readonly (string | null)[];

/** A compiler for one statement of this write. */
export const compilerFor = ({ api, datamodel, context, variables }: WriteRun): Compiler =>
  createCompiler({ api, datamodel, verdicts: context.verdicts, variables, limits: context.reads.limits });

/** Writes one statement with the planner's means and runs it once. */
export async function runStatement(run: WriteRun, write: (c: Compiler) => string): Promise<Rows> {
  const c = compilerFor(run);
  return runWritten(run, c, write(c));
}

/** Runs what a compiler has written, once. */
export function runWritten({ tx, context, variables }: WriteRun, c: Compiler, written: string): Promise<Rows> {
  const rules = Object.fromEntries([...c.slots].map((slot) => [slot, context.verdicts.of(slot)]));
  const { text, values } = c.statement.finish(written);
  return tx.query({ text, values: values({ variables, rules }) });
}

/** The select list that yields a row's key. */
export const keyColumns = (model: Model, alias: string): string =>
  identifyingFields(model)
    .map((field) => `${columnRef(alias, field)}::text`)
    .join(', ');

/** The condition that the row at `alias` has this key. */
export const hasKey = (c: Compiler, model: Model, alias: string, key: RowKey): string =>
  all(identifyingFields(model).map((field, i) => `${columnRef(alias, field)} = ${c.statement.bind(constant(key[i]))}`));
