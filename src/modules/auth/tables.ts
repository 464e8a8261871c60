/**
 * What accounts keep that nobody may read: tables in the PostgreSQL schema `millrace`, outside of Prisma's, the API's and the
 * log's sight. They hang on the public tables by foreign keys, so that with an account all of it goes.
 */
import type { TableName } from '../../data/model/datamodel.ts';
import { columnRef, literal, tableRef } from '../../data/planner/statement.ts';
import { StartupError } from '../../errors.ts';
import type { Database } from '../../platform/db.ts';
import type { AccountsPlan } from './plan.ts';

/** The advisory lock of whoever makes them. */
const installLock = 7_270_006;

/** Bumped whenever a table is added or changed. */
const version = 2;

/** @param at where the public tables are: the schema of the accounts' own model */
const tables = (at: TableName): string => {
  const table = (name: string) => tableRef({ schema: at.schema, name });
  const accounts = `${table('auth_accounts')} (user_id) on delete cascade`;
  return `
create schema if not exists millrace;
create table if not exists millrace.auth_passwords (
  user_id text primary key references ${accounts},
  hash text not null,
  changed_at timestamptz not null default now()
);
create table if not exists millrace.auth_refresh (
  session_id uuid primary key references ${table('auth_sessions')} (id) on delete cascade,
  salt text not null,
  counter int not null default 1,
  rotated_at timestamptz not null default now(),
  idle_until timestamptz not null
);
create table if not exists millrace.auth_challenges (
  hash bytea primary key,
  kind text not null,
  user_id text references ${accounts},
  data jsonb not null default '{}',
  code bytea,
  tries int not null default 0,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index if not exists auth_challenges_expires_at on millrace.auth_challenges (expires_at);
create index if not exists auth_challenges_user_id on millrace.auth_challenges (user_id);
create table if not exists millrace.auth_totp (
  user_id text primary key references ${accounts},
  secret text not null,
  confirmed_at timestamptz,
  last_step bigint not null default 0
);
create table if not exists millrace.auth_recovery_codes (
  user_id text not null references ${accounts},
  hash bytea not null,
  primary key (user_id, hash)
);
create table if not exists millrace.auth_passkeys (
  id uuid primary key references ${table('auth_passkeys')} (id) on delete cascade,
  user_id text not null references ${accounts},
  credential_id text not null unique,
  public_key bytea not null,
  counter bigint not null default 0,
  transports text[] not null default '{}'
);
create index if not exists auth_passkeys_user_id on millrace.auth_passkeys (user_id);
create table if not exists millrace.auth_api_keys (
  id uuid primary key references ${table('auth_api_keys')} (id) on delete cascade,
  hash bytea not null
);
create table if not exists millrace.auth_used_tokens (
  id text primary key,
  expires_at timestamptz not null
);
create index if not exists auth_used_tokens_expires_at on millrace.auth_used_tokens (expires_at);
create index if not exists auth_events_actor_id on ${table('auth_events')} (actor_id) where actor_id is not null;`;
};

const forgetTrigger = 'Millrace_forget_account';

/** What the tables and the trigger are made by. */
export type TablesPlan = Pick<AccountsPlan, 'account' | 'user' | 'userKey' | 'adminRole' | 'hasOrganizations'>;

/** The advisory lock of whatever could leave an installation without an admin, until its transaction ends. */
export const adminsLock = 7_270_007;

/**
 * With a user who is deleted, by whomever, the account goes, and with it what tells of whom it was: memberships, invitations, and in
 * events the address, the program and the details of what was their own doing. The last admin is not deleted.
 * @NOTE security definer: whoever deletes users need not know of accounts.
 */
const forgetting = ({ account, user, userKey, adminRole, hasOrganizations }: TablesPlan): string => {
  const table = (name: string) => tableRef({ schema: account.table.schema, name });
  const accounts = table('auth_accounts');
  const [invitations, members] = [table('organization_invitations'), table('organization_members')];
  const admin = `kind = 'person' and disabled_at is null and ${literal(adminRole)} = any(roles)`;
  return `
create or replace function millrace.forget_account() returns trigger language plpgsql security definer set search_path = '' as $body$
declare gone text := ${columnRef('old', userKey)}::text;
begin
  if exists (select from ${accounts} where user_id = gone and ${admin}) then
    perform pg_catalog.pg_advisory_xact_lock(${adminsLock});
    if not exists (select from ${accounts} where user_id <> gone and ${admin}) then
      raise exception 'this user is the last admin' using errcode = '23503';
    end if;
  end if;
  ${
    hasOrganizations
      ? `delete from ${invitations} i using ${members} m
    where m.user_id = gone and i.organization_id = m.organization_id and i.invited_by = gone;
  delete from ${invitations} where email = (select email from ${accounts} where user_id = gone);
  delete from ${members} where user_id = gone;`
      : ''
  }
  update ${table('auth_events')} set address = null, user_agent = null,
    details = case when user_id = gone and actor_id is null then '{}' else details end
  where user_id = gone or actor_id = gone;
  delete from ${accounts} where user_id = gone;
  return null;
end $body$;
drop trigger if exists "${forgetTrigger}" on ${tableRef(user.model.table)};
create trigger "${forgetTrigger}" after delete on ${tableRef(user.model.table)} for each row execute function millrace.forget_account();`;
};

/** Makes the tables where they are missing, and the trigger on the users' table. */
export async function installTables(db: Database, plan: TablesPlan): Promise<void> {
  const { table: at } = plan.account;
  const { table: users } = plan.user.model;
  const mark = `version ${version} ${tableRef(at)} ${tableRef(users)} ${plan.adminRole} ${plan.hasOrganizations}`;
  const isThere = async (on: Pick<Database, 'query'>) => {
    const [row] = await on.query({
      text: `select obj_description(to_regclass('millrace.auth_passwords'), 'pg_class') = $1
        and exists (select 1 from pg_trigger where tgname = $2 and tgrelid = to_regclass($3))
        and exists (select 1 from pg_constraint where conrelid = to_regclass('millrace.auth_passwords') and confrelid = to_regclass($4))`,
      values: [mark, forgetTrigger, tableRef(users), tableRef(at)],
    });
    return row![0] === true;
  };
  await requireOwnPlace(db, at);
  if (await isThere(db)) return;
  await db.transaction(async (tx) => {
    await tx.query({ text: `select pg_advisory_xact_lock(${installLock})`, values: [] });
    if (await isThere(tx)) return;
    // Of accounts that were made anew under the tables, nothing of before may be believed.
    await tx.script(orphaned(at) + tables(at) + forgetting(plan));
    await tx.script(`comment on table millrace.auth_passwords is ${literal(mark)}`);
  });
}

/**
 * Passes where the accounts are found by their names alone, and the hidden tables are nobody else's: of another schema's accounts
 * in this database, passwords and factors would be dropped.
 * @throws StartupError
 */
async function requireOwnPlace(db: Database, at: TableName): Promise<void> {
  const [row] = await db.query({
    text: `select to_regclass('auth_accounts') is distinct from to_regclass($1),
      exists (select 1 from pg_constraint where conrelid = to_regclass('millrace.auth_passwords') and contype = 'f' and confrelid <> to_regclass($1))`,
    values: [tableRef({ schema: at.schema, name: 'auth_accounts' })],
  });
  const [isElsewhere, isTaken] = row!;
  if (isTaken)
    throw new StartupError(
      'another schema of this database has the accounts that millrace keeps the passwords of',
      'give this installation a database of its own',
    );
  if (isElsewhere)
    throw new StartupError(
      `the search path of the database does not find the accounts of the schema ${at.schema}`,
      'set it for the user of DATABASE_URL: alter role … set search_path = …',
    );
}

/** Drops what hangs on tables that are not there any more: its foreign keys went with them. */
const orphaned = (at: TableName): string => `
do $body$ begin
  if to_regclass('millrace.auth_passwords') is not null and not exists (select 1 from pg_constraint
    where conrelid = to_regclass('millrace.auth_passwords') and confrelid = to_regclass(${literal(tableRef({ schema: at.schema, name: 'auth_accounts' }))})) then
    drop table if exists millrace.auth_passwords, millrace.auth_refresh, millrace.auth_challenges, millrace.auth_totp,
      millrace.auth_recovery_codes, millrace.auth_passkeys, millrace.auth_api_keys, millrace.auth_used_tokens;
  end if;
end $body$;`;

const sweepEvery = 10 * 60_000;

/** Sweeps what has expired, from now on, until it is disposed of. */
export function sweepExpired(db: Database): Disposable {
  const sweep = (table: string, key: string) =>
    db.query({
      text: `delete from ${table} where ${key} in (select ${key} from ${table} where expires_at < now() limit 5000)`,
      values: [],
    });
  const all = async () => {
    await sweep('millrace.auth_challenges', 'hash');
    await sweep('millrace.auth_used_tokens', 'id');
    await sweep('auth_sessions', 'id');
  };
  const timer = setInterval(() => void all().catch(() => {}), sweepEvery).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
