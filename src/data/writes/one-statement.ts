/**
 * The quick way of a write: a row that is made, changed or deleted, held to the rules and read back, in one statement that
 * commits by itself. The statement decides about success alone. Whatever is in the way, a rule that is not known to hold
 * included, it writes nothing or fails as a whole, and `resolve.ts` does it all by its own way, and says what was wrong.
 *
 * Terms: the row *as it was* and everything else are read as the statement's snapshot has them; the row *as it is now* is
 * what RETURNING yields, which no snapshot has. Of a row that is made, the table is read together with it; what is asked of
 * one that was changed may look at no other row of the table: such a write is not fit for one statement.
 */
import type { ApiModel } from '../api/api-model.ts';
import { type ColumnField, isView, type Model, type TableName } from '../model/datamodel.ts';
import { fieldArguments } from '../planner/arguments.ts';
import { type Compiler, createCompiler, ruleCondition, visible } from '../planner/compiler.ts';
import type { PlannedField } from '../planner/plan.ts';
import { objectSql, rowColumns, type SelectionCompiler } from '../planner/row.ts';
import type { Surroundings } from '../planner/selection.ts';
import { all, identifier, tableRef } from '../planner/statement.ts';
import { uniqueCondition } from '../planner/unique.ts';
import type { PlanInput, Value } from '../planner/value.ts';
import type { RuleSlot } from '../rules/verdicts.ts';
import { changeMarks } from './marks.ts';
import { type DefaultsByRule, NotFit, readSettings, type Settings } from './one-statement-columns.ts';
import { nestedRules, readNested } from './one-statement-nested.ts';
import type { Write } from './resolve.ts';

/** What a root field writes: one row of a model. */
export interface RowChange {
  action: 'create' | 'update' | 'delete';
  model: ApiModel;
}

/** What a root field changes, where that may be done by one statement. */
export const changeOf = (model: ApiModel, write: Write): RowChange | undefined =>
  write === 'create' || write === 'update' || write === 'delete' ? { action: write, model } : undefined;

/** What a write's parameters are made from. */
export interface WriteInput extends PlanInput {
  /** What the application's rules put where the writer says nothing. */
  defaults: DefaultsByRule;
  /** Bytes that the answer may have. */
  room: number;
}

/** A write by one statement; no `sql` where it is none for that. */
export interface WritePlan {
  slots: readonly RuleSlot[];
  /** Tables that it writes to. */
  tables: readonly TableName[];
  /** Yields the answer's text; no row where something was in the way before the write. */
  sql?: string;
  /** @throws MillraceError INVALID_INPUT */
  values(input: WriteInput): unknown[];
}

/** Writes the statement. @throws MillraceError INVALID_INPUT for what `resolve.ts` refuses too */
export function compileWrite(
  given: Pick<Compiler, 'api' | 'datamodel' | 'verdicts' | 'variables' | 'limits'>,
  at: Surroundings,
  { action, model }: RowChange,
  field: PlannedField,
  defaults: DefaultsByRule,
): WritePlan {
  const c: SelectionCompiler = { ...createCompiler(given), at, hasCustomFields: false, needsExecutor: false };
  try {
    const args = fieldArguments(field.nodes[0]!, field.definition!.args, c.variables);
    const tables = [model.model.table];
    const write = { c, model, field, args, defaults, tables };
    const { text: sql, values } = c.statement.finish(statements[action](write));
    return { slots: [...c.slots], sql, values, tables };
  } catch (error) {
    if (!(error instanceof NotFit)) throw error;
    return { slots: [...c.slots], values: () => [], tables: [] };
  }
}

interface Asked {
  tables: TableName[];
  defaults: DefaultsByRule;
  c: SelectionCompiler;
  model: ApiModel;
  field: PlannedField;
  args: Value;
}

// @NOTE all rules are asked before anything is found not to fit, so that plans for all viewers stand under the same slots.
const statements: Record<RowChange['action'], (write: Asked) => string> = {
  create(write) {
    const { c, model, args } = write;
    requireOnly(args, ['data']);
    const row = c.statement.alias(model.model.table);
    const settings = readSettings(c, model, args.get('data'), write.defaults);
    const withRow = rowsAnd(model.model.table, 'w', c.rowsOf);
    const nested = settings.others.map(([field, operations]) => readNested(c, field, operations, withRow));
    const [first, ...others] = nested;
    if (others.length > 0) throw new NotFit();
    if (first) write.tables.push(first.model.model.table);
    // @NOTE what is asked of them afterwards finds the new rows in their tables.
    c.rowsOf = first ? rowsAnd(first.model.model.table, 'n', withRow) : withRow;
    const rules = [rulesOf(write, 'create', row, settings), ...nested.map((rows) => nestedRules(c, rows))];
    const rest = judged(write, row, all(rules));
    const names = [...settings.columns.keys()].map((column) => identifier(column.column));
    const from = settings.sources.length > 0 ? ` from ${settings.sources.join(', ')}` : '';
    const source = `select ${[...settings.columns.values()].join(', ')}${from} where ${possible(settings.conditions)}`;
    const insert = `insert into ${tableRef(model.model.table)} (${names.join(', ')}) ${source} returning *`;
    return `with w as (${insert})${nested.map((rows) => `, n as (${rows.insert})`).join('')} ${rest}`;
  },

  update(write) {
    const { c, model, args } = write;
    requireOnly(args, ['where', 'data']);
    const [row, before] = aliases(c, model.model, 2);
    const settings = readSettings(c, model, args.get('data'));
    if (settings.others.length > 0) throw new NotFit();
    requireKeysKept(model.model, settings);
    const found = [...named(write, before!), rulesOf(write, 'update', before!, settings), ...settings.conditions];
    const rest = judged(write, row!, rulesOf(write, 'update', row!, settings));
    const table = tableRef(model.model.table);
    const from = [`${table} ${before}`, ...settings.sources].join(', ');
    const sets = [
      ...[...settings.columns].map(([column, value]) => `${identifier(column.column)} = ${value}`),
      ...changeMarks(model, [...settings.columns.keys()]),
    ];
    return `with o as materialized (
      select ${[...version(before!), ...settings.sourced].join(', ')} from ${from} where ${possible(found)}
    ), w as (
      update ${table} t set ${sets.join(', ')} from o where ${isSame} returning t.*
    ) ${rest}`;
  },

  delete(write) {
    const { c, model, args, field } = write;
    requireOnly(args, ['where']);
    const row = c.statement.alias(model.model.table);
    const found = [...named(write, row), ruleCondition(c, `delete:${model.model.name}`, model.model, row)];
    // @NOTE what is read of the row is read of the table: all of it is as it was.
    const answer = answerOf(c, model.model, row, field);
    const table = tableRef(model.model.table);
    return `with o as materialized (
      select ${version(row).join(', ')}, ${answer} as answer from ${table} ${row} where ${possible(found)}
    ), w as (
      delete from ${table} t using o where ${isSame} returning o.answer
    ) select ${withinRoom(c, 'true', 'w.answer')} from w`;
  },
};

/** What the tables hold together with rows that are made in the statement itself. */
const rowsAnd =
  (made: TableName, name: string, before: Compiler['rowsOf']): Compiler['rowsOf'] =>
  (table) =>
    isSameTable(table, made) ? `(select * from ${before(table)} x union all select * from ${name})` : before(table);

const isSameTable = (a: TableName, b: TableName): boolean => a.schema === b.schema && a.name === b.name;

const aliases = (c: Compiler, { table }: Model, count: number): string[] =>
  Array.from({ length: count }, () => c.statement.alias(table));

/** Arguments that mean something here; any other one (`ifVersion`, say) is for the general way. */
function requireOnly(args: Value, names: readonly string[]): void {
  if (args.keys().some((name) => !names.includes(name))) throw new NotFit();
}

/** The row at this alias is the one that `where` names, and the viewer may see it. */
const named = ({ c, model, args }: Asked, alias: string): string[] => [
  visible(c, model.model, alias, 'client'),
  uniqueCondition(c, model.model, alias, args.get('where')),
];

function rulesOf({ c, model: { model } }: Asked, action: 'create' | 'update', alias: string, { written }: Settings) {
  return all([
    ruleCondition(c, `${action}:${model.name}`, model, alias),
    ...[...written].map((field) => ruleCondition(c, `write:${model.name}.${field.name}`, model, alias)),
  ]);
}

/** A condition that some row can fulfil. */
function possible(conditions: readonly string[]): string {
  const condition = all(conditions);
  if (condition === 'false') throw new NotFit();
  return condition;
}

/** Which version of the row was judged: where it stands, and which transaction has written it. */
const version = (alias: string): string[] => [`${alias}.ctid as place`, `${alias}.xmin as writer`];

/**
 * The row at `t` is the very version that was judged.
 * @NOTE PostgreSQL would go on with a newer version that another transaction has just committed, and judge that by a snapshot of
 * before. It asks the writer again of a newer one, though not the place.
 */
const isSame = 't.ctid = o.place and t.xmin = o.writer';

/** The answer where all holds; `millrace.refuse()` takes back the whole statement where anything is false, or unknown. */
function judged({ c, model, field }: Asked, row: string, rules: string): string {
  const answer = answerOf(c, model.model, row, field);
  requireNoOther(c, model.model, row, `${rules} ${answer}`);
  const written = `select ${possible([rules])} as holds, ${answer} as answer from w ${row} offset 0`;
  return `select ${withinRoom(c, 'a.holds', 'a.answer')} from (${written}) a`;
}

function withinRoom(c: Compiler, holds: string, answer: string): string {
  const room = c.statement.parameter((input) => (input as WriteInput).room);
  return `case when ${holds} and octet_length(${answer}) <= ${room}::int8 then ${answer} else millrace.refuse() end`;
}

/** The JSON text of the selection on the row, as the viewer may see it; null when they may not. */
function answerOf(c: SelectionCompiler, model: Model, row: string, { nodes }: PlannedField): string {
  const object = objectSql(rowColumns(c, model, row, nodes), '');
  // @NOTE what a resolver of the user's own throws must take back the write.
  if (c.hasCustomFields) throw new NotFit();
  const seen = visible(c, model, row, 'client');
  const answer = seen === 'true' ? object : `(case when ${seen} then ${object} end)`;
  return `coalesce(${answer}::text, 'null')`;
}

/** What is asked of a changed row as it is now looks at no other row of its table, nor at a view, which may show some. */
function requireNoOther(c: Compiler, model: Model, row: string, text: string): void {
  for (const { alias, table } of c.statement.readsOf(text)) {
    const isOfBefore = alias !== row && isSameTable(table, model.table) && c.rowsOf === tableRef;
    if (isOfBefore || isView(c.datamodel, table)) throw new NotFit();
  }
}

/** @NOTE keys that other rows refer to change with them at the statement's end, where nothing is asked any more. */
function requireKeysKept(model: Model, { columns }: Settings): void {
  const referred = new Set<ColumnField>(model.uniqueKeys.find((key) => key.isPrimary)?.fields);
  for (const { link } of model.relations) {
    if (link.kind === 'join') referred.add(link.local);
    if (link.kind === 'foreign') for (const { local } of link.pairs) referred.add(local);
  }
  if ([...columns.keys()].some((column) => referred.has(column))) throw new NotFit();
}
