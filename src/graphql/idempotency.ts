/**
 * Mutations that are done once, however often they are sent: the key that they are sent with and their answer are written in
 * their own transaction. Who sends the same at the same time waits for that transaction by the row of the key.
 */
import { createHash } from 'node:crypto';
import type { ExecutionArgs } from 'graphql';
import type { Context } from '../context.ts';
import { invalidInput, MillraceError } from '../errors.ts';
import type { Database, Queryable } from '../platform/db.ts';
import { makeTables } from '../platform/own-tables.ts';
import type { Viewer } from '../viewer.ts';

/** One sending of a mutation under a key. */
export interface Claim {
  /** The hash of who sends it. */
  scope: Buffer;
  key: string;
  /** The hash of what is sent. */
  body: Buffer;
}

/** What is known of keys. */
export interface Idempotency extends Disposable {
  /** Does the work when what this process does under the same key is done: so no connection is taken to wait. */
  inTurn<T>(claim: Claim, work: () => Promise<T>): Promise<T>;
  /**
   * Takes the key in a transaction; resolves to the answer's text where it was done before. Waits for whoever does it.
   * @throws MillraceError CONFLICT for another operation, or where the answer was not kept
   */
  take(tx: Queryable, claim: Claim): Promise<string | undefined>;
  /** Writes the answer's text to the key that the transaction has taken. */
  keep(tx: Queryable, claim: Claim, text: string): Promise<void>;
}

/** Bytes of an answer that is kept, and of the table in which further ones are. */
const most = { answer: 1_000_000, table: 2 ** 30 };
const lasting = `interval '24 hours'`;
const sweepEvery = 10 * 60_000;
const sweptAtOnce = 1000;

const table = `
create table if not exists millrace.idempotency (
  scope bytea not null,
  key text not null,
  body bytea not null,
  answer text,
  at timestamptz not null default now(),
  primary key (scope, key)
);
create index if not exists idempotency_at on millrace.idempotency (at);`;

/** Makes the table where it is missing, and sweeps it from now on. */
export async function openIdempotency(db: Database): Promise<Idempotency> {
  await makeTables(db, 'millrace.idempotency', table);
  const timer = setInterval(() => void sweep(db).catch(() => {}), sweepEvery).unref();
  const turns = new Map<string, Promise<void>>();
  return {
    async inTurn({ scope, key }, work) {
      const id = `${scope.toString('hex')} ${key}`;
      const turn = (turns.get(id) ?? Promise.resolve()).then(work);
      const settled = turn.then(
        () => {},
        () => {},
      );
      turns.set(id, settled);
      try {
        return await turn;
      } finally {
        if (turns.get(id) === settled) turns.delete(id);
      }
    },
    async take(tx, { scope, key, body }) {
      const taken = await tx.query({
        name: 'idempotency_take',
        text: `insert into millrace.idempotency as known (scope, key, body) values ($1, $2, $3)
          on conflict (scope, key) do update set body = excluded.body, answer = null, at = excluded.at
          where known.at < now() - ${lasting} returning 1`,
        values: [scope, key, body],
      });
      if (taken.length > 0) return undefined;
      const [known] = await tx.query({
        name: 'idempotency_find',
        text: 'select body = $3, answer from millrace.idempotency where scope = $1 and key = $2',
        values: [scope, key, body],
      });
      const [isSame, answer] = (known ?? []) as [boolean?, (string | null)?];
      if (!isSame) throw conflict('this idempotency key was used for another operation');
      if (answer == null) throw conflict('this was done already; its answer was too large to be kept');
      return answer;
    },
    async keep(tx, { scope, key }, text) {
      if (Buffer.byteLength(text) > most.answer) return;
      await tx.query({
        name: 'idempotency_keep',
        text: `update millrace.idempotency set answer = $3
          where scope = $1 and key = $2 and pg_total_relation_size('millrace.idempotency') < ${most.table}`,
        values: [scope, key, text],
      });
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/** Forgets keys that are older than they last. */
export async function sweep(db: Queryable): Promise<void> {
  for (let swept = sweptAtOnce; swept === sweptAtOnce; ) {
    const rows = await db.query({
      text: `delete from millrace.idempotency where (scope, key) in (
          select scope, key from millrace.idempotency where at < now() - ${lasting} limit ${sweptAtOnce} for update skip locked
        ) returning 1`,
      values: [],
    });
    swept = rows.length;
  }
}

const conflict = (message: string) => new MillraceError('CONFLICT', message);

/** The key in a request's extensions; any value that a client may send there. */
export const keyIn = (extensions: unknown): unknown =>
  typeof extensions === 'object' && extensions !== null && 'idempotencyKey' in extensions
    ? (extensions.idempotencyKey ?? undefined)
    : undefined;

/** What a mutation is sent as; undefined for one that is sent without a key. @throws MillraceError INVALID_INPUT */
export function claimOf(
  { document, operationName, variableValues, contextValue }: ExecutionArgs,
  key: unknown,
): Claim | undefined {
  if (key === undefined) return undefined;
  // @NOTE strangers are known by their keys alone, so that one may not be guessed.
  if (typeof key !== 'string' || !/^[\x20-\x7e]{16,255}$/.test(key))
    throw invalidInput('idempotencyKey', 'must be 16 to 255 printable characters of ASCII, a UUID for one');
  const { viewer } = contextValue as Context;
  const asked = [document.loc!.source.body, operationName ?? null, variableValues ?? {}, rightsOf(viewer)];
  return { scope: hash([viewer.isAnonymous, viewer.id ?? null]), key, body: hash(asked) };
}

/** Claims of a token that are another's whenever it is renewed. */
const passing = new Set(['exp', 'iat', 'nbf', 'jti', 'auth_time', 'nonce', 'sid', 'at_hash', 'c_hash']);

/**
 * What else than who it is a viewer's sight may depend on.
 * @NOTE a part of what is sent, and not of who sends it: with other rights the same key is refused, not done again.
 */
const rightsOf = ({ claims, role, roles, orgRoles, scopes }: Viewer): unknown => [
  Object.entries(claims)
    .filter(([name]) => !passing.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1)),
  [role ?? null, roles, Object.entries(orgRoles).sort(([a], [b]) => (a < b ? -1 : 1)), scopes ?? null],
];

const hash = (value: unknown): Buffer => createHash('sha256').update(JSON.stringify(value)).digest();
