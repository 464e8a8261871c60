import type { Random } from '../../src/cli/seed/random.ts';
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

/** Prisma has no least of these, or reads none of their values. */
const unmeasured = new Set(['Uuid', 'Inet', 'Bit', 'VarBit', 'Xml', 'Oid', 'Money', 'Timetz', 'Json']);

/** Whether Prisma knows this measure of the field, and its value fits into the type that Prisma gives it. */
export function isKnownToPrisma(field: ColumnField, measure: Measure): boolean {
  if (measure === 'distinct' || resultOf(field, measure) === undefined) return false;
  if (measure === 'count') return true;
  if (unmeasured.has(field.nativeType ?? '')) return false;
  // Of two texts that are equal to the type, either may be the least.
  if (field.nativeType === 'Citext') return false;
  return !(measure === 'sum' && field.type.kind === 'scalar' && field.type.name === 'BigInt');
}

/** Whether groups by the field are the same to both: case is not told of equal texts, nor of a type that Prisma cannot read. */
const makesGroups = (field: ColumnField): boolean =>
  isOrderable(field) && !unmeasured.has(field.nativeType ?? '') && field.nativeType !== 'Citext';

/** Measures of a random filter's rows, together or by groups. */
export function randomMeasure(random: Random, choices: Choices, model: Model): MeasureRead {
  const read: MeasureRead = { model: model.name, orderBy: [] };
  if (random.chance(0.6)) read.where = randomWhere(random, choices, model);
  const keys = model.columns.filter(makesGroups);
  if (keys.length === 0 || random.chance(0.25)) return read;
  const by = [...new Set(Array.from({ length: random.int(1, 3) }, () => random.pick(keys)))];
  read.by = by.map(({ name }) => name);
  if (random.chance(0.5)) read.having = randomHaving(random, model, 2);
  read.orderBy = Array.from({ length: random.int(0, 2) }, () => randomGroupOrder(random, model, by));
  if (random.chance(0.4)) read.first = random.int(0, 6);
  return read;
}

const known = (model: Model): [ColumnField, Measure][] =>
  model.columns.flatMap((field) =>
    measures.filter((m) => isKnownToPrisma(field, m)).map((m): [ColumnField, Measure] => [field, m]),
  );

function randomHaving(random: Random, model: Model, depth: number): Words {
  const having: Words = {};
  for (let terms = random.int(1, 2); terms > 0; terms--) {
    const kind = depth > 0 ? random.int(0, 6) : 6;
    const some = () => Array.from({ length: random.int(1, 2) }, () => randomHaving(random, model, depth - 1));
    if (kind <= 2) having[['AND', 'OR', 'NOT'][kind]!] = some();
    else {
      // Averages and sums of floats differ in their last digits, in which no comparison should be decided.
      const exact = known(model).filter(
        ([field, m]) => isOrderable(field) && (m === 'count' || (!isFloat(field) && m !== 'avg')),
      );
      const [field, measure] = random.pick(exact);
      const own = (having[field.name] ?? {}) as Words;
      having[field.name] = { ...own, [`_${measure}`]: randomCondition(random, field, measure) };
    }
  }
  return having;
}

const isFloat = ({ type }: ColumnField): boolean => type.kind === 'scalar' && type.name === 'Float';

function randomCondition(random: Random, field: ColumnField, measure: Measure): Words {
  const isText = measure !== 'count' && field.type.kind === 'enum';
  const operator = random.pick(isText ? ['equals', 'not'] : ['equals', 'not', 'lt', 'lte', 'gt', 'gte']);
  const value = measure === 'count' || measure === 'sum' ? random.int(0, 4) : random.pick(valuesOf(field));
  return { [operator]: operator === 'not' ? { equals: value } : value };
}

function randomGroupOrder(random: Random, model: Model, by: readonly ColumnField[]): Words {
  const sort = random.pick(['asc', 'desc']);
  if (random.chance(0.5)) return { [random.pick(by).name]: { _key: { sort } } };
  const exact = known(model).filter(([field, m]) => !(isFloat(field) && (m === 'sum' || m === 'avg')));
  const [field, measure] = random.pick(exact);
  return { [field.name]: { [`_${measure}`]: measure === 'count' ? sort : { sort } } };
}
