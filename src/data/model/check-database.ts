import type { Queryable } from '../../platform/db.ts';
import type { Datamodel } from './datamodel.ts';

/** What the schema describes and the database does not have, as `table` or `table.column`. */
export async function missingInDatabase(db: Queryable, datamodel: Datamodel): Promise<string[]> {
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
  return models.flatMap(({ table, columns: fields }) => {
    const name = `${table.schema}.${table.name}`;
    if (!tables.has(name)) return [table.name];
    return fields.filter((f) => !columns.has(`${name}.${f.column}`)).map((f) => `${table.name}.${f.column}`);
  });
}
