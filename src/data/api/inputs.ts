import type { Builder } from '../../graphql/builder.ts';
import { type ColumnField, type Field, isDocument, isOrderable } from '../model/datamodel.ts';
import { pathOfSql } from '../planner/json-path.ts';
import { type Api, type ApiModel, compoundKeyName, compoundKeys, reachableKeys } from './api-model.ts';
import { describe } from './descriptions.ts';
import { filterNameOf, inputType } from './filters.ts';
import { typeNameOf } from './scalars.ts';
import { addModelSearchInputs, addSharedSearchInputs, searchFilter, searchOrders } from './search-inputs.ts';

/** A field of an input type. */
export interface InputField {
  type: string | [string];
  required?: boolean;
  description?: string;
  extensions?: Readonly<Record<string, unknown>>;
}

/** Adds an input type whose fields are known at run time only. */
export function addInput(
  builder: Builder,
  name: string,
  description: string,
  fields: () => Record<string, InputField>,
): void {
  builder.inputRef<object>(name).implement({
    description,
    fields: (t) =>
      Object.fromEntries(
        Object.entries(fields()).map(([key, f]) => [
          key,
          t.field({
            type: inputType(f.type),
            required: f.required ?? false,
            description: f.description,
            extensions: f.extensions,
          }),
        ]),
      ),
  });
}

/** Marks an enum whose values are words of the SQL, not parameters of it: a plan is made for each. */
export const wordOfSql = { isWordOfSql: true };

/** Adds the types that every list speaks: directions, and how nulls are placed. */
export function addSharedInputs(builder: Builder, api: Api): void {
  builder.enumType(api.typeName('SortOrder'), {
    extensions: wordOfSql,
    description: 'Which way round.',
    values: { asc: { description: 'Least first.' }, desc: { description: 'Greatest first.' } },
  });
  builder.enumType(api.typeName('NullsOrder'), {
    extensions: wordOfSql,
    description: 'Where rows without a value stand.',
    values: { first: { description: 'Before all others.' }, last: { description: 'After all others.' } },
  });
  builder.enumType(api.typeName('QueryMode'), {
    extensions: wordOfSql,
    description: 'Whether upper and lower case differ.',
    values: { default: { description: 'They differ.' }, insensitive: { description: 'They are the same.' } },
  });
  addInput(builder, api.typeName('SortOrderInput'), 'A direction, and where rows without a value stand.', () => ({
    sort: { type: api.typeName('SortOrder'), required: true, description: 'Which way round.' },
    nulls: {
      type: api.typeName('NullsOrder'),
      description: 'Where rows without a value stand; last in ascending order by default.',
    },
  }));
  addInput(builder, api.typeName('JsonOrderByInput'), 'A part of a JSON document, and a direction.', () => ({
    path: {
      type: ['String'],
      required: true,
      description: 'The way to the part; list positions are digits.',
      extensions: pathOfSql,
    },
    sort: {
      type: api.typeName('SortOrder'),
      required: true,
      description: 'Which way round; texts come before numbers, numbers before booleans, then lists, then objects.',
    },
    nulls: {
      type: api.typeName('NullsOrder'),
      description: 'Where rows stand whose part is null or not there; last in ascending order by default.',
    },
  }));
  addInput(builder, api.typeName('OrderByCount'), 'Order by how many related rows the viewer may see.', () => ({
    _count: { type: api.typeName('SortOrder'), required: true, description: 'Which way round.' },
  }));
  addSharedSearchInputs(builder, api);
}

/** Adds the inputs of one model: filters, keys, orders and, for a table, what a new or changed row is made of. */
export function addModelInputs(builder: Builder, api: Api, model: ApiModel): void {
  const entries = [...model.fields];
  const targetOf = (field: Field) => (field.kind === 'relation' ? api.models.get(field.target)!.name : '');
  const { name } = model;

  addInput(builder, api.typeName(`${name}WhereInput`), `Conditions on ${name}; all of them must hold.`, () => ({
    AND: { type: [api.typeName(`${name}WhereInput`)], description: 'All of these must hold.' },
    OR: { type: [api.typeName(`${name}WhereInput`)], description: 'At least one of these must hold.' },
    NOT: { type: [api.typeName(`${name}WhereInput`)], description: 'None of these may hold.' },
    ...map(entries, (field) => ({
      type:
        field.kind === 'column'
          ? filterNameOf(api, field)
          : api.typeName(`${targetOf(field)}${field.isList ? 'List' : 'Scalar'}RelationFilter`),
      description: describe(field),
    })),
    ...searchFilter(api, model),
  }));
  addInput(
    builder,
    api.typeName(`${name}ScalarRelationFilter`),
    `Conditions on the one ${name} a row belongs to.`,
    () => ({
      is: {
        type: api.typeName(`${name}WhereInput`),
        description: 'It is there and matches; `null` finds rows without one.',
      },
      isNot: {
        type: api.typeName(`${name}WhereInput`),
        description: 'It is not there or does not match; `null` finds rows that have one.',
      },
    }),
  );
  addInput(
    builder,
    api.typeName(`${name}ListRelationFilter`),
    `Conditions on the rows of ${name} that belong to a row.`,
    () => ({
      some: { type: api.typeName(`${name}WhereInput`), description: 'At least one matches.' },
      every: { type: api.typeName(`${name}WhereInput`), description: 'All match (as they do when there are none).' },
      none: { type: api.typeName(`${name}WhereInput`), description: 'None matches.' },
    }),
  );
  const orderable = entries.filter(([, f]) => f.kind === 'relation' || isOrderable(f) || isDocument(f));
  addInput(builder, api.typeName(`${name}OrderByInput`), `One thing to order ${name} by.`, () => ({
    ...map(orderable, (f) => orderInput(api, f, targetOf(f))),
    ...searchOrders(api, model),
  }));
  addModelSearchInputs(builder, api, model);
  addUniqueInput(builder, api, model);
}

function orderInput(api: Api, field: Field, target: string): InputField {
  if (field.kind === 'column' && isDocument(field))
    return { type: api.typeName('JsonOrderByInput'), description: describe(field) };
  if (field.kind === 'column')
    return { type: api.typeName(field.isRequired ? 'SortOrder' : 'SortOrderInput'), description: describe(field) };
  return { type: api.typeName(field.isList ? 'OrderByCount' : `${target}OrderByInput`), description: describe(field) };
}

/** Whether clients can name one row of the model. */
export const hasReachableKey = (model: ApiModel): boolean => reachableKeys(model).length > 0;

function addUniqueInput(builder: Builder, api: Api, model: ApiModel): void {
  const keys = reachableKeys(model);
  if (keys.length === 0) return;
  const { name } = model;
  const typeOf = (field: ColumnField): InputField => ({ type: typeNameOf(api, field), description: describe(field) });
  const compound = compoundKeys(model);
  for (const key of compound) {
    addInput(builder, api.typeName(compoundKeyName(model, key)), `A key of ${name}.`, () =>
      Object.fromEntries(key.fields.map((f) => [model.nameOf.get(f.name)!, { ...typeOf(f), required: true }])),
    );
  }
  addInput(builder, api.typeName(`${name}WhereUniqueInput`), `Names one ${name} by a unique key.`, () => ({
    ...Object.fromEntries(
      keys
        .filter((k) => k.fields.length === 1)
        .map((k) => [model.nameOf.get(k.fields[0]!.name)!, typeOf(k.fields[0]!)]),
    ),
    ...Object.fromEntries(
      compound.map((k) => [
        k.name,
        {
          type: api.typeName(compoundKeyName(model, k)),
          description: `The key of ${k.fields.map((f) => f.name).join(' and ')}.`,
        },
      ]),
    ),
  }));
}

const map = (entries: readonly [string, Field][], f: (field: Field) => InputField): Record<string, InputField> =>
  Object.fromEntries(entries.map(([name, field]) => [name, f(field)]));
