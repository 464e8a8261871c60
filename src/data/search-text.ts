/**
 * What is searched, as SQL. A statement finds an index by writing the very expression that the index was made of, so both are
 * written here: by the planner, and by `npx millrace search-index`.
 */
import type { ColumnField } from './model/datamodel.ts';

/** The text search configurations that every PostgreSQL from 14 on has. */
export const searchLanguages = [
  'simple',
  'arabic',
  'armenian',
  'basque',
  'catalan',
  'danish',
  'dutch',
  'english',
  'finnish',
  'french',
  'german',
  'greek',
  'hindi',
  'hungarian',
  'indonesian',
  'irish',
  'italian',
  'lithuanian',
  'nepali',
  'norwegian',
  'portuguese',
  'romanian',
  'russian',
  'serbian',
  'spanish',
  'swedish',
  'tamil',
  'turkish',
  'yiddish',
] as const;

/** A text search configuration. */
export type SearchLanguage = (typeof searchLanguages)[number];

// @NOTE no stems and no stop words: what is right in one language loses words in all others.
/** The language of a search that names none. */
export const defaultLanguage: SearchLanguage = 'simple';

/**
 * Characters of a row that are searched. PostgreSQL gives up on a document whose words take a megabyte, and one row would fail
 * everybody's search; it keeps no place of a word beyond the 16,383rd anyway.
 */
const maxDocument = 100_000;

/** String columns of these types compare, but are no text to PostgreSQL: `like` does not know them. */
const opaqueStrings = new Set(['Uuid', 'Inet', 'Bit', 'VarBit', 'Xml']);

/** Whether a String is compared as a whole only. */
export const isOpaque = (field: ColumnField): boolean => opaqueStrings.has(field.nativeType ?? '');

/** Whether the field holds words: a String that is no list, no key that a machine made, and names no other row. */
export const isSearchable = (field: ColumnField): boolean =>
  field.type.kind === 'scalar' &&
  field.type.name === 'String' &&
  !field.isList &&
  !isOpaque(field) &&
  field.refersTo === undefined &&
  field.default?.kind !== 'function';

/** A search configuration in SQL. @NOTE with its schema: no other of that name comes between. */
export const configurationSql = (language: SearchLanguage): string => `'pg_catalog.${language}'::regconfig`;

/** The words of these columns together, where nothing is no word. */
export const documentSql = (language: SearchLanguage, columns: readonly string[]): string =>
  `to_tsvector(${configurationSql(language)}, left(${columns.map(textOrNone).join(` || ' ' || `)}, ${maxDocument}))`;

/** The same for ranking: words of the first column weigh most, those of the fourth and all that follow it least. */
export function weightedDocumentSql(language: SearchLanguage, columns: readonly string[]): string {
  const length = Math.floor(maxDocument / columns.length);
  const parts = columns.map((column, i) => {
    const words = `to_tsvector(${configurationSql(language)}, left(${textOrNone(column)}, ${length}))`;
    return `setweight(${words}, '${'ABCD'[Math.min(i, 3)]}')`;
  });
  return parts.join(' || ');
}

/** The text whose trigrams are compared; an index of it serves `contains` too. */
export const trigramTextSql = (column: string): string => `${column}::text`;

/** The text of a column, empty where it has none. */
export const textOrNone = (column: string): string => `coalesce(${column}::text, '')`;
