/**
 * The keys that access tokens of accounts are signed by, shared by all nodes of a database and changed without a pause.
 *
 * - **next**: published, so that everybody knows it before its first token.
 * - **active**: the one that signs. There is exactly one.
 * - **retired**: signs no more; verifies until none of its tokens can be alive. Its private half is gone.
 *
 * Private halves are sealed by the installation's secret: who reads the table can sign nothing.
 */
import type { JSONWebKeySet, JWK } from 'jose';
import { MillraceError, StartupError } from '../errors.ts';
import type { Database, Queryable } from './db.ts';
import { createPrivateJwk, readSigningKey, readVerifyingKey, type SigningKey, type VerifyingKey } from './keys.ts';
import type { Logger } from './log.ts';
import type { Secrets } from './secrets.ts';

/** What a key is there for. */
export type KeyState = 'next' | 'active' | 'retired';

/** One key as whoever runs the installation is told of it. */
export interface KeyRecord {
  kid: string;
  state: KeyState;
  /** When it came to this state. */
  since: Date;
}

/** The signing keys of an installation, as this node knows them. */
export interface SigningKeys extends Disposable {
  /** Seconds: no token that they sign may live longer. */
  readonly maxTokenAge: number;
  /** The key that signs now. @throws MillraceError UNAVAILABLE where that cannot be known */
  active(): Promise<SigningKey>;
  /** The key of this name, if this node knows it. */
  known(kid: string): VerifyingKey | undefined;
  /** The key of this name; of an unknown one the database is asked, once a second at most, for which a caller may wait. */
  find(kid: string): Promise<VerifyingKey | undefined>;
  /** All public keys, the next one too. */
  jwks(): JSONWebKeySet;
  /** Newest first. */
  list(): Promise<KeyRecord[]>;
  /** Lets the next key sign from now on, on all nodes; `discard` ends all keys, and with them all their tokens, at once. */
  rotate(options?: { discard?: boolean }): Promise<void>;
}

/** What signing keys are opened with. */
export interface SigningKeyNeeds {
  db: Database;
  secrets: Secrets;
  log: Logger;
  /** Seconds that the longest-lived token lives. */
  maxTokenAge: number;
  /** Milliseconds after which this node looks for what others have done. */
  reloadEvery?: number;
}

const purpose = 'signing key';
/** The advisory lock of whoever makes the table or changes keys. */
const keyLock = 7_270_005;
const activeFor = `interval '90 days'`;
/** Seconds that a retired key verifies beyond its tokens' lives: a node that is late may have signed by it meanwhile. */
const slack = 3_600;
/** Milliseconds after which what this node knows is too old to sign by. */
const tooOld = 5 * 60_000;
const askedAtMostEvery = 1_000;

const table = `
create schema if not exists millrace;
create table if not exists millrace.signing_keys (
  kid text primary key,
  state text not null check (state in ('next', 'active', 'retired')),
  public_jwk jsonb not null,
  proof bytea not null,
  private_jwk text check ((private_jwk is null) = (state = 'retired')),
  since timestamptz not null default now()
);
create unique index if not exists signing_keys_state on millrace.signing_keys (state) where state <> 'retired';`;

/** What one look into the table yields. */
interface Known {
  keys: ReadonlyMap<string, VerifyingKey>;
  active: SigningKey;
  isDue: boolean;
  /** When it was read (`performance.now()`). */
  at: number;
}

/** Opens the keys in the database, made where they are missing. @throws StartupError where this secret does not open them */
export async function openSigningKeys(needs: SigningKeyNeeds): Promise<SigningKeys> {
  const { db, secrets, log, maxTokenAge, reloadEvery = 5_000 } = needs;
  await ensureKeys(db, secrets);
  let known = await readKeys(needs);
  let loading: Promise<void> | undefined;
  const reload = (): Promise<void> => {
    loading ??= readKeys(needs)
      .then((read) => {
        known = read;
      })
      .catch((error: unknown) => {
        if (!(error instanceof StartupError)) throw error;
        // Another node has begun anew with another secret: what this one knows is worth nothing from then on.
        known = { ...known, keys: new Map(), at: Number.NEGATIVE_INFINITY };
        throw new MillraceError('UNAVAILABLE', 'The keys of access tokens have changed.', {}, { cause: error });
      })
      .finally(() => {
        loading = undefined;
      });
    return loading;
  };
  const rotate = async ({ discard = false }: { discard?: boolean } = {}) => {
    await inTurn(db, (tx) => (discard ? replaceKeys(tx, secrets) : promoteNext(tx, secrets, maxTokenAge)));
    // One under way may have looked before.
    await loading?.catch(() => {});
    await reload();
  };
  const renew = async (): Promise<void> => {
    await reload();
    if (!known.isDue) return;
    await inTurn(db, async (tx) => {
      // Another node may have done it.
      if (await isDue(tx)) await promoteNext(tx, secrets, maxTokenAge);
    });
    log.info('the key that signs access tokens was changed, being 90 days old');
    await reload();
  };
  let isClosed = false;
  const warn = (error: unknown) => isClosed || log.warn({ err: error }, 'signing keys cannot be read');
  if (known.isDue) await renew();
  const timer = setInterval(() => void renew().catch(warn), reloadEvery).unref();
  let asking: Promise<void> | undefined;
  /** Looks again, not sooner than a second after the last look; all who ask meanwhile wait for the same. */
  const ask = (): Promise<void> => {
    asking ??= pause(known.at + askedAtMostEvery - performance.now())
      .then(reload)
      .finally(() => {
        asking = undefined;
      });
    return asking;
  };
  return {
    maxTokenAge,
    async active() {
      if (performance.now() - known.at > tooOld) await reload();
      return known.active;
    },
    known: (kid) => known.keys.get(kid),
    async find(kid) {
      // @NOTE what is no thumbprint is no name of ours: whoever makes names up shall not make the database work.
      if (!known.keys.has(kid) && /^[\w-]{43}$/.test(kid)) await ask();
      return known.keys.get(kid);
    },
    jwks: () => ({ keys: [...known.keys.values()].map(({ publicJwk }) => ({ ...publicJwk })) }),
    list: () => listKeys(db),
    rotate,
    [Symbol.dispose]() {
      isClosed = true;
      clearInterval(timer);
    },
  };
}

/** Throws all keys away, without opening them, and makes new ones: where the secret that sealed them is lost or known. */
export async function discardSigningKeys(db: Database, secrets: Secrets): Promise<void> {
  await ensureTable(db);
  await inTurn(db, (tx) => replaceKeys(tx, secrets));
}

const pause = (milliseconds: number): Promise<void> =>
  milliseconds > 0 ? new Promise((resolve) => setTimeout(resolve, milliseconds)) : Promise.resolve();

async function ensureTable(db: Database): Promise<void> {
  const [there] = await db.query({ text: `select to_regclass('millrace.signing_keys') is not null`, values: [] });
  if (there![0] !== true) await inTurn(db, (tx) => tx.script(table));
}

async function ensureKeys(db: Database, secrets: Secrets): Promise<void> {
  await ensureTable(db);
  await inTurn(db, async (tx) => {
    const rows = await tx.query({ text: `select from millrace.signing_keys where state <> 'retired'`, values: [] });
    if (rows.length === 0) await replaceKeys(tx, secrets);
  });
}

const inTurn = (db: Database, work: (tx: Queryable) => Promise<void>): Promise<void> =>
  db.transaction(async (tx) => {
    await tx.query({ text: `select pg_advisory_xact_lock(${keyLock})`, values: [] });
    await work(tx);
  });

async function replaceKeys(tx: Queryable, secrets: Secrets): Promise<void> {
  await tx.query({ text: 'delete from millrace.signing_keys', values: [] });
  await insertKey(tx, secrets, 'active');
  await insertKey(tx, secrets, 'next');
}

async function promoteNext(tx: Queryable, secrets: Secrets, maxTokenAge: number): Promise<void> {
  const move = (from: KeyState, to: string) =>
    tx.query({ text: `update millrace.signing_keys set ${to}, since = now() where state = '${from}'`, values: [] });
  await move('active', `state = 'retired', private_jwk = null`);
  await move('next', `state = 'active'`);
  await insertKey(tx, secrets, 'next');
  await tx.query({
    text: `delete from millrace.signing_keys where state = 'retired' and since < now() - make_interval(secs => $1)`,
    values: [maxTokenAge + slack],
  });
}

async function insertKey(tx: Queryable, secrets: Secrets, state: KeyState): Promise<void> {
  const jwk = await createPrivateJwk();
  const { kid, publicJwk } = await readSigningKey(jwk);
  await tx.query({
    text: 'insert into millrace.signing_keys (kid, state, public_jwk, proof, private_jwk) values ($1, $2, $3, $4, $5)',
    values: [
      kid,
      state,
      JSON.stringify(publicJwk),
      secrets.mac(purpose, kid),
      secrets.seal(purpose, JSON.stringify(jwk)),
    ],
  });
}

const due = `(state = 'active' and since < now() - ${activeFor})`;

async function isDue(tx: Queryable): Promise<boolean> {
  return (await tx.query({ text: `select from millrace.signing_keys where ${due}`, values: [] })).length > 0;
}

async function readKeys({ db, secrets, maxTokenAge }: SigningKeyNeeds): Promise<Known> {
  const at = performance.now();
  const rows = await db.query({
    text: `select state, public_jwk::text, proof, private_jwk, ${due} from millrace.signing_keys
      where state <> 'retired' or since > now() - make_interval(secs => $1) order by state, since desc`,
    values: [maxTokenAge + slack],
  });
  const keys = new Map<string, VerifyingKey>();
  let active: SigningKey | undefined;
  for (const [state, publicJwk, proof, sealed] of rows as [KeyState, string, Buffer, string | null][]) {
    const key = sealed === null ? await readVerifyingKey(JSON.parse(publicJwk) as JWK) : await openKey(secrets, sealed);
    // @NOTE a name is the key's thumbprint: who can write the table, and has not the secret, brings no key of theirs in.
    if (proof.equals(secrets.mac(purpose, key.kid))) keys.set(key.kid, key);
    if (state === 'active') active = key as SigningKey;
  }
  if (!active) throw new MillraceError('UNAVAILABLE', 'There is no key that signs access tokens.', { retryAfter: 5 });
  return { keys, active, isDue: rows.some((row) => row.at(-1) === true), at };
}

async function openKey(secrets: Secrets, sealed: string): Promise<SigningKey> {
  const text = secrets.open(purpose, sealed);
  if (text) return readSigningKey(JSON.parse(text.toString()) as JWK);
  throw new StartupError(
    'The keys that sign access tokens were sealed by another secret.',
    'Give every node the same AUTH_SECRET, or the same file keys/secret under MILLRACE_DIR. ' +
      'Where it is lost, `npx millrace keys rotate --discard` makes new keys.',
  );
}

async function listKeys(db: Queryable): Promise<KeyRecord[]> {
  const rows = await db.query({
    text: `select kid, state, (extract(epoch from since) * 1000)::float8 from millrace.signing_keys order by since desc, state`,
    values: [],
  });
  return (rows as [string, KeyState, number][]).map(([kid, state, since]) => ({ kid, state, since: new Date(since) }));
}
