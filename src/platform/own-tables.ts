import type { Database } from './db.ts';

/** The advisory lock of whoever makes tables of the platform's own. */
const makeLock = 7_270_004;

/**
 * Makes tables in the PostgreSQL schema `millrace`, which migrations know nothing of, where they are missing.
 * @param name the last of them, with its schema: all are there when it is
 */
export async function makeTables(db: Database, name: string, script: string): Promise<void> {
  const [there] = await db.query({ text: 'select to_regclass($1) is not null', values: [name] });
  if (there![0] === true) return;
  await db.transaction(async (tx) => {
    // @NOTE nodes start at the same time, and `if not exists` alone fails where two of them make one.
    await tx.query({ text: `select pg_advisory_xact_lock(${makeLock})`, values: [] });
    await tx.script(`create schema if not exists millrace; ${script}`);
  });
}
