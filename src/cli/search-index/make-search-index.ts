import { readDatamodel } from '../../data/model/read-datamodel.ts';
import { readSchemaFiles } from '../../data/model/schema-files.ts';
import { StartupError } from '../../errors.ts';
import { writeMigration } from '../../platform/migrations/plan.ts';
import { migrationsOf } from '../../schema-upgrade.ts';
import type { SearchIndexOptions } from '../search-index.ts';
import { searchIndexSql } from './search-index-sql.ts';

/** Writes or prints the migration. @throws StartupError when the model has no such texts */
export async function makeSearchIndex(root: string, name: string, options: SearchIndexOptions): Promise<void> {
  const { models } = readDatamodel(await readSchemaFiles(root));
  const model = models.get(name);
  if (!model) {
    const known = [...models.keys()].join(', ');
    throw new StartupError(`There is no model ${name} in prisma/.`, `Name one of these: ${known}.`);
  }
  const sql = searchIndexSql(model, options);
  if (options.print) {
    process.stdout.write(sql);
    return;
  }
  const made = writeMigration(migrationsOf(root), `search ${model.table.name}`, sql);
  process.stdout.write(
    `made prisma/migrations/${made}\nIt is applied by the next start, or by npx prisma migrate deploy.\n`,
  );
}
