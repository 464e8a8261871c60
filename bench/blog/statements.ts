import type { Statement, Statements } from '../world.ts';
import { displayNameOf } from './display-name.ts';

const columns = 'p.id, p.title, p.category, p.published, p.views, p.created_at as "createdAt"';

// $1 is the viewer. Comments are seen with their post, so they need no rule of their own here.
const readable = (isAdmin: boolean) => (isAdmin ? '$1::uuid is not null' : '(p.published or p.author_id = $1)');
const person = (isAdmin: boolean, id: string) =>
  `(select row_to_json(x) from (
    select u.id, u.name from users u where u.id = ${id} and ${isAdmin ? 'true' : '(u.active or u.id = $1)'}) x)`;

const nested = (isAdmin: boolean) => `select coalesce(json_agg(x), '[]')::text from (
  select p.id, p.title, ${person(isAdmin, 'p.author_id')} as author, (
    select json_build_object('nodes', coalesce(json_agg(c), '[]')) from (
      select k.id, k.body, k.created_at as "createdAt", ${person(isAdmin, 'k.author_id')} as author
      from (select * from comments where post_id = p.id order by created_at desc, id limit 3) k
    ) c
  ) as comments
  from (select * from posts p where ${readable(isAdmin)} order by p.created_at desc, p.id limit 50) p
) x`;

const groups: Statement = {
  text: (isAdmin) => `select coalesce(json_agg(json_build_object(
        'keys', json_build_object('category', category),
        'sum', json_build_object('views', sum::text), 'max', json_build_object('views', max)) order by category), '[]')::text
      from (
        select p.category, sum(p.views), max(p.views) from posts p where p.created_at >= $2 and ${readable(isAdmin)} group by 1
  ) x`,
  values: ({ since }) => [since],
  wrap: (json) => `{"data":{"postsGroupBy":${json}}}`,
};

const create: Statement = {
  text: (isAdmin) => `with w as (
      insert into comments (id, post_id, author_id, body)
      select uuidv7(), p.id, $3, $4 from posts p
      where p.id = $2 and ${readable(isAdmin)} ${isAdmin ? '' : 'and $3::uuid = $1'} returning *
    )
    select row_to_json(x)::text from (
      select w.id, w.body, w.created_at as "createdAt", ${person(isAdmin, 'w.author_id')} as author from w
    ) x`,
  values: ({ postId, authorId, body }) => [postId, authorId, body],
  wrap: (json) => `{"data":{"createComment":${json}}}`,
};

// The title, which changes, is in no rule: the row is allowed as it is now where it was as it was.
const update: Statement = {
  text: (isAdmin) => `with p as (
      update posts p set title = $3 where p.id = $2 and ${readable(isAdmin)} returning *
    )
    select row_to_json(x)::text from (select ${columns}, ${person(isAdmin, 'p.author_id')} as author from p) x`,
  values: ({ id, title }) => [id, title],
  wrap: (json) => `{"data":{"updatePost":${json}}}`,
};

interface NewPost {
  authorId: string;
  title: string;
  body: string;
  category: string;
  published: boolean;
  createdAt: string;
  comments: { create: { body: string; authorId: string }[] };
}

// A post is its author's, who may read it, so that of its comments it need only be asked whose they are.
const createNested: Statement = {
  text: (isAdmin) => `with given as (select body, author_id from unnest($8::text[], $9::uuid[]) c (body, author_id)),
    p as (
      insert into posts (id, author_id, title, body, category, published, created_at)
      select uuidv7(), $2, $3, $4, $5, $6, $7
      where ${isAdmin ? '$1::uuid is not null' : '$2::uuid = $1 and not exists (select from given where author_id <> $1)'} returning *
    ),
    c as (
      insert into comments (id, post_id, author_id, body)
      select uuidv7(), p.id, given.author_id, given.body from p, given returning *
    )
    select row_to_json(x)::text from (
      select p.id, p.title, p.created_at as "createdAt", ${person(isAdmin, 'p.author_id')} as author,
        (select json_build_object('nodes', json_agg(k)) from (
          select c.body, ${person(isAdmin, 'c.author_id')} as author from c order by c.id limit 20
        ) k) as comments
      from p
    ) x`,
  values: ({ data }) => {
    const { authorId, title, body, category, published, createdAt, comments } = data as NewPost;
    const [bodies, authors] = [comments.create.map((c) => c.body), comments.create.map((c) => c.authorId)];
    return [authorId, title, body, category, published, createdAt, bodies, authors];
  },
  wrap: (json) => `{"data":{"createPost":${json}}}`,
};

/** The blog's requests by hand: the rows of app/rules.ts and no others. */
export const statements: Statements = {
  'by-id': {
    text: (isAdmin) =>
      `select row_to_json(x)::text from (select ${columns} from posts p where p.id = $2 and ${readable(isAdmin)}) x`,
    values: ({ id }) => [id],
    wrap: (json) => `{"data":{"post":${json}}}`,
  },
  nested: {
    text: nested,
    values: () => [],
    wrap: (json) => `{"data":{"posts":{"nodes":${json}}}}`,
  },
  flat: {
    text: (isAdmin) => `select coalesce(json_agg(x), '[]')::text from (
      select ${columns} from posts p where ${readable(isAdmin)} order by p.created_at desc, p.id limit $2
    ) x`,
    values: ({ first }) => [first],
    wrap: (json) => `{"data":{"posts":{"nodes":${json}}}}`,
  },
  page: {
    text: (isAdmin) => {
      const matching = `from posts p where p.category = $2 and p.created_at >= $3 and ${readable(isAdmin)}`;
      return `select json_build_object('totalCount', (select count(*) ${matching}), 'nodes', (
        select coalesce(json_agg(x), '[]') from (
          select p.id, p.title, p.category, p.views, p.created_at as "createdAt" ${matching}
          order by p.created_at desc, p.id limit 20
        ) x
      ))::text`;
    },
    values: ({ category, since }) => [category, since],
    wrap: (json) => `{"data":{"posts":${json}}}`,
  },
  groups,
  'groups-all': groups,
  custom: {
    text: nested,
    values: () => [],
    wrap: (json) => JSON.stringify({ data: { posts: { nodes: (JSON.parse(json!) as Post[]).map(withNames) } } }),
  },
  create,
  update,
  'create-nested': createNested,
};

interface Person {
  name: string;
  displayName?: string;
}

interface Post {
  author: Person | null;
  comments: { nodes: { author: Person | null }[] };
}

function withNames(post: Post): Post {
  for (const person of [post.author, ...post.comments.nodes.map(({ author }) => author)]) {
    if (person) person.displayName = displayNameOf(person.name);
  }
  return post;
}
