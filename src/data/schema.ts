import type { Builder } from '../graphql/builder.ts';
import { addAggregateOutputs, columnsOf } from './api/aggregates.ts';
import { type Api, type ApiModel, aggregateName, filteredFields, upperFirst } from './api/api-model.ts';
import { sentence } from './api/descriptions.ts';
import { addFilters, inputType } from './api/filters.ts';
import { addGroupInputs, addHavingFilters, addModelGroupInputs, canGroup } from './api/group-inputs.ts';
import { addModelInputs, addSharedInputs, hasReachableKey } from './api/inputs.ts';
import {
  type Answers,
  addBatchOutput,
  addModelOutputs,
  addPageInfo,
  type FieldArgument,
  listArguments,
  measureCost,
  whereArgument,
} from './api/outputs.ts';
import { addScalars } from './api/scalars.ts';
import { addWriteInputs, canBeMade } from './api/write-inputs.ts';
import type { DataRead } from './planner/plan.ts';
import { resolveRead } from './resolve.ts';
import type { Action } from './rules/rule-set.ts';
import { changeOf } from './writes/one-statement.ts';
import { resolveWrite, type Write } from './writes/resolve.ts';
import { changedAt } from './writes/versions.ts';

/** What a root field of the data API does, for the guard at the root and for the planner: kept in the field's extensions. */
export interface DataOperation {
  model: string;
  /** `upsert`: whoever may create or update. */
  action: Action | 'upsert';
}

/** Adds the data API of all models: their types, filters, pages, and the root fields that read and write them. */
export function dataSchema(builder: Builder, api: Api): void {
  const models = [...api.models.values()];
  addScalars(builder, api);
  addSharedInputs(builder, api);
  addPageInfo(builder, api);
  addGroupInputs(builder, api);
  for (const type of api.enums) {
    builder.enumType(type.name, {
      description: type.documentation ?? `A value of ${type.name}.`,
      values: Object.fromEntries(
        type.values.map((v) => [v.name, { description: v.documentation ?? sentence(v.name) }]),
      ),
    });
  }
  const columns = models.flatMap((m) => columnsOf(m).map(([, field]) => field));
  addFilters(builder, api, filteredFields(columns));
  addHavingFilters(builder, api, columns);
  for (const model of models) {
    addModelOutputs(builder, api, model);
    addModelInputs(builder, api, model);
    addReads(builder, api, model);
    addMeasures(builder, api, model);
    if (model.isReadOnly) continue;
    addWriteInputs(builder, api, model);
    addBatchOutput(builder, api, model);
    addWrites(builder, api, model);
  }
}

function addReads(builder: Builder, api: Api, model: ApiModel): void {
  if (hasReachableKey(model)) {
    builder.queryField(model.one, (t) =>
      t.field({
        type: outputType(model.name),
        nullable: true,
        description: `The ${model.name} of this key; null when there is none that the viewer may see.`,
        args: {
          where: t.arg({
            type: inputType(api.typeName(`${model.name}WhereUniqueInput`)),
            required: true,
            description: 'Its key.',
          }),
        },
        extensions: readExtensions(model, 'one'),
        resolve: (_root, _args, context, info) => resolveRead(context, info),
      }),
    );
  }
  builder.queryField(model.many, (t) =>
    t.field({
      type: outputType(api.typeName(`${model.name}Connection`)),
      nullable: false,
      description: `The rows of ${model.name} that the viewer may see.`,
      args: argumentsOf(t, listArguments(api, model.name)),
      extensions: readExtensions(model, 'many'),
      resolve: (_root, _args, context, info) => resolveRead(context, info),
    }),
  );
}

/** Adds the root fields that measure rows of the model, all together or by groups. */
function addMeasures(builder: Builder, api: Api, model: ApiModel): void {
  const { name, many } = model;
  addAggregateOutputs(builder, api, model);
  builder.queryField(aggregateName(many), (t) =>
    t.field({
      type: outputType(api.typeName(`${name}Aggregate`)),
      nullable: false,
      description: `What is measured over the rows of ${name} that the viewer may see; what may not be read counts as no value.`,
      args: argumentsOf(t, whereArgument(api, name)),
      extensions: { ...readExtensions(model, 'aggregate'), cost: measureCost },
      resolve: (_root, _args, context, info) => resolveRead(context, info),
    }),
  );
  if (!canGroup(model)) return;
  addModelGroupInputs(builder, api, model);
  builder.queryField(`${many}GroupBy`, (t) =>
    t.field({
      type: [outputType(api.typeName(`${name}Group`))],
      nullable: false,
      description: `The rows of ${name} that the viewer may see in groups, measured; what may not be read counts as no value.`,
      args: argumentsOf(t, groupArguments(api, name)),
      extensions: { ...readExtensions(model, 'groupBy'), cost: measureCost },
      resolve: (_root, _args, context, info) => resolveRead<Answers[]>(context, info),
    }),
  );
}

const readExtensions = (model: ApiModel, kind: Exclude<DataRead['kind'], 'place'>) => ({
  read: { kind, model } satisfies DataRead,
  data: { model: model.model.name, action: 'read' } satisfies DataOperation,
});

const groupArguments = (api: Api, name: string): Record<string, FieldArgument> => ({
  by: {
    type: [api.typeName(`${name}GroupByInput`)],
    required: true,
    description: 'What the rows of a group have in common.',
  },
  ...whereArgument(api, name),
  having: { type: api.typeName(`${name}HavingInput`), description: 'Which groups; all by default.' },
  orderBy: {
    type: [api.typeName(`${name}GroupOrderByInput`)],
    description: 'In which order; groups that tie stand in the order of their keys.',
  },
  first: { type: 'Int', description: 'How many groups, from the first.' },
});

/** Adds the root fields that write rows of the model. */
function addWrites(builder: Builder, api: Api, model: ApiModel): void {
  const { name } = model;
  const [input, one, many] = [
    (kind: string) => api.typeName(`${kind}${name}Input`),
    upperFirst(name),
    upperFirst(model.many),
  ];
  const argument = (type: FieldArgument['type'], description: string): FieldArgument => ({
    type,
    required: true,
    description,
  });
  const unique = { where: argument(api.typeName(`${name}WhereUniqueInput`), 'Its key.') };
  const where = { where: argument(api.typeName(`${name}WhereInput`), 'Which rows.') };
  const [create, update] = [
    argument(input('Create'), 'What it is made of.'),
    argument(input('Update'), 'What changes.'),
  ];
  const add = (field: string, write: Write, args: Record<string, FieldArgument>, description: string) =>
    addWrite(builder, api, model, { field, write, args, description });
  // @NOTE a field that Millrace cannot carry, and that nothing fills: no row could be made.
  const canCreate = canBeMade(model);
  if (canCreate) {
    const items: Record<string, FieldArgument> = {
      data: argument([input('Create')], 'What each is made of.'),
      skipDuplicates: { type: 'Boolean', description: 'Leaves out rows whose key or unique values another one has.' },
    };
    add(
      `create${one}`,
      'create',
      { data: create },
      `Makes a ${name}; null when the viewer may make it but not see it.`,
    );
    add(`create${many}`, 'createMany', items, `Makes rows of ${name}, all or none.`);
  }
  const data = argument(input('UpdateMany'), 'What changes about each.');
  add(`update${many}`, 'updateMany', { ...where, data }, `Changes the rows of ${name} that match, all or none.`);
  add(
    `delete${many}`,
    'deleteMany',
    where,
    `Deletes the rows of ${name} that match, all or none, and answers with what they were.`,
  );
  if (!hasReachableKey(model)) return;
  const current = currencyArguments(model);
  add(`update${one}`, 'update', { ...unique, data: update, ...current }, `Changes the ${name} of this key.`);
  add(
    `delete${one}`,
    'delete',
    { ...unique, ...current },
    `Deletes the ${name} of this key, and answers with what it was.`,
  );
  if (!canCreate) return;
  const either = { create: argument(input('Create'), 'What it is made of where it is not there.'), update };
  add(
    `upsert${one}`,
    'upsert',
    { ...unique, ...either },
    `Changes the ${name} of this key, or makes it where it is not there.`,
  );
}

/** Arguments that hold a write to what the client has seen. */
function currencyArguments(model: ApiModel): Record<string, FieldArgument> {
  const instant = changedAt(model);
  return {
    ...(model.version &&
      model.nameOf.has(model.version.name) && {
        ifVersion: {
          type: 'Int',
          description: 'Only while this is its version; CONFLICT otherwise, which tells the current one.',
        },
      }),
    ...(instant && {
      ifUnchangedSince: {
        type: 'DateTime',
        description: 'Only if it has not been changed after this instant; CONFLICT otherwise, which tells when it was.',
      },
    }),
  };
}

interface WriteField {
  field: string;
  write: Write;
  args: Record<string, FieldArgument>;
  description: string;
}

function addWrite(builder: Builder, api: Api, model: ApiModel, { field, write, args, description }: WriteField): void {
  const isMany = write.endsWith('Many');
  const action = (isMany ? write.slice(0, -'Many'.length) : write) as DataOperation['action'];
  builder.mutationField(field, (t) =>
    t.field({
      type: outputType(isMany ? api.typeName(`${model.name}Batch`) : model.name),
      nullable: !isMany,
      description,
      args: argumentsOf(t, args),
      extensions: {
        data: { model: model.model.name, action } satisfies DataOperation,
        change: changeOf(model, write),
      },
      resolve: (_root, _args, context, info) => resolveWrite(context, info, model, write) as Promise<Answers>,
    }),
  );
}

/** Arguments as Pothos takes them. */
const argumentsOf = (
  t: Pick<PothosSchemaTypes.QueryFieldBuilder<Types, object>, 'arg'>,
  args: Record<string, FieldArgument>,
) =>
  Object.fromEntries(
    Object.entries(args).map(([key, a]) => [
      key,
      t.arg({ type: inputType(a.type), required: a.required ?? false, description: a.description }),
    ]),
  );

type Types = Builder['$inferSchemaTypes'];
type AnswersRef = PothosSchemaTypes.ObjectRef<Types, Answers>;

/** An output type that is named, not imported; see `inputType`. */
const outputType = (name: string): AnswersRef => name as unknown as AnswersRef;
