import type { Builder } from '../../graphql/builder.ts';
import type { ColumnField } from '../model/datamodel.ts';
import type { Api, ApiModel } from './api-model.ts';
import { describe } from './descriptions.ts';
import { isGroupable, type Measure, measures, resultOf } from './measures.ts';
import { addObject, type OutputField } from './outputs.ts';
import { typeNameOf } from './scalars.ts';

/** A type of measured values: what its name adds to the model's, and which measures come out so. */
const families: readonly { suffix: string; of: readonly Measure[]; description: (name: string) => string }[] = [
  { suffix: 'Count', of: ['count', 'distinct'], description: (name) => `Counts of rows of ${name}.` },
  { suffix: 'Extremes', of: ['min', 'max'], description: (name) => `The least or the greatest values of ${name}.` },
  {
    suffix: 'Sum',
    of: ['sum'],
    description: (name) => `Sums over ${name}: exact, and of a type that the sum cannot outgrow; null of no values.`,
  },
  { suffix: 'Average', of: ['avg'], description: (name) => `Averages over ${name}; null of no values.` },
];

const descriptions: Record<Measure, string> = {
  count: 'How many rows there are, and how many have a value of each field.',
  distinct: 'How many different values each field has.',
  min: 'The least value of each field.',
  max: 'The greatest value of each field.',
  sum: 'The sum of each number.',
  avg: 'The average of each number.',
};

/** Name of the type that a measure of the model's fields comes out as. */
export const measureTypeName = (api: Api, { name }: ApiModel, measure: Measure): string =>
  api.typeName(`${name}${families.find(({ of }) => of.includes(measure))!.suffix}`);

/** Adds the types that measures of a model come out as: of all rows, and of each group of them. */
export function addAggregateOutputs(builder: Builder, api: Api, model: ApiModel): void {
  const { name } = model;
  for (const { suffix, of, description } of families) {
    if (isMeasured(model, of[0]!))
      addObject(builder, api.typeName(`${name}${suffix}`), description(name), () => measured(api, model, of[0]!));
  }
  const fields = measuresOf(api, model);
  addObject(builder, api.typeName(`${name}Aggregate`), `What is measured over rows of ${name}.`, () => fields);
  const keys = columnsOf(model).filter(([, field]) => isGroupable(field));
  if (keys.length === 0) return;
  const keysName = api.typeName(`${name}GroupKeys`);
  addObject(builder, keysName, `What the rows of a group of ${name} have in common.`, () =>
    Object.fromEntries(
      keys.map(([key, field]) => [key, { ...fieldOf(api, field, describe(field)), extensions: { isKey: true } }]),
    ),
  );
  addObject(builder, api.typeName(`${name}Group`), `Rows of ${name} that have the same keys, measured.`, () => ({
    keys: {
      type: keysName,
      nullable: false,
      description: 'The values that make the group; only fields that `by` names.',
    },
    ...fields,
  }));
}

/** The fields of a model that hold values, by their names in the API. */
export const columnsOf = (model: ApiModel): [string, ColumnField][] =>
  [...model.fields].filter((entry): entry is [string, ColumnField] => entry[1].kind === 'column');

const isMeasured = (model: ApiModel, measure: Measure): boolean =>
  measure === 'count' || columnsOf(model).some(([, field]) => resultOf(field, measure));

function measuresOf(api: Api, model: ApiModel): Record<string, OutputField> {
  const own = measures.filter((measure) => isMeasured(model, measure));
  return Object.fromEntries(
    own.map((measure) => [
      measure,
      { type: measureTypeName(api, model, measure), nullable: false, description: descriptions[measure] },
    ]),
  );
}

function measured(api: Api, model: ApiModel, measure: Measure): Record<string, OutputField> {
  const fields = columnsOf(model).flatMap(([key, field]): [string, OutputField][] => {
    const result = resultOf(field, measure);
    return result ? [[key, { ...fieldOf(api, result, describe(field)), nullable: !result.isRequired }]] : [];
  });
  const all: OutputField = { type: 'Int', nullable: false, description: 'All rows, whatever their values.' };
  return { ...(measure === 'count' ? { _all: all } : {}), ...Object.fromEntries(fields) };
}

const fieldOf = (api: Api, field: ColumnField, description: string): OutputField => ({
  type: typeNameOf(api, field),
  nullable: true,
  description,
});
