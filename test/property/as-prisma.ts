import {
  type ColumnField,
  type Datamodel,
  identifyingFields,
  type Model,
  modelNamed,
  type RelationField,
  relationNamed,
} from '../../src/data/model/datamodel.ts';
import type { PrismaClient } from '../support/prisma-client.ts';
import { type Measures, measuresIn, selectedMeasures } from './measures-as-prisma.ts';
import type { ListRead, Selection, Words } from './random-reads.ts';
import { normalise, toPrisma } from './values.ts';

type Row = Record<string, unknown>;

/** All rows of a list as the API should answer it, whatever its page, and so those of the lists below them: see `cut`. */
export interface Found {
  rows: Row[];
  totalCount: number;
}

/** Asks Prisma what a read of the API should answer. */
export interface Oracle {
  client: PrismaClient;
  read(list: ListRead): Promise<Found>;
  /** What is asked of a model as Prisma takes it. */
  where(name: string, words: Words | undefined): Words;
}

/** Asks Prisma Client on a database that has what the viewer may see, and nothing else. */
export function createOracle(client: PrismaClient, datamodel: Datamodel): Oracle {
  const translate = createTranslator(client, datamodel);
  return {
    client,
    where: translate.where,
    async read(list) {
      const measure = createMeasurer(client, datamodel, translate.where);
      const [found, totalCount] = await Promise.all([
        client.model(list.model).findMany(translate.list(list)) as Promise<Row[]>,
        client.model(list.model).count({ where: translate.where(list.model, list.where) }) as Promise<number>,
      ]);
      const rows = await Promise.all(found.map((row) => answerOf(datamodel, measure, list.model, list.selection, row)));
      return { rows, totalCount };
    },
  };
}

function createTranslator(client: PrismaClient, datamodel: Datamodel) {
  const { AnyNull } = client.namespace;

  const filter = (field: ColumnField, words: Words): Words =>
    Object.fromEntries(
      Object.entries(words).map(([operator, operand]) => {
        if (operator === 'mode' || operator === 'isEmpty' || operator === 'path') return [operator, operand];
        const isJson = field.type.kind === 'scalar' && field.type.name === 'Json';
        // One null for both, as the API has it.
        if (isJson) return [operator, operand === null ? AnyNull : operand];
        if (operator === 'not' && operand !== null && typeof operand === 'object')
          return [operator, filter(field, operand as Words)];
        if (Array.isArray(operand)) return [operator, operand.map((item) => toPrisma(field, item))];
        return [operator, toPrisma(field, operand)];
      }),
    );

  const where = (name: string, words: Words | undefined): Words => (words ? conditions(name, words) : {});

  const conditions = (name: string, words: Words): Words => {
    const model = modelNamed(datamodel, name);
    // To Prisma an empty filter is no filter: `OR: []` below an AND and `NOT: {}` hold for every row. Here they hold for none.
    const nothing = nothingOf(model);
    const parts: Words[] = Object.entries(words).map(([key, part]) => {
      if (key === 'AND' || key === 'OR' || key === 'NOT') {
        const items = (part as Words[]).map((item) => conditions(name, item));
        return items.length > 0 ? { [key]: items } : key === 'OR' ? nothing : { NOT: nothing };
      }
      const field = model.fields.get(key)!;
      if (field.kind === 'column') {
        const says = Object.keys(part as Words).some((operator) => operator !== 'mode' && operator !== 'path');
        return says ? { [key]: filter(field, part as Words) } : { NOT: nothing };
      }
      const [[operator, operand] = ['', {}]] = Object.entries(part as Words) as [string, Words | null][];
      if (operator === '') return { NOT: nothing };
      if (operand !== null) return { [key]: { [operator]: conditions(field.target, operand) } };
      // Prisma looks at the key alone, which may lead to a row that is hidden.
      const isThere = { [key]: { is: { NOT: nothingOf(modelNamed(datamodel, field.target)) } } };
      return operator === 'is' ? { NOT: isThere } : isThere;
    });
    return parts.length > 0 ? { AND: parts } : { NOT: nothing };
  };

  const orderBy = (name: string, words: readonly Words[]): Words[] => {
    const key = identifyingFields(modelNamed(datamodel, name));
    return [...words, ...key.map((field) => ({ [field.name]: 'asc' }))];
  };

  const select = (name: string, { one, many }: Selection): Words => {
    const model = modelNamed(datamodel, name);
    return Object.fromEntries([
      ...model.columns.map((field) => [field.name, true]),
      ...Object.entries(one).map(([field, selection]) => [
        field,
        { select: select(relationNamed(model, field).target, selection) },
      ]),
      ...Object.entries(many).map(([field, list]) => [field, listArguments(list)]),
    ]);
  };

  const listArguments = (list: ListRead): Words => ({
    where: where(list.model, list.where),
    orderBy: orderBy(list.model, list.orderBy),
    select: select(list.model, list.selection),
  });

  return { where, list: listArguments };
}

const nothingOf = (model: Model): Words => ({ [identifyingFields(model)[0]!.name]: { in: [] } });

type Measurer = (model: Model, relation: RelationField, where: Words | undefined, row: Row) => Promise<Measures>;

/** Prisma measures no relations: it is asked for those of each row, once. */
function createMeasurer(client: PrismaClient, datamodel: Datamodel, where: Oracle['where']): Measurer {
  const known = new Map<string, Promise<Measures>>();
  return (model, { name: field, target: name, inverse }, words, row) => {
    const target = modelNamed(datamodel, name);
    const key = Object.fromEntries(identifyingFields(model).map((field) => [field.name, row[field.name]]));
    const side = relationNamed(target, inverse).isList ? 'some' : 'is';
    const asked = `${model.name} ${field} ${JSON.stringify([words, keyOf(model, row)])}`;
    if (!known.has(asked)) {
      const query = {
        where: { AND: [{ [inverse]: { [side]: key } }, where(name, words)] },
        ...selectedMeasures(target),
      };
      known.set(
        asked,
        client
          .model(name)
          .aggregate(query)
          .then((answer) => measuresIn(target, answer as Words)),
      );
    }
    return known.get(asked)!;
  };
}

const keyOf = (model: Model, row: Row): unknown[] =>
  identifyingFields(model).map((field) => normalise(field, row[field.name]));

/** A row as the API should answer it, but for the pages of lists. */
async function answerOf(
  datamodel: Datamodel,
  measure: Measurer,
  name: string,
  { one, many, measured }: Selection,
  row: Row,
): Promise<Row> {
  const model = modelNamed(datamodel, name);
  const answer: Row = Object.fromEntries(model.columns.map((field) => [field.name, normalise(field, row[field.name])]));
  const below = (target: string, selection: Selection, related: Row) =>
    answerOf(datamodel, measure, target, selection, related);
  for (const [field, selection] of Object.entries(one)) {
    const related = row[field] as Row | null;
    answer[field] = related && (await below(relationNamed(model, field).target, selection, related));
  }
  for (const [field, list] of Object.entries(many)) {
    const rows = await Promise.all((row[field] as Row[]).map((r) => below(list.model, list.selection, r)));
    answer[field] = rows;
  }
  for (const [field, { where }] of Object.entries(measured))
    answer[`${field}Aggregate`] = await measure(model, relationNamed(model, field), where, row);
  return answer;
}

/** The page of a list, and those of all lists below its rows. */
export function cut(list: ListRead, rows: readonly Row[], between: Between = {}): Page<Row> {
  const inRow = (selection: Selection, row: Row): Row => {
    const answer = { ...row };
    for (const [field, below] of Object.entries(selection.one))
      answer[field] = row[field] && inRow(below, row[field] as Row);
    for (const [field, below] of Object.entries(selection.many)) {
      const all = row[field] as Row[];
      answer[field] = { totalCount: all.length, ...cut(below, all) };
    }
    return answer;
  };
  const page = pageOf(rows, list.size, between);
  return { ...page, nodes: page.nodes.map((row) => inRow(list.selection, row)) };
}

/** The rows of a page, and whether there are more before and after it. */
export interface Page<T> {
  nodes: T[];
  hasNextPage: boolean;
  hasPreviousPage: boolean;
}

/** The places of two rows that a page lies between. */
export interface Between {
  after?: number;
  before?: number;
}

function pageOf<T>(all: readonly T[], size: ListRead['size'], { after, before }: Between): Page<T> {
  const from = after === undefined ? 0 : after + 1;
  const inside = all.slice(from, Math.max(from, before ?? all.length));
  const cut = size && size.count < inside.length ? inside.length - size.count : 0;
  return {
    nodes: size?.end === 'last' ? inside.slice(cut) : inside.slice(0, inside.length - cut),
    hasNextPage: (size?.end !== 'last' && cut > 0) || before !== undefined,
    hasPreviousPage: (size?.end === 'last' && cut > 0) || after !== undefined,
  };
}
