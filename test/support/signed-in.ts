import { randomBytes } from 'node:crypto';
import type { Config } from '../../src/config/config.ts';
import { openSecrets, type Secrets } from '../../src/platform/secrets.ts';
import type { Answer, TestServer } from './server.ts';

const secret = 'the secret of all nodes of this test';

/** The secrets of servers that are configured `withKnownSecret`. */
export const knownSecrets = (): Promise<Secrets> => openSecrets({ secret, directory: '/nowhere' });

/** Has a server share the secret of its test, by which that signs and derives what the server would. */
export const withKnownSecret = (config: Config): Config => ({ ...config, secrets: { ...config.secrets, secret } });

/** What a session is begun with, whichever way of signing in it comes from. */
export interface SessionOptions {
  kind?: 'person' | 'guest';
  roles?: readonly string[];
  claims?: Record<string, unknown>;
  /** What PostgreSQL takes for an interval, from now. */
  ends?: string;
  idle?: string;
}

/** Somebody who has signed in. */
export interface SignedIn {
  userId: string;
  sessionId: string;
  accessToken: string;
  /** The refresh token of this number; the first one is 1. */
  refreshToken(counter?: number): string;
}

/** Opens a session of a user as signing in does, but by rows: so that no test of sessions depends on a way of signing in. */
export async function signIn(server: TestServer, userId: string, options: SessionOptions = {}): Promise<SignedIn> {
  const { db, tokens } = server.server;
  const { kind = 'person', roles = [], claims = {}, ends = '90 days', idle = '14 days' } = options;
  await db.query({
    text: `insert into auth_accounts (user_id, kind, roles, claims) values ($1, $2::auth_account_kind, $3, $4)
      on conflict (user_id) do update set kind = excluded.kind, roles = excluded.roles, claims = excluded.claims, disabled_at = null`,
    values: [userId, kind, roles, JSON.stringify(claims)],
  });
  const [row] = await db.query({
    text: `insert into auth_sessions (id, user_id, expires_at, authenticated_at, methods)
      values (gen_random_uuid(), $1, now() + $2::interval, now(), '{pwd}') returning id::text`,
    values: [userId, ends],
  });
  const sessionId = row![0] as string;
  const salt = randomBytes(16).toString('base64url');
  await db.query({
    text: 'insert into millrace.auth_refresh (session_id, salt, idle_until) values ($1, $2, now() + $3::interval)',
    values: [sessionId, salt, idle],
  });
  const secrets = await knownSecrets();
  const { token } = await tokens.signAccess!({ sub: userId, sid: sessionId, expiresIn: 600 });
  return {
    userId,
    sessionId,
    accessToken: token,
    refreshToken(counter = 1) {
      const mac = secrets.mac('refresh', `${sessionId}.${counter}.${salt}`).toString('base64url');
      return `mrr_${sessionId}.${counter}.${mac}`;
    },
  };
}

/** What the API answers to whoever sends this token, or none. */
export async function askAs(
  url: string,
  token: string | undefined,
  query: string,
  variables?: Record<string, unknown>,
): Promise<Answer & { status: number; text: string }> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query, variables }),
  });
  const text = await response.text();
  return { ...(text.startsWith('{') ? (JSON.parse(text) as Answer) : {}), status: response.status, text };
}
