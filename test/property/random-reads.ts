import * as fc from 'fast-check';
import {
  type ColumnField,
  type Datamodel,
  isOrderable,
  type Model,
  modelNamed,
} from '../../src/data/model/datamodel.ts';

/** A Prisma `where`, `orderBy` …, in the API's values: numbers too great for JavaScript, dates and bytes as text. */
export type Words = Record<string, unknown>;

/** A list that is read, at the root or below a row. */
export interface ListRead {
  model: string;
  where?: Words;
  orderBy: Words[];
  /** How many rows of which end; all by default. */
  size?: { end: 'first' | 'last'; count: number };
  selection: Selection;
}

/** What is read of a row: every column, and rows that belong to it. */
export interface Selection {
  one: Record<string, Selection>;
  many: Record<string, ListRead>;
}

/** What reads are made of. */
export interface Choices {
  datamodel: Datamodel;
  /** Models that are read and filtered by. */
  models: ReadonlySet<string>;
  /** Values of a column to compare with: some that are there, and some that are not. */
  pool(model: Model, field: ColumnField): readonly unknown[];
  /** Without orders that only the server can know of. */
  ownOrdersOnly: boolean;
}

type Gen = fc.GeneratorValue;

const chance = (g: Gen, percent: number): boolean => g(fc.integer, { min: 1, max: 100 }) <= percent;
const pick = <T>(g: Gen, from: readonly T[]): T => from[g(fc.nat, { max: from.length - 1 })]!;
const count = (g: Gen, max: number): number => g(fc.nat, { max });

/** A list of a random model with random arguments at every level. */
export const randomList = (g: Gen, choices: Choices, name: string, depth: number): ListRead => {
  const model = modelNamed(choices.datamodel, name);
  const size = count(g, 8);
  return {
    model: name,
    where: chance(g, 75) ? randomWhere(g, choices, model, 3) : undefined,
    orderBy: Array.from({ length: count(g, 2) }, () => randomOrder(g, choices, model, 2)),
    size: chance(g, 40) ? { end: pick(g, ['first', 'last'] as const), count: size } : undefined,
    selection: randomSelection(g, choices, model, depth),
  };
};

function randomSelection(g: Gen, choices: Choices, model: Model, depth: number): Selection {
  const selection: Selection = { one: {}, many: {} };
  if (depth === 0) return selection;
  const relations = model.relations.filter((r) => choices.models.has(r.target));
  for (let more = relations.length && count(g, 2); more > 0; more--) {
    const relation = pick(g, relations);
    if (relation.isList) selection.many[relation.name] = randomList(g, choices, relation.target, depth - 1);
    else {
      const target = modelNamed(choices.datamodel, relation.target);
      selection.one[relation.name] = randomSelection(g, choices, target, depth - 1);
    }
  }
  return selection;
}

/** A filter of at most so many levels. */
export function randomWhere(g: Gen, choices: Choices, model: Model, depth: number, isNegated = false): Words {
  const where: Words = {};
  const some = (negates = isNegated) =>
    Array.from({ length: count(g, 2) }, () => randomWhere(g, choices, model, depth - 1, negates));
  for (let terms = 1 + count(g, 1); terms > 0; terms--) {
    const kind = depth > 0 ? count(g, 9) : 9;
    if (kind === 0) where.AND = some();
    else if (kind === 1) where.OR = some();
    else if (kind === 2) where.NOT = some(true);
    else if (kind <= 5) Object.assign(where, randomRelationFilter(g, choices, model, depth, isNegated));
    else {
      const field = pick(g, model.columns);
      const filter = randomFilter(g, field, choices.pool(model, field), isNegated);
      if (filter) where[field.name] = filter;
    }
  }
  return where;
}

function randomRelationFilter(g: Gen, choices: Choices, model: Model, depth: number, isNegated: boolean): Words {
  const relations = model.relations.filter((r) => choices.models.has(r.target));
  if (relations.length === 0) return {};
  const relation = pick(g, relations);
  const target = modelNamed(choices.datamodel, relation.target);
  const operator = pick(g, relation.isList ? ['some', 'every', 'none'] : ['is', 'isNot']);
  const negates = isNegated || !['some', 'is'].includes(operator);
  const inner = () => randomWhere(g, choices, target, depth - 1, negates);
  if (relation.isList) return { [relation.name]: { [operator]: inner() } };
  const canBeNull = !relation.isRequired;
  const operand = canBeNull && chance(g, 25) ? null : inner();
  return { [relation.name]: { [operator]: operand } };
}

const textNatives = new Set([undefined, 'Text', 'VarChar', 'Citext', 'Char']);

const isText = (field: ColumnField): boolean =>
  field.type.kind === 'scalar' && field.type.name === 'String' && textNatives.has(field.nativeType);

/** A filter of one column by any operator that both sides have. */
function randomFilter(g: Gen, field: ColumnField, pool: readonly unknown[], isNegated: boolean): Words | undefined {
  // Without case Prisma compares by ILIKE, and leaves `%` and `_` their meaning there.
  const isInsensitive = isText(field) && chance(g, 25);
  const usable = isInsensitive ? pool.filter((v) => !/[%_\\]/.test(String(v))) : pool;
  const value = () => pick(g, usable);
  const values = () => Array.from({ length: count(g, 3) }, value);
  if (pool.length === 0) return field.isRequired || field.isList ? undefined : { equals: null };
  if (field.isList) {
    const key = pick(g, ['has', 'hasSome', 'hasEvery', 'isEmpty', 'equals']);
    return { [key]: key === 'has' ? value() : key === 'isEmpty' ? chance(g, 50) : values() };
  }
  if (field.type.kind === 'scalar' && field.type.name === 'Json') return randomJsonFilter(g, field, value, isNegated);
  const canBeNull = !field.isRequired;
  const operators = ['equals', 'not'];
  const type = field.type.kind === 'enum' ? 'Enum' : field.type.name;
  if (type !== 'Boolean') operators.push('in', 'notIn');
  if (!['Boolean', 'Bytes', 'Enum'].includes(type)) operators.push('lt', 'lte', 'gt', 'gte');
  if (isText(field)) operators.push('contains', 'startsWith', 'endsWith');
  const filter: Words = {};
  for (let terms = 1 + count(g, 1); terms > 0; terms--) {
    const operator = pick(g, operators);
    if (operator === 'equals') filter.equals = canBeNull && chance(g, 25) ? null : value();
    else if (operator === 'not')
      filter.not = canBeNull && chance(g, 25) ? { equals: null } : { [pick(g, operators.slice(0, 1))]: value() };
    else if (operator === 'in' || operator === 'notIn') filter[operator] = values();
    else if (['contains', 'startsWith', 'endsWith'].includes(operator)) filter[operator] = piece(g, String(value()));
    else filter[operator] = value();
  }
  if (isInsensitive) filter.mode = 'insensitive';
  return filter;
}

/** A part of a text, without what Prisma hands to LIKE unescaped. */
function piece(g: Gen, text: string): string {
  const from = count(g, text.length);
  const found = text.slice(from, from + 1 + count(g, 3)).replaceAll(/[%_\\\uD800-\uDFFF]/g, '');
  return found;
}

/**
 * Below a negation only equality: of a part that is of another type Prisma says that it is neither `{ string_contains: 'x' }`
 * nor `NOT: { string_contains: 'x' }`, but that it fails `every: { string_contains: 'x' }`, and that it is not `none`.
 */
function randomJsonFilter(g: Gen, field: ColumnField, value: () => unknown, isNegated: boolean): Words {
  if (isNegated || chance(g, 30))
    return { [pick(g, ['equals', 'not'])]: !field.isRequired && chance(g, 30) ? null : value() };
  const path = pick(g, [['a'], ['a', 'b'], ['list', '0'], ['missing']]);
  const operator = pick(g, [
    'equals',
    'not',
    'string_contains',
    'string_starts_with',
    'string_ends_with',
    'array_contains',
    'array_starts_with',
    'array_ends_with',
    'lt',
    'gte',
  ]);
  const operand = operator.startsWith('string')
    ? pick(g, ['x', 'y', ''])
    : operator === 'array_contains'
      ? [pick(g, [1, 'x', true])]
      : ['lt', 'gte'].includes(operator)
        ? pick(g, [0, 1, 2.5, 'x'])
        : pick(g, [1, 'x', true, { b: 1 }, [1, 'x']]);
  return { path, [operator]: operand };
}

/** An order by a column, by one of a related row, or by how many rows are related. */
function randomOrder(g: Gen, choices: Choices, model: Model, depth: number): Words {
  const sort = pick(g, ['asc', 'desc']);
  const relations =
    depth > 0 && !choices.ownOrdersOnly ? model.relations.filter((r) => choices.models.has(r.target)) : [];
  if (relations.length > 0 && chance(g, 35)) {
    const relation = pick(g, relations);
    if (relation.isList) return { [relation.name]: { _count: sort } };
    const target = modelNamed(choices.datamodel, relation.target);
    return { [relation.name]: randomOrder(g, choices, target, depth - 1) };
  }
  const field = pick(g, model.columns.filter(isOrderable));
  if (field.isRequired) return { [field.name]: sort };
  return { [field.name]: chance(g, 60) ? { sort, nulls: pick(g, ['first', 'last']) } : { sort } };
}
