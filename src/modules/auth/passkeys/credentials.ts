/** Passkeys where they are stored: what may be read of them in `auth_passkeys`, keys and counts where nobody sees them. */
import { v7 } from 'uuid';
import type { Queryable } from '../../../platform/db.ts';
import type { KnownCredential, NewCredential, UsedCredential } from './ceremonies.ts';

/** A passkey by which somebody wants to sign in. */
export interface StoredCredential {
  id: string;
  userId: string;
  credentialId: string;
  publicKey: Buffer;
}

/** A passkey as its owner sees it. */
export interface PasskeyRow {
  id: string;
  name: string;
  isBackedUp: boolean;
  createdAt: Date;
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Passkeys of one account. */
export const maxPasskeys = 20;

/** What browsers are told of an account's passkeys. */
export async function credentialsOf(db: Queryable, userId: string): Promise<KnownCredential[]> {
  const rows = await db.query({
    text: 'select credential_id, transports from millrace.auth_passkeys where user_id = $1 order by id',
    values: [userId],
  });
  return rows.map(([credentialId, transports]) => ({
    credentialId: credentialId as string,
    transports: transports as string[],
  }));
}

/** The passkey of this credential, whosever it is. */
export async function findCredential(db: Queryable, credentialId: string): Promise<StoredCredential | undefined> {
  const [row] = await db.query({
    text: 'select id::text, user_id, public_key from millrace.auth_passkeys where credential_id = $1',
    values: [credentialId],
  });
  if (!row) return undefined;
  const [id, userId, publicKey] = row;
  return { id: id as string, userId: userId as string, credentialId, publicKey: publicKey as Buffer };
}

/** Stores a new passkey; undefined when somebody has it already. @param db a transaction */
export async function storeCredential(
  db: Queryable,
  userId: string,
  name: string,
  made: NewCredential,
): Promise<PasskeyRow | undefined> {
  const id = v7();
  const [row] = await db.query({
    text: `insert into auth_passkeys (id, user_id, name, is_backed_up) values ($1, $2, $3, $4) returning created_at`,
    values: [id, userId, name, made.isBackedUp],
  });
  const kept = await db.query({
    text: `insert into millrace.auth_passkeys (id, user_id, credential_id, public_key, counter, transports)
      values ($1, $2, $3, $4, $5, $6) on conflict (credential_id) do nothing returning id`,
    values: [id, userId, made.credentialId, made.publicKey, made.counter, made.transports],
  });
  if (kept.length > 0) return { id, name, isBackedUp: made.isBackedUp, createdAt: row![0] as Date };
  await db.query({ text: 'delete from auth_passkeys where id = $1', values: [id] });
  return undefined;
}

/**
 * Moves a passkey's count to what it says itself; false when it does not go forward, as that of a copy does not. Passkeys that are
 * kept in several places count nothing, and say 0.
 */
export async function moveCounter(
  db: Queryable,
  id: string,
  { counter, isBackedUp }: UsedCredential,
): Promise<boolean> {
  const moved = await db.query({
    text: `with moved as (
        update millrace.auth_passkeys set counter = $2 where id = $1 and ($2 > counter or ($2 = 0 and counter = 0)) returning id
      )
      update auth_passkeys set last_used_at = now(), is_backed_up = $3 where id in (select id from moved) returning id`,
    values: [id, counter, isBackedUp],
  });
  return moved.length > 0;
}

/** Gives a passkey of this user another name; undefined when they have none of this id. */
export async function renameCredential(
  db: Queryable,
  userId: string,
  id: string,
  name: string,
): Promise<PasskeyRow | undefined> {
  if (!uuid.test(id)) return undefined;
  const [row] = await db.query({
    text: `update auth_passkeys set name = $3 where id = $1 and user_id = $2 returning id::text, is_backed_up, created_at`,
    values: [id, userId, name],
  });
  return row && { id: row[0] as string, name, isBackedUp: row[1] as boolean, createdAt: row[2] as Date };
}

/** Removes a passkey of this user; undefined when they have none of this id, its name otherwise. */
export async function removeCredential(db: Queryable, userId: string, id: string): Promise<string | undefined> {
  if (!uuid.test(id)) return undefined;
  const [row] = await db.query({
    text: 'delete from auth_passkeys where id = $1 and user_id = $2 returning name',
    values: [id, userId],
  });
  return row?.[0] as string | undefined;
}
