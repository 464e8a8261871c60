import {
  type ColumnField,
  type Datamodel,
  identifyingFields,
  type Model,
  modelNamed,
} from '../../src/data/model/datamodel.ts';
import type { PrismaClient } from '../support/prisma-client.ts';
import type { ListRead, Selection, Words } from './random-reads.ts';

type Row = Record<string, unknown>;

/** A model's read rule as a Prisma `where`; none is no bound. */
export type ReadRules = Readonly<Record<string, Words | undefined>>;

/** Asks Prisma what a read of the API should answer. */
export interface Oracle {
  /** All rows of the list, in order, whatever its page. */
  read(list: ListRead): Promise<Row[]>;
  count(list: ListRead): Promise<number>;
  /** What is asked of a model, and its rule, as Prisma takes it. */
  where(name: string, words: Words | undefined): Words;
}

/** Asks Prisma Client under these rules, which are put into every level of the query by themselves. */
export async function createOracle(client: PrismaClient, datamodel: Datamodel, rules: ReadRules): Promise<Oracle> {
  const visible = new Map<string, Set<string>>();
  // @NOTE by their keys: a rule that comes to unknown hides a row, and what is hidden is not there, whatever stands around it.
  const seen: Record<string, Words> = {};
  for (const [name, rule] of Object.entries(rules)) {
    const model = modelNamed(datamodel, name);
    const rows = (await client.model(name).findMany({ where: rule })) as Row[];
    seen[name] = { OR: rows.map((row) => keyWords(model, row)) };
    visible.set(name, new Set(rows.map((row) => keyOf(model, row))));
  }
  const translate = createTranslator(client, datamodel, seen);
  return {
    where: translate.where,
    async read(list) {
      const rows = (await client.model(list.model).findMany(translate.list(list))) as Row[];
      return rows.map((row) => answerOf(datamodel, visible, list.model, list.selection, row));
    },
    count: async (list) =>
      (await client.model(list.model).count({ where: translate.where(list.model, list.where) })) as number,
  };
}

/** A value of the API as Prisma Client takes it. */
export function toPrisma(field: ColumnField, given: unknown): unknown {
  if (given === null || given === undefined || field.type.kind === 'enum') return given;
  switch (field.type.name) {
    case 'BigInt':
      return BigInt(given as string);
    case 'Bytes':
      return new Uint8Array(Buffer.from(given as string, 'base64'));
    case 'DateTime':
      return new Date(/^\d\d:/.test(given as string) ? `1970-01-01T${given}Z` : (given as string));
    default:
      return given;
  }
}

const keyWords = (model: Model, row: Row): Words =>
  Object.fromEntries(identifyingFields(model).map((field) => [field.name, row[field.name]]));

const keyOf = (model: Model, row: Row): string =>
  JSON.stringify(identifyingFields(model).map((field) => normalise(field, row[field.name])));

function createTranslator(client: PrismaClient, datamodel: Datamodel, rules: ReadRules) {
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

  /** The rule of the model and what is asked of it. */
  const where = (name: string, words: Words | undefined): Words => {
    const own = words ? conditions(name, words) : {};
    const rule = rules[name];
    return rule ? { AND: [rule, own] } : own;
  };

  const conditions = (name: string, words: Words): Words => {
    const model = modelNamed(datamodel, name);
    // To Prisma an empty filter is no filter: `OR: []` below an AND and `NOT: {}` hold for every row. Here they hold for none.
    const nothing = { [identifyingFields(model)[0]!.name]: { in: [] } };
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
      const rule = rules[field.target];
      switch (operator) {
        case 'every':
          // Of the rows that may be seen, none fails.
          if (rule) return { [key]: { none: { AND: [rule, { NOT: conditions(field.target, operand!) }] } } };
          return { [key]: { every: conditions(field.target, operand!) } };
        case 'is':
          if (operand === null) return rule ? { NOT: { [key]: { is: rule } } } : { [key]: { is: null } };
          return { [key]: { is: where(field.target, operand) } };
        case 'isNot':
          if (operand === null) return { [key]: rule ? { is: rule } : { isNot: null } };
          return { [key]: { isNot: where(field.target, operand) } };
        default:
          return { [key]: { [operator]: where(field.target, operand!) } };
      }
    });
    return parts.length > 0 ? { AND: parts } : { NOT: nothing };
  };

  const orderBy = (name: string, words: readonly Words[]): Words[] => {
    const key = identifyingFields(modelNamed(datamodel, name));
    return [...words, ...key.map((field) => ({ [field.name]: 'asc' }))];
  };

  const select = (name: string, { one, many }: Selection): Words =>
    Object.fromEntries([
      ...modelNamed(datamodel, name).columns.map((field) => [field.name, true]),
      ...Object.entries(one).map(([field, selection]) => [
        field,
        { select: select(targetOf(datamodel, name, field), selection) },
      ]),
      ...Object.entries(many).map(([field, list]) => [field, listArguments(list)]),
    ]);

  const listArguments = (list: ListRead): Words => ({
    where: where(list.model, list.where),
    orderBy: orderBy(list.model, list.orderBy),
    select: select(list.model, list.selection),
  });

  return { where, list: listArguments };
}

const targetOf = (datamodel: Datamodel, model: string, name: string): string => {
  const field = modelNamed(datamodel, model).fields.get(name);
  if (field?.kind !== 'relation') throw new Error(`${model}.${name} is no relation`);
  return field.target;
};

/** A row as the API should answer it: pages cut, and rows that may not be seen left out. */
function answerOf(
  datamodel: Datamodel,
  visible: ReadonlyMap<string, ReadonlySet<string>>,
  name: string,
  { one, many }: Selection,
  row: Row,
): Row {
  const model = modelNamed(datamodel, name);
  const answer: Row = Object.fromEntries(model.columns.map((field) => [field.name, normalise(field, row[field.name])]));
  for (const [field, selection] of Object.entries(one)) {
    const target = targetOf(datamodel, name, field);
    const related = row[field] as Row | null;
    const isHidden = related && visible.get(target)?.has(keyOf(modelNamed(datamodel, target), related)) === false;
    answer[field] = related && !isHidden ? answerOf(datamodel, visible, target, selection, related) : null;
  }
  for (const [field, list] of Object.entries(many)) {
    const rows = (row[field] as Row[]).map((r) => answerOf(datamodel, visible, list.model, list.selection, r));
    answer[field] = { totalCount: rows.length, nodes: pageOf(list, rows) };
  }
  return answer;
}

/** The page of a list. */
export function pageOf<T>({ size }: Pick<ListRead, 'size'>, rows: readonly T[]): T[] {
  if (!size) return [...rows];
  return size.end === 'first' ? rows.slice(0, size.count) : rows.slice(Math.max(0, rows.length - size.count));
}

/**
 * One spelling for a value of either side. Prisma's decimals have no trailing zeros and its dates are JavaScript's; ours
 * are the database's text.
 */
export function normalise(field: ColumnField, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value) && field.isList) return value.map((item) => normalise({ ...field, isList: false }, item));
  if (field.type.kind === 'enum') return value;
  switch (field.type.name) {
    case 'BigInt':
      return String(value);
    case 'Decimal':
      return plainDecimal(String(value));
    case 'Bytes':
      return typeof value === 'string' ? value : Buffer.from(value as Uint8Array).toString('base64');
    case 'DateTime': {
      if (value instanceof Date) return value.toISOString();
      const text = String(value);
      return new Date(/^\d\d:/.test(text) ? `1970-01-01T${text.replace(/[+-]\d\d$/, '')}Z` : text).toISOString();
    }
    default:
      return value;
  }
}

/** `1.50` and `15e-1` alike as digits and an exponent. */
function plainDecimal(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const trimmed = digits.replace(/0+$/, '');
  if (trimmed === '') return '0';
  return `${sign}${trimmed}e${Number(exponent) - fraction.length + (digits.length - trimmed.length)}`;
}
