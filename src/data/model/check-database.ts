import type { Queryable } from '../../platform/db.ts';
import type { Datamodel, Model } from './datamodel.ts';

/** What the schema describes and the database does not have, as `table` or `table.column`. */
export interface Missing {
  tables: string[];
  /** Apart, since a migration that is made of a schema makes no views. */
  views: string[];
}

/** Nothing is missing. */
export const isComplete = ({ tables, views }: Missing): boolean => tables.length === 0 && views.length === 0;

/** Holds the schema to the tables and views, and the columns of both, that the database has. */
export async function missingInDatabase(db: Queryable, datamodel: Datamodel): Promise<Missing> {
  const models = [...datamodel.models.values()];
  const schemas = [...new Set(models.map((m) => m.table.schema))];
  const rows = await db.query({
    text: `select n.nspname, c.relname, a.attname from pg_attribute a
      join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = any($1) and a.attnum > 0 and not a.attisdropped`,
    values: [schemas],
  });
  const columns = new Set(rows.map((row) => row.join('.')));
  const tables = new Set(rows.map((row) => row.slice(0, 2).join('.')));
  const missingOf = ({ table, columns: fields }: Model) => {
    const name = `${table.schema}.${table.name}`;
    if (!tables.has(name)) return [table.name];
    return fields.filter((f) => !columns.has(`${name}.${f.column}`)).map((f) => `${table.name}.${f.column}`);
  };
  return {
    tables: models.filter((m) => !m.isView).flatMap(missingOf),
    views: models.filter((m) => m.isView).flatMap(missingOf),
  };
}
