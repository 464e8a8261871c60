import { invalidInput } from '../../errors.ts';
import { type Model, modelNamed, type RelationField } from '../model/datamodel.ts';
import { holdsUnknown, unknownValue } from '../rules/verdicts.ts';
import { columnFilter, mayFail } from './column-filter.ts';
import {
  type Compiler,
  column,
  countedItems,
  countTerm,
  fieldCalled,
  relatedness,
  type Voice,
  visible,
  writeConjunct,
  writeNegated,
} from './compiler.ts';
import { pinOf } from './dependencies.ts';
import { encoderOf } from './encode.ts';
import { relatedFrom } from './relation.ts';
import { searchCondition } from './search.ts';
import { all, any } from './statement.ts';
import { alternatives, contrary, type Part, partOf } from './touching.ts';
import { isRecord, type Value } from './value.ts';

/** Neither true nor false: what a rule's undefined compares to. */
export const unknownCondition = 'null::boolean';

/**
 * Writes a Prisma `where` as an SQL condition on the row at `alias`. In a client's voice rows and values that the viewer may
 * not read do not exist for it, so that no filter is an oracle.
 */
export function compileWhere(c: Compiler, model: Model, alias: string, where: Value, voice: Voice): string {
  if (where.now === undefined || where.now === null) return 'true';
  if (where.now === unknownValue) return unknownCondition;
  requireConditions(where);
  return all(where.keys().map((key) => condition(c, model, alias, key, where.get(key), voice)));
}

/** @NOTE what is no object has no conditions, and would be taken for one that asks nothing: a rule would open. */
function requireConditions(value: Value): void {
  if (!isRecord(value.now)) throw invalidInput(value.path, 'must be an object of conditions');
}

function condition(c: Compiler, model: Model, alias: string, key: string, value: Value, voice: Voice): string {
  countTerm(c, value.path);
  if (value.now === unknownValue) return unknownCondition;
  const parts = (): Part[] =>
    countedItems(c, value).map((item) => {
      // @NOTE an empty one too: there may be any number of them.
      if (item.keys().length === 0) countTerm(c, item.path);
      return partOf(c, () => compileWhere(c, model, alias, item, voice));
    });
  if (key === 'AND') return all(parts().map(({ sql }) => sql));
  const isAlone = () => writeConjunct(c, false, parts);
  if (key === 'OR') return value.now === null ? 'true' : any(alternatives(isAlone()));
  if (key === 'NOT') return all(writeNegated(c, true, isAlone).map(contrary));
  if (key === '_search' && voice === 'client') return searchCondition(c, model, alias, value);
  const field = fieldCalled(c, model, key, voice);
  if (field?.kind === 'relation') return relationFilter(c, model, alias, field, value, voice);
  if (field) {
    const pin = c.isConjunct ? pinOf(alias, field, value, encoderOf(field)) : undefined;
    if (pin) c.pins.push(pin);
    const filter = columnFilter(c, field, column(c, model, alias, field, voice), value);
    return mayFail(field) ? ifVisible(c, model, alias, voice, filter) : filter;
  }
  return compoundKey(c, model, alias, key, value, voice);
}

/**
 * Something that is asked of visible rows only, and is null of others.
 * @NOTE PostgreSQL asks conditions in the order it likes: what fails on a hidden row would tell of it by the failure.
 */
export function ifVisible(c: Compiler, model: Model, alias: string, voice: Voice, sql: string): string {
  const condition = c.asksHidden ? 'true' : visible(c, model, alias, voice);
  return condition === 'true' ? sql : `(case when ${condition} then ${sql} end)`;
}

/** `workspaceId_userId: { workspaceId, userId }`, as unique keys of several fields are spelt. */
function compoundKey(c: Compiler, model: Model, alias: string, key: string, value: Value, voice: Voice): string {
  const unique = model.uniqueKeys.find((k) => k.name === key);
  if (!unique) throw invalidInput(value.path, `${model.name} has no field ${key}`);
  return compileWhere(c, model, alias, value, voice);
}

function relationFilter(
  c: Compiler,
  model: Model,
  alias: string,
  field: RelationField,
  value: Value,
  voice: Voice,
): string {
  const negate = (write: () => string) => contrary(partOf(c, write));
  if (value.now === null)
    return field.isList ? 'true' : negate(() => related(c, model, field, alias, undefined, voice));
  requireConditions(value);
  const shorter = voice === 'rule' ? shortcut(c, field, value) : undefined;
  if (shorter) return related(c, model, shorter.field, alias, shorter.where, voice);
  const operators = field.isList
    ? listOperators
    : value.keys().every((key) => Object.hasOwn(oneOperators, key))
      ? oneOperators
      : undefined;
  // Prisma lets a rule write `author: { … }` for `author: { is: { … } }`.
  if (!operators) return related(c, model, field, alias, value, voice);
  return all(
    value.keys().map((key) => {
      const operator = Object.hasOwn(operators, key) ? operators[key] : undefined;
      if (!operator) throw invalidInput(value.path, `${model.name}.${field.name} has no filter ${key}`);
      const operand = value.get(key);
      if (operand.now === unknownValue) return unknownCondition;
      return operator((where, sense) => related(c, model, field, alias, where, voice, sense), operand, negate);
    }),
  );
}

/**
 * A rule such as `workspace: { members: { some: … } }`, asked of a row that holds the workspace's key, need not look at the
 * workspace: its members hold the same key. The way round a row that only passes a key on; undefined where there is none.
 */
function shortcut(c: Compiler, field: RelationField, value: Value): { field: RelationField; where: Value } | undefined {
  const [name, ...others] = value.keys();
  if (!c.datamodel.enforcesKeys || c.isNegated || field.link.kind !== 'own' || !name || others.length > 0)
    return undefined;
  const next = targetOf(c, field).fields.get(name);
  const operators = value.get(name);
  if (next?.kind !== 'relation' || !next.isList || next.link.kind !== 'foreign') return undefined;
  if (operators.keys().length !== 1 || !isRecord(operators.get('some').now)) return undefined;
  const held = new Map(field.link.pairs.map(({ local, remote }) => [remote, local]));
  const pairs = next.link.pairs.flatMap(({ local, remote }) =>
    held.has(local) ? [{ local: held.get(local)!, remote }] : [],
  );
  if (pairs.length < next.link.pairs.length) return undefined;
  // @NOTE PostgreSQL asks nothing of a key with a null in it: what else of it is there may lead to a row all the same.
  const needed = new Set(pairs.map(({ local }) => local));
  if (field.link.pairs.some(({ local }) => !local.isRequired && !needed.has(local))) return undefined;
  return { field: { ...next, link: { kind: 'foreign', pairs } }, where: operators.get('some') };
}

/** What becomes of the condition on related rows: they match, they match but the answer is turned round, or they fail. */
type Sense = 'matches' | 'negated' | 'fails';

type Related = (where: Value | undefined, sense?: Sense) => string;
type Negate = (write: () => string) => string;
type Operators = Record<string, (related: Related, operand: Value, negate: Negate) => string>;

const absent = (operand: Value): boolean => operand.now === null;

const oneOperators: Operators = {
  is: (related, operand, negate) => (absent(operand) ? negate(() => related(undefined)) : related(operand)),
  isNot: (related, operand, negate) =>
    absent(operand) ? related(undefined) : negate(() => related(operand, 'negated')),
};

const listOperators: Operators = {
  some: (related, operand) => related(operand),
  none: (related, operand, negate) => (absent(operand) ? 'true' : negate(() => related(operand))),
  every: (related, operand, negate) => (absent(operand) ? 'true' : negate(() => related(operand, 'fails'))),
};

/**
 * Whether a related row exists that the voice may know of and that matches (or fails) the filter. Of the one row that a row
 * belongs to it may be unknown, as in Prisma: `NOT: { author: { is: { age: 7 } } }` does not find authors without an age.
 */
function related(
  c: Compiler,
  model: Model,
  field: RelationField,
  alias: string,
  where: Value | undefined,
  voice: Voice,
  sense: Sense = 'matches',
): string {
  const target = targetOf(c, field);
  const other = c.statement.alias(target.table);
  const mayBeUnknown = !field.isList && (c.isNegated || sense === 'negated');
  const part = partOf(c, () =>
    writeNegated(c, mayBeUnknown || sense === 'fails', () =>
      writeConjunct(c, !mayBeUnknown && sense === 'matches', () =>
        where && !absent(where) ? compileWhere(c, target, other, where, voice) : 'true',
      ),
    ),
  );
  const matches = part.sql;
  const isRelated = all([relatedness(c, model, field, alias, other, voice), visible(c, target, other, voice)]);
  const from = relatedFrom(c, field, target, other);
  const existsWhere = (conditions: string) =>
    conditions === 'false' ? 'false' : `exists (select 1 from ${from} where ${conditions})`;
  const exists =
    mayBeUnknown && matches !== 'true' && !c.touching
      ? `(select case when count(*) = 0 then false else bool_or(${matches}) end from ${from} where ${isRelated})`
      : existsWhere(all([isRelated, sense === 'fails' ? contrary(part) : matches]));
  // @NOTE SQL's `exists` is false where nothing is known, and its contrary would be true: a rule must not open by that.
  return voice === 'rule' && holdsUnknown(where?.now) ? `nullif(${exists}, false)` : exists;
}

/** The model at the other end of a relation. */
export const targetOf = (c: Compiler, field: RelationField): Model => modelNamed(c.datamodel, field.target);
