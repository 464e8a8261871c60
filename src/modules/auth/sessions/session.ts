/**
 * Sessions: somebody signed in, in one place.
 *
 * A session is a row; it ends by being deleted, which every node hears of by the change log. Access tokens speak of it for some
 * minutes. The refresh token is derived from the session, its salt and a counter, so nothing that could be used stands in the
 * database; each is good once. Of one that is used again after its successor, the session ends (RFC 9700 §4.14.2).
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { v7 } from 'uuid';
import type { Queryable } from '../../../platform/db.ts';
import { recordEvent } from '../audit.ts';
import { claimsToSign } from '../claims.ts';
import { sessionOver } from '../refusals.ts';
import { expandRoles } from '../roles.ts';
import { type Account, asKnown, findAccount, type Needs } from '../users.ts';

/** What a new session is begun with. */
export interface NewSession {
  /** RFC 8176, or words of our own for what it has none. */
  methods: readonly string[];
  assurance: '1' | '2';
  deviceId?: string;
  impersonatorId?: string;
  /** Seconds; as app/accounts.ts says, unless it is to be shorter. */
  lifetime?: number;
  /** It lasts as long as its first access token. */
  isBrief?: boolean;
}

/** What whoever has signed in is given; tokens are null where cookies carry them. */
export interface SessionTokens {
  sessionId: string;
  userId: string;
  accessToken: string | null;
  /** Of the access token. */
  expiresAt: Date;
  refreshToken: string | null;
  /** When the session ends unless it is used. */
  refreshExpiresAt: Date | null;
}

/** Sessions of one account at a time; the oldest make room. */
const maxSessions = 100;
/** Seconds in which a refresh token may be used again, for two tabs that use it at the same time. */
const grace = 10;
/** Milliseconds for which an answer waits for the end of a session. */
const endedWithin = 500;

/** Opens a session of an account, in the operation's transaction. */
export async function openSession(ctx: Needs, account: Account, wanted: NewSession): Promise<SessionTokens> {
  const { plan } = ctx.accounts!;
  const { client, db } = ctx;
  const sessionId = v7();
  const salt = randomBytes(16).toString('base64url');
  const { access, session } = plan.lifetimes;
  const lifetime = wanted.lifetime ?? (wanted.isBrief ? access : session);
  await db.query({
    text: `insert into auth_sessions (id, user_id, expires_at, authenticated_at, methods, assurance, address, user_agent, actor_id, device_id)
      values ($1, $2, now() + make_interval(secs => $3), now(), $4, $5, $6, $7, $8, $9)`,
    values: [
      sessionId,
      account.userId,
      lifetime,
      wanted.methods,
      Number(wanted.assurance),
      client.address,
      client.userAgent?.slice(0, 300) ?? null,
      wanted.impersonatorId ?? null,
      wanted.deviceId ?? null,
    ],
  });
  if (!wanted.isBrief) {
    await db.query({
      text: `insert into millrace.auth_refresh (session_id, salt, idle_until) values ($1, $2, now() + make_interval(secs => $3))`,
      values: [sessionId, salt, plan.lifetimes.idle],
    });
  }
  await db.query({
    text: `delete from auth_sessions where id in
      (select id from auth_sessions where user_id = $1 order by created_at desc, id desc offset $2)`,
    values: [account.userId, maxSessions],
  });
  const issued = { sessionId, ...wanted, authenticatedAt: Math.floor(Date.now() / 1000), lifetime };
  return issueTokens(ctx, account, issued, wanted.isBrief ? undefined : { salt, counter: 1 });
}

interface Issued {
  sessionId: string;
  methods: readonly string[];
  assurance: '1' | '2';
  authenticatedAt: number;
  impersonatorId?: string;
  /** Seconds for which the session may last. */
  lifetime: number;
  isBrief?: boolean;
}

async function issueTokens(
  ctx: Needs,
  account: Account,
  session: Issued,
  refresh: { salt: string; counter: number } | undefined,
): Promise<SessionTokens> {
  const { plan, tokens } = ctx.accounts!;
  const { sessionId, methods, assurance, authenticatedAt, impersonatorId, lifetime, isBrief = false } = session;
  const roles = expandRoles(account.roles, plan.roles);
  const own = claimsToSign(account.claims, await plan.definition.claims?.(asKnown(account)));
  const { access, idle } = plan.lifetimes;
  const { token, expiresAt } = await tokens.signAccess!({
    sub: account.userId,
    sid: sessionId,
    role: account.roles[0],
    claims: {
      ...own,
      amr: methods,
      acr: assurance,
      auth_time: authenticatedAt,
      roles,
      ...(impersonatorId !== undefined && { act: { sub: impersonatorId } }),
    },
    expiresIn: isBrief ? lifetime : Math.min(access, lifetime),
  });
  return {
    sessionId,
    userId: account.userId,
    accessToken: token,
    expiresAt,
    refreshToken: refresh ? refreshToken(ctx, sessionId, refresh) : null,
    refreshExpiresAt: refresh ? new Date(Date.now() + idle * 1000) : null,
  };
}

function refreshToken(ctx: Needs, sessionId: string, { salt, counter }: { salt: string; counter: number }): string {
  const mac = ctx.accounts!.secrets.mac('refresh', `${sessionId}.${counter}.${salt}`).toString('base64url');
  return `mrr_${sessionId}.${counter}.${mac}`;
}

const written = /^mrr_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([1-9]\d{0,8})\.([\w-]{43})$/;

/**
 * Gives new tokens for a refresh token, which is not good any more then. Whoever uses it again within ten seconds, as two tabs of a
 * browser do, is given the same successor; later, the session ends.
 * @throws UNAUTHENTICATED
 */
export async function refreshSession(ctx: Needs, token: string): Promise<SessionTokens> {
  const [, sessionId, digits, mac] = written.exec(token) ?? [];
  if (sessionId === undefined) throw sessionOver();
  const counter = Number(digits);
  const { plan, secrets, db: pool } = ctx.accounts!;
  // @NOTE by the pool, and before the operation has a connection: whoever sends many that are good for nothing holds none up.
  const stored = await readRefresh(pool, sessionId);
  if (!stored) throw sessionOver();
  const expected = secrets.mac('refresh', `${sessionId}.${counter}.${stored.salt}`);
  if (!timingSafeEqual(expected, Buffer.from(mac!, 'base64url').subarray(0, expected.length))) throw sessionOver();
  const isReused = (at: StoredRefresh) => counter < at.counter && !(counter === at.counter - 1 && at.isRecent);
  if (isReused(stored)) return endReused(ctx, sessionId, stored.userId);
  const [turned] = await ctx.db.query({
    text: `update millrace.auth_refresh set counter = counter + 1, rotated_at = now(), idle_until = now() + make_interval(secs => $3)
      where session_id = $1 and counter = $2 and idle_until > now() returning counter`,
    values: [sessionId, counter, plan.lifetimes.idle],
  });
  const current = turned ? { ...stored, counter: counter + 1 } : await readRefresh(ctx.db, sessionId);
  if (!current?.isAlive) throw sessionOver();
  if (isReused(current)) return endReused(ctx, sessionId, stored.userId);
  if (current.counter !== counter + 1) throw sessionOver();
  const account = await findAccount(ctx.db, stored.userId);
  if (!account || account.isDisabled) throw sessionOver();
  return issueTokens(ctx, account, { sessionId, ...stored }, current);
}

interface StoredRefresh {
  salt: string;
  counter: number;
  isRecent: boolean;
  isAlive: boolean;
  userId: string;
  methods: readonly string[];
  assurance: '1' | '2';
  authenticatedAt: number;
  lifetime: number;
  impersonatorId: string | undefined;
}

async function readRefresh(db: Queryable, sessionId: string): Promise<StoredRefresh | undefined> {
  const [row] = await db.query({
    text: `select r.salt, r.counter, r.rotated_at > now() - make_interval(secs => $2), r.idle_until > now() and s.expires_at > now(),
        s.user_id, s.methods, s.assurance, extract(epoch from s.authenticated_at)::float8,
        extract(epoch from s.expires_at - now())::float8, s.actor_id
      from millrace.auth_refresh r join auth_sessions s on s.id = r.session_id where r.session_id = $1`,
    values: [sessionId, grace],
  });
  if (!row) return undefined;
  const [salt, counter, isRecent, isAlive, userId, methods, assurance, authenticatedAt, lifetime, actorId] = row;
  return {
    salt: salt as string,
    counter: counter as number,
    isRecent: isRecent as boolean,
    isAlive: isAlive as boolean,
    userId: userId as string,
    methods: methods as string[],
    assurance: assurance === 2 ? '2' : '1',
    authenticatedAt: Math.floor(authenticatedAt as number),
    lifetime: Math.max(1, lifetime as number),
    impersonatorId: (actorId as string | null) ?? undefined,
  };
}

/** @NOTE by the pool: what is refused is rolled back, and this must be kept. @throws UNAUTHENTICATED */
async function endReused(ctx: Needs, sessionId: string, userId: string): Promise<never> {
  const { db, log } = ctx.accounts!;
  const end = async () => {
    const ended = await db.query({ text: 'delete from auth_sessions where id = $1 returning 1', values: [sessionId] });
    if (ended.length > 0) await recordEvent(ctx, db, 'refresh-reused', { userId, sessionId });
  };
  const ending = end().catch((error: unknown) => log.error({ err: error }, 'a session could not be ended'));
  // @NOTE the same operation may have locked the row by another field; it lets go when this one has failed.
  await Promise.race([ending, new Promise((resolve) => setTimeout(resolve, endedWithin).unref())]);
  throw sessionOver();
}

/** Ends one session of a user; false when it is not there, or another's. */
export async function endSession(ctx: Needs, userId: string, sessionId: string): Promise<boolean> {
  const rows = await ctx.db.query({
    text: 'delete from auth_sessions where id::text = $1 and user_id = $2 returning id',
    values: [sessionId, userId],
  });
  return rows.length > 0;
}

/** Ends all sessions of a user, but for one; resolves to how many. */
export async function endSessions(ctx: Pick<Needs, 'db'>, userId: string, except?: string): Promise<number> {
  const rows = await ctx.db.query({
    text: 'delete from auth_sessions where user_id = $1 and id::text is distinct from $2 returning id',
    values: [userId, except ?? null],
  });
  return rows.length;
}
