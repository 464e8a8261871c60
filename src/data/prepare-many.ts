import { randomBytes } from 'node:crypto';
import type { Database } from '../platform/db.ts';
import type { Parameters } from './planner/classes.ts';

/**
 * Completes the text of a statement for many classes: asks PostgreSQL which types it takes a class's values for.
 * @param fixed how many parameters it has besides
 */
export async function prepareMany(db: Database, statement: Parameters, fixed: number): Promise<string> {
  const name = `types_${randomBytes(8).toString('hex')}`;
  const types = await db.transaction(async (tx) => {
    await tx.script(`prepare ${name} as ${statement.untypedSql}`);
    const [row] = await tx.query({
      text: 'select parameter_types::text[] from pg_prepared_statements where name = $1',
      values: [name],
    });
    await tx.script(`deallocate ${name}`);
    return row![0] as string[];
  });
  return statement.sql(types.slice(fixed));
}
