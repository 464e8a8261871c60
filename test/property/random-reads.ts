import type { Random } from '../../src/cli/seed/random.ts';
import {
  type ColumnField,
  type Datamodel,
  isOrderable,
  type Model,
  modelNamed,
  type RelationField,
} from '../../src/data/model/datamodel.ts';
import { comparedValuesOf } from './random-rows.ts';

/** A Prisma `where`, `orderBy` …, in the API's values: numbers too great for JavaScript, dates and bytes as text. */
export type Words = Record<string, unknown>;

/** A list that is read, at the root or below a row. */
export interface ListRead {
  model: string;
  where?: Words;
  orderBy: Words[];
  /** How many rows of which end; all by default. */
  size?: { end: 'first' | 'last'; count: number };
  /** Cursors that the page lies between. */
  after?: string;
  before?: string;
  selection: Selection;
}

/** What is read of a row: every column, rows that belong to it, and what is measured of them. */
export interface Selection {
  one: Record<string, Selection>;
  many: Record<string, ListRead>;
  measured: Record<string, { where?: Words }>;
}

/** What reads are made of. */
export interface Choices {
  datamodel: Datamodel;
  /** Models that are read and filtered by. */
  models: ReadonlySet<string>;
}

const chance = (random: Random, percent: number): boolean => random.chance(percent / 100);

/** A list of a random model with random arguments at every level, `depth` levels of lists below it. */
export const randomList = (random: Random, choices: Choices, name: string, depth: number): ListRead => {
  const model = modelNamed(choices.datamodel, name);
  return {
    model: name,
    where: chance(random, 75) ? randomWhere(random, choices, model) : undefined,
    orderBy: Array.from({ length: random.int(0, 2) }, () => randomOrder(random, choices, model, 2)),
    size: chance(random, 40) ? { end: random.pick(['first', 'last'] as const), count: random.int(0, 8) } : undefined,
    selection: randomSelection(random, choices, model, depth),
  };
};

const relationsOf = (choices: Choices, model: Model): RelationField[] =>
  model.relations.filter((relation) => choices.models.has(relation.target));

function randomSelection(random: Random, choices: Choices, model: Model, depth: number): Selection {
  const selection: Selection = { one: {}, many: {}, measured: {} };
  const relations = relationsOf(choices, model);
  const lists = relations.filter((relation) => relation.isList);
  if (lists.length > 0 && chance(random, 8)) {
    const relation = random.pick(lists);
    const target = modelNamed(choices.datamodel, relation.target);
    selection.measured[relation.name] = {
      where: chance(random, 60) ? randomWhere(random, choices, target, 1, 1) : undefined,
    };
  }
  if (depth === 0) return selection;
  for (let more = relations.length && random.pick([0, 1, 1, 2]); more > 0; more--) {
    const relation = lists.length > 0 && random.chance(0.5) ? random.pick(lists) : random.pick(relations);
    if (relation.isList) selection.many[relation.name] = randomList(random, choices, relation.target, depth - 1);
    else {
      const target = modelNamed(choices.datamodel, relation.target);
      selection.one[relation.name] = randomSelection(random, choices, target, depth - 1);
    }
  }
  return selection;
}

/** A filter that follows at most so many relations, and nests at most so many conditions within each model. */
export function randomWhere(
  random: Random,
  choices: Choices,
  model: Model,
  hops = random.pick([0, 1, 2, 3, 3, 3]),
  nesting = 2,
  isNegated = false,
): Words {
  const where: Words = {};
  const some = (negates = isNegated) =>
    Array.from({ length: chance(random, 10) ? 0 : random.int(1, 2) }, () =>
      randomWhere(random, choices, model, hops, nesting - 1, negates),
    );
  // A filter that may follow relations follows one, so that deep ones are no rarity.
  if (hops > 0) Object.assign(where, randomRelationFilter(random, choices, model, hops, isNegated));
  for (let terms = hops > 0 ? random.int(0, 1) : random.int(1, 2); terms > 0; terms--) {
    const kind = nesting > 0 ? random.int(0, 9) : 9;
    if (kind === 0) where.AND = some();
    else if (kind <= 2) where.OR = some();
    else if (kind === 3) where.NOT = some(true);
    else {
      const field = random.pick(model.columns);
      const filter = randomFilter(random, field, isNegated);
      if (filter) where[field.name] = filter;
    }
  }
  return where;
}

function randomRelationFilter(random: Random, choices: Choices, model: Model, hops: number, isNegated: boolean): Words {
  const relations = relationsOf(choices, model);
  if (relations.length === 0) return {};
  const relation = random.pick(relations);
  const target = modelNamed(choices.datamodel, relation.target);
  const operator = random.pick(relation.isList ? ['some', 'some', 'every', 'none'] : ['is', 'is', 'isNot']);
  const negates = isNegated || !['some', 'is'].includes(operator);
  if (!relation.isList && chance(random, relation.isRequired ? 3 : 10))
    return { [relation.name]: { [operator]: null } };
  return { [relation.name]: { [operator]: randomWhere(random, choices, target, hops - 1, 1, negates) } };
}

const textNatives = new Set([undefined, 'Text', 'VarChar', 'Citext', 'Char']);

const isText = (field: ColumnField): boolean =>
  field.type.kind === 'scalar' && field.type.name === 'String' && textNatives.has(field.nativeType);

/** A filter of one column by any operator that both sides have. */
function randomFilter(random: Random, field: ColumnField, isNegated: boolean): Words | undefined {
  const pool = comparedValuesOf(field);
  // Without case Prisma compares by ILIKE, and leaves `%` and `_` their meaning there.
  const isInsensitive = isText(field) && chance(random, 25);
  const usable = isInsensitive ? pool.filter((v) => !/[%_\\]/.test(String(v))) : pool;
  const value = () => random.pick(usable);
  const values = () => Array.from({ length: random.int(0, 3) }, value);
  if (pool.length === 0) return field.isRequired || field.isList ? undefined : { equals: null };
  if (field.isList) {
    const key = random.pick(['has', 'hasSome', 'hasEvery', 'isEmpty', 'equals']);
    return { [key]: key === 'has' ? value() : key === 'isEmpty' ? chance(random, 50) : values() };
  }
  if (field.type.kind === 'scalar' && field.type.name === 'Json')
    return randomJsonFilter(random, field, value, isNegated);
  const canBeNull = !field.isRequired;
  const operators = ['equals', 'not', 'not'];
  const type = field.type.kind === 'enum' ? 'Enum' : field.type.name;
  if (type !== 'Boolean') operators.push('in', 'notIn', 'notIn');
  if (!['Boolean', 'Bytes', 'Enum'].includes(type)) operators.push('lt', 'lte', 'gt', 'gte', 'lte', 'gte');
  if (isText(field)) operators.push('contains', 'contains', 'startsWith', 'endsWith');
  const filter: Words = {};
  for (let terms = chance(random, 20) ? 2 : 1; terms > 0; terms--) {
    const operator = random.pick(operators);
    if (operator === 'equals') filter.equals = canBeNull && chance(random, 25) ? null : value();
    else if (operator === 'not') filter.not = { equals: canBeNull && chance(random, 25) ? null : value() };
    else if (operator === 'in' || operator === 'notIn') filter[operator] = values();
    else if (['contains', 'startsWith', 'endsWith'].includes(operator))
      filter[operator] = piece(random, String(value()));
    else filter[operator] = value();
  }
  // @NOTE of a padded text Prisma takes the padding for a part of it where case does not matter, and only there.
  if (isInsensitive && field.nativeType !== 'Char') filter.mode = 'insensitive';
  // @NOTE Prisma takes a part of a `citext` for an ordinary text, whose case matters; PostgreSQL and we do not.
  if (field.nativeType === 'Citext' && ['contains', 'startsWith', 'endsWith'].some((operator) => operator in filter))
    filter.mode = 'insensitive';
  return filter;
}

/** A part of a text, without what Prisma hands to LIKE unescaped. */
function piece(random: Random, text: string): string {
  const from = random.int(0, text.length);
  return text.slice(from, from + random.int(1, 4)).replaceAll(/[%_\\\uD800-\uDFFF]/g, '');
}

/**
 * Below a negation only equality: of a part that is of another type Prisma says that it is neither `{ string_contains: 'x' }`
 * nor `NOT: { string_contains: 'x' }`, but that it fails `every: { string_contains: 'x' }`, and that it is not `none`.
 */
function randomJsonFilter(random: Random, field: ColumnField, value: () => unknown, isNegated: boolean): Words {
  if (isNegated || chance(random, 30))
    return { [random.pick(['equals', 'not'])]: !field.isRequired && chance(random, 30) ? null : value() };
  const path = random.pick([['a'], ['a', 'b'], ['list', '0'], ['missing']]);
  const operator = random.pick([
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
    ? random.pick(['x', 'y', ''])
    : operator === 'array_contains'
      ? [random.pick([1, 'x', true])]
      : ['lt', 'gte'].includes(operator)
        ? random.pick([0, 1, 2.5, 'x'])
        : random.pick([1, 'x', true, { b: 1 }, [1, 'x']]);
  return { path, [operator]: operand };
}

/** An order by a column, by one of a related row, or by how many rows are related. */
function randomOrder(random: Random, choices: Choices, model: Model, depth: number): Words {
  const sort = random.pick(['asc', 'desc']);
  const relations = depth > 0 ? relationsOf(choices, model) : [];
  if (relations.length > 0 && chance(random, 35)) {
    const relation = random.pick(relations);
    if (relation.isList) return { [relation.name]: { _count: sort } };
    const target = modelNamed(choices.datamodel, relation.target);
    return { [relation.name]: randomOrder(random, choices, target, depth - 1) };
  }
  const field = random.pick(model.columns.filter(isOrderable));
  if (field.isRequired) return { [field.name]: sort };
  return { [field.name]: chance(random, 60) ? { sort, nulls: random.pick(['first', 'last']) } : { sort } };
}
