import * as fc from 'fast-check';
import { type Measure, measures, resultOf } from '../../src/data/api/measures.ts';
import { type ColumnField, isOrderable, type Model } from '../../src/data/model/datamodel.ts';
import { type Choices, randomWhere, type Words } from './random-reads.ts';
import { valuesOf } from './random-rows.ts';

/** What is measured over the rows that a filter finds; with `by`, of each group of them. */
export interface MeasureRead {
  model: string;
  where?: Words;
  by?: string[];
  having?: Words;
  orderBy: Words[];
  first?: number;
}

type Gen = fc.GeneratorValue;
const chance = (g: Gen, percent: number): boolean => g(fc.integer, { min: 1, max: 100 }) <= percent;
const pick = <T>(g: Gen, from: readonly T[]): T => from[g(fc.nat, { max: from.length - 1 })]!;

/** Prisma has no least of these, or reads none of their values. */
const unmeasured = new Set(['Uuid', 'Inet', 'Bit', 'VarBit', 'Xml', 'Oid', 'Money', 'Timetz', 'Json']);

/** Whether Prisma knows this measure of the field, and its value fits into the type that Prisma gives it. */
export function isKnownToPrisma(field: ColumnField, measure: Measure): boolean {
  if (measure === 'distinct' || resultOf(field, measure) === undefined) return false;
  if (measure === 'count') return true;
  if (unmeasured.has(field.nativeType ?? '')) return false;
  return !(measure === 'sum' && field.type.kind === 'scalar' && field.type.name === 'BigInt');
}

/** Whether groups by the field are the same to both: case is not told of equal texts, nor of a type that Prisma cannot read. */
const makesGroups = (field: ColumnField): boolean =>
  isOrderable(field) && !unmeasured.has(field.nativeType ?? '') && field.nativeType !== 'Citext';

/** Measures of a random filter's rows, together or by groups. */
export function randomMeasure(g: Gen, choices: Choices, model: Model): MeasureRead {
  const read: MeasureRead = { model: model.name, orderBy: [] };
  if (chance(g, 60)) read.where = randomWhere(g, choices, model, 2);
  const keys = model.columns.filter(makesGroups);
  if (keys.length === 0 || chance(g, 25)) return read;
  const by = [...new Set(Array.from({ length: 1 + g(fc.nat, { max: 2 }) }, () => pick(g, keys)))];
  read.by = by.map(({ name }) => name);
  if (chance(g, 50)) read.having = randomHaving(g, model, 2);
  read.orderBy = Array.from({ length: g(fc.nat, { max: 2 }) }, () => randomGroupOrder(g, model, by));
  if (chance(g, 40)) read.first = g(fc.nat, { max: 6 });
  return read;
}

const known = (model: Model): [ColumnField, Measure][] =>
  model.columns.flatMap((field) =>
    measures.filter((m) => isKnownToPrisma(field, m)).map((m): [ColumnField, Measure] => [field, m]),
  );

function randomHaving(g: Gen, model: Model, depth: number): Words {
  const having: Words = {};
  for (let terms = 1 + g(fc.nat, { max: 1 }); terms > 0; terms--) {
    const kind = depth > 0 ? g(fc.nat, { max: 6 }) : 6;
    const some = () => Array.from({ length: 1 + g(fc.nat, { max: 1 }) }, () => randomHaving(g, model, depth - 1));
    if (kind <= 2) having[['AND', 'OR', 'NOT'][kind]!] = some();
    else {
      // Averages and sums of floats differ in their last digits, in which no comparison should be decided.
      const exact = known(model).filter(([field, m]) => isOrderable(field) && !isFloat(field) && m !== 'avg');
      if (exact.length === 0) continue;
      const [field, measure] = pick(g, exact);
      const own = (having[field.name] ?? {}) as Words;
      having[field.name] = { ...own, [`_${measure}`]: randomCondition(g, field, measure) };
    }
  }
  return having;
}

const isFloat = ({ type }: ColumnField): boolean => type.kind === 'scalar' && type.name === 'Float';

function randomCondition(g: Gen, field: ColumnField, measure: Measure): Words {
  const isText = measure !== 'count' && field.type.kind === 'enum';
  const operator = pick(g, isText ? ['equals', 'not'] : ['equals', 'not', 'lt', 'lte', 'gt', 'gte']);
  const value = measure === 'count' || measure === 'sum' ? g(fc.nat, { max: 4 }) : pick(g, valuesOf(field));
  return { [operator]: operator === 'not' ? { equals: value } : value };
}

function randomGroupOrder(g: Gen, model: Model, by: readonly ColumnField[]): Words {
  const sort = pick(g, ['asc', 'desc']);
  if (chance(g, 50)) return { [pick(g, by).name]: { _key: { sort } } };
  const exact = known(model).filter(([field, m]) => !(isFloat(field) && (m === 'sum' || m === 'avg')));
  const [field, measure] = pick(g, exact);
  return { [field.name]: { [`_${measure}`]: measure === 'count' ? sort : { sort } } };
}
