import type { Config } from '../../src/config/config.ts';
import type { AccountServer, SignedIn } from './accounts.ts';
import { ask } from './postgres.ts';
import { team } from './team.ts';

/** Who somebody of a test is. */
export interface PersonOptions {
  email?: string;
  name?: string;
  roles?: readonly string[];
  isVerified?: boolean;
  kind?: 'person' | 'guest';
  /** Minutes since they have proved who they are. */
  signedInSince?: number;
}

/** Somebody who has signed in. */
export type Person = Omit<SignedIn, 'refreshToken'> & { email: string };

/** Makes a user with an account and a session, by rows: no test of what follows depends on a way of signing in. */
export async function makePerson(server: AccountServer, options: PersonOptions = {}): Promise<Person> {
  const { db } = server.server;
  const email = options.email ?? `${crypto.randomUUID()}@people.test`;
  const { name = 'Somebody', roles = [], isVerified = true, kind = 'person' } = options;
  const [user] = await db.query({
    text: 'insert into users (id, email, name) values (gen_random_uuid(), $1, $2) returning id::text',
    values: [email, name],
  });
  const userId = user![0] as string;
  await db.query({
    text: `insert into auth_accounts (user_id, kind, email, email_verified_at, roles)
      values ($1, $2::auth_account_kind, $3, case when $4::boolean then now() end, $5)`,
    values: [userId, kind, kind === 'guest' ? null : email, isVerified, roles],
  });
  return { ...(await openSessionOf(server, userId, options.signedInSince)), email };
}

/** Another session of a user. */
export async function openSessionOf(
  server: AccountServer,
  userId: string,
  signedInSince = 0,
): Promise<Omit<SignedIn, 'refreshToken'>> {
  const { db, tokens } = server.server;
  const [row] = await db.query({
    text: `insert into auth_sessions (id, user_id, expires_at, authenticated_at, methods)
      values (gen_random_uuid(), $1, now() + interval '1 day', now() - make_interval(mins => $2), '{pwd}') returning id::text`,
    values: [userId, signedInSince],
  });
  const sessionId = row![0] as string;
  const { token } = await tokens.signAccess!({ sub: userId, sid: sessionId, expiresIn: 600 });
  return { userId, sessionId, accessToken: token, ...server.bearer(token) };
}

/** The text of the newest mail to an address that was sent after so many others to it. */
export async function mailTo(server: AccountServer, address: string, after = 0): Promise<string> {
  for (let i = 0; i < 200; i += 1) {
    const rows = await ask<{ text: string }>(
      server.databaseUrl,
      'select text from millrace.outbox where recipient = $1 order by id',
      [address],
    );
    if (rows.length > after) return rows.at(-1)!.text;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`no mail came to ${address}`);
}

/** The token in the link of a mail. */
export const tokenIn = (text: string): string => /[#&]token=([\w-]+)/.exec(text)![1]!;

/** Has a server put its mails where a test finds them. */
export const withOutbox = (config: Config): Config => ({ ...config, mail: { kind: 'outbox' } });

/** What the manual speaks of beside the team: an organization. */
export const guild = '00000000-0000-7000-8000-000000000101';

/** Whoever the manual has signed in: olga, who owns the Guild, of which ben of the team is a member; root, an admin; a guest. */
export async function insertGuild(server: AccountServer): Promise<Readonly<Record<string, Pick<SignedIn, 'query'>>>> {
  const olga = await makePerson(server, { email: 'olga@guild.test', name: 'Olga' });
  await ask(
    server.databaseUrl,
    `insert into organizations (id, name) values ('${guild}', 'The Guild');
    insert into auth_accounts (user_id, email) values ('${team.ben}', 'ben@mill.test');
    insert into organization_members (organization_id, user_id, role) values
      ('${guild}', '${olga.userId}', 'owner'), ('${guild}', '${team.ben}', 'member');`,
  );
  return {
    olga,
    root: await makePerson(server, { email: 'root@mill.test', roles: ['admin'] }),
    guest: await makePerson(server, { kind: 'guest' }),
  };
}
