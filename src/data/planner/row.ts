import { type FieldNode, type GraphQLObjectType, isObjectType } from 'graphql';
import { invalidInput } from '../../errors.ts';
import { type ColumnField, isDocument, type Model, type RelationField } from '../model/datamodel.ts';
import { aggregateSql } from './aggregate.ts';
import { fieldArguments } from './arguments.ts';
import { comparable } from './column-filter.ts';
import { apiModelOf, type Compiler, column, type Place, relatedness, visibleFrom } from './compiler.ts';
import { connectionSql } from './connection.ts';
import { partSql, segmentsOf } from './json-path.ts';
import { outputSql } from './output.ts';
import { relatedFrom } from './relation.ts';
import { collectFields, maxKeyLength, type Surroundings, setsOf } from './selection.ts';
import type { Parent } from './source.ts';
import { all, identifier, literal } from './statement.ts';
import { targetOf } from './where.ts';

/** What a compiler of selections needs besides. */
export interface SelectionCompiler extends Compiler {
  readonly at: Surroundings;
  /** Set when a field was met that has a resolver of the user's own. */
  hasCustomFields: boolean;
  /** Set when one of them is not known to say what it needs of its row: the answer then goes through the executor. */
  needsExecutor: boolean;
}

/** What a resolver of the user's own needs stands as a list where its answer belongs, under a key that no alias can have. */
export const needKey = (responseKey: string): string => ` ${responseKey}`;

/** The columns of a select list that answers the selection on the row at `alias`, each under its response key. */
export function rowColumns(c: SelectionCompiler, model: Model, alias: string, nodes: readonly FieldNode[]): string {
  const api = apiModelOf(c, model.name);
  const type = objectType(c, api.name);
  const columns = new Map<string, string>();
  for (const [key, same] of collectFields(c.at, type, setsOf(nodes))) {
    const name = same[0]!.name.value;
    const field = api.fields.get(name);
    const measured = api.aggregates.get(name);
    if (name === '__typename') columns.set(key, `${literal(api.name)}::text`);
    else if (field?.kind === 'column') columns.set(key, selectedSql(c, type, { model, alias }, field, same[0]!));
    else if (field) columns.set(key, relationSql(c, type, model, alias, field, same));
    else if (measured) columns.set(key, measuredSql(c, type, { model, relation: measured, alias }, same));
    else columns.set(needKey(key), neededSql(c, { model, alias }, key, needsOf(c, type, name)));
  }
  if (columns.size === 0) {
    // @NOTE an object of nothing is none in SQL: the executor makes it.
    c.hasCustomFields = true;
    c.needsExecutor = true;
    return 'null as " "';
  }
  return [...columns].map(([key, sql]) => `${sql} as ${identifier(key)}`).join(', ');
}

/**
 * The columns of a select list that answers the selection on an object that is no row, each under its response key.
 * @param sqlOf an expression for the field of this name, which is asked for by these nodes
 */
export const selectedColumns = (
  c: SelectionCompiler,
  type: GraphQLObjectType,
  nodes: readonly FieldNode[],
  sqlOf: (name: string, nodes: readonly FieldNode[]) => string,
): string[] =>
  [...collectFields(c.at, type, setsOf(nodes))].map(([key, same]) => {
    const name = same[0]!.name.value;
    const sql = name === '__typename' ? `${literal(type.name)}::text` : sqlOf(name, same);
    return `${sql} as ${identifier(key)}`;
  });

/** An object of nothing: in SQL a select list cannot make it. */
export const emptyObject = "'{}'::json";

/** A column as it is asked for: of a document, perhaps a part. */
function selectedSql(
  c: SelectionCompiler,
  type: GraphQLObjectType,
  { model, alias }: Place,
  field: ColumnField,
  node: FieldNode,
): string {
  if (!isDocument(field) || !node.arguments?.length) return columnSql(c, model, alias, field);
  const path = fieldArguments(node, type.getFields()[node.name.value]!.args, c.at.variables).get('path');
  if (path.now === undefined || path.now === null) return columnSql(c, model, alias, field);
  return partSql(comparable(field, column(c, model, alias, field, 'client')), segmentsOf(path));
}

const columnSql = (c: Compiler, model: Model, alias: string, field: ColumnField): string =>
  outputSql(field, column(c, model, alias, field, 'client'));

function relationSql(
  c: SelectionCompiler,
  type: GraphQLObjectType,
  model: Model,
  alias: string,
  field: RelationField,
  nodes: readonly FieldNode[],
): string {
  const target = targetOf(c, field);
  if (field.isList) {
    const args = fieldArguments(nodes[0]!, type.getFields()[nodes[0]!.name.value]!.args, c.at.variables);
    return connectionSql(c, target, args, nodes, { model, relation: field, alias });
  }
  const other = c.statement.alias(target.table);
  const condition = all([
    relatedness(c, model, field, alias, other, 'client'),
    visibleFrom(c, { model, alias }, field, target, other),
  ]);
  return objectSql(
    rowColumns(c, target, other, nodes),
    `from ${relatedFrom(c, field, target, other)} where ${condition}`,
  );
}

function measuredSql(
  c: SelectionCompiler,
  type: GraphQLObjectType,
  parent: Parent,
  nodes: readonly FieldNode[],
): string {
  const args = fieldArguments(nodes[0]!, type.getFields()[nodes[0]!.name.value]!.args, c.at.variables);
  return aggregateSql(c, targetOf(c, parent.relation), args, nodes, parent);
}

/** A scalar sub-select that yields one object, or null. */
export const objectSql = (columns: string, rest: string): string =>
  `(select ${rowToJson(`select ${columns} ${rest}`)})`;

/** The row of a sub-select as a JSON object, and where it comes from. No column of it can have the name it is given. */
export const rowToJson = (select: string, cast = ''): string => `row_to_json("  x")${cast} from (${select}) "  x"`;

/**
 * The whole of a statement: the sub-select's row as JSON text, or null when that is larger than may be sent.
 * @NOTE PostgreSQL would write the answer a second time to measure it; what has an offset it does not take apart.
 */
export const answerSql = (c: Compiler, select: string): string =>
  `select case when octet_length(answer) <= ${c.limits.answerBytes} then answer end from (select ${rowToJson(select, '::text')} offset 0) a(answer)`;

/**
 * The same of an object that is put together elsewhere, a column for each of its values; all are null when they are larger together
 * than may be sent. PostgreSQL writes a text anew for every object around it, and the outermost one is the longest.
 */
export function piecesSql(c: Compiler, values: readonly string[]): string {
  const names = values.map((_, i) => `p${i}`);
  const size = names.map((name) => `octet_length(${name})`).join(' + ');
  const columns = names.map((name) => `case when ${size} <= ${c.limits.answerBytes} then ${name} end`);
  const texts = values.map((value) => `coalesce(${value}::text, 'null')`);
  return `select ${columns.join(', ')} from (select ${texts.join(', ')} offset 0) a(${names.join(', ')})`;
}

/** The object type of that name in the schema that the document is asked of. */
export function objectType(c: SelectionCompiler, name: string): GraphQLObjectType {
  const type = c.at.schema.getType(name);
  if (!isObjectType(type)) throw new Error(`${name} is not an object type of the schema`);
  return type;
}

function needsOf(c: SelectionCompiler, type: GraphQLObjectType, name: string): readonly string[] {
  c.hasCustomFields = true;
  const needs: unknown = type.getFields()[name]?.extensions.needs;
  if (Array.isArray(needs)) return needs;
  c.needsExecutor = true;
  return [];
}

function neededSql(c: Compiler, { model, alias }: Place, key: string, needs: readonly string[]): string {
  // @NOTE PostgreSQL cuts longer names.
  if (key.length >= maxKeyLength)
    throw invalidInput('', `the alias ${key} has more than ${maxKeyLength - 1} characters`);
  return `json_build_array(${needs.map((need) => neededColumn(c, model, alias, need)).join(', ')})`;
}

/** @NOTE under field rules, as everything a client can cause to be read. */
function neededColumn(c: Compiler, model: Model, alias: string, name: string): string {
  const field = model.fields.get(name);
  if (field?.kind !== 'column') throw new Error(`${model.name} has no column ${name}, which a custom field needs`);
  return columnSql(c, model, alias, field);
}
