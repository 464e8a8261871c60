import type { Builder } from '../../graphql/builder.ts';
import { isSearchable, searchLanguages } from '../search-text.ts';
import type { Api, ApiModel } from './api-model.ts';
import { describe } from './descriptions.ts';
import { addInput, type InputField, wordOfSql } from './inputs.ts';

const upperFirst = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

/** Adds what the searches of all models share. */
export function addSharedSearchInputs(builder: Builder, api: Api): void {
  builder.enumType(api.typeName('SearchLanguage'), {
    extensions: wordOfSql,
    description: 'The language of a text: which words are forms of one, and which are too common to be looked for.',
    values: Object.fromEntries(
      searchLanguages.map((language) => [
        language,
        {
          description:
            language === 'simple'
              ? 'None: words are found as they are written, in upper or lower case.'
              : `${upperFirst(language)}.`,
        },
      ]),
    ),
  });
  addInput(
    builder,
    api.typeName('SimilarInput'),
    'What a text is to be like, counted in groups of three letters (pg_trgm). Case does not matter.',
    () => ({
      to: { type: 'String', required: true, description: 'What it is to be like; at most 1,000 characters.' },
      threshold: {
        type: 'Float',
        description: 'How much, from 0.3 to 1 (the same letters); 0.3 by default, and 0.5 for a part.',
      },
      part: partField,
    }),
  );
}

const partField: InputField = {
  type: 'Boolean',
  description: 'Compare with that part of the text which is most like it.',
};

/** Fields of a model that can be searched, by their names in the API. */
const searchedFields = (model: ApiModel) =>
  // @NOTE words that no enum of GraphQL's can have.
  [...model.fields].filter(
    ([name, f]) => f.kind === 'column' && isSearchable(f) && !/^(?:true|false|null)$/.test(name),
  );

const canSearch = (model: ApiModel): boolean => searchedFields(model).length > 0;

/** What a model's filter has for searching. */
export const searchFilter = (api: Api, model: ApiModel): Record<string, InputField> =>
  canSearch(model)
    ? {
        _search: {
          type: api.typeName(`${model.name}SearchInput`),
          description: 'Words that must be in the row, whichever of its texts they are in.',
        },
      }
    : {};

/** What a model's order has for searching. */
export const searchOrders = (api: Api, model: ApiModel): Record<string, InputField> =>
  canSearch(model)
    ? {
        _relevance: {
          type: api.typeName(`${model.name}RelevanceInput`),
          description: 'How well the row answers a search; rows that do not match it are last.',
        },
        _similarity: {
          type: api.typeName(`${model.name}SimilarityInput`),
          description: 'How much a text of the row is like another one.',
        },
      }
    : {};

/** Adds the types by which rows of one model are searched, and ordered by what was found. */
export function addModelSearchInputs(builder: Builder, api: Api, model: ApiModel): void {
  if (!canSearch(model)) return;
  const { name } = model;
  const textField = api.typeName(`${name}TextField`);
  builder.enumType(textField, {
    extensions: wordOfSql,
    description: `A text of ${name} that can be searched.`,
    values: Object.fromEntries(searchedFields(model).map(([key, f]) => [key, { description: describe(f) }])),
  });
  const search = (query: string, fields: string): Record<string, InputField> => ({
    query: { type: 'String', required: true, description: query },
    fields: { type: [textField], description: fields },
    language: { type: api.typeName('SearchLanguage'), description: 'In which language; `simple` by default.' },
  });
  const sort: InputField = {
    type: api.typeName('SortOrder'),
    description: 'Which way round; the best first by default.',
  };
  addInput(builder, api.typeName(`${name}SearchInput`), `A search in the texts of ${name}.`, () =>
    search(
      'Words that must all be there; `or` between two, `-` before one that must not be, quotes around a phrase. At most 1,000 characters.',
      'Where; in all of them by default. An index serves the fields and the language that it was made for.',
    ),
  );
  addInput(builder, api.typeName(`${name}RelevanceInput`), `Order ${name} by how well it answers a search.`, () => ({
    ...search('As in `_search`; the first 32 words count.', 'Where, in order of weight; in all of them by default.'),
    sort,
  }));
  addInput(
    builder,
    api.typeName(`${name}SimilarityInput`),
    `Order ${name} by how much a text is like another.`,
    () => ({
      field: { type: textField, required: true, description: 'Which text.' },
      to: { type: 'String', required: true, description: 'What it is to be like.' },
      part: partField,
      sort,
    }),
  );
}
