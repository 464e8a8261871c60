// Mercurius on Fastify with its jit and its loaders, as its documentation shows them: each field of a type that takes another
// question is a loader, which asks for all rows of a level at once. The rules stand in the statements.
import Fastify from 'fastify';
import { GraphQLScalarType } from 'graphql';
import mercurius from 'mercurius';
import pg from 'pg';
import { displayNameOf } from '../blog/display-name.ts';
import { announce, createAuthenticator, readPeerOptions } from '../peer-server.ts';

const options = readPeerOptions();
const authenticate = createAuthenticator(options);
const pool = new pg.Pool({ connectionString: options.url, max: options.poolSize, options: '-c jit=off' });

const schema = `
  scalar DateTime
  enum SortOrder { asc desc }
  input StringFilter { equals: String }
  input DateTimeFilter { gte: DateTime! }
  input PostKey { id: String! }
  input PostFilter { category: StringFilter, createdAt: DateTimeFilter }
  input NewestFirst { createdAt: SortOrder! }
  input GroupKey { category: Boolean! }
  type User { id: ID! name: String! displayName: String! }
  type Comment { id: ID! body: String! createdAt: DateTime! author: User }
  type Post {
    id: ID! title: String! category: String! published: Boolean! views: Int! createdAt: DateTime!
    author: User
    comments(first: Int!, orderBy: NewestFirst): Comments!
  }
  type Comments { nodes: [Comment!]! }
  type Posts { nodes: [Post!]! totalCount: Int! }
  type CategoryKey { category: String! }
  type Views { views: Int! }
  type Group { keys: CategoryKey! sum: Views! max: Views! }
  type Query {
    post(where: PostKey!): Post
    posts(first: Int!, where: PostFilter, orderBy: NewestFirst): Posts!
    postsGroupBy(by: [GroupKey!]!, where: PostFilter): [Group!]!
  }
`;

interface Row {
  id: string;
  name: string;
  authorId: string;
  postId: string;
}

/** What resolvers know of a request. */
interface Asking {
  viewerId: string;
}

interface PostFilter {
  category?: { equals: string };
  createdAt?: { gte: string };
}

const columns =
  'p.id, p.author_id as "authorId", p.title, p.category, p.published, p.views, p.created_at as "createdAt"';
const readable = '(p.published or p.author_id = $1)';

/** One prepared statement; each text has a name of its own. */
async function ask<R = Row>(name: string, text: string, values: unknown[]): Promise<R[]> {
  const { rows } = await pool.query({ name, text, values });
  return rows as R[];
}

/** What is asked for and may be read, in SQL; statements of the same form have the same name. */
function conditionOf(where: PostFilter | undefined, viewerId: string) {
  const asked = [
    ['p.category =', where?.category?.equals],
    ['p.created_at >=', where?.createdAt?.gte],
  ].filter(([, value]) => value !== undefined);
  return {
    name: asked.map(([comparison]) => comparison).join(' '),
    condition: [readable, ...asked.map(([comparison], n) => `${comparison} $${n + 2}`)].join(' and '),
    values: [viewerId, ...asked.map(([, value]) => value)],
  };
}

const resolvers = {
  DateTime: new GraphQLScalarType({ name: 'DateTime', serialize: (value) => (value as Date).toISOString() }),
  Query: {
    async post(_: unknown, { where }: { where: { id: string } }, { viewerId }: Asking) {
      const text = `select ${columns} from posts p where p.id = $2 and ${readable}`;
      return (await ask('post', text, [viewerId, where.id]))[0];
    },
    async posts(_: unknown, { first, where }: { first: number; where?: PostFilter }, { viewerId }: Asking) {
      const { name, condition, values } = conditionOf(where, viewerId);
      const text = `select ${columns} from posts p where ${condition} order by p.created_at desc, p.id limit $${values.length + 1}`;
      const count = `select count(*)::int from posts p where ${condition}`;
      return {
        nodes: await ask(`posts ${name}`, text, [...values, first]),
        countAll: () => ask<{ count: number }>(`count ${name}`, count, values),
      };
    },
    async postsGroupBy(_: unknown, { where }: { where?: PostFilter }, { viewerId }: Asking) {
      const { name, condition, values } = conditionOf(where, viewerId);
      const text = `select p.category, sum(p.views)::int, max(p.views) from posts p where ${condition} group by 1 order by 1`;
      const rows = await ask<{ category: string; sum: number; max: number }>(`groups ${name}`, text, values);
      return rows.map(({ category, sum, max }) => ({ keys: { category }, sum: { views: sum }, max: { views: max } }));
    },
  },
  Posts: {
    totalCount: async ({ countAll }: { countAll(): Promise<{ count: number }[]> }) => (await countAll())[0]!.count,
  },
  User: { displayName: ({ name }: Row) => displayNameOf(name) },
};

type Queries<P = unknown> = { obj: Row; params: P }[];

async function authorsOf(queries: Queries, { viewerId }: Asking) {
  const text = 'select id, name from users where id = any($2::uuid[]) and (active or id = $1)';
  const ids = [...new Set(queries.map(({ obj }) => obj.authorId))];
  const known = new Map((await ask('authors', text, [viewerId, ids])).map((user) => [user.id, user]));
  return queries.map(({ obj }) => known.get(obj.authorId) ?? null);
}

const loaders = {
  Post: {
    author: authorsOf,
    // Comments are seen with their post, so they need no rule of their own here.
    async comments(queries: Queries<{ first: number }>) {
      const text = `select c.* from unnest($1::uuid[]) post (id), lateral (
        select k.id, k.post_id as "postId", k.author_id as "authorId", k.body, k.created_at as "createdAt"
        from comments k where k.post_id = post.id order by k.created_at desc, k.id limit $2) c`;
      const rows = await ask('comments', text, [queries.map(({ obj }) => obj.id), queries[0]!.params.first]);
      const nodes = new Map<string, Row[]>(queries.map(({ obj }) => [obj.id, []]));
      for (const row of rows) nodes.get(row.postId)!.push(row);
      return queries.map(({ obj }) => ({ nodes: nodes.get(obj.id)! }));
    },
  },
  Comment: { author: authorsOf },
};

const app = Fastify();
app.register(mercurius, {
  schema,
  resolvers: resolvers as never,
  loaders: loaders as never,
  jit: 1,
  context: async (request) => ({ viewerId: (await authenticate(request.headers.authorization ?? '')).id }),
});
await app.listen({ port: 0, host: '127.0.0.1' });
announce(app.server, '/graphql');
