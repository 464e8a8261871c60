/**
 * What is true of sessions and accounts now: who is signed in, with which roles, in which organisations. Read once and remembered;
 * the change log says what is not true any more, on every node, wherever the change came from.
 */
import { LRUCache } from 'lru-cache';
import { type LogEntry, tableKey } from '../../log/entry.ts';
import type { LogTail } from '../../log/tail.ts';
import type { Database } from '../../platform/db.ts';
import type { AccountsPlan } from './plan.ts';

/** A session that has not ended. */
export interface SessionState {
  id: string;
  userId: string;
  methods: readonly string[];
  assurance: '1' | '2';
  /** Seconds since 1970, as the next. */
  authenticatedAt: number;
  expiresAt: number;
  impersonatorId: string | undefined;
}

/** What an account comes to, whoever asks by it. */
export interface AccountState {
  userId: string;
  kind: 'person' | 'guest' | 'service';
  isDisabled: boolean;
  /** As given, without what they inherit. */
  roles: readonly string[];
  claims: Readonly<Record<string, unknown>>;
  /** Roles in organisations, by their ids. */
  orgRoles: Readonly<Record<string, string>>;
}

/** A key that has not ended, as far as is known. */
export interface ApiKeyState {
  id: string;
  prefix: string;
  userId: string;
  scopes: readonly string[];
  /** Seconds since 1970; for ever without an end. */
  expiresAt: number;
  /** Of the secret. */
  hash: Buffer;
}

/** What has changed: sessions that are others or over, users whose rights are others. */
export interface StateChange {
  sessions: ReadonlySet<string>;
  users: ReadonlySet<string>;
  /** Keys of the API, by their prefixes. */
  apiKeys: ReadonlySet<string>;
  /** Nobody knows what has: everything may have. */
  all: boolean;
}

/** What is known of sessions and accounts. */
export interface ViewerStates extends Disposable {
  /** Undefined when it has ended, or never was. */
  session(id: string): Promise<SessionState | undefined>;
  account(userId: string): Promise<AccountState | undefined>;
  apiKey(prefix: string): Promise<ApiKeyState | undefined>;
  /** Calls back when what was told before is not true any more, until the returned function is called. */
  onChange(listener: (change: StateChange) => void): () => void;
}

const remembered = 20_000;
/** Milliseconds: what is remembered is looked at again, whatever the log says. */
const rememberedFor = 60_000;

const sessionText = `select id::text, user_id, methods, assurance, extract(epoch from authenticated_at)::float8,
    extract(epoch from expires_at)::float8, actor_id
  from auth_sessions where id = $1 and expires_at > now()`;

const accountText = (hasOrganizations: boolean) => `select user_id, kind, disabled_at is not null, roles, claims,
    ${hasOrganizations ? `(select coalesce(jsonb_object_agg(organization_id, role), '{}') from organization_members m where m.user_id = a.user_id)` : `'{}'::jsonb`}
  from auth_accounts a where user_id = $1`;

const apiKeyText = `select k.id::text, k.prefix, k.user_id, k.scopes, extract(epoch from k.expires_at)::float8, s.hash
  from auth_api_keys k join millrace.auth_api_keys s on s.id = k.id where k.prefix = $1`;

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Begins to know; the plan says which tables of the log it is about. */
export function openViewerStates({
  db,
  tail,
  plan: { account, hasOrganizations },
}: {
  db: Database;
  tail: LogTail;
  plan: Pick<AccountsPlan, 'account' | 'hasOrganizations'>;
}): ViewerStates {
  const listeners = new Set<(change: StateChange) => void>();
  const sessions = createMemory(async (id) => {
    const [row] = uuid.test(id) ? await db.query({ text: sessionText, values: [id] }) : [];
    return row && sessionOf(row);
  });
  const accounts = createMemory(async (userId) => {
    const [row] = await db.query({ text: accountText(hasOrganizations), values: [userId] });
    return row && accountOf(row);
  });
  const apiKeys = createMemory(async (prefix) => {
    const [row] = await db.query({ text: apiKeyText, values: [prefix] });
    return row && apiKeyOf(row);
  });
  const table = (name: string) => tableKey({ schema: account.table.schema, name });
  const keys = new Map<string, [about: 'sessions' | 'users' | 'apiKeys', key: string]>([
    [table('auth_sessions'), ['sessions', 'id']],
    [table('auth_accounts'), ['users', 'user_id']],
    [table('auth_api_keys'), ['apiKeys', 'prefix']],
    ...(hasOrganizations ? [[table('organization_members'), ['users', 'user_id']] as [string, ['users', string]]] : []),
  ]);
  let place = tail.head;

  const hear = (): void => {
    const entries = tail.head.epoch === place.epoch ? tail.recent(place.seq) : undefined;
    place = tail.head;
    const change = changeIn(entries, keys);
    if (!change) return;
    if (change.all) {
      sessions.forgetAll();
      accounts.forgetAll();
      apiKeys.forgetAll();
    }
    for (const id of change.sessions) sessions.forget(id);
    for (const id of change.users) accounts.forget(id);
    for (const prefix of change.apiKeys) apiKeys.forget(prefix);
    for (const listener of listeners) listener(change);
  };
  const stop = tail.onGrowth(hear);
  return {
    session: sessions.get,
    account: accounts.get,
    apiKey: apiKeys.get,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    [Symbol.dispose]: stop,
  };
}

/** What entries say; undefined when it is nothing. @param entries undefined when nobody knows them any more */
function changeIn(
  entries: readonly LogEntry[] | undefined,
  keys: ReadonlyMap<string, [about: 'sessions' | 'users' | 'apiKeys', key: string]>,
): StateChange | undefined {
  const change = { sessions: new Set<string>(), users: new Set<string>(), apiKeys: new Set<string>(), all: !entries };
  for (const entry of entries ?? []) {
    const known = keys.get(entry.table);
    if (!known) continue;
    const [about, key] = known;
    if (entry.kind === 'truncate') change.all = true;
    // A new session or key changes nothing that anybody knows; a new account or membership does.
    else if (entry.kind !== 'insert' || about === 'users') {
      for (const image of [entry.old, entry.new])
        if (image !== null) change[about].add(String((JSON.parse(image) as Record<string, unknown>)[key]));
    }
  }
  const isEmpty = change.sessions.size + change.users.size + change.apiKeys.size === 0 && !change.all;
  return isEmpty ? undefined : change;
}

interface Memory<T> {
  get(key: string): Promise<T | undefined>;
  forget(key: string): void;
  forgetAll(): void;
}

/** Something that is being read. */
interface Reading<T> {
  /** It has changed since the reading began. */
  isOutdated: boolean;
  result: Promise<T | undefined>;
}

/** Remembers what was read; what is not there is not remembered. */
function createMemory<T extends object>(read: (key: string) => Promise<T | undefined>): Memory<T> {
  const known = new LRUCache<string, T>({ max: remembered, ttl: rememberedFor });
  const reading = new Map<string, Reading<T>>();
  const begin = (key: string): Promise<T | undefined> => {
    const work = async (): Promise<T | undefined> => {
      // @NOTE what has changed while it was read may have been read as it was before.
      for (;;) {
        current.isOutdated = false;
        const found = await read(key);
        if (current.isOutdated) continue;
        if (found) known.set(key, found);
        return found;
      }
    };
    const current: Reading<T> = { isOutdated: false, result: Promise.resolve(undefined) };
    current.result = work().finally(() => reading.delete(key));
    reading.set(key, current);
    return current.result;
  };
  return {
    get(key) {
      const found = known.get(key);
      return found ? Promise.resolve(found) : (reading.get(key)?.result ?? begin(key));
    },
    forget(key) {
      known.delete(key);
      const current = reading.get(key);
      if (current) current.isOutdated = true;
    },
    forgetAll() {
      known.clear();
      for (const current of reading.values()) current.isOutdated = true;
    },
  };
}

const sessionOf = (row: readonly unknown[]): SessionState => {
  const [id, userId, methods, assurance, authenticatedAt, expiresAt, actorId] = row;
  return {
    id: id as string,
    userId: userId as string,
    methods: methods as string[],
    assurance: assurance === 2 ? '2' : '1',
    authenticatedAt: Math.floor(authenticatedAt as number),
    expiresAt: expiresAt as number,
    impersonatorId: (actorId as string | null) ?? undefined,
  };
};

const accountOf = (row: readonly unknown[]): AccountState => {
  const [userId, kind, isDisabled, roles, claims, orgRoles] = row;
  return {
    userId: userId as string,
    kind: kind as AccountState['kind'],
    isDisabled: isDisabled as boolean,
    roles: roles as string[],
    claims: claims as AccountState['claims'],
    orgRoles: orgRoles as AccountState['orgRoles'],
  };
};

const apiKeyOf = (row: readonly unknown[]): ApiKeyState => {
  const [id, prefix, userId, scopes, expiresAt, hash] = row;
  return {
    id: id as string,
    prefix: prefix as string,
    userId: userId as string,
    scopes: scopes as string[],
    expiresAt: (expiresAt as number | null) ?? Number.POSITIVE_INFINITY,
    hash: hash as Buffer,
  };
};
