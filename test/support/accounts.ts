import { readSources } from '../../src/application.ts';
import type { AccountsDefinition } from '../../src/modules/auth/define-accounts.ts';
import { type Answer, type Asker, startServer, type TestServer, type TestServerOptions } from './server.ts';

/** Somebody who has signed in. */
export interface SignedIn extends Pick<Asker, 'query'> {
  userId: string;
  sessionId: string;
  accessToken: string;
  refreshToken: string;
}

/** A server with accounts, and the ways of getting in that tests use. */
export interface AccountServer extends TestServer {
  /** A new guest. */
  guest(): Promise<SignedIn>;
  refresh(refreshToken: string): Promise<Answer>;
  /** Whoever has this token. */
  bearer(token: string): Pick<Asker, 'query'>;
  /** What somebody is who was given these tokens by any mutation. */
  signedIn(tokens: Omit<SignedIn, 'query'>): SignedIn;
}

/** Fields that tell all of a session. */
export const sessionFields = 'sessionId userId accessToken refreshToken';

/** Hashes that cost nothing, for tests that are not about their cost. */
export const cheapHashing = { memory: 1024, passes: 1 };

/** Starts a server with the example's accounts, where hashes cost nothing. */
export async function startAccountServer(
  options: TestServerOptions & { accounts?: AccountsDefinition } = {},
): Promise<AccountServer> {
  const { accounts, ...rest } = options;
  const server = await startServer({
    ...rest,
    sources: rest.sources ?? { ...(await readSources(process.cwd())), ...(accounts && { accounts }) },
    config: (config) => {
      const cheap = { ...config, accounts: { ...config.accounts, hashing: cheapHashing } };
      return rest.config?.(cheap) ?? cheap;
    },
  });
  const bearer = (token: string): Pick<Asker, 'query'> => ({
    async query(query, variables) {
      const headers = { authorization: `Bearer ${token}` };
      return (await (await server.stranger.post({ query, variables }, headers)).json()) as Answer;
    },
  });
  const signedIn = (tokens: Omit<SignedIn, 'query'>): SignedIn => ({ ...tokens, ...bearer(tokens.accessToken) });
  return {
    ...server,
    bearer,
    signedIn,
    async guest() {
      const answer = await server.stranger.query(`mutation { signInAsGuest { session { ${sessionFields} } } }`);
      if (answer.errors) throw new Error(JSON.stringify(answer.errors));
      return signedIn(answer.data.signInAsGuest.session);
    },
    refresh: (refreshToken) =>
      server.stranger.query(
        `mutation ($refreshToken: String) { refreshSession(refreshToken: $refreshToken) { ${sessionFields} } }`,
        { refreshToken },
      ),
  };
}
