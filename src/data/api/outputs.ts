import type { GraphQLResolveInfo } from 'graphql';
import type { Builder } from '../../graphql/builder.ts';
import { type Field, isDocument, type RelationField } from '../model/datamodel.ts';
import type { Api, ApiModel } from './api-model.ts';
import { describe } from './descriptions.ts';
import { inputType } from './filters.ts';
import { typeNameOf } from './scalars.ts';

/** What a planned object looks like to the executor: answers under their response keys. */
export type Answers = Record<string, unknown>;

/** Reads a planned field's answer: it stands under the field's response key. */
const answer = (parent: Answers, _args: unknown, _context: unknown, info: GraphQLResolveInfo): never =>
  parent[String(info.path.key)] as never;

/** A field of such an object. */
export interface OutputField {
  type: string;
  isList?: boolean;
  nullable: boolean;
  description: string;
  args?: () => Record<string, FieldArgument>;
  extensions?: Readonly<Record<string, unknown>>;
}

/** An argument of a field. */
export interface FieldArgument {
  type: string | [string];
  required?: boolean;
  description: string;
}

/** What counting or measuring a list weighs, in rows that are answered: see `graphql/cost.ts`. */
export const measureCost = 10;

/** The argument that says which rows are meant. */
export const whereArgument = (api: Api, name: string): { where: FieldArgument } => ({
  where: {
    type: api.typeName(`${name}WhereInput`),
    description: 'Which rows; all that the viewer may see by default.',
  },
});

/** The arguments of every list: conditions, order, and a page of it. */
export const listArguments = (api: Api, name: string): Record<string, FieldArgument> => ({
  ...whereArgument(api, name),
  orderBy: {
    type: [api.typeName(`${name}OrderByInput`)],
    description: 'In which order; rows that tie are told apart by their key.',
  },
  first: { type: 'Int', description: 'How many rows from the beginning, or after `after`.' },
  after: { type: 'String', description: 'The cursor behind which the page begins.' },
  last: { type: 'Int', description: 'How many rows from the end, or before `before`.' },
  before: { type: 'String', description: 'The cursor before which the page ends.' },
});

/** Adds an object type whose fields are known at run time only, and whose answers are planned. */
export function addObject(
  builder: Builder,
  name: string,
  description: string,
  fields: () => Record<string, OutputField>,
): void {
  builder.objectRef<Answers>(name).implement({
    description,
    fields: (t) =>
      Object.fromEntries(
        Object.entries(fields()).map(([key, field]) => [
          key,
          t.field({
            type: field.isList ? [inputType(field.type)] : inputType(field.type),
            nullable: field.nullable,
            description: field.description,
            args: Object.fromEntries(
              Object.entries(field.args?.() ?? {}).map(([arg, a]) => [
                arg,
                t.arg({ type: inputType(a.type), required: a.required ?? false, description: a.description }),
              ]),
            ),
            extensions: field.extensions,
            resolve: answer,
          }),
        ]),
      ),
  });
}

/** Adds the types that all lists share. */
export function addPageInfo(builder: Builder, api: Api): void {
  addObject(builder, api.typeName('PageInfo'), 'Where a page stands in its list.', () => ({
    hasNextPage: { type: 'Boolean', nullable: false, description: 'Whether rows follow the page.' },
    hasPreviousPage: { type: 'Boolean', nullable: false, description: 'Whether rows precede the page.' },
    startCursor: { type: 'String', nullable: true, description: 'The cursor of the first row; none on an empty page.' },
    endCursor: { type: 'String', nullable: true, description: 'The cursor of the last row; none on an empty page.' },
  }));
}

/** Adds the object type of one model, and the types of its lists. */
export function addModelOutputs(builder: Builder, api: Api, model: ApiModel): void {
  const { name } = model;
  addObject(builder, name, model.model.documentation ?? `A row of ${name}.`, () =>
    Object.fromEntries([
      ...[...model.fields].map(([key, field]): [string, OutputField] => [key, outputField(api, model, field)]),
      ...[...model.aggregates].map(([key, { target }]): [string, OutputField] => [key, aggregateField(api, target)]),
    ]),
  );
  addObject(builder, api.typeName(`${name}Connection`), `A page of a list of ${name}.`, () => ({
    nodes: { type: name, isList: true, nullable: false, description: 'The rows of the page.' },
    edges: {
      type: api.typeName(`${name}Edge`),
      isList: true,
      nullable: false,
      description: 'The rows of the page, each with its cursor.',
    },
    pageInfo: {
      type: api.typeName('PageInfo'),
      nullable: false,
      description: 'Where the page stands in the list.',
      extensions: { cost: 0 },
    },
    totalCount: {
      type: 'Int',
      nullable: false,
      description: 'How many rows the whole list has; counted only when asked for.',
      extensions: { cost: measureCost },
    },
  }));
  addObject(builder, api.typeName(`${name}Edge`), `A row of a list of ${name}, and its place.`, () => ({
    node: { type: name, nullable: false, description: 'The row.', extensions: { cost: 0 } },
    cursor: { type: 'String', nullable: false, description: 'Its place in the list, to begin or end another page at.' },
  }));
}

/** Adds what is answered to a write of several rows. */
export function addBatchOutput(builder: Builder, api: Api, { name }: ApiModel): void {
  addObject(builder, api.typeName(`${name}Batch`), `Rows of ${name} that one write has touched.`, () => ({
    count: {
      type: 'Int',
      nullable: false,
      description: 'How many there are, those that the viewer may not see among them.',
    },
    nodes: { type: name, isList: true, nullable: false, description: 'The rows, as the viewer may see them.' },
  }));
}

function outputField(api: Api, model: ApiModel, field: Field): OutputField {
  const description = describe(field);
  if (field.kind === 'relation') return relationField(api, model, field, description);
  const nullable = model.guarded.has(field.name) || (!field.isRequired && !field.isList);
  const output = { type: typeNameOf(api, field), isList: field.isList, nullable, description };
  // @NOTE nullable however the column is: the part that is asked for need not be there.
  return isDocument(field) ? { ...output, nullable: true, args: () => pathArgument } : output;
}

const pathArgument: Record<string, FieldArgument> = {
  path: {
    type: ['String'],
    description: 'The way to a part of it, null where that is not there; list positions are digits.',
  },
};

function relationField(api: Api, { guarded }: ApiModel, field: RelationField, description: string): OutputField {
  const target = api.models.get(field.target)!;
  if (!field.isList) {
    const isHidden = field.link.kind === 'own' && field.link.pairs.some(({ local }) => guarded.has(local.name));
    return { type: target.name, nullable: !field.isRequired || !target.isPublic || isHidden, description };
  }
  return {
    type: api.typeName(`${target.name}Connection`),
    nullable: false,
    description,
    args: () => listArguments(api, target.name),
  };
}

function aggregateField(api: Api, target: string): OutputField {
  const { name } = api.models.get(target)!;
  return {
    type: api.typeName(`${name}Aggregate`),
    nullable: false,
    description: `What is measured over the related rows of ${name} that the viewer may see.`,
    args: () => whereArgument(api, name),
    extensions: { cost: measureCost },
  };
}
