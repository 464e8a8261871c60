import type { Builder } from '../../graphql/builder.ts';
import type { ColumnField, Field, RelationField } from '../model/datamodel.ts';
import type { Api, ApiModel } from './api-model.ts';
import { describe } from './descriptions.ts';
import { addInput, hasReachableKey, type InputField } from './inputs.ts';
import { typeNameOf } from './scalars.ts';

/** Adds what a new, a changed and many changed rows of a model are made of, and what can be done with its rows from those that they are related to. */
export function addWriteInputs(builder: Builder, api: Api, model: ApiModel): void {
  addRowInputs(builder, api, model);
  addNestedInputs(builder, api, model);
}

/** Fields that clients set: of a new row, and of one that is there. */
const writable = (api: Api, { fields, policy, version }: ApiModel): [string, Field][] =>
  [...fields].filter(([, f]) => !policy?.ours.has(f.name) && f !== version && !leadsToView(api, f));
const changeable = (api: Api, model: ApiModel): [string, Field][] =>
  writable(api, model).filter(([, f]) => !model.policy?.lasting.has(f.name));

/** Or to rows that can neither be named nor made. */
function leadsToView(api: Api, field: Field): boolean {
  if (field.kind === 'column') return false;
  const target = api.models.get(field.target)!;
  return target.isReadOnly || (!hasReachableKey(target) && !canBeMade(target));
}

/** Whether a row can be made: not where something is required that Millrace cannot carry. */
export const canBeMade = ({ model }: ApiModel): boolean => !model.unsupported.some((field) => field.isRequired);

/** Numbers that can be reckoned with. @NOTE no keys: what they lead to is looked at before they are set. */
const numbersOf = (api: Api, model: ApiModel): [string, ColumnField][] =>
  columnsIn(changeable(api, model)).filter(
    ([, { isList, type, nativeType, refersTo }]) =>
      !isList && !refersTo && type.kind === 'scalar' && numeric.has(type.name) && !unreckoned.has(nativeType),
  );
const numeric = new Set(['Int', 'BigInt', 'Float', 'Decimal']);
/** PostgreSQL has no such operators for these, or none with a number. */
const unreckoned = new Set<string | undefined>(['Money', 'Oid']);

const listsOf = (api: Api, model: ApiModel): [string, ColumnField][] =>
  columnsIn(changeable(api, model)).filter(([, { isList }]) => isList);

const columnsIn = (entries: readonly [string, Field][]): [string, ColumnField][] =>
  entries.flatMap(([name, f]): [string, ColumnField][] => (f.kind === 'column' ? [[name, f]] : []));

function addRowInputs(builder: Builder, api: Api, model: ApiModel): void {
  const { name } = model;
  const foreignKeys = new Set(
    model.model.relations.flatMap((r) => (r.link.kind === 'own' ? r.link.pairs.map((p) => p.local.name) : [])),
  );
  const typed = (f: ColumnField, required = false): InputField => ({
    type: f.isList ? [typeNameOf(api, f)] : typeNameOf(api, f),
    required,
    description: describe(f),
  });
  const isRequired = (f: ColumnField) =>
    f.isRequired &&
    !f.isList &&
    !f.default &&
    !f.isUpdatedAt &&
    !foreignKeys.has(f.name) &&
    model.defaults?.[f.name] === undefined;
  addInput(builder, api.typeName(`Create${name}Input`), `What a new ${name} is made of.`, () =>
    Object.fromEntries(
      writable(api, model).map(([key, f]) => [
        key,
        f.kind === 'column'
          ? typed(f, isRequired(f))
          : { type: nestedType(api, f, 'Create'), description: describe(f) },
      ]),
    ),
  );
  const [numbers, lists] = [numbersOf(api, model), listsOf(api, model)];
  const changes = (): Record<string, InputField> => ({
    ...(numbers.length > 0 &&
      Object.fromEntries(
        Object.entries(reckonings).map(([key, description]) => [
          key,
          { type: api.typeName(`${name}NumbersInput`), description },
        ]),
      )),
    ...(lists.length > 0 && {
      _push: { type: api.typeName(`${name}ListsInput`), description: 'Items to put at the end of lists.' },
    }),
  });
  const columns = () => Object.fromEntries(columnsIn(changeable(api, model)).map(([key, f]) => [key, typed(f)]));
  addInput(
    builder,
    api.typeName(`Update${name}Input`),
    `What changes about a ${name}; what is not given stays.`,
    () => ({
      ...Object.fromEntries(
        changeable(api, model).map(([key, f]) => [
          key,
          f.kind === 'column' ? typed(f) : { type: nestedType(api, f, 'Update'), description: describe(f) },
        ]),
      ),
      ...changes(),
    }),
  );
  addInput(
    builder,
    api.typeName(`UpdateMany${name}Input`),
    `What changes about several rows of ${name} at once; what is not given stays.`,
    () => ({ ...columns(), ...changes() }),
  );
  if (numbers.length > 0)
    addInput(builder, api.typeName(`${name}NumbersInput`), `Numbers of a ${name} to reckon with.`, () =>
      Object.fromEntries(numbers.map(([key, f]) => [key, typed(f)])),
    );
  if (lists.length > 0)
    addInput(builder, api.typeName(`${name}ListsInput`), `Items for lists of a ${name}.`, () =>
      Object.fromEntries(lists.map(([key, f]) => [key, typed(f)])),
    );
}

const reckonings = {
  _increment: 'Numbers to add to what is there; nothing plus a number stays nothing.',
  _decrement: 'Numbers to take from what is there.',
  _multiply: 'Numbers to multiply what is there by.',
  _divide: 'Numbers to divide what is there by; of whole numbers the rest is dropped.',
};

/** Name of the type by which rows at the other end of a relation are written. */
function nestedType(api: Api, field: RelationField, action: 'Create' | 'Update'): string {
  const { name } = api.models.get(field.target)!;
  if (field.isList) return api.typeName(`${name}${action}NestedManyInput`);
  const isBound = action === 'Update' && isInseparable(field);
  return api.typeName(`${name}${action}NestedOne${isBound ? 'Required' : ''}Input`);
}

/** Whether a row cannot be without the one it belongs to. */
const isInseparable = ({ link, isRequired }: RelationField): boolean => link.kind === 'own' && isRequired;

/** Which kinds of relations lead to the model: only their types are made. */
function usesOf(api: Api, { model }: ApiModel): { one: boolean; bound: boolean; many: boolean } {
  const fields = [...api.models.values()].flatMap((other) => (other.isReadOnly ? [] : [...other.fields.values()]));
  const leading = fields.filter((f): f is RelationField => f.kind === 'relation' && f.target === model.name);
  return {
    one: leading.some((f) => !f.isList && !isInseparable(f)),
    bound: leading.some((f) => !f.isList && isInseparable(f)),
    many: leading.some((f) => f.isList),
  };
}

/** Adds what can be done with rows of this model from rows that they are related to. */
function addNestedInputs(builder: Builder, api: Api, model: ApiModel): void {
  const { name } = model;
  const isNamed = hasReachableKey(model);
  const canCreate = canBeMade(model);
  const { one: isOne, bound: isBound, many: isMany } = usesOf(api, model);
  const type = (text: string) => api.typeName(text);
  const [create, update, unique, where] = [
    type(`Create${name}Input`),
    type(`Update${name}Input`),
    type(`${name}WhereUniqueInput`),
    type(`${name}WhereInput`),
  ];
  const add = (suffix: string, description: string, fields: Record<string, InputField | false>) => {
    const entries = Object.entries(fields).filter((entry): entry is [string, InputField] => entry[1] !== false);
    addInput(builder, type(`${name}${suffix}`), description, () => Object.fromEntries(entries));
  };
  const one = {
    create: canCreate && { type: create, description: 'Makes it.' },
    connect: isNamed && { type: unique, description: 'Names one that is there.' },
    connectOrCreate: canCreate &&
      isNamed && {
        type: type(`${name}ConnectOrCreateInput`),
        description: 'Names one, and makes it where it is not there.',
      },
  };
  const many = {
    connect: isNamed && { type: [unique] as [string], description: 'Takes in rows that are there.' },
    connectOrCreate: canCreate &&
      isNamed && {
        type: [type(`${name}ConnectOrCreateInput`)] as [string],
        description: 'Takes in rows that are there, and makes those that are not.',
      },
    create: canCreate && { type: [create] as [string], description: 'Makes rows.' },
    createMany: canCreate && {
      type: type(`${name}CreateManyInput`),
      description: 'Makes rows, and may leave out those that are there.',
    },
  };
  const change = {
    update: { type: update, description: 'Changes it.' },
    upsert: canCreate && {
      type: type(`${name}UpsertOneInput`),
      description: 'Changes it, or makes it where there is none.',
    },
  };
  const part = {
    disconnect: { type: 'Boolean', description: 'Lets go of it; it stays.' },
    delete: { type: 'Boolean', description: 'Deletes it.' },
  };
  if (isOne || isBound) add('CreateNestedOneInput', `The ${name} that a new row belongs to.`, one);
  if (isMany) add('CreateNestedManyInput', `Rows of ${name} that belong to a new row.`, many);
  if (isBound)
    add('UpdateNestedOneRequiredInput', `The ${name} that a row belongs to; it cannot be without one.`, {
      ...change,
      ...one,
    });
  if (isOne) add('UpdateNestedOneInput', `The ${name} that a row belongs to.`, { ...part, ...change, ...one });
  if (isMany)
    add(
      'UpdateNestedManyInput',
      `What becomes of the rows of ${name} that belong to a row, done in the order of these fields.`,
      {
        set: isNamed && {
          type: [unique],
          description: 'Leaves it with these rows and no others, as far as the viewer sees them.',
        },
        disconnect: isNamed && { type: [unique], description: 'Lets go of rows; they stay.' },
        delete: isNamed && { type: [unique], description: 'Deletes rows.' },
        deleteMany: { type: [where], description: 'Deletes all rows that match one of these.' },
        update: isNamed && { type: [type(`${name}UpdateOneOfInput`)], description: 'Changes rows.' },
        updateMany: { type: [type(`${name}UpdateManyOfInput`)], description: 'Changes all rows that match.' },
        upsert: canCreate &&
          isNamed && {
            type: [type(`${name}UpsertOneOfInput`)],
            description: 'Changes rows, or makes those that are not there.',
          },
        ...many,
      },
    );
  const to = (text: string, description: string): InputField => ({ type: text, required: true, description });
  if (isMany)
    add('UpdateManyOfInput', `What changes about those rows of ${name} that match.`, {
      where: to(where, 'Which of the related rows.'),
      data: to(type(`UpdateMany${name}Input`), 'What changes.'),
    });
  if (canCreate && (isOne || isBound)) {
    add('UpsertOneInput', `What the related ${name} becomes, or is made of.`, {
      create: to(create, 'What it is made of where there is none.'),
      update: to(update, 'What changes where there is one.'),
    });
  }
  if (canCreate && isMany) {
    add('CreateManyInput', `Rows of ${name} to make.`, {
      data: { type: [create], required: true, description: 'What each is made of.' },
      skipDuplicates: { type: 'Boolean', description: 'Leaves out rows whose key or unique values another one has.' },
    });
  }
  if (!isNamed) return;
  if (isMany)
    add('UpdateOneOfInput', `One of the related rows of ${name}, and what changes about it.`, {
      where: to(unique, 'Which one.'),
      data: to(update, 'What changes.'),
    });
  if (!canCreate) return;
  if (isOne || isBound || isMany)
    add('ConnectOrCreateInput', `One ${name}, and what it is made of where it is not there.`, {
      where: to(unique, 'Which one.'),
      create: to(create, 'What it is made of.'),
    });
  if (isMany)
    add(
      'UpsertOneOfInput',
      `One of the related rows of ${name}, what it becomes, and what it is made of where it is not there.`,
      {
        where: to(unique, 'Which one.'),
        create: to(create, 'What it is made of.'),
        update: to(update, 'What changes.'),
      },
    );
}
