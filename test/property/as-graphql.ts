import {
  type GraphQLInputType,
  type GraphQLSchema,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
} from 'graphql';
import type { Api } from '../../src/data/api/api-model.ts';
import { type Datamodel, modelNamed } from '../../src/data/model/datamodel.ts';
import { normalise } from './as-prisma.ts';
import type { ListRead, Selection } from './random-reads.ts';

type Row = Record<string, unknown>;

/** A GraphQL document that asks for a read, and its variables. */
export interface Question {
  query: string;
  variables: Record<string, unknown>;
}

/** Writes reads as GraphQL and reads the answers. */
export interface Spelling {
  /** @param inline whether arguments stand in the document, or come as variables */
  question(list: ListRead, inline: boolean, page?: string): Question;
  /** The rows of a list's answer, as the oracle spells them. */
  rowsOf(list: ListRead, answer: { nodes: Row[] }): Row[];
}

/** Spells reads for this API. */
export function spellingFor(schema: GraphQLSchema, api: Api, datamodel: Datamodel): Spelling {
  const typeOf = (name: string) => schema.getType(api.typeName(name)) as GraphQLInputType;

  const question = (list: ListRead, inline: boolean, page = ''): Question => {
    const variables: Record<string, unknown> = {};
    const declared: string[] = [];
    const argument = (name: string, type: GraphQLInputType, spelt: string, value: unknown): string => {
      if (inline) return `${name}: ${literal(value, type)}`;
      const variable = `v${declared.length}`;
      declared.push(`$${variable}: ${spelt}`);
      variables[variable] = value;
      return `${name}: $${variable}`;
    };
    const listArguments = ({ model, where, orderBy, size }: ListRead, more: string): string => {
      const order = api.typeName(`${model}OrderByInput`);
      const given = [
        ...(where ? [argument('where', typeOf(`${model}WhereInput`), api.typeName(`${model}WhereInput`), where)] : []),
        ...(orderBy.length > 0
          ? orderBy
              .map((_, i) => i)
              .slice(0, 1)
              .map(() => {
                if (inline)
                  return `orderBy: [${orderBy.map((o) => literal(o, typeOf(`${model}OrderByInput`))).join(', ')}]`;
                return argument('orderBy', typeOf(`${model}OrderByInput`), `[${order}!]`, orderBy);
              })
          : []),
        ...(size ? [argument(size.end, schema.getType('Int') as GraphQLInputType, 'Int', size.count)] : []),
        ...(more ? [more] : []),
      ];
      return given.length > 0 ? `(${given.join(', ')})` : '';
    };
    const fields = (name: string, { one, many }: Selection): string =>
      [
        ...modelNamed(datamodel, name).columns.map((field) => field.name),
        ...Object.entries(one).map(([field, selection]) => {
          const relation = modelNamed(datamodel, name).fields.get(field)!;
          return `${field} { ${fields(relation.kind === 'relation' ? relation.target : '', selection)} }`;
        }),
        ...Object.entries(many).map(
          ([field, below]) =>
            `${field}${listArguments(below, '')} { totalCount nodes { ${fields(below.model, below.selection)} } }`,
        ),
      ].join(' ');
    const root = api.models.get(list.model)!;
    const body = `list: ${root.many}${listArguments(list, page)} {
      totalCount
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      edges { cursor node { ${fields(list.model, list.selection)} } }
    }`;
    return { query: `query${declared.length > 0 ? ` (${declared.join(', ')})` : ''} { ${body} }`, variables };
  };

  const rowOf = (name: string, { one, many }: Selection, row: Row): Row => {
    const model = modelNamed(datamodel, name);
    const answer: Row = Object.fromEntries(
      model.columns.map((field) => [field.name, normalise(field, row[field.name])]),
    );
    for (const [field, selection] of Object.entries(one)) {
      const relation = model.fields.get(field)!;
      const target = relation.kind === 'relation' ? relation.target : '';
      answer[field] = row[field] && rowOf(target, selection, row[field] as Row);
    }
    for (const [field, list] of Object.entries(many)) {
      const below = row[field] as { totalCount: number; nodes: Row[] };
      answer[field] = {
        totalCount: below.totalCount,
        nodes: below.nodes.map((r) => rowOf(list.model, list.selection, r)),
      };
    }
    return answer;
  };

  return { question, rowsOf: (list, { nodes }) => nodes.map((row) => rowOf(list.model, list.selection, row)) };
}

/** A value as it stands in a document. */
export function literal(value: unknown, type: GraphQLInputType | undefined): string {
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
