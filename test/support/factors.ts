import { randomUUID } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import type { Config } from '../../src/config/config.ts';
import { type ChallengeKind, createChallenge } from '../../src/modules/auth/challenges.ts';
import { type Database, openDatabase } from '../../src/platform/db.ts';
import { cheapHashing } from './accounts.ts';
import { createAuthenticator, type PasskeyOptions, type SoftwareAuthenticator } from './authenticator.ts';
import { type Answer, startWholeServer, type TestServer, type TestServerOptions } from './server.ts';

/** Where the application of these tests is said to be. */
export const appOrigin = 'https://app.example.com';

/** A server with accounts whose factors are tried. */
export interface FactorServer extends TestServer {
  /** Its database, by connections that are kept. */
  db: Database;
  /** Runs a statement on it; the rows are lists of values. */
  sql(text: string, ...values: unknown[]): Promise<unknown[][]>;
}

/** Starts one. */
export async function startFactorServer(options: TestServerOptions = {}): Promise<FactorServer> {
  const server = await startWholeServer({ config: withAddresses, ...options });
  const db = openDatabase({ url: server.databaseUrl, size: 10, statementTimeout: 10_000 }, { onError: () => {} });
  return {
    ...server,
    db,
    sql: (text, ...values) => db.query({ text, values }),
    async [Symbol.asyncDispose]() {
      await db[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Configures a server as that application's; each test's client says which address it has. */
const withAddresses = (config: Config): Config => ({
  ...config,
  http: { ...config.http, trustProxy: 1 },
  accounts: { ...config.accounts, publicUrl: appOrigin, hashing: cheapHashing },
  mail: { kind: 'outbox' },
});

/** An account of a test's own. */
export interface TestAccount {
  userId: string;
  email: string;
}

/** Somebody with a session. */
export interface SignedIn {
  userId: string;
  sessionId: string;
  accessToken: string;
  query(query: string, variables?: Record<string, unknown>): Promise<Answer>;
}

/** Asks with this token, from this address. */
export async function askAs(
  server: TestServer,
  { token, address }: { token?: string; address?: string },
  query: string,
  variables?: Record<string, unknown>,
): Promise<Answer> {
  const response = await server.stranger.post(
    { query, variables },
    {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(address !== undefined && { 'x-forwarded-for': address }),
    },
  );
  return (await response.json()) as Answer;
}

/** Makes a user and an account, with a password that nobody knows. */
export async function openAccount(server: FactorServer): Promise<TestAccount> {
  const userId = randomUUID();
  const email = `${userId.slice(0, 8)}@example.com`;
  await server.db.script(
    `insert into users (id, email, name) values ('${userId}', '${email}', 'Somebody');
    insert into auth_accounts (user_id, email, email_verified_at) values ('${userId}', '${email}', now());
    insert into millrace.auth_passwords (user_id, hash) values ('${userId}', 'none')`,
  );
  return { userId, email };
}

/** Opens a session, as signing in does. @param age seconds since its user proved to be there */
export async function openSessionOf(
  server: TestServer & Pick<FactorServer, 'sql'>,
  { userId }: { userId: string },
  { assurance = 1, age = 0, methods = ['pwd'] }: { assurance?: 1 | 2; age?: number; methods?: string[] } = {},
): Promise<SignedIn> {
  const sessionId = randomUUID();
  await server.sql(
    `insert into auth_sessions (id, user_id, expires_at, authenticated_at, methods, assurance)
      values ($1, $2, now() + interval '1 day', now() - make_interval(secs => $3), $4, $5)`,
    ...[sessionId, userId, age, methods, assurance],
  );
  const { token } = await server.server.tokens.signAccess!({ sub: userId, sid: sessionId, claims: {}, expiresIn: 600 });
  const query: SignedIn['query'] = (text, variables) => askAs(server, { token }, text, variables);
  return { userId, sessionId, accessToken: token, query };
}

/** A challenge of this kind. */
export const challengeOf = (
  server: FactorServer,
  kind: ChallengeKind,
  userId: string,
  data: Record<string, unknown> = {},
): Promise<string> => createChallenge(server.db, { kind, userId, data, lifetime: 300 });

/** A sign-in by password that waits for a second factor. */
export const pendingOf = (server: FactorServer, userId: string): Promise<string> =>
  challengeOf(server, 'second-factor', userId, { method: 'password', amr: ['pwd'], isFirst: false });

/** What an app shows for a secret, so many steps from now. */
export const codeOf = (secret: string, steps = 0): string =>
  TOTP.generate({ secret: Secret.fromBase32(secret), timestamp: Date.now() + steps * 30_000 });

/** Makes all codes good again that have been used. */
export const forgetUsedCodes = (server: FactorServer, userId: string): Promise<unknown> =>
  server.sql('update millrace.auth_totp set last_step = 0 where user_id = $1', userId);

/** An account with an app. */
export async function openTotpAccount(
  server: FactorServer,
): Promise<TestAccount & { secret: string; recoveryCodes: string[]; session: SignedIn }> {
  const account = await openAccount(server);
  const session = await openSessionOf(server, account);
  const { secret } = (await session.query('mutation { startTotp { secret } }')).data.startTotp as { secret: string };
  const confirmed = await session.query('mutation ($code: String!) { confirmTotp(code: $code) }', {
    code: codeOf(secret),
  });
  const recoveryCodes = confirmed.data.confirmTotp as string[];
  await forgetUsedCodes(server, account.userId);
  return { ...account, secret, recoveryCodes, session };
}

const finish = `mutation ($response: JSON!) { finishPasskeyRegistration(response: $response, name: "Mine") { id name isBackedUp recoveryCodes } }`;

/** Begins to make a passkey. */
export const startRegistration = async (session: SignedIn): Promise<PasskeyOptions> =>
  (await session.query('mutation { startPasskeyRegistration }')).data.startPasskeyRegistration;

/** Sends what an authenticator answered. */
export const finishRegistration = (session: SignedIn, response: unknown): Promise<Answer> =>
  session.query(finish, { response });

/** Asks for a passkey. */
export async function startPasskey(
  server: FactorServer,
  { secondFactorToken, session, address }: { secondFactorToken?: string; session?: SignedIn; address?: string } = {},
): Promise<PasskeyOptions & { allowCredentials?: { id: string }[] }> {
  const answer = await askAs(
    server,
    { token: session?.accessToken, address },
    `mutation ($token: String, $again: Boolean) { startPasskeySignIn(secondFactorToken: $token, reauthenticate: $again) }`,
    { token: secondFactorToken, again: session !== undefined },
  );
  return answer.data.startPasskeySignIn;
}

/** Sends a passkey, to sign in. */
export const signInWithPasskey = (server: FactorServer, response: unknown, address?: string): Promise<Answer> =>
  askAs(
    server,
    { address },
    'mutation ($response: JSON!) { signInWithPasskey(response: $response) { session { userId sessionId accessToken } secondFactor { token } } }',
    { response },
  );

/** Sends a second factor. */
export const completeSecondFactor = (
  server: FactorServer,
  given: { token: string; code?: string; recoveryCode?: string; passkey?: unknown },
  address?: string,
): Promise<Answer> =>
  askAs(
    server,
    { address },
    `mutation ($token: String!, $code: String, $recoveryCode: String, $passkey: JSON) {
      completeSecondFactor(token: $token, code: $code, recoveryCode: $recoveryCode, passkey: $passkey) {
        session { userId sessionId accessToken refreshToken } secondFactor { token }
      }
    }`,
    given,
  );

/** An account with a passkey, which is in the authenticator. */
export async function openPasskeyAccount(
  server: FactorServer,
  authenticator: SoftwareAuthenticator = createAuthenticator({ origin: appOrigin }),
): Promise<
  TestAccount & { session: SignedIn; authenticator: SoftwareAuthenticator; passkeyId: string; recoveryCodes: string[] }
> {
  const account = await openAccount(server);
  const session = await openSessionOf(server, account);
  const made = await finishRegistration(session, authenticator.create(await startRegistration(session)));
  const { id, recoveryCodes } = made.data.finishPasskeyRegistration;
  return { ...account, session, authenticator, passkeyId: id, recoveryCodes };
}

/** The kinds of an account's events. */
export async function eventsOf(server: FactorServer, userId: string): Promise<string[]> {
  const rows = await server.sql('select kind from auth_events where user_id = $1 order by at, id', userId);
  return rows.map(([kind]) => kind as string);
}

/** How many sessions an account has. */
export async function countSessions(server: FactorServer, userId: string): Promise<number> {
  const [row] = await server.sql('select count(*)::int n from auth_sessions where user_id = $1', userId);
  return row![0] as number;
}

/** The codes of an answer's errors. */
export const codesOf = (answer: Answer): string[] | undefined =>
  answer.errors?.map(({ extensions }) => extensions.code);
