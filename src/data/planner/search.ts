/**
 * Search. Full text is a condition on a row, for it spans several of its fields; being alike is a condition on one of them.
 * Values are the client's: one that the viewer may not read is no text, which matches nothing and ranks as nothing.
 */
import { invalidInput } from '../../errors.ts';
import type { ColumnField, Model } from '../model/datamodel.ts';
import {
  configurationSql,
  defaultLanguage,
  documentSql,
  isSearchable,
  type SearchLanguage,
  textOrNone,
  trigramTextSql,
  weightedDocumentSql,
} from '../search-text.ts';
import { apiModelOf, type Compiler, column, countedItems, countTerm } from './compiler.ts';
import { isRankText } from './cursor-text.ts';
import { text } from './encode.ts';
import type { OrderTerm } from './order.ts';
import type { Encode } from './statement.ts';
import type { Value } from './value.ts';

const maxLength = 1000;

/** What texts are compared with: bounded, for each letter of it is looked up. */
const comparedText: Encode = (value, path) => {
  if (String(value).length > maxLength) throw invalidInput(path, `may have at most ${maxLength} characters`);
  return text(value, path);
};

/** @NOTE of a text that only negates, PostgreSQL loses count after 32 signs, and fails. */
const searchText: Encode = (value, path) =>
  String(comparedText(value, path)).replaceAll(/-(?:[\s\u0085\u180e!&|()]*-)+/g, '-');

/** Words that rows are ranked by: each is looked for in every word of every row, which no cost tells of. */
const maxRankedWords = 32;

const rankedText: Encode = (value, path) => {
  const query = String(searchText(value, path));
  const words = [...query.matchAll(/[\p{L}\p{N}]+/gu)];
  const next = words[maxRankedWords];
  return next ? query.slice(0, next.index) : query;
};

/** Fields and language are part of the SQL, or no index would be found by it: plans are kept for each. */
interface Search {
  fields: readonly ColumnField[];
  language: SearchLanguage;
  query: string;
}

function searchOf(c: Compiler, model: Model, value: Value, encode = searchText): Search {
  const language = (value.get('language').now ?? defaultLanguage) as SearchLanguage;
  const fields = fieldsOf(c, model, value.get('fields'));
  // Each is read word by word, in every row.
  countTerm(c, value.path, 2 * fields.length);
  const bound = c.statement.bind(value.get('query'), encode);
  // @NOTE a sub-select, so that it is read once and not for every row.
  return { fields, language, query: `(select websearch_to_tsquery(${configurationSql(language)}, ${bound}::text))` };
}

function fieldsOf(c: Compiler, model: Model, names: Value): readonly ColumnField[] {
  const { fields } = apiModelOf(c, model.name);
  if (names.now === undefined || names.now === null)
    return [...fields.values()].filter((f): f is ColumnField => f.kind === 'column' && isSearchable(f));
  const named = new Set(countedItems(c, names).map((name) => textField(c, model, name)));
  if (named.size === 0) throw invalidInput(names.path, 'must name at least one field');
  return [...named];
}

function textField(c: Compiler, model: Model, name: Value): ColumnField {
  const field = apiModelOf(c, model.name).fields.get(String(name.now));
  if (field?.kind !== 'column') throw invalidInput(name.path, `${model.name} has no text ${String(name.now)}`);
  return field;
}

/** Writes `_search: { query, fields, language }` as a condition on the row at `alias`. */
export function searchCondition(c: Compiler, model: Model, alias: string, value: Value): string {
  if (value.now === null) return 'true';
  const { fields, language, query } = searchOf(c, model, value);
  // In the schema's order, so that one index serves, however a client names them.
  const columns = model.columns.filter((f) => fields.includes(f)).map((f) => column(c, model, alias, f, 'client'));
  return `(${documentSql(language, columns)} @@ ${query})`;
}

/** Writes `_relevance` or `_similarity` as something to order by; undefined when the key is neither. */
export function searchOrder(
  c: Compiler,
  model: Model,
  alias: string,
  key: string,
  value: Value,
): OrderTerm | undefined {
  if (key !== '_relevance' && key !== '_similarity') return undefined;
  if (value.now === null) throw invalidInput(value.path, 'must not be null');
  const { expression, spelt } =
    key === '_relevance' ? relevance(c, model, alias, value) : similarity(c, model, alias, value);
  const direction = value.get('sort').now === 'asc' ? 'asc' : 'desc';
  return {
    expression,
    direction,
    nulls: 'last',
    isNullable: false,
    accepts: isRankText,
    label: `${key}(${spelt}):${direction}`,
  };
}

interface Rank {
  expression: string;
  /** Tells it from others in a cursor; what is searched for is no part of it, as a filter is none. */
  spelt: string;
}

function relevance(c: Compiler, model: Model, alias: string, value: Value): Rank {
  const { fields, language, query } = searchOf(c, model, value, rankedText);
  const columns = fields.map((f) => column(c, model, alias, f, 'client'));
  // @NOTE 1: by length, or the longest text would be the best; float8: its text in a cursor is the whole of it.
  const expression = `ts_rank_cd(${weightedDocumentSql(language, columns)}, ${query}, 1)::float8`;
  return { expression, spelt: [language, ...fields.map((f) => f.name)].join(' ') };
}

function similarity(c: Compiler, model: Model, alias: string, value: Value): Rank {
  const field = textField(c, model, value.get('field'));
  const measure = measureOf(value);
  const to = `${c.statement.bind(value.get('to'), comparedText)}::text`;
  const of = textOrNone(column(c, model, alias, field, 'client'));
  return { expression: `${measure.sql(of, to)}::float8`, spelt: `${field.name} ${measure.name}` };
}

/** How two texts are compared: as wholes, or one with the part of the other that is most alike. */
interface LikenessMeasure {
  name: string;
  sql(text: string, to: string): string;
  /** True of texts that are alike to the degree that every session sets (`db.ts`), and known to indexes. */
  operator: string;
  threshold: number;
}

const whole: LikenessMeasure = {
  name: 'whole',
  sql: (text, to) => `similarity(${text}, ${to})`,
  operator: '%',
  threshold: 0.3,
};

const part: LikenessMeasure = {
  name: 'part',
  sql: (text, to) => `word_similarity(${to}, ${text})`,
  operator: '%>',
  threshold: 0.5,
};

const measureOf = (value: Value): LikenessMeasure => (value.get('part').now === true ? part : whole);

/** What an index is asked for; less than that it cannot find, and whatever is less alike is so by chance. */
const leastThreshold = 0.3;

/** Writes `similar: { to, threshold, part }` as a condition on a column. */
export function similarCondition(c: Compiler, expression: string, value: Value): string {
  const measure = measureOf(value);
  const to = `${c.statement.bind(value.get('to'), comparedText)}::text`;
  const given = value.get('threshold');
  const threshold = c.statement.parameter((input) => thresholdOf(given.read(input) ?? measure.threshold, given.path));
  const compared = trigramTextSql(expression);
  // @NOTE the measure first: PostgreSQL names it when it has none, and `db-errors.ts` knows it by that.
  return `(${measure.sql(compared, to)} >= ${threshold}::float4 and ${compared} ${measure.operator} ${to})`;
}

function thresholdOf(value: unknown, path: string): number {
  const threshold = Number(value);
  if (threshold >= leastThreshold && threshold <= 1) return threshold;
  throw invalidInput(path, `must be between ${leastThreshold} and 1`);
}
