import {
  type GraphQLInputType,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  type GraphQLSchema,
  GraphQLString,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
} from 'graphql';
import type { Random } from '../../src/cli/seed/random.ts';
import type { Api } from '../../src/data/api/api-model.ts';
import { hasUnits } from '../../src/data/api/measures.ts';
import { type Datamodel, type Model, modelNamed, relationNamed } from '../../src/data/model/datamodel.ts';
import { knownMeasures, type Measures, measuresIn } from './measures-as-prisma.ts';
import type { MeasureRead } from './random-measures.ts';
import type { ListRead, Selection, Words } from './random-reads.ts';
import { normalise } from './values.ts';

type Row = Record<string, unknown>;

/** A GraphQL document that asks for reads, and its variables. */
export interface Question {
  query: string;
  variables: Record<string, unknown>;
}

/** How a document is written: what it asks for is the same. */
export interface Style {
  /** Arguments stand in the document, and do not come as variables. */
  inline: boolean;
  /** Relations, and the first field of each row, answer under other names. */
  aliases: boolean;
  /** What is read of a row is a fragment, that has a name or none. */
  fragments: 'named' | 'inline' | undefined;
}

/** Any of the styles. */
export const randomStyle = (random: Random): Style => ({
  inline: random.chance(0.5),
  aliases: random.chance(0.3),
  fragments: random.pick(['named', 'inline', undefined, undefined] as const),
});

/** The answer to a list, as the oracle spells it. */
export interface ListAnswer {
  totalCount: number;
  hasNextPage: boolean;
  hasPreviousPage: boolean;
  nodes: Row[];
  cursors: string[];
  /** The cursors of a list below the first row, by its field. */
  cursorsBelow(field: string): string[];
}

/** Writes reads as GraphQL and reads the answers. */
export interface Spelling {
  list(list: ListRead, style: Style): Question;
  measures(read: MeasureRead, style: Style): Question;
  readList(list: ListRead, style: Style, data: Row): ListAnswer;
  readMeasures(read: MeasureRead, data: Row): Measures[];
}

/** Spells reads for this API. */
export function spellingFor(schema: GraphQLSchema, api: Api, datamodel: Datamodel): Spelling {
  const queries = schema.getQueryType()!.getFields();
  const typeOf = (name: string) => schema.getType(api.typeName(name)) as GraphQLInputType;
  const modelOf = (name: string): Model => modelNamed(datamodel, name);
  const aliasOf = (name: string, { aliases }: Style): string => (aliases ? `x_${name}` : name);

  const list = (asked: ListRead, style: Style): Question => {
    const { argument, spell } = startDocument(style);
    const given = ({ model, where, orderBy, size, after, before }: ListRead): string => {
      const orders = new GraphQLList(new GraphQLNonNull(typeOf(`${model}OrderByInput`)));
      const parts = [
        ...(where ? [argument('where', typeOf(`${model}WhereInput`), where)] : []),
        ...(orderBy.length > 0 ? [argument('orderBy', orders, orderBy)] : []),
        ...(size ? [argument(size.end, GraphQLInt, size.count)] : []),
        ...(after === undefined ? [] : [argument('after', GraphQLString, after)]),
        ...(before === undefined ? [] : [argument('before', GraphQLString, before)]),
      ];
      return parts.length > 0 ? `(${parts.join(', ')})` : '';
    };
    const fragments: string[] = [];
    const fields = (name: string, { one, many, measured }: Selection): string => {
      const model = modelOf(name);
      const field = (own: string) => (style.aliases ? `${aliasOf(own, style)}: ${own}` : own);
      const columns = model.columns.map(({ name: own }, i) => (i === 0 ? field(own) : own)).join(' ');
      const type = api.models.get(name)!.name;
      if (style.fragments === 'named') fragments.push(`fragment F${fragments.length} on ${type} { ${columns} }`);
      return [
        style.fragments === 'named'
          ? `...F${fragments.length - 1}`
          : style.fragments === 'inline'
            ? `... on ${type} { ${columns} }`
            : columns,
        ...Object.entries(one).map(
          ([key, below]) => `${field(key)} { ${fields(relationNamed(model, key).target, below)} }`,
        ),
        ...Object.entries(many).map(([key, below]) => `${field(key)}${given(below)} ${page(below)}`),
        ...Object.entries(measured).map(([key, { where }]) => {
          const { target } = relationNamed(model, key);
          const filter = where ? `(${argument('where', typeOf(`${target}WhereInput`), where)})` : '';
          return `${field(`${key}Aggregate`)}${filter} { ${measuresOf(modelOf(target))} }`;
        }),
      ].join(' ');
    };
    const page = (of: ListRead): string =>
      `{ totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
         edges { cursor node { ${fields(of.model, of.selection)} } } }`;
    const text = `found: ${api.models.get(asked.model)!.many}${given(asked)} ${page(asked)}`;
    return spell(`{ ${text} } ${fragments.join(' ')}`);
  };

  const measures = (read: MeasureRead, style: Style): Question => {
    const { argument, spell } = startDocument(style);
    const model = modelOf(read.model);
    const root = queries[`${api.models.get(read.model)!.many}${read.by ? 'GroupBy' : 'Aggregate'}`]!;
    const by = read.by?.map((name) => ({ [name]: hasUnits(model.columns.find((f) => f.name === name)!) ? {} : true }));
    const given: Words = { ...read, by, orderBy: read.by ? read.orderBy : undefined };
    const spelt = root.args
      .filter(({ name }) => given[name] !== undefined)
      .map(({ name, type }) => argument(name, type, given[name]));
    const keys = read.by ? `keys { ${read.by.join(' ')} }` : '';
    const text = `found: ${root.name}${spelt.length > 0 ? `(${spelt.join(', ')})` : ''} { ${measuresOf(model)} ${keys} }`;
    return spell(`{ ${text} }`);
  };

  const readPage = (of: ListRead, style: Style, answer: PageAnswer) => {
    const { totalCount, pageInfo, edges } = answer;
    const cursors = edges.map((edge) => edge.cursor);
    if (pageInfo.startCursor !== (cursors[0] ?? null) || pageInfo.endCursor !== (cursors.at(-1) ?? null))
      throw new Error(`the cursors of the page are not those of its rows: ${JSON.stringify([pageInfo, cursors])}`);
    const { hasNextPage, hasPreviousPage } = pageInfo;
    const nodes = edges.map(({ node }) => rowOf(of.model, of.selection, style, node));
    return { totalCount, hasNextPage, hasPreviousPage, nodes };
  };

  const rowOf = (name: string, { one, many, measured }: Selection, style: Style, row: Row): Row => {
    const model = modelOf(name);
    const of = (field: string) => row[aliasOf(field, style)];
    const answer: Row = Object.fromEntries(
      model.columns.map((field, i) => [field.name, normalise(field, i === 0 ? of(field.name) : row[field.name])]),
    );
    for (const [field, selection] of Object.entries(one)) {
      const related = of(field) as Row | null;
      answer[field] = related && rowOf(relationNamed(model, field).target, selection, style, related);
    }
    for (const [field, below] of Object.entries(many)) answer[field] = readPage(below, style, of(field) as PageAnswer);
    for (const field of Object.keys(measured)) {
      const target = modelOf(relationNamed(model, field).target);
      answer[`${field}Aggregate`] = measuresIn(target, of(`${field}Aggregate`) as Words, '');
    }
    return answer;
  };

  return {
    list,
    measures,
    readList(asked, style, data) {
      const { edges } = data.found as PageAnswer;
      const below = (field: string) => edges[0]!.node[aliasOf(field, style)] as PageAnswer;
      return {
        ...readPage(asked, style, data.found as PageAnswer),
        cursors: edges.map((edge) => edge.cursor),
        cursorsBelow: (field) => below(field).edges.map((edge) => edge.cursor),
      };
    },
    readMeasures(read, data) {
      const model = modelOf(read.model);
      return ((read.by ? data.found : [data.found]) as Record<string, Row>[]).map((answer) => {
        const keys = (read.by ?? []).map((name) => {
          const field = model.columns.find((f) => f.name === name)!;
          return [`keys.${name}`, normalise(field, answer.keys![name])];
        });
        return { ...measuresIn(model, answer, ''), ...Object.fromEntries(keys) };
      });
    },
  };
}

interface PageAnswer {
  totalCount: number;
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
  edges: { cursor: string; node: Row }[];
}

/** Everything that both sides measure of a model. */
function measuresOf(model: Model): string {
  const names = new Map<string, string[]>([['count', ['_all']]]);
  for (const [measure, { name }] of knownMeasures(model)) names.set(measure, [...(names.get(measure) ?? []), name]);
  return [...names].map(([measure, fields]) => `${measure} { ${fields.join(' ')} }`).join(' ');
}

/** A document whose arguments stand in it or come as variables. */
function startDocument({ inline }: Style) {
  const variables: Record<string, unknown> = {};
  const declared: string[] = [];
  return {
    argument(name: string, type: GraphQLInputType, value: unknown): string {
      if (inline) return `${name}: ${literal(value, type)}`;
      const variable = `v${declared.length}`;
      declared.push(`$${variable}: ${type}`);
      variables[variable] = value;
      return `${name}: $${variable}`;
    },
    spell: (text: string): Question => ({
      query: `query${declared.length > 0 ? ` (${declared.join(', ')})` : ''} ${text}`,
      variables,
    }),
  };
}

/** A value as it stands in a document. */
function literal(value: unknown, type: GraphQLInputType | undefined): string {
  const nullable = type && getNullableType(type);
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) {
    const item = isListType(nullable) ? nullable.ofType : undefined;
    return `[${value.map((v) => literal(v, item)).join(', ')}]`;
  }
  if (typeof value === 'object') {
    const fields = isInputObjectType(nullable) ? nullable.getFields() : {};
    const parts = Object.entries(value).filter(([, v]) => v !== undefined);
    return `{${parts.map(([key, v]) => `${key}: ${literal(v, fields[key]?.type)}`).join(', ')}}`;
  }
  if (isListType(nullable)) return literal(value, nullable.ofType);
  return isEnumType(nullable) ? String(value) : JSON.stringify(value);
}
