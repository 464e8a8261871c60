import { columnRef, identifier, tableRef } from '../../../data/planner/statement.ts';
import { columnValue } from '../../../data/writes/column-value.ts';
import { invalidInput } from '../../../errors.ts';
import type { NewUser } from '../define-accounts.ts';
import type { Needs } from '../users.ts';

/**
 * Writes into the user's row what follows of who they are: the fields that a new user's row would have otherwise than a guest's.
 * @throws CONFLICT where another row has them; INVALID_INPUT by the user's schemas
 */
export async function rewriteUser({ db, accounts }: Needs, userId: string, person: NewUser): Promise<void> {
  const { user, userKey, userData } = accounts!.plan;
  const before = userData({ email: undefined, name: undefined, profile: {}, method: 'guest' });
  const data = userData(person);
  const sets: string[] = [];
  const values: unknown[] = [userId];
  for (const field of user.model.columns) {
    const now = data[field.name];
    if (now === undefined || field === userKey || JSON.stringify(now) === JSON.stringify(before[field.name])) continue;
    const read = columnValue(user, field, { now, path: field.name });
    if ('problems' in read) throw invalidInput(field.name, read.problems[0]!.message);
    sets.push(`${identifier(field.column)} = $${values.push(read.value)}`);
  }
  if (sets.length === 0) return;
  await db.query({
    text: `update ${tableRef(user.model.table)} u set ${sets.join(', ')} where ${columnRef('u', userKey)}::text = $1`,
    values,
  });
}
