import { columnRef, identifier, tableRef } from '../../../data/planner/statement.ts';
import type { Needs } from '../users.ts';

/**
 * Writes an account's new address into the user's row, where signing up has written the old one: into the field `email`. A row that
 * says something else there, and one that app/accounts.ts makes in its own way, stays as it is.
 */
export async function writeUserEmail(ctx: Needs, userId: string, from: string | undefined, to: string): Promise<void> {
  const { definition, user, userKey } = ctx.accounts!.plan;
  const field = user.model.columns.find(
    (c) => c.name === 'email' && c.type.kind === 'scalar' && c.type.name === 'String' && !c.isList,
  );
  if (definition.user || !field) return;
  await ctx.db.query({
    text: `update ${tableRef(user.model.table)} u set ${identifier(field.column)} = $2
      where ${columnRef('u', userKey)}::text = $1 and ${columnRef('u', field)} is not distinct from $3`,
    values: [userId, to, from ?? null],
  });
}
