import type { Queryable } from '../../../platform/db.ts';

/** The hash of an account's password; undefined where it has none. */
export async function findHash(db: Queryable, userId: string): Promise<string | undefined> {
  const [row] = await db.query({
    text: 'select hash from millrace.auth_passwords where user_id = $1',
    values: [userId],
  });
  return row?.[0] as string | undefined;
}

/** The same by the address that signs in. */
export async function findHashByEmail(db: Queryable, email: string): Promise<string | undefined> {
  const [row] = await db.query({
    text: `select p.hash from auth_accounts a join millrace.auth_passwords p on p.user_id = a.user_id where a.email = $1`,
    values: [email],
  });
  return row?.[0] as string | undefined;
}

/** Gives an account this password in the place of what it had. */
export async function setHash(db: Queryable, userId: string, hash: string): Promise<void> {
  await db.query({
    text: `insert into millrace.auth_passwords (user_id, hash) values ($1, $2)
      on conflict (user_id) do update set hash = excluded.hash, changed_at = now()`,
    values: [userId, hash],
  });
}

/** Puts a hash in the place of one that is outdated, unless the password has become another one meanwhile. */
export async function renewHash(db: Queryable, userId: string, from: string, to: string): Promise<void> {
  await db.query({
    text: 'update millrace.auth_passwords set hash = $3 where user_id = $1 and hash = $2',
    values: [userId, from, to],
  });
}

/**
 * Whether the hash that was read before is still the account's, which remains so until the transaction ends.
 * @NOTE without the lock, a sign-in that had read the old password would outlive the change of it, which ends all sessions.
 */
export async function isStillHash(db: Queryable, userId: string, hash: string): Promise<boolean> {
  const rows = await db.query({
    text: 'select 1 from millrace.auth_passwords where user_id = $1 and hash = $2 for share',
    values: [userId, hash],
  });
  return rows.length > 0;
}
