// PostGraphile 5 with its Amber preset; rules by row-level security, under a role and settings as its documentation shows; filters
// and groups by the plugins for them.
import { createServer } from 'node:http';
import { PgAggregatesPreset } from '@graphile/pg-aggregates';
import { postgraphile } from 'postgraphile';
import { makePgService } from 'postgraphile/adaptors/pg';
import { lambda } from 'postgraphile/grafast';
import { grafserv } from 'postgraphile/grafserv/node';
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber';
import { extendSchema } from 'postgraphile/utils';
import { PostGraphileConnectionFilterPreset } from 'postgraphile-plugin-connection-filter';
import { displayNameOf } from '../blog/display-name.ts';
import { announce, createAuthenticator, readPeerOptions } from '../peer-server.ts';

const options = readPeerOptions();
const authenticate = createAuthenticator(options);

const instance = postgraphile({
  extends: [PostGraphileAmberPreset, PostGraphileConnectionFilterPreset, PgAggregatesPreset],
  // Filters by every column, as Millrace has them, and not by indexed ones alone.
  disablePlugins: ['PgIndexBehaviorsPlugin'],
  plugins: [
    extendSchema({
      typeDefs: 'extend type User { displayName: String }',
      objects: {
        User: {
          plans: {
            displayName: ($user: { get(name: string): never }) => lambda($user.get('name'), displayNameOf, true),
          },
        },
      },
    } as never),
  ],
  pgServices: [
    makePgService({ connectionString: options.url, schemas: ['public'], poolConfig: { max: options.poolSize } }),
  ],
  grafserv: { graphqlPath: '/graphql', graphiql: false, watch: false },
  grafast: {
    context: async ({ node }) => {
      const viewer = await authenticate(node?.req.headers.authorization ?? '');
      return { pgSettings: { role: 'reader', 'jwt.claims.user_id': viewer.id } };
    },
  },
});

const server = createServer();
await instance.createServ(grafserv).addTo(server);
server.listen(0, '127.0.0.1', () => announce(server, '/graphql'));
