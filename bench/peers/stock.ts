// The stock stack: GraphQL Yoga with its default plugins, Pothos with its Prisma plugin, Prisma Client over its adapter for pg,
// as their documentation shows them. The rules are added to the query of each resolver.
import { createServer } from 'node:http';
import SchemaBuilder from '@pothos/core';
import PrismaPlugin from '@pothos/plugin-prisma';
import { PrismaPg } from '@prisma/adapter-pg';
import { createGraphQLError, createYoga } from 'graphql-yoga';
import { displayNameOf } from '../blog/display-name.ts';
import { announce, createAuthenticator, readPeerOptions } from '../peer-server.ts';
import { type Prisma, PrismaClient } from './generated/client/client.ts';
import type PrismaTypes from './generated/pothos-types.ts';
import { getDatamodel } from './generated/pothos-types.ts';

interface Context {
  viewerId: string;
}

const options = readPeerOptions();
const authenticate = createAuthenticator(options);
const prisma = new PrismaClient({
  adapter: new PrismaPg({ connectionString: options.url, max: options.poolSize }),
});
const builder = new SchemaBuilder<{
  PrismaTypes: PrismaTypes;
  Context: Context;
  Scalars: { DateTime: { Input: Date; Output: Date } };
}>({ plugins: [PrismaPlugin], prisma: { client: prisma, dmmf: getDatamodel() } });

const readable = (viewerId: string): Prisma.PostWhereInput => ({ OR: [{ published: true }, { authorId: viewerId }] });
const isReadable = (user: { id: string; active: boolean }, viewerId: string) => user.active || user.id === viewerId;

builder.scalarType('DateTime', {
  serialize: (value) => value.toISOString(),
  parseValue: (value) => new Date(value as string),
});
const SortOrder = builder.enumType('SortOrder', { values: ['asc', 'desc'] as const });
const NewestFirst = builder.inputType('NewestFirst', {
  fields: (t) => ({ createdAt: t.field({ type: SortOrder, required: true }) }),
});
const PostKey = builder.inputType('PostKey', { fields: (t) => ({ id: t.string({ required: true }) }) });
const StringFilter = builder.inputType('StringFilter', { fields: (t) => ({ equals: t.string({ required: true }) }) });
const DateTimeFilter = builder.inputType('DateTimeFilter', {
  fields: (t) => ({ gte: t.field({ type: 'DateTime', required: true }) }),
});
const PostFilter = builder.inputType('PostFilter', {
  fields: (t) => ({ category: t.field({ type: StringFilter }), createdAt: t.field({ type: DateTimeFilter }) }),
});

const conditionOf = (where: typeof PostFilter.$inferInput | null | undefined): Prisma.PostWhereInput => ({
  ...(where?.category && { category: where.category }),
  ...(where?.createdAt && { createdAt: where.createdAt }),
});

const User = builder.prismaObject('User', {
  fields: (t) => ({
    id: t.exposeID('id'),
    name: t.exposeString('name'),
    displayName: t.string({ resolve: ({ name }) => displayNameOf(name) }),
  }),
});
builder.prismaObject('Comment', {
  fields: (t) => ({
    id: t.exposeID('id'),
    body: t.exposeString('body'),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    author: t.field({
      type: User,
      nullable: true,
      select: (_args, _context, nested) => ({ author: nested({}) }),
      resolve: ({ author }, _args, { viewerId }) => (isReadable(author, viewerId) ? author : null),
    }),
  }),
});
builder.prismaObject('Post', {
  fields: (t) => ({
    id: t.exposeID('id'),
    title: t.exposeString('title'),
    category: t.exposeString('category'),
    published: t.exposeBoolean('published'),
    views: t.exposeInt('views'),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    author: t.field({
      type: User,
      nullable: true,
      select: (_args, _context, nested) => ({ author: nested({}) }),
      resolve: ({ author }, _args, { viewerId }) => (isReadable(author, viewerId) ? author : null),
    }),
    comments: t.relation('comments', {
      args: { first: t.arg.int({ required: true }), orderBy: t.arg({ type: NewestFirst, required: true }) },
      // Comments are seen with their post, so they need no rule of their own here.
      query: ({ first, orderBy }) => ({ orderBy: [orderBy, { id: 'asc' }], take: first }),
    }),
  }),
});

interface PostsArguments {
  first: number;
  where: Prisma.PostWhereInput;
  orderBy?: Prisma.PostOrderByWithRelationInput | null;
}
const Posts = builder.objectRef<PostsArguments>('Posts').implement({
  fields: (t) => ({
    nodes: t.prismaField({
      type: ['Post'],
      resolve: (query, { first, where, orderBy }) =>
        prisma.post.findMany({ ...query, where, orderBy: [...(orderBy ? [orderBy] : []), { id: 'asc' }], take: first }),
    }),
    totalCount: t.int({ resolve: ({ where }) => prisma.post.count({ where }) }),
  }),
});

interface Group {
  category: string;
  _sum: { views: number | null };
  _max: { views: number | null };
}
const CategoryKey = builder.objectRef<{ category: string }>('CategoryKey').implement({
  fields: (t) => ({ category: t.exposeString('category') }),
});
const Views = builder.objectRef<{ views: number | null }>('Views').implement({
  fields: (t) => ({ views: t.exposeInt('views', { nullable: true }) }),
});
const CategoryGroup = builder.objectRef<Group>('Group').implement({
  fields: (t) => ({
    keys: t.field({ type: CategoryKey, resolve: (group) => group }),
    sum: t.field({ type: Views, resolve: ({ _sum }) => _sum }),
    max: t.field({ type: Views, resolve: ({ _max }) => _max }),
  }),
});

builder.queryType({
  fields: (t) => ({
    post: t.prismaField({
      type: 'Post',
      nullable: true,
      args: { where: t.arg({ type: PostKey, required: true }) },
      resolve: (query, _root, { where }, { viewerId }) =>
        prisma.post.findFirst({ ...query, where: { AND: [{ id: where.id }, readable(viewerId)] } }),
    }),
    posts: t.field({
      type: Posts,
      args: {
        first: t.arg.int({ required: true }),
        where: t.arg({ type: PostFilter }),
        orderBy: t.arg({ type: NewestFirst }),
      },
      resolve: (_root, { first, where, orderBy }, { viewerId }) => ({
        first,
        where: { AND: [conditionOf(where), readable(viewerId)] },
        orderBy,
      }),
    }),
    categories: t.field({
      type: [CategoryGroup],
      args: { where: t.arg({ type: PostFilter }) },
      resolve: (_root, { where }, { viewerId }) =>
        prisma.post.groupBy({
          by: ['category'],
          where: { AND: [conditionOf(where), readable(viewerId)] },
          _sum: { views: true },
          _max: { views: true },
          orderBy: { category: 'asc' },
        }),
    }),
  }),
});

const NewComment = builder.inputType('NewComment', {
  fields: (t) => ({
    postId: t.string({ required: true }),
    authorId: t.string({ required: true }),
    body: t.string({ required: true }),
  }),
});
const PostCorrection = builder.inputType('PostCorrection', {
  fields: (t) => ({ title: t.string({ required: true }) }),
});

const NestedComment = builder.inputType('NestedComment', {
  fields: (t) => ({ body: t.string({ required: true }), authorId: t.string({ required: true }) }),
});
const NestedComments = builder.inputType('NestedComments', {
  fields: (t) => ({ create: t.field({ type: [NestedComment], required: true }) }),
});
const CreatePostInput = builder.inputType('CreatePostInput', {
  fields: (t) => ({
    authorId: t.string({ required: true }),
    title: t.string({ required: true }),
    body: t.string({ required: true }),
    category: t.string({ required: true }),
    published: t.boolean({ required: true }),
    createdAt: t.field({ type: 'DateTime', required: true }),
    comments: t.field({ type: NestedComments, required: true }),
  }),
});

const notAllowed = () => createGraphQLError('not allowed');

builder.mutationType({
  fields: (t) => ({
    createComment: t.prismaField({
      type: 'Comment',
      args: { data: t.arg({ type: NewComment, required: true }) },
      resolve: async (query, _root, { data }, { viewerId }) => {
        const where = { AND: [{ id: data.postId }, readable(viewerId)] };
        const post = data.authorId === viewerId && (await prisma.post.findFirst({ where, select: { id: true } }));
        if (!post) throw notAllowed();
        return prisma.comment.create({ ...query, data });
      },
    }),
    createPost: t.prismaField({
      type: 'Post',
      args: { data: t.arg({ type: CreatePostInput, required: true }) },
      // A post is its author's, who may read it, so that of its comments it need only be asked whose they are.
      resolve: (query, _root, { data }, { viewerId }) => {
        if ([data, ...data.comments.create].some(({ authorId }) => authorId !== viewerId)) throw notAllowed();
        return prisma.post.create({ ...query, data });
      },
    }),
    updatePost: t.prismaField({
      type: 'Post',
      args: { where: t.arg({ type: PostKey, required: true }), data: t.arg({ type: PostCorrection, required: true }) },
      // The title, which changes, is in no rule: the row is allowed as it is now where it was as it was.
      resolve: (query, _root, { where, data }, { viewerId }) =>
        prisma.post.update({ ...query, where: { id: where.id, ...readable(viewerId) } as never, data }),
    }),
  }),
});

const yoga = createYoga<object, Context>({
  schema: builder.toSchema(),
  context: async ({ request }) => ({
    viewerId: (await authenticate(request.headers.get('authorization') ?? '')).id,
  }),
});
const server = createServer(yoga);
server.listen(0, '127.0.0.1', () => announce(server, '/graphql'));
