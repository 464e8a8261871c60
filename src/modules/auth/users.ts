/** Accounts and the application's users, made together and found by what signs in. */
import type { Context } from '../../context.ts';
import type { ColumnField } from '../../data/model/datamodel.ts';
import { identifier, tableRef } from '../../data/planner/statement.ts';
import { columnValue } from '../../data/writes/column-value.ts';
import { fillingOf } from '../../data/writes/defaults.ts';
import { invalidInput, MillraceError } from '../../errors.ts';
import type { Queryable } from '../../platform/db.ts';
import type { KnownAccount, NewUser } from './define-accounts.ts';
import { askBeforeSignUp } from './may-sign-up.ts';
import type { AccountsPlan } from './plan.ts';

/** What services need of the context. */
export type Needs = Pick<Context, 'viewer' | 'db' | 'client' | 'afterCommit' | 'accounts'>;

/** An account as it is stored. */
export interface Account {
  userId: string;
  kind: 'person' | 'guest' | 'service';
  email: string | undefined;
  isEmailVerified: boolean;
  isDisabled: boolean;
  roles: readonly string[];
  claims: Readonly<Record<string, unknown>>;
}

const columns = 'user_id, kind, email, email_verified_at is not null, disabled_at is not null, roles, claims';

/** The account of a user. */
export const findAccount = (db: Queryable, userId: string): Promise<Account | undefined> =>
  oneAccount(db, 'user_id = $1', userId);

/** The account of an address, in the form in which addresses are compared. */
export const findAccountByEmail = (db: Queryable, email: string): Promise<Account | undefined> =>
  oneAccount(db, 'email = $1', email);

async function oneAccount(db: Queryable, condition: string, value: string): Promise<Account | undefined> {
  const [row] = await db.query({ text: `select ${columns} from auth_accounts where ${condition}`, values: [value] });
  if (!row) return undefined;
  const [userId, kind, email, isEmailVerified, isDisabled, roles, claims] = row;
  return {
    userId: userId as string,
    kind: kind as Account['kind'],
    email: (email as string | null) ?? undefined,
    isEmailVerified: isEmailVerified as boolean,
    isDisabled: isDisabled as boolean,
    roles: roles as string[],
    claims: claims as Account['claims'],
  };
}

/** As hooks are told of it. */
export const asKnown = ({ userId, email, isEmailVerified, kind, roles }: Account): KnownAccount => ({
  userId,
  email,
  isEmailVerified,
  isGuest: kind === 'guest',
  roles,
});

/** What a new account has besides its user. */
export interface NewAccount extends NewUser {
  kind?: 'person' | 'guest';
  isEmailVerified?: boolean;
  /** A user's row that is there already; made otherwise. */
  userId?: string;
  roles?: readonly string[];
}

/**
 * Makes an account and its user, in the operation's transaction.
 * @throws CONFLICT when the address has an account, or a value of the user's row is another's; INVALID_INPUT by the user's schemas
 */
export async function makeAccount(ctx: Needs, wanted: NewAccount): Promise<Account> {
  const { plan } = ctx.accounts!;
  await askBeforeSignUp(ctx, wanted);
  const { kind = 'person', email, isEmailVerified = false } = wanted;
  const userId = wanted.userId ?? (await insertUser(ctx.db, plan, plan.userData(wanted)));
  const roles = wanted.roles ?? plan.definition.defaultRoles ?? [];
  await ctx.db.query({
    text: `insert into auth_accounts (user_id, kind, email, email_verified_at, roles)
      values ($1, $2, $3, case when $4::boolean then now() end, $5)`,
    values: [userId, kind, email ?? null, isEmailVerified, roles],
  });
  return { userId, kind, email, isEmailVerified, isDisabled: false, roles, claims: {} };
}

async function insertUser(db: Queryable, plan: AccountsPlan, data: Readonly<Record<string, unknown>>): Promise<string> {
  const { model } = plan.user;
  const filled = new Map<ColumnField, string>();
  const values: unknown[] = [];
  const bind = (field: ColumnField, value: unknown) => filled.set(field, `$${values.push(value)}`);
  for (const field of model.columns) {
    const given = data[field.name];
    if (given === undefined) {
      const filling = fillingOf(field);
      if (filling && 'sql' in filling) filled.set(field, filling.sql);
      else if (filling) bind(field, filling.value);
      continue;
    }
    const read = columnValue(plan.user, field, { now: given, path: field.name });
    if ('problems' in read) throw invalidInput(field.name, read.problems[0]!.message);
    bind(field, read.value);
  }
  const names = [...filled.keys()].map((f) => identifier(f.column)).join(', ');
  const into = filled.size > 0 ? `(${names}) values (${[...filled.values()].join(', ')})` : 'default values';
  const [row] = await db.query({
    text: `insert into ${tableRef(model.table)} ${into} returning ${identifier(plan.userKey.column)}::text`,
    values,
  });
  return row![0] as string;
}
