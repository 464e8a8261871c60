import { type ColumnField, type Datamodel, modelNamed } from '../../src/data/model/datamodel.ts';
import type { Style } from './as-graphql.ts';
import type { MeasureRead } from './random-measures.ts';
import type { ListRead, Selection, Words } from './random-reads.ts';

/** A read that was asked, and how much came of it. */
export interface Asked {
  read: ListRead | MeasureRead;
  style: Style;
  /** Whether rules bind whoever asked. */
  isBound: boolean;
  /** Rows or groups in the answer. */
  found: number;
  /** What was asked for besides: pages between cursors. */
  pages: readonly ('root' | 'nested')[];
}

/** A condition somewhere in a read, and how many relations lead to its filter. */
interface Condition {
  word: string;
  hops: number;
  field?: ColumnField;
}

/** What is known of a read: all its lists, its filters' conditions, its orders. */
interface Parts extends Asked {
  isList: boolean;
  lists: readonly { list: ListRead; depth: number }[];
  measured: number;
  conditions: readonly Condition[];
  orders: readonly Words[];
}

const comparing = (type: string) => (parts: Parts) =>
  parts.conditions.some(({ field }) => field && (field.type.kind === 'enum' ? 'enum' : field.type.name) === type);
const saying = (word: string) => (parts: Parts) => parts.conditions.some((condition) => condition.word === word);
const orderDeep = (words: unknown): boolean =>
  typeof words === 'object' && words !== null && !('sort' in words) && !('_count' in words);

/** Something a read can have, and of how many reads of a hundred it must at least be true. */
interface Feature {
  least: number;
  holds: (parts: Parts) => boolean;
}

const each = (names: string, title: (name: string) => string, feature: (name: string) => Feature) =>
  Object.fromEntries(names.split(' ').map((name) => [title(name), feature(name)]));

/** Everything that is counted: what a new kind of read is made of belongs here, too. */
export const features: Record<string, Feature> = {
  'under rules': { least: 50, holds: (p) => p.isBound },
  'rows found': { least: 40, holds: (p) => p.found > 0 },
  'more than one row found': { least: 30, holds: (p) => p.found > 1 },
  'rows found under rules by a filter': { least: 12, holds: (p) => p.isBound && !!p.read.where && p.found > 0 },
  'a filter through three relations': { least: 15, holds: (p) => p.conditions.some(({ hops }) => hops >= 3) },
  ...each(
    'AND OR NOT some every none is isNot in notIn lt',
    (word) => `the condition ${word}`,
    (word) => ({ least: 5, holds: saying(word) }),
  ),
  ...each(
    'contains mode has path',
    (word) => `the condition ${word}`,
    (word) => ({ least: 0.2, holds: saying(word) }),
  ),
  ...each(
    'String Int BigInt Float Decimal Boolean DateTime Json Bytes enum',
    (type) => `a condition on ${type}`,
    (type) => ({ least: 0.2, holds: comparing(type) }),
  ),
  'a condition on a list of values': { least: 0.2, holds: (p) => p.conditions.some(({ field }) => field?.isList) },
  'several orders': { least: 15, holds: (p) => p.lists.some(({ list }) => list.orderBy.length > 1) },
  'an order that places nulls': { least: 4, holds: (p) => /"nulls"/.test(JSON.stringify(p.orders)) },
  'an order by a row of another table': {
    least: 5,
    holds: (p) => p.orders.some((order) => Object.values(order).some(orderDeep)),
  },
  'an order by a count': { least: 4, holds: (p) => p.isList && /"_count"/.test(JSON.stringify(p.orders)) },
  'the first rows': { least: 15, holds: (p) => p.lists.some(({ list }) => list.size?.end === 'first') },
  'the last rows': { least: 15, holds: (p) => p.lists.some(({ list }) => list.size?.end === 'last') },
  'a page between cursors': { least: 25, holds: (p) => p.pages.includes('root') },
  'a page between cursors below a row': { least: 3, holds: (p) => p.pages.includes('nested') },
  'lists below rows': { least: 20, holds: (p) => p.lists.some(({ depth }) => depth > 0) },
  'lists two deep': { least: 6, holds: (p) => p.lists.some(({ depth }) => depth > 1) },
  'lists three deep': { least: 0.2, holds: (p) => p.lists.some(({ depth }) => depth > 2) },
  'measures below rows': { least: 4, holds: (p) => p.measured > 0 },
  'measures of a list': { least: 3, holds: (p) => !p.isList && !('by' in p.read) },
  'measures by groups': { least: 10, holds: (p) => 'by' in p.read },
  'groups that are chosen': { least: 4, holds: (p) => 'having' in p.read },
  variables: { least: 30, holds: (p) => !p.style.inline },
  aliases: { least: 15, holds: (p) => p.style.aliases },
  fragments: { least: 20, holds: (p) => p.style.fragments !== undefined },
};

/** How many of the reads had which feature. */
export interface Tally {
  count(asked: Asked): void;
  total: number;
  /** Features that too few of the reads had. */
  missing(): string[];
  /** One line a feature. */
  print(): string;
}

/** Counts reads of these models. */
export function createTally(datamodel: Datamodel): Tally {
  const counts = new Map(Object.keys(features).map((name) => [name, 0]));
  const tally: Tally = {
    total: 0,
    count(asked) {
      tally.total += 1;
      const parts = partsOf(datamodel, asked);
      for (const [name, { holds }] of Object.entries(features))
        if (holds(parts)) counts.set(name, counts.get(name)! + 1);
    },
    missing: () =>
      [...counts]
        .filter(([name, n]) => n * 100 < features[name]!.least * tally.total)
        .map(([name, n]) => `${name}: ${n}`),
    print: () =>
      [...counts].map(([name, n]) => `${((100 * n) / tally.total).toFixed(1).padStart(6)} %  ${name}`).join('\n'),
  };
  return tally;
}

function partsOf(datamodel: Datamodel, asked: Asked): Parts {
  const lists: { list: ListRead; depth: number }[] = [];
  const conditions: Condition[] = [];
  const orders: Words[] = [];
  let measured = 0;
  const inFilter = (name: string, words: Words | undefined, hops: number): void => {
    for (const [key, part] of Object.entries(words ?? {})) {
      const field = modelNamed(datamodel, name).fields.get(key);
      if (!field) {
        conditions.push({ word: key, hops });
        for (const item of part as Words[]) inFilter(name, item, hops);
      } else if (field.kind === 'column') {
        for (const word of Object.keys(part as Words)) conditions.push({ word, hops, field });
      } else {
        for (const [word, operand] of Object.entries(part as Words)) {
          conditions.push({ word, hops: hops + 1 });
          inFilter(field.target, (operand ?? undefined) as Words | undefined, hops + 1);
        }
      }
    }
  };
  const inSelection = (name: string, selection: Selection, depth: number): void => {
    const target = (field: string): string => {
      const relation = modelNamed(datamodel, name).fields.get(field)!;
      return relation.kind === 'relation' ? relation.target : '';
    };
    for (const [field, below] of Object.entries(selection.one)) inSelection(target(field), below, depth);
    for (const below of Object.values(selection.many)) inList(below, depth + 1);
    for (const [field, { where }] of Object.entries(selection.measured)) {
      measured += 1;
      inFilter(target(field), where, 0);
    }
  };
  const inList = (list: ListRead, depth: number): void => {
    lists.push({ list, depth });
    orders.push(...list.orderBy);
    inFilter(list.model, list.where, 0);
    inSelection(list.model, list.selection, depth);
  };
  const isList = 'selection' in asked.read;
  if ('selection' in asked.read) inList(asked.read, 0);
  else inFilter(asked.read.model, asked.read.where, 0);
  return { ...asked, isList, lists, measured, conditions, orders };
}
