import { createHash } from 'node:crypto';
import type { ColumnField, Model } from '../../data/model/datamodel.ts';
import { identifier, tableRef } from '../../data/planner/statement.ts';
import { documentSql, isSearchable, type SearchLanguage, trigramTextSql } from '../../data/search-text.ts';
import { StartupError } from '../../errors.ts';

/** What is to be searched fast. */
interface Searches {
  fields?: readonly string[];
  language: SearchLanguage;
  fuzzy?: readonly string[];
}

/**
 * The SQL that makes the indexes. Prisma sees neither kind, and so drops none: it looks at no index of an expression, and at none
 * of a part of the rows.
 * @throws StartupError when the model has no such texts
 */
export function searchIndexSql(model: Model, { fields = [], language, fuzzy = [] }: Searches): string {
  if (model.isView) {
    throw new StartupError(`${model.name} is a view, and has no indexes.`, 'Name the model of a table it is made of.');
  }
  const statements: string[] = [];
  const index = (suffix: string, columns: readonly string[], definition: string) => {
    const name = identifier(nameOf([model.table.name, ...columns, suffix].join('_')));
    statements.push(`CREATE INDEX IF NOT EXISTS ${name} ON ${tableOf(model)} USING gin (${definition};\n`);
  };
  if (fields.length > 0) {
    const columns = textsOf(model, fields);
    index(`search_${language}`, columns, `${documentSql(language, columns.map(identifier))})`);
  }
  const likened = fuzzy.length > 0 ? textsOf(model, fuzzy) : [];
  if (likened.length > 0) statements.push('CREATE EXTENSION IF NOT EXISTS pg_trgm;\n');
  for (const column of likened) {
    const name = identifier(column);
    index('fuzzy', [column], `(${trigramTextSql(name)}) gin_trgm_ops) WHERE ${name} IS NOT NULL`);
  }
  if (statements.length === 0) {
    throw new StartupError(
      'There is nothing to make an index of.',
      `Name fields, as in: npx millrace search-index ${model.name} --fields ${searchable(model)[0]?.name ?? 'title'}`,
    );
  }
  return statements.join('\n');
}

/** The table as Prisma's migrations name it, in whichever schema they are run. */
const tableOf = ({ table }: Model): string => (table.schema === 'public' ? identifier(table.name) : tableRef(table));

const searchable = (model: Model): ColumnField[] => model.columns.filter(isSearchable);

/** The columns of these fields, in the schema's order, as the planner names them. */
function textsOf(model: Model, names: readonly string[]): string[] {
  const known = searchable(model);
  for (const name of names) {
    if (known.some((field) => field.name === name)) continue;
    const texts = known.map((field) => field.name).join(', ') || 'none';
    throw new StartupError(`${model.name} has no text ${name} to be searched.`, `It has these: ${texts}.`);
  }
  return known.filter((field) => names.includes(field.name)).map((field) => field.column);
}

/** Bytes that PostgreSQL keeps of a name. */
const maxName = 63;

/** The name, or as much of it as can be kept and a mark that tells it from others. */
function nameOf(name: string): string {
  if (Buffer.byteLength(name) <= maxName) return name;
  const mark = createHash('sha256').update(name).digest('hex').slice(0, 8);
  let kept = name;
  while (Buffer.byteLength(kept) > maxName - 9) kept = kept.slice(0, -1);
  return `${kept}_${mark}`;
}
