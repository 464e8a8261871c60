import { type Measure, measures, resultOf } from '../../src/data/api/measures.ts';
import type { ColumnField, Model } from '../../src/data/model/datamodel.ts';
import type { Oracle } from './as-prisma.ts';
import { isKnownToPrisma, type MeasureRead } from './random-measures.ts';
import type { Words } from './random-reads.ts';
import { normalise, toPrisma } from './values.ts';

/** What is measured, as `count.title`, and of a group its keys, as `keys.title`; both sides in one spelling. */
export type Measures = Record<string, unknown>;

/** Everything that Prisma measures of a model. */
export const knownMeasures = (model: Model): [Measure, ColumnField][] =>
  measures.flatMap((measure) =>
    model.columns.filter((f) => isKnownToPrisma(f, measure)).map((f): [Measure, ColumnField] => [measure, f]),
  );

/** All of them in the words of `aggregate` and `groupBy`. */
export function selectedMeasures(model: Model): Words {
  const select: Record<string, Words> = { _count: { _all: true } };
  for (const [measure, field] of knownMeasures(model))
    select[`_${measure}`] = { ...select[`_${measure}`], [field.name]: true };
  return select;
}

/** Asks Prisma Client's `aggregate` and `groupBy`. */
export async function measureByPrisma(oracle: Oracle, model: Model, read: MeasureRead): Promise<Measures[]> {
  const select = selectedMeasures(model);
  const where = oracle.where(read.model, read.where);
  const client = oracle.client.model(read.model);
  if (!read.by) return [measuresIn(model, (await client.aggregate({ where, ...select })) as Words)];
  const groups = await client.groupBy({
    by: read.by,
    where,
    ...(read.having ? { having: havingOf(model, read.having) } : {}),
    orderBy: ordersOf(read),
    ...(read.first === undefined ? {} : { take: read.first }),
    ...select,
  });
  return (groups as Words[]).map((group) => ({
    ...measuresIn(model, group),
    ...Object.fromEntries(read.by!.map((key) => [`keys.${key}`, normalise(columnOf(model, key), group[key])])),
  }));
}

const columnOf = (model: Model, name: string): ColumnField => model.columns.find((f) => f.name === name)!;

/** The measures of an answer of either side. */
export function measuresIn(model: Model, answer: Words, prefix = '_'): Measures {
  const part = (measure: Measure) => (answer[`${prefix}${measure}`] ?? {}) as Words;
  const found: Measures = { 'count._all': part('count')._all };
  for (const [measure, field] of knownMeasures(model))
    found[`${measure}.${field.name}`] = spelt(resultOf(field, measure)!, measure, part(measure)[field.name]);
  return found;
}

/** Sums of floats, and averages, are rounded: they are the same where most of their digits are. */
function spelt(result: ColumnField, measure: Measure, value: unknown): unknown {
  const isRounded =
    measure === 'avg' || (measure === 'sum' && result.type.kind === 'scalar' && result.type.name === 'Float');
  if (!isRounded || value === null || value === undefined) return normalise(result, value);
  const number = Number(value);
  // What is left when numbers have taken each other away is the order in which they were added.
  return Math.abs(number) < 1e-12 ? 0 : Number(number.toPrecision(6));
}

/** Our words, in which `{ title: { _min: … } }` is Prisma's as well. */
function havingOf(model: Model, words: Words): Words {
  const parts = Object.entries(words).map(([key, part]): Words => {
    if (Array.isArray(part)) return { [key]: part.map((item) => havingOf(model, item as Words)) };
    const field = columnOf(model, key);
    const conditions = Object.entries(part as Words).map(([name, condition]) => [
      name,
      conditionOf(resultOf(field, name.slice(1) as Measure)!, name === '_sum' ? field : undefined, condition as Words),
    ]);
    return { [key]: Object.fromEntries(conditions) };
  });
  return { AND: parts };
}

const conditionOf = (result: ColumnField, summed: ColumnField | undefined, condition: Words): Words =>
  Object.fromEntries(
    Object.entries(condition).map(([operator, operand]) => [
      operator,
      operator === 'not' ? conditionOf(result, summed, operand as Words) : toPrisma(summed ?? result, operand),
    ]),
  );

/** The orders asked for, and the keys. */
function ordersOf({ by, orderBy }: MeasureRead): Words[] {
  const asked = orderBy.map((words): Words => {
    const [[field, order]] = Object.entries(words) as [[string, Record<string, string | { sort: string }>]];
    const [[name, given]] = Object.entries(order) as [[string, string | { sort: string }]];
    const sort = typeof given === 'string' ? given : given.sort;
    return name === '_key' ? { [field]: sort } : { [name]: { [field]: sort } };
  });
  return [...asked, ...by!.map((key) => ({ [key]: 'asc' }))];
}
