import type { Builder } from '../graphql/builder.ts';
import { addAggregateOutputs, columnsOf } from './api/aggregates.ts';
import { type Api, type ApiModel, aggregateName, filteredFields, upperFirst } from './api/api-model.ts';
import { sentence } from './api/descriptions.ts';
import { addFilters, inputType } from './api/filters.ts';
import { addGroupInputs, addHavingFilters, addModelGroupInputs, canGroup } from './api/group-inputs.ts';
import { addConnectInputs, addModelInputs, addSharedInputs, hasReachableKey } from './api/inputs.ts';
import {
  type Answers,
  addModelOutputs,
  addPageInfo,
  type FieldArgument,
  listArguments,
  measureCost,
  whereArgument,
} from './api/outputs.ts';
import { addScalars } from './api/scalars.ts';
import type { DataRead } from './planner/plan.ts';
import { resolveRead } from './resolve.ts';
import type { Action } from './rules/rule-set.ts';
import type { RowChange } from './writes/one-statement.ts';
import { resolveWrite } from './writes/resolve.ts';

/** What a root field of the data API does, for the guard at the root and for the planner: kept in the field's extensions. */
export interface DataOperation {
  model: string;
  action: Action;
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
    if (hasReachableKey(model)) addConnectInputs(builder, api, model);
    addReads(builder, api, model);
    addMeasures(builder, api, model);
    if (!model.model.isView) addWrites(builder, api, model);
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

function addWrites(builder: Builder, api: Api, model: ApiModel): void {
  const { name } = model;
  const where = { where: { type: api.typeName(`${name}WhereUniqueInput`), required: true, description: 'Its key.' } };
  const data = (kind: 'Create' | 'Update') => ({
    data: {
      type: api.typeName(`${kind}${name}Input`),
      required: true,
      description: kind === 'Create' ? 'What it is made of.' : 'What changes.',
    },
  });
  // @NOTE a field that Millrace cannot carry, and that nothing fills: no row could be made.
  const canCreate = !model.model.unsupported.some((field) => field.isRequired);
  const made = `Makes a ${name}; null when the viewer may make it but not see it.`;
  if (canCreate) addWrite(builder, model, 'create', data('Create'), made);
  if (!hasReachableKey(model)) return;
  addWrite(builder, model, 'update', { ...where, ...data('Update') }, `Changes the ${name} of this key.`);
  addWrite(builder, model, 'delete', where, `Deletes the ${name} of this key, and answers with what it was.`);
}

function addWrite(
  builder: Builder,
  model: ApiModel,
  action: Exclude<Action, 'read'>,
  args: Record<string, FieldArgument>,
  description: string,
): void {
  builder.mutationField(`${action}${upperFirst(model.name)}`, (t) =>
    t.field({
      type: outputType(model.name),
      nullable: true,
      description,
      args: argumentsOf(t, args),
      extensions: {
        data: { model: model.model.name, action } satisfies DataOperation,
        change: { action, model } satisfies RowChange,
      },
      resolve: (_root, _args, context, info) => resolveWrite(context, info, model, action),
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
