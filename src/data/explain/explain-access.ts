/**
 * Why a request is allowed or refused: the rules that an action asks, as they come out for a viewer, each part of them asked
 * of the row. The row is found and judged in one statement, whether or not that viewer, or whoever asks, may see it: this is
 * for those who write the rules.
 */
import { coerceInputValue, type GraphQLInputType, type GraphQLSchema } from 'graphql';
import { invalidInput } from '../../errors.ts';
import type { Queryable } from '../../platform/db.ts';
import { stranger, type Viewer, viewerOf } from '../../viewer.ts';
import type { AnswerRoom } from '../answer-room.ts';
import type { ApiModel } from '../api/api-model.ts';
import { type Compiler, createCompiler } from '../planner/compiler.ts';
import { tableRef } from '../planner/statement.ts';
import { uniqueCondition } from '../planner/unique.ts';
import { constant, isRecord } from '../planner/value.ts';
import { type Reads, rulesOf } from '../reads.ts';
import type { Action, RuleSet } from '../rules/rule-set.ts';
import { type RuleSlot, type Verdicts, verdictsFor } from '../rules/verdicts.ts';
import { type Decision, decide } from './decision.ts';
import { askRule, askWhetherRuleHolds, type RuleAnswer, type Truth } from './rule-answers.ts';

/** What is needed of a request. */
interface Needs {
  db: Queryable;
  room: AnswerRoom;
  reads: Reads;
  viewer: Viewer;
}

/** The rules that are explained, and the role that stands above them. */
export interface ExplainedRules {
  rules: RuleSet;
  adminRole: string;
}

/** Somebody, as a token would speak of them. */
interface ExplainedViewer {
  id?: string | null;
  role?: string | null;
  claims?: unknown;
}

/** Who would do what, to which row. */
interface AccessQuestion {
  viewer?: ExplainedViewer | null;
  model: string;
  action: Action;
  where?: unknown;
  field?: string | null;
}

/** Whether it is allowed, and why. */
export interface AccessExplanation extends Decision {
  model: string;
  action: Action;
  exists: Truth;
  rules: readonly (RuleAnswer & { isDeclared: boolean })[];
  fields: readonly { name: string; read: Truth; write: Truth }[];
}

/** Explains one question. @throws INVALID_INPUT for what is not there to be asked about */
export async function explainAccess(
  needs: Needs,
  { rules, adminRole }: ExplainedRules,
  schema: GraphQLSchema,
  question: AccessQuestion,
): Promise<AccessExplanation> {
  const { reads, db, room } = needs;
  const { action } = question;
  const model = modelCalled(reads, question);
  const field = fieldCalled(model, question);
  const viewer = question.viewer ? viewerFrom(question.viewer, adminRole) : needs.viewer;
  const verdicts = verdictsFor(viewer, rules);
  const c = createCompiler({ ...reads, verdicts, variables: {} });
  const table = model.model;
  const conditions: string[] = [];
  const ask = (condition: string) => conditions.push(condition) - 1;
  const asked = slotsOf(table.name, action, field).map((slot) => askRule(c, ask, slot, table));
  const fields = [...model.fields].flatMap(([name, { kind, name: column }]) => {
    if (kind !== 'column') return [];
    const whether = (kind: 'read' | 'write') => askWhetherRuleHolds(c, ask, `${kind}:${table.name}.${column}`, table);
    return [{ name, read: whether('read'), write: whether('write') }];
  });

  const key = question.where == null ? undefined : keyCondition(c, schema, model, question.where);
  const row = key === undefined ? undefined : await room.turn(() => readRow(db, c, table, conditions, key));
  const truths = (index: number): Truth => row?.[index] ?? null;
  const exists = key === undefined ? null : row !== undefined;
  const isDeclared = (slot: RuleSlot) => declares(rules, slot);
  const answers = asked.map((answer) => answer(truths));
  return {
    ...decide({ action, viewer, exists, rules: answers, isDeclared }),
    model: model.name,
    action,
    exists,
    rules: answers.map((answer) => ({ ...answer, isDeclared: isDeclared(answer.rule) })),
    fields: fields.map(({ name, read, write }) => ({ name, read: read(truths), write: write(truths) })),
  };
}

function modelCalled({ api }: Reads, { model, action }: AccessQuestion): ApiModel {
  const known = api.byTypeName.get(model);
  if (!known) throw invalidInput('input.model', `the API has no model ${quoted(model)}`);
  if (known.isReadOnly && action !== 'read') throw invalidInput('input.action', `${model} is only read`);
  return known;
}

/** The column's name in the schema. */
function fieldCalled(model: ApiModel, { field, action }: AccessQuestion): string | undefined {
  if (field == null) return undefined;
  const known = model.fields.get(field);
  if (known?.kind === 'column') {
    if (action === 'delete') throw invalidInput('input.field', 'a row is deleted as a whole');
    return known.name;
  }
  throw invalidInput(
    'input.field',
    known
      ? `${field} is a relation: ask for the field that holds its key`
      : `${model.name} has no field ${quoted(field)}`,
  );
}

const quoted = (name: string): string => JSON.stringify(name.slice(0, 100));

/** @NOTE a token of nobody in particular is none: what says nothing is a stranger. */
function viewerFrom({ id, role, claims }: ExplainedViewer, adminRole: string): Viewer {
  if (claims != null && !isRecord(claims)) throw invalidInput('input.viewer.claims', 'must be an object');
  const all = { ...claims, ...(id != null && { sub: id }), ...(role != null && { role }) };
  return Object.keys(all).length === 0 ? stranger : viewerOf(all, adminRole);
}

/** The rules that an action asks, in the order in which the API asks them. */
function slotsOf(model: string, action: Action, field: string | undefined): RuleSlot[] {
  const first: RuleSlot[] = action === 'update' || action === 'delete' ? [`read:${model}`] : [];
  const last: RuleSlot[] = field === undefined ? [] : [`${action === 'read' ? 'read' : 'write'}:${model}.${field}`];
  return [...first, `${action}:${model}`, ...last];
}

/** Whether somebody has written this rule. */
function declares(rules: RuleSet, slot: RuleSlot): boolean {
  const [action, model, field] = slot.split(/[:.]/) as [Action, string, string?];
  const own = rules[model];
  return (field === undefined ? own?.[action] : own?.fields?.[field]?.[action as 'read']) !== undefined;
}

/** The condition that the row is the named one, whoever may see it. @throws INVALID_INPUT where it names none */
function keyCondition(c: Compiler, schema: GraphQLSchema, model: ApiModel, where: unknown): string {
  const type = schema.getType(c.api.typeName(`${model.name}WhereUniqueInput`));
  if (!type) throw invalidInput('input.where', `rows of ${model.name} have no key in the API`);
  const coerced: unknown = coerceInputValue(where, type as GraphQLInputType, (path, _value, error) => {
    throw invalidInput(['input.where', ...path].join('.'), error.message);
  });
  return uniqueCondition({ ...c, verdicts: allSeeing }, model.model, 't', constant(coerced, 'input.where'));
}

const allSeeing: Verdicts = { of: () => true, shapeOf: () => '1', isOpen: () => true, scope: '' };

/** What the row of this key says of the conditions, in their order; undefined where there is none. */
async function readRow(
  db: Queryable,
  c: Compiler,
  { table }: ApiModel['model'],
  conditions: readonly string[],
  key: string,
): Promise<readonly Truth[] | undefined> {
  const written = `select array[${conditions.join(', ')}]::boolean[] from ${tableRef(table)} t where ${key}`;
  const { text, values } = c.statement.finish(written);
  const slots = { slots: [...c.slots] };
  const rows = await db.query({ text, values: values({ variables: {}, rules: rulesOf(slots, c.verdicts) }) });
  return rows[0]?.[0] as Truth[] | undefined;
}
