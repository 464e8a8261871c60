import { randomUUID } from 'node:crypto';
import { vi } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { createHasher } from '../../src/modules/auth/password/hasher.ts';
import { ask } from './postgres.ts';
import type { Answer, TestServer } from './server.ts';

/** A hash that costs next to nothing, for tests in which its strength is not the matter. */
export const cheap = { memory: 64, passes: 1, atOnce: 2, waiting: 1000 };

/** Configures a server whose clients say which address they have, whose passwords are cheap and whose mails stay at home. */
export const withPasswords = (config: Config): Config => ({
  ...config,
  http: { ...config.http, trustProxy: 1 },
  streams: { ...config.streams, trustProxy: 1 },
  mail: { kind: 'outbox' },
  accounts: { ...config.accounts, publicUrl: 'https://app.example.com', hashing: cheap },
});

/** A password that may be one. */
export const password = 'ein Fluss im Mai';

let addresses = 0;

/** An address that nobody else in the file has, each in a network of its own. */
export function newAddress(): string {
  addresses += 1;
  return `10.${(addresses >> 16) & 255}.${(addresses >> 8) & 255}.${addresses & 255}`;
}

/** An e-mail address that nobody else has. */
export const newEmail = (): string => `${randomUUID().slice(0, 13)}@example.com`;

/** Who asks. */
export interface Asking {
  token?: string;
  /** A new one unless said. */
  address?: string;
  headers?: Record<string, string>;
}

/** The whole answer to a query. */
export const postAs = (
  server: TestServer,
  { token, address = newAddress(), headers }: Asking,
  query: string,
  variables?: Record<string, unknown>,
): Promise<Response> =>
  server.stranger.post(
    { query, variables },
    { ...(token !== undefined && { authorization: `Bearer ${token}` }), 'x-forwarded-for': address, ...headers },
  );

/** The answer to a query. */
export const askBy = async (
  server: TestServer,
  asking: Asking,
  query: string,
  variables?: Record<string, unknown>,
): Promise<Answer> => (await postAs(server, asking, query, variables)).json() as Promise<Answer>;

/** The codes of an answer's errors. */
export const codesOf = ({ errors }: Answer): string[] | undefined => errors?.map(({ extensions }) => extensions.code);

/** The mutation of a sign-in. */
export const signInText = `mutation ($email: String!, $password: String!, $deviceToken: String) {
  signIn(email: $email, password: $password, deviceToken: $deviceToken) {
    session { userId sessionId accessToken refreshToken } secondFactor { methods } deviceToken
  }
}`;

/** What somebody signs in with. */
export interface Credentials {
  email: string;
  password: string;
  deviceToken?: string;
}

/** Signs in. */
export const signInWith = (server: TestServer, credentials: Credentials, asking: Asking = {}): Promise<Answer> =>
  askBy(server, asking, signInText, { ...credentials });

/** An account whose address is verified; without a password where none is given. */
export async function openAccount(
  server: TestServer,
  { email = newEmail(), password: given = password }: { email?: string; password?: string | null } = {},
): Promise<{ userId: string; email: string; password: string }> {
  const userId = randomUUID();
  const hash = given === null ? undefined : await createHasher(cheap).hash(given);
  await ask(
    server.databaseUrl,
    `insert into users (id, email, name) values ('${userId}', '${email}', 'Somebody');
    insert into auth_accounts (user_id, email, email_verified_at) values ('${userId}', '${email}', now());
    ${hash === undefined ? '' : `insert into millrace.auth_passwords (user_id, hash) values ('${userId}', '${hash}')`}`,
  );
  return { userId, email, password: given ?? password };
}

/** A mail that was sent. */
export interface SentMail {
  subject: string;
  text: string;
}

/** All mails to an address, in order. */
export const mailsTo = (server: TestServer, email: string): Promise<SentMail[]> =>
  ask<SentMail>(server.databaseUrl, 'select subject, text from millrace.outbox where recipient = $1 order by id', [
    email,
  ]);

/** Resolves when as many mails have come, and no job waits. */
export async function mailsArrived(server: TestServer, email: string, count: number): Promise<SentMail[]> {
  await vi.waitFor(
    async () => {
      const [waiting] = await ask<{ n: number }>(
        server.databaseUrl,
        "select count(*)::int as n from millrace.mail_jobs where kind in ('sign-up', 'password-reset')",
      );
      const { length } = await mailsTo(server, email);
      if (length < count || waiting!.n > 0) throw new Error(`${length} mails, ${waiting!.n} jobs`);
    },
    { interval: 20, timeout: 8000 },
  );
  return mailsTo(server, email);
}

/** The secret of the link in a mail. */
export const tokenIn = ({ text }: SentMail): string => /[#&]token=([\w-]+)/.exec(text)![1]!;

/** Begins a sign-up. */
export const signUpWith = (server: TestServer, input: Record<string, unknown>, asking: Asking = {}): Promise<Answer> =>
  askBy(
    server,
    asking,
    `mutation ($input: SignUpInput!) { signUp(input: $input) {
      verificationSent signIn { session { userId accessToken } deviceToken }
    } }`,
    { input },
  );

/** Completes a sign-up. */
export const completeWith = (server: TestServer, token: string, typed: string, asking: Asking = {}): Promise<Answer> =>
  askBy(
    server,
    asking,
    `mutation ($token: String!, $password: String!) { completeSignUp(token: $token, password: $password) {
      session { userId sessionId accessToken refreshToken } secondFactor { methods } deviceToken
    } }`,
    { token, password: typed },
  );

/** Asks for a new password; resolves to the link's secret. */
export async function resetTokenOf(server: TestServer, email: string): Promise<string> {
  const before = (await mailsTo(server, email)).length;
  await askBy(server, {}, 'mutation ($email: String!) { requestPasswordReset(email: $email) }', { email });
  return tokenIn((await mailsArrived(server, email, before + 1)).at(-1)!);
}

/** Sets a new password by a link. */
export const resetWith = (
  server: TestServer,
  token: string,
  newPassword: string,
  asking: Asking = {},
): Promise<Answer> =>
  askBy(
    server,
    asking,
    'mutation ($token: String!, $newPassword: String!) { resetPassword(token: $token, newPassword: $newPassword) }',
    { token, newPassword },
  );

/** Whether a token is somebody's. */
export async function isSignedIn(server: TestServer, token: string): Promise<boolean> {
  const answer = await askBy(server, { token }, '{ me { userId } }');
  return answer.data?.me !== undefined && answer.data.me !== null;
}
