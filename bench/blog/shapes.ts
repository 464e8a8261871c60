import { createHash } from 'node:crypto';
import { numberMark, type Shape } from '../world.ts';
import * as postgraphile from './postgraphile.ts';

/** Rows of a page of the shape `flat`; above Millrace's own limit, which is raised for the run. */
const flatRows = 1000;

/** The id of the nth row of a kind, as rows.sql makes it. */
export function idOf(kind: 'user' | 'post', n: number): string {
  const hash = createHash('md5').update(`${kind} ${n}`).digest('hex');
  return hash.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

const columns = 'id title category published views createdAt';

const onePost = `query Post($id: String!) {
  post(where: { id: $id }) { ${columns} }
}`;

const posts = (author: string, list = (comment: string) => `{ nodes { ${comment} } }`) => `query Front {
  posts(first: 50, orderBy: { createdAt: desc }) {
    nodes {
      id title
      author { id ${author} }
      comments(first: 3, orderBy: { createdAt: desc }) ${list(`id body createdAt author { id ${author} }`)}
    }
  }
}`;

const flatPosts = `query Export($first: Int!) {
  posts(first: $first, orderBy: { createdAt: desc }) { nodes { ${columns} } }
}`;

const filteredPage = `query Page($category: String!, $since: DateTime!) {
  posts(
    first: 20
    where: { category: { equals: $category }, createdAt: { gte: $since } }
    orderBy: { createdAt: desc }
  ) {
    totalCount
    nodes { id title category views createdAt }
  }
}`;

const groups = `query Categories($since: DateTime!) {
  postsGroupBy(by: [{ category: true }], where: { createdAt: { gte: $since } }) { keys { category } sum { views } max { views } }
}`;

const createComment = `mutation Comment($postId: String!, $authorId: String!, $body: String!) {
  createComment(data: { postId: $postId, authorId: $authorId, body: $body }) {
    id body createdAt author { id name }
  }
}`;

const updatePost = `mutation Correct($id: String!, $title: String!) {
  updatePost(where: { id: $id }, data: { title: $title }) { ${columns} author { id name } }
}`;

/** Comments of a post that is made with them. */
const commentCount = 20;

const createNested = (
  comments = 'comments(first: 20) { nodes { body author { id name } } }',
) => `mutation Publish($data: CreatePostInput!) {
  createPost(data: $data) { id title createdAt author { id name } ${comments} }
}`;

/** All of a row that was made but for what it alone has. */
const withoutOwn = <Key extends string>(data: Record<Key, Record<string, unknown>>, key: Key) => {
  const { id, createdAt, ...rest } = data[key];
  return { ...rest, isMade: typeof id === 'string' && typeof createdAt === 'string' };
};

/** Lists of a row are plain ones there, and groups a field of its own. */
const stock = {
  posts: (author: string) => posts(author, (comment) => `{ ${comment} }`),
  formOfPosts: (data: { posts: { nodes: { comments: unknown[] }[] } }) => ({
    posts: { nodes: data.posts.nodes.map((post) => ({ ...post, comments: { nodes: post.comments } })) },
  }),
  createNested: createNested('comments(first: 20, orderBy: { createdAt: asc }) { body author { id name } }'),
  formOfNested: ({ createPost }: { createPost: { comments: unknown[] } }) => ({
    createPost: { ...createPost, comments: { nodes: createPost.comments } },
  }),
  groups: `query Categories($since: DateTime!) {
  categories(where: { createdAt: { gte: $since } }) { keys { category } sum { views } max { views } }
}`,
  formOfGroups: ({ categories }: { categories: unknown[] }) => ({ postsGroupBy: categories }),
};

/** A draft of somebody else's: rows.sql makes one of each ten, of which these are not read. */
const hiddenPost = idOf('post', 13);

const categories = ['art', 'books', 'cities', 'food', 'games'];

/** The instant before which all but the newest posts were written: rows.sql makes one every four minutes. */
const since = (newest: number) => new Date(Date.UTC(2025, 0, 1) + (100_001 - newest) * 4 * 60_000).toISOString();

/** A post of before all others, so that pages of the newest stay what they are, with comments that are all the same but for who speaks last. */
const newPost = (authorId: string, lastSpeaker: string) => ({
  title: `The ${numberMark}th mill`,
  body: 'One thing leads to another, and the wheel goes round.',
  category: 'art',
  published: true,
  createdAt: '2024-06-01T12:00:00.000Z',
  authorId,
  comments: {
    create: Array.from({ length: commentCount }, (_, n) => ({
      body: 'Is there a second part?',
      authorId: n === commentCount - 1 ? lastSpeaker : authorId,
    })),
  },
});

/** What is asked of the blog, by this person. */
export function describeShapes(viewerId: string): Shape[] {
  const ids = Array.from({ length: 500 }, (_, n) => idOf('post', n * 190 + 1));
  return [
    {
      name: 'by-id',
      title: 'one post by id',
      query: onePost,
      queries: { postgraphile: postgraphile.onePost },
      variables: ids.map((id) => ({ id })),
      requests: 4000,
    },
    {
      name: 'nested',
      title: '50 posts, author, 3 newest comments, their authors',
      query: posts('name'),
      queries: { postgraphile: postgraphile.posts('name'), stock: stock.posts('name') },
      forms: { stock: stock.formOfPosts },
      variables: [{}],
      requests: 400,
    },
    {
      name: 'flat',
      title: '1,000 flat rows',
      query: flatPosts,
      queries: { postgraphile: postgraphile.flatPosts },
      variables: [{ first: flatRows }],
      requests: 250,
    },
    {
      name: 'page',
      title: 'a page of 20 of a category’s last month, with the total',
      query: filteredPage,
      queries: { postgraphile: postgraphile.filteredPage },
      variables: categories.flatMap((category) => [9000, 11_000].map((newest) => ({ category, since: since(newest) }))),
      requests: 1500,
    },
    {
      name: 'groups',
      title: 'posts of the last days by category, sum and greatest of their views',
      query: groups,
      queries: { postgraphile: postgraphile.groups, stock: stock.groups },
      forms: { postgraphile: postgraphile.formOfGroups, stock: stock.formOfGroups },
      variables: [900, 1100].map((newest) => ({ since: since(newest) })),
      requests: 1500,
    },
    {
      name: 'groups-all',
      title: 'the same of all 100,000 posts',
      query: groups,
      queries: { postgraphile: postgraphile.groups, stock: stock.groups },
      forms: { postgraphile: postgraphile.formOfGroups, stock: stock.formOfGroups },
      variables: [{ since: since(100_000) }],
      requests: 100,
    },
    {
      name: 'custom',
      title: 'nested, with a field of code at each author',
      query: posts('name displayName'),
      queries: { postgraphile: postgraphile.posts('name displayName'), stock: stock.posts('name displayName') },
      forms: { stock: stock.formOfPosts },
      variables: [{}],
      requests: 300,
    },
    // Those that write come last: the others measure what was made for them.
    {
      name: 'create',
      title: 'a comment made, with its author',
      query: createComment,
      queries: { postgraphile: postgraphile.createComment },
      forms: { postgraphile: postgraphile.formOfComment },
      without: ['mercurius'],
      variables: ids.map((postId) => ({ postId, authorId: viewerId, body: `The ${numberMark}th of its kind.` })),
      comparable: (data: { createComment: Record<string, unknown> }) => withoutOwn(data, 'createComment'),
      refused: { postId: hiddenPost, authorId: viewerId, body: 'Nobody may say this.' },
      requests: 3000,
    },
    {
      name: 'update',
      title: 'a post changed by id, with its author',
      query: updatePost,
      queries: { postgraphile: postgraphile.updatePost },
      forms: { postgraphile: postgraphile.formOfPost },
      without: ['mercurius'],
      variables: ids.map((id) => ({ id, title: `What ${numberMark} can teach us` })),
      refused: { id: hiddenPost, title: 'Nobody may know this.' },
      requests: 3000,
    },
    {
      name: 'create-nested',
      title: `a post made with ${commentCount} comments, and all of them read back`,
      query: createNested(),
      queries: { stock: stock.createNested },
      forms: { stock: stock.formOfNested },
      // Mutations of PostGraphile write one row.
      without: ['mercurius', 'postgraphile'],
      variables: [{ data: newPost(viewerId, viewerId) }],
      comparable: (data: { createPost: Record<string, unknown> }) => withoutOwn(data, 'createPost'),
      refused: { data: newPost(viewerId, idOf('user', 1)) },
      requests: 400,
    },
  ];
}
