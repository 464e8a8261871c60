import type { FieldNode, GraphQLField } from 'graphql';
import type { ApiModel } from '../api/api-model.ts';
import type { RuleSlot } from '../rules/verdicts.ts';
import { aggregateSql } from './aggregate.ts';
import { fieldArguments } from './arguments.ts';
import { type Parameters, parametrise } from './classes.ts';
import { type Compiler, createCompiler, visible, writeConjunct } from './compiler.ts';
import { connectionSql } from './connection.ts';
import { type Dependency, dependenciesOf } from './dependencies.ts';
import { groupBySql } from './group.ts';
import { answerSql, objectSql, piecesSql, rowColumns, type SelectionCompiler } from './row.ts';
import type { Surroundings } from './selection.ts';
import { all, identifier, literal } from './statement.ts';
import { uniqueCondition } from './unique.ts';
import type { PlanInput, Value } from './value.ts';

/** A read, ready to run again and again: one statement, and how to make its parameters. */
export interface Plan {
  /** Yields one row of a JSON text for each root field; nulls for an answer that is too large. */
  sql: string;
  /** The response keys of the root fields. */
  keys: readonly string[];
  /** The values of its parameters for one request. @throws MillraceError INVALID_INPUT */
  values(input: PlanInput): unknown[];
  /** The same for many classes of viewers in one statement: `$1` are the classes; it yields each one's number and answer. */
  many(): Parameters;
  slots: readonly RuleSlot[];
  /** What the answer depends on. */
  dependencies: readonly Dependency[];
  /** Some selected field has a resolver of the user's own, whose value is still to be put into the answer. */
  hasCustomFields: boolean;
  /** … and only the executor can do it. */
  needsExecutor: boolean;
}

/** What a root field of the data API reads: one row, many, what is measured of them, or the place in the log that the answer stands at. */
export type DataRead = { kind: 'one' | 'many' | 'aggregate' | 'groupBy'; model: ApiModel } | { kind: 'place' };

/** A root field of an operation. `read` is undefined for `__typename`. */
export interface PlannedField {
  key: string;
  nodes: readonly FieldNode[];
  definition: GraphQLField<unknown, unknown> | undefined;
  read: DataRead | undefined;
}

/** Writes one statement that answers all these root fields. */
export function compileRead(
  given: Pick<Compiler, 'api' | 'datamodel' | 'verdicts' | 'variables' | 'limits'>,
  at: Surroundings,
  rootName: string,
  fields: readonly PlannedField[],
): Plan {
  const c: SelectionCompiler = { ...createCompiler(given), at, hasCustomFields: false, needsExecutor: false };
  const keys = fields.map(({ key }) => key);
  const columns = fields.map((field) => rootField(c, rootName, field));
  const { text: sql, values } = c.statement.finish(piecesSql(c, columns));
  // @NOTE its placeholders stand in the same order, for the values of both are made by the same function.
  const answer = answerSql(
    c,
    `select ${columns.map((column, i) => `${column} as ${identifier(keys[i]!)}`).join(', ')}`,
  );
  const many = () => parametrise(c.statement, 1, (classes) => `select k.n, (${answer}) from ${classes}`);
  const dependencies = dependenciesOf(c.statement.readsOf(sql), c.pins, c.joins);
  const { hasCustomFields, needsExecutor } = c;
  return { sql, keys, values, many, slots: [...c.slots], dependencies, hasCustomFields, needsExecutor };
}

/** The JSON of one answer. */
function rootField(c: SelectionCompiler, rootName: string, { nodes, read, definition }: PlannedField): string {
  if (!read || !definition) return `to_json(${literal(rootName)}::text)`;
  const args = fieldArguments(nodes[0]!, definition.args, c.variables);
  if (read.kind === 'place') return placeSql(c);
  const { model } = read.model;
  switch (read.kind) {
    case 'one':
      return oneSql(c, read.model, args.get('where'), nodes);
    case 'many':
      return connectionSql(c, model, args, nodes);
    case 'aggregate':
      return aggregateSql(c, model, args, nodes);
    case 'groupBy':
      return groupBySql(c, model, args, nodes);
  }
}

/**
 * The place in the log that this statement's snapshot stands at, between two marks: what the log holds, and which transactions
 * are seen besides, whose changes are still to be put into it.
 */
function placeSql(c: Compiler): string {
  const mark = literal(c.limits.placeMark);
  return `(select to_json(${mark} || seq || '/' || pg_current_snapshot() || '/' || epoch || ${mark}) from millrace.event_head)`;
}

/** One row by a unique key, or null. */
function oneSql(c: SelectionCompiler, { model }: ApiModel, where: Value, nodes: readonly FieldNode[]): string {
  const alias = c.statement.alias(model.table);
  const condition = all([
    visible(c, model, alias, 'client'),
    writeConjunct(c, true, () => uniqueCondition(c, model, alias, where)),
  ]);
  return objectSql(rowColumns(c, model, alias, nodes), `from ${c.rowsOf(model.table)} ${alias} where ${condition}`);
}
