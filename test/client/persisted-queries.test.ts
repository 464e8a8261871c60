import { createHash } from 'node:crypto';
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { fetchExchange, Client as UrqlClient } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';

let server: TestServer;
let authorization: string;
beforeAll(async () => {
  server = await startServer();
  await insertTeam(server.databaseUrl);
  authorization = `Bearer ${await server.server.tokens.mint!({ sub: team.ann })}`;
});
afterAll(() => server[Symbol.asyncDispose]());

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** A fetch that remembers what went over the wire: method, whether the text was sent, status. */
function recordingFetch() {
  const sent: [method: string, hasText: boolean, status: number][] = [];
  const recording: typeof fetch = async (input, init = {}) => {
    const response = await fetch(input, init);
    const said = `${String(input)} ${String(init.body)}`;
    sent.push([init.method ?? 'GET', /query(=|":")[^&"]/.test(said) && /totalCount/.test(said), response.status]);
    return response;
  };
  return { sent, recording };
}

type Ask = (client: { of: number; recording: typeof fetch }) => () => Promise<unknown>;
const document = (of: number) => `query Count${of} { tasks { totalCount } }`;
const libraries: [string, Ask][] = [
  [
    'Apollo',
    ({ of, recording }) => {
      const uri = `${server.url}/graphql`;
      const link = new PersistedQueryLink({ sha256, useGETForHashedQueries: true }).concat(
        new HttpLink({ uri, headers: { authorization }, fetch: recording }),
      );
      const client = new ApolloClient({ link, cache: new InMemoryCache() });
      const query = gql(document(of));
      return async () => (await client.query({ query, fetchPolicy: 'no-cache' })).data;
    },
  ],
  [
    'urql',
    ({ of, recording }) => {
      const client = new UrqlClient({
        url: `${server.url}/graphql`,
        preferGetMethod: true,
        fetch: recording,
        fetchOptions: { headers: { authorization } },
        exchanges: [
          persistedExchange({ preferGetForPersistedQueries: 'force', generateHash: async (query) => sha256(query) }),
          fetchExchange,
        ],
      });
      return async () => {
        const { data, error } = await client.query(document(of), {}, { requestPolicy: 'network-only' }).toPromise();
        if (error) throw error;
        return data as unknown;
      };
    },
  ],
];

describe.each(libraries)('%s', (name, open) => {
  it('sends a hash, the text once when nobody has sent it before, and the hash alone from then on', async () => {
    const of = libraries.findIndex(([other]) => other === name);
    const first = recordingFetch();
    const answer = { tasks: { totalCount: expect.any(Number) } };
    const ask = open({ of, ...first });
    expect(await ask()).toMatchObject(answer);
    expect(await ask()).toMatchObject(answer);
    expect(first.sent.map(([, hasText]) => hasText)).toEqual([false, true, false]);
    expect(first.sent.map(([method]) => method)[0]).toBe('GET');
    expect(first.sent.map(([, , status]) => status).at(-1)).toBe(200);
    // Another client of the same application.
    const second = recordingFetch();
    expect(await open({ of, ...second })()).toMatchObject(answer);
    expect(second.sent).toEqual([['GET', false, 200]]);
  });
});
