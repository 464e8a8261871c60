import { invalidInput } from '../../errors.ts';
import type { Api, ApiModel } from '../api/api-model.ts';
import {
  type ColumnField,
  type Datamodel,
  type Field,
  type Model,
  modelNamed,
  type RelationField,
  type TableName,
} from '../model/datamodel.ts';
import type { RuleComparison, RuleSlot, Verdicts } from '../rules/verdicts.ts';
import type { Join, Pin } from './dependencies.ts';
import { joinCondition } from './relation.ts';
import { all, columnRef, Statement, tableRef } from './statement.ts';
import { type Value, valueAt } from './value.ts';
import { compileWhere } from './where.ts';

/** What every part of the planner needs while one statement is written. */
export interface Compiler {
  readonly statement: Statement;
  readonly api: Api;
  readonly datamodel: Datamodel;
  readonly verdicts: Verdicts;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly limits: PageLimits;
  /** Rules that the statement depends on: part of the key it is kept under. */
  readonly slots: Set<RuleSlot>;
  /** Terms of filters so far; bounded, for a filter may come whole in a variable. */
  terms: number;
  /** Whether what is written now stands below a negation, where unknown and false are not the same. */
  isNegated: boolean;
  /** What the rows of a table are read from: the table, unless something asks for rows as they were. */
  rowsOf: (table: TableName) => string;
  /** Whether what is written now must hold for every row that is read under its alias. */
  isConjunct: boolean;
  /** What was noted of the rows that the statement looks at; see `dependencies.ts`. */
  readonly pins: Pin[];
  readonly joins: Join[];
  /**
   * While a rule is followed back from one row (see `sight.ts`): whether the part that was just written has led to it. Only such
   * parts are kept of alternatives, and none is negated: what is sought is a way, not a verdict.
   */
  touching?: { hit: boolean };
  /** Set where filters are asked of rows that were visible, whether they still are or not (see `sight.ts`). */
  asksHidden?: boolean;
  /** The same for rules that judge the row at an alias, where it is none of the table but an image of one. */
  readonly rowsAround: Map<string, Compiler['rowsOf']>;
}

/** Rows of a page when the client says nothing, and at most; and how large an answer may be. */
export interface PageLimits {
  pageSize: number;
  maxPageSize: number;
  answerBytes: number;
  /** Stands around places in the log in an answer, until they are sealed. */
  placeMark: string;
  /** Hides keys that the viewer may not read where they stand in cursors. */
  cursorSecret?: string;
}

/** A compiler for one statement. */
export function createCompiler(
  given: Pick<Compiler, 'api' | 'datamodel' | 'verdicts' | 'variables' | 'limits'>,
): Compiler {
  return {
    ...given,
    statement: new Statement(),
    slots: new Set(),
    terms: 0,
    isNegated: false,
    rowsOf: tableRef,
    rowsAround: new Map(),
    isConjunct: false,
    pins: [],
    joins: [],
  };
}

const maxTerms = 500;

/** Counts a term that the client's filter or order adds. @throws INVALID_INPUT when there are too many */
export function countTerm(c: Compiler, path: string, weight = 1): void {
  if (c.statement.isRule) return;
  c.terms += weight;
  if (c.terms > maxTerms) throw invalidInput(path, `a request may have at most ${maxTerms} filter terms`);
}

/** Writes a part of the statement under settings of its own, which end with it. */
function writeWith<T>(
  c: Compiler,
  settings: Partial<Pick<Compiler, 'isNegated' | 'isConjunct' | 'rowsOf'>>,
  write: () => T,
): T {
  const { isNegated, isConjunct, rowsOf } = c;
  Object.assign(c, settings);
  try {
    return write();
  } finally {
    Object.assign(c, { isNegated, isConjunct, rowsOf });
  }
}

/** Writes a part of the statement below a negation, or in a place of its own where none above it counts. */
export const writeNegated = <T>(c: Compiler, isNegated: boolean, write: () => T): T =>
  writeWith(c, { isNegated }, write);

/** Writes a part of the statement that must hold for every row under its alias, or one that need not. */
export const writeConjunct = <T>(c: Compiler, isConjunct: boolean, write: () => T): T =>
  writeWith(c, { isConjunct }, write);

/** Writes a part of the statement that reads from these rows. */
export const readingFrom = <T>(c: Compiler, rowsOf: Compiler['rowsOf'], write: () => T): T =>
  writeWith(c, { rowsOf }, write);

/**
 * On whose behalf a condition is written. A *client's* speaks the API's names and sees only what the viewer may see; a
 * *rule's* speaks the Prisma schema's names and sees everything.
 */
export type Voice = 'client' | 'rule';

/** The items of a list of conditions or orders; a list that could not be counted out is not even opened. */
export function countedItems(c: Compiler, list: Value): Value[] {
  if (Array.isArray(list.now) && list.now.length > maxTerms) countTerm(c, list.path, list.now.length);
  return list.items();
}

/** The field that this voice calls so; undefined when there is none. */
export function fieldCalled(c: Compiler, model: Model, name: string, voice: Voice): Field | undefined {
  return voice === 'rule' ? model.fields.get(name) : apiModelOf(c, model.name).fields.get(name);
}

/** The API's side of a model that is in the API. */
export function apiModelOf(c: Pick<Compiler, 'api'>, name: string): ApiModel {
  const model = c.api.models.get(name);
  if (!model) throw new Error(`model ${name} is not in the API`);
  return model;
}

/** The condition under which a rule holds for the row at `alias`. */
export function ruleCondition(c: Compiler, slot: RuleSlot, model: Model, alias: string): string {
  if (c.verdicts.isOpen(slot)) return 'true';
  c.slots.add(slot);
  const verdict = c.verdicts.of(slot);
  if (typeof verdict === 'boolean') return String(verdict);
  const value = valueAt(verdict, (input) => input.rules[slot], slot);
  try {
    return ruleWhere(c, model, alias, value);
  } catch (error) {
    // A where that cannot be written is no fault of the client, and none of its business.
    throw new Error(`the rule ${slot} cannot be applied`, { cause: error });
  }
}

/** The condition that a rule's `where`, or a part of one, comes to for the row at `alias`. */
export function ruleWhere(c: Compiler, model: Model, alias: string, where: Value, isNegated = false): string {
  const { isRule } = c.statement;
  c.statement.isRule = true;
  const write = () => writeNegated(c, isNegated, () => compileWhere(c, model, alias, where, 'rule'));
  try {
    return readingFrom(c, c.rowsAround.get(alias) ?? c.rowsOf, write);
  } finally {
    c.statement.isRule = isRule;
  }
}

/** The condition under which this voice may know of the row at `alias`. */
export const visible = (c: Compiler, model: Model, alias: string, voice: Voice): string =>
  voice === 'rule' ? 'true' : writeConjunct(c, true, () => ruleCondition(c, `read:${model.name}`, model, alias));

/** A row of a model in the statement. */
export interface Place {
  model: Model;
  alias: string;
}

/**
 * The condition under which the viewer may see a row reached from one that they see. It is not asked again where the first
 * row's rule has asked it: a comment that is open to whoever may read its task needs no second look at the task.
 */
export function visibleFrom(c: Compiler, from: Place, relation: RelationField, target: Model, alias: string): string {
  // An image is no row of the table: what let it through says nothing of where the row it leads to stands now.
  if (c.rowsAround.has(from.alias)) return visible(c, target, alias, 'client');
  const back = target.fields.get(relation.inverse);
  const comparisons: RuleComparison[] = [];
  if (!relation.isList) comparisons.push(`within:${from.model.name}.${relation.name}=${target.name}`);
  if (back?.kind === 'relation' && !back.isList)
    comparisons.push(`whole:${target.name}.${back.name}=${from.model.name}`);
  // @NOTE asked of every viewer alike, so that their plans stand under the same slots.
  for (const comparison of comparisons) c.slots.add(comparison);
  if (!comparisons.some((comparison) => c.verdicts.of(comparison) === true)) return visible(c, target, alias, 'client');
  c.slots.add(`read:${target.name}`);
  return 'true';
}

/**
 * The condition under which this voice may know that the rows at `alias` and `other` are related: a foreign key that is
 * hidden from the viewer leads nowhere, from either side, for what it leads to is its value.
 */
export function relatedness(
  c: Compiler,
  from: Model,
  relation: RelationField,
  alias: string,
  other: string,
  voice: Voice,
): string {
  const { link } = relation;
  const joined = joinCondition(c, relation, alias, other);
  if (voice === 'rule' || link.kind === 'join') return joined;
  const [holder, at] = link.kind === 'own' ? [from, alias] : [modelNamed(c.datamodel, relation.target), other];
  const keys = link.pairs.map((pair) => (link.kind === 'own' ? pair.local : pair.remote));
  const readable = keys.map(({ name }) =>
    writeConjunct(c, false, () => ruleCondition(c, `read:${holder.name}.${name}`, holder, at)),
  );
  return all([joined, ...readable]);
}

/** The column's value as this voice may know it: null where a field rule hides it, in filters and orders as in answers. */
export function column(c: Compiler, model: Model, alias: string, field: ColumnField, voice: Voice): string {
  const plain = columnRef(alias, field);
  if (voice === 'rule') return plain;
  const condition = writeConjunct(c, false, () => ruleCondition(c, `read:${model.name}.${field.name}`, model, alias));
  return condition === 'true' ? plain : `(case when ${condition} then ${plain} end)`;
}
