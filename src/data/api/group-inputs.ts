import type { Builder } from '../../graphql/builder.ts';
import type { ColumnField } from '../model/datamodel.ts';
import { columnsOf } from './aggregates.ts';
import type { Api, ApiModel } from './api-model.ts';
import { describe } from './descriptions.ts';
import { filterNameOf, havingNameOf } from './filters.ts';
import { addInput, type InputField, wordOfSql } from './inputs.ts';
import { countField, hasUnits, isGroupable, type Measure, measures, resultOf } from './measures.ts';

/** Spans of time that instants and days are grouped by, by PostgreSQL's names, each with what a user should know of it. */
const units = {
  year: 'From the first of January.',
  quarter: 'From the first of January, April, July or October.',
  month: 'From the first of a month.',
  week: 'From a Monday, as in ISO 8601.',
  day: 'From midnight.',
  hour: 'From a full hour.',
  minute: 'From a full minute.',
};

const measured: Record<Measure, string> = {
  count: 'How many rows have a value.',
  distinct: 'How many different values there are.',
  min: 'The least value.',
  max: 'The greatest value.',
  sum: 'The sum.',
  avg: 'The average.',
};

/** Adds the inputs that grouping of all models shares. */
export function addGroupInputs(builder: Builder, api: Api): void {
  const unitName = api.typeName('DateUnit');
  builder.enumType(unitName, {
    extensions: wordOfSql,
    description: 'A span of time; a group is named by its beginning.',
    values: Object.fromEntries(Object.entries(units).map(([unit, description]) => [unit, { description }])),
  });
  addInput(builder, api.typeName('DateGroupInput'), 'How instants or days are put together.', () => ({
    unit: { type: unitName, description: 'By what span of time; each instant by itself by default.' },
    timeZone: {
      type: 'String',
      description:
        'Where the spans begin, by its name, as `Europe/Zurich`; `UTC` by default. A day without time has none.',
    },
  }));
  for (const [name, description, ...of] of orders) {
    addInput(builder, api.typeName(name), description, () => ({
      ...(name === 'CountGroupOrder'
        ? {}
        : { _key: { type: api.typeName('SortOrderInput'), description: 'The key itself; `by` must name it.' } }),
      ...Object.fromEntries(
        of.map((measure) => [
          `_${measure}`,
          {
            type: api.typeName(resultIsCount(measure) ? 'SortOrder' : 'SortOrderInput'),
            description: measured[measure],
          },
        ]),
      ),
    }));
  }
}

const resultIsCount = (measure: Measure): boolean => measure === 'count' || measure === 'distinct';

/** What groups can be ordered by of one field, by how much can be measured of it. */
const orders: readonly [name: string, description: string, ...of: Measure[]][] = [
  ['NumberGroupOrder', 'An order of groups by one measure of a number.', ...measures],
  ['ValueGroupOrder', 'An order of groups by one measure of a field.', 'count', 'distinct', 'min', 'max'],
  ['KeyGroupOrder', 'An order of groups by a key, or its counts.', 'count', 'distinct'],
  ['CountGroupOrder', 'An order of groups by counts of a field.', 'count', 'distinct'],
];

function orderNameOf(field: ColumnField): string {
  if (resultOf(field, 'sum')) return 'NumberGroupOrder';
  if (resultOf(field, 'min')) return 'ValueGroupOrder';
  return isGroupable(field) ? 'KeyGroupOrder' : 'CountGroupOrder';
}

/** Adds the conditions on measures that these columns need, each once. */
export function addHavingFilters(builder: Builder, api: Api, columns: Iterable<ColumnField>): void {
  const added = new Set<string>();
  for (const field of columns) {
    const name = havingNameOf(api, field);
    if (added.has(name)) continue;
    added.add(name);
    addInput(builder, name, 'Conditions on what is measured of a field; all of them must hold.', () =>
      Object.fromEntries(
        measures.flatMap((measure): [string, InputField][] => {
          const result = resultOf(field, measure);
          return result ? [[`_${measure}`, { type: filterNameOf(api, result), description: measured[measure] }]] : [];
        }),
      ),
    );
  }
}

/** Whether rows of the model can be grouped: whether some field makes groups. */
export const canGroup = (model: ApiModel): boolean => columnsOf(model).some(([, field]) => isGroupable(field));

/** Adds the inputs by which rows of one model are grouped. */
export function addModelGroupInputs(builder: Builder, api: Api, model: ApiModel): void {
  const { name } = model;
  const columns = columnsOf(model);
  const map = (from: typeof columns, f: (field: ColumnField) => string) =>
    Object.fromEntries(from.map(([key, field]) => [key, { type: f(field), description: describe(field) }]));
  const groupable = columns.filter(([, field]) => isGroupable(field));
  addInput(
    builder,
    api.typeName(`${name}GroupByInput`),
    `One thing to group ${name} by: a field that is \`true\`, or a span of time.`,
    () => map(groupable, (field) => (hasUnits(field) ? api.typeName('DateGroupInput') : 'Boolean')),
  );
  const having = api.typeName(`${name}HavingInput`);
  addInput(builder, having, `Conditions on groups of ${name}; all of them must hold.`, () => ({
    AND: { type: [having], description: 'All of these must hold.' },
    OR: { type: [having], description: 'At least one of these must hold.' },
    NOT: { type: [having], description: 'None of these may hold.' },
    _count: { type: filterNameOf(api, countField), description: 'How many rows the group has.' },
    ...map(columns, (field) => havingNameOf(api, field)),
  }));
  addInput(builder, api.typeName(`${name}GroupOrderByInput`), `One thing to order groups of ${name} by.`, () => ({
    _count: { type: api.typeName('SortOrder'), description: 'How many rows the group has.' },
    ...map(columns, (field) => api.typeName(orderNameOf(field))),
  }));
}
