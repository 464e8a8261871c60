import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ValueSchema } from '../../../src/data/rules/value-schema.ts';
import { ask } from '../../support/postgres.ts';
import { startSchemaServer } from '../../support/schema-server.ts';
import type { TestServer } from '../../support/server.ts';

const schema = `
enum Role {
  GUEST
  HOST
}

model Person {
  id      Int       @id
  email   String    @unique
  nick    String?   @db.VarChar(8)
  age     Int?
  born    DateTime? @db.Date
  balance Decimal?
  role    Role      @default(GUEST)
  prefs   Json?
  tags    String[]
  secret  String    @default("x")
  motto   String    @default("")
  slow    String?
  posts   Post[]
}

model Post {
  id       Int       @id @default(autoincrement())
  title    String
  votes    Int       @default(0)
  authorId Int
  author   Person    @relation(fields: [authorId], references: [id])
  comments Comment[]
}

model Comment {
  id     Int    @id @default(autoincrement())
  body   String
  postId Int
  post   Post   @relation(fields: [postId], references: [id])
}
`;

/** A schema of no library: a function, as some libraries have them, that says back what it was given. */
const withoutX: ValueSchema = Object.assign(() => {}, {
  '~standard': {
    version: 1 as const,
    vendor: 'test',
    validate: (value: unknown) =>
      String(value).includes('x') ? { issues: [{ message: `no x in "${value}"${'!'.repeat(500)}` }] } : { value },
  },
});

/** Answers at once to what the start tries, and later to others. */
const nowOrLater: ValueSchema = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => (value === 'later' ? Promise.reject(new Error('unheard')) : { value }),
  },
};

let server: TestServer;
beforeAll(async () => {
  const open = { read: true, create: true, update: true, delete: true };
  server = await startSchemaServer({
    schema,
    rules: {
      Person: {
        ...open,
        api: { rename: { nick: 'handle' } },
        fields: { secret: { write: (viewer) => viewer.role === 'keeper' } },
        values: {
          email: z.email('must be an address').toLowerCase(),
          nick: z.string().trim().min(2),
          age: z.int().min(0).max(150),
          born: z.coerce.date().max(new Date('2020-01-01'), 'must be before 2020'),
          balance: z.string().refine((text) => !text.startsWith('-'), 'must not be negative'),
          prefs: z.strictObject({ theme: z.enum(['dark', 'light']), sizes: z.array(z.int().max(9)).optional() }),
          tags: z.array(z.string().max(5)).max(3),
          secret: z.string().min(5),
          motto: withoutX,
          slow: nowOrLater,
        },
      },
      Post: {
        ...open,
        read: (viewer) => ({ NOT: { title: { startsWith: viewer.isAdmin ? '#' : 'hidden' } } }),
        values: { title: z.string().trim().min(3), votes: z.int().max(10) },
      },
      Comment: { ...open, values: { body: z.string().min(2, 'is too short') } },
    },
  });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() =>
  ask(
    server.databaseUrl,
    `truncate "Person", "Post", "Comment" restart identity cascade;
     insert into "Person" (id, email, tags) values (1, 'ann@mill.test', '{}');
     insert into "Post" (title, "authorId") values ('one', 1), ('hidden', 1);
     insert into "Comment" (body, "postId") values ('good', 1);`,
  ),
);

const anybody = { sub: 'ann' };

/** Paths and messages of a refused write, of which nothing stays. */
async function problemsOf(write: string, variables?: Record<string, unknown>, who: object = anybody) {
  const before = await contents();
  const { errors } = await server.as(who).query(write, variables);
  expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['INVALID_INPUT']);
  expect(await contents()).toEqual(before);
  return errors![0]!.extensions.fields!.map(({ path, message }) => [path, message]);
}

const contents = () =>
  ask(
    server.databaseUrl,
    `select (select json_agg(p order by id) from "Person" p) a, (select json_agg(p order by id) from "Post" p) b,
      (select json_agg(c order by id) from "Comment" c) c`,
  );

const createPerson = 'mutation ($data: CreatePersonInput!) { createPerson(data: $data) { id email handle tags born } }';
const updatePerson =
  'mutation ($data: UpdatePersonInput!) { updatePerson(where: { id: 1 }, data: $data) { email handle tags born prefs motto } }';

describe('values', () => {
  it('are told of all at once, each by its path and in the API’s names', async () => {
    const data = {
      id: 2,
      email: 'nobody',
      handle: ' a ',
      age: 200,
      born: '2021-05-05',
      balance: '-1',
      prefs: { theme: 'loud', sizes: [1, 10], more: 1 },
      tags: ['short', 'longer'],
    };
    expect((await problemsOf(createPerson, { data })).sort()).toEqual([
      ['data.age', expect.stringContaining('<=150')],
      ['data.balance', 'must not be negative'],
      ['data.born', 'must be before 2020'],
      ['data.email', 'must be an address'],
      ['data.handle', expect.stringContaining('>=2')],
      ['data.prefs', expect.stringContaining('"more"')],
      ['data.prefs.sizes.1', expect.stringContaining('<=9')],
      ['data.prefs.theme', expect.stringContaining('"dark"|"light"')],
      ['data.tags.1', expect.stringContaining('<=5')],
    ]);
  });

  it('that do not fit their columns and those that are missing are told of with them', async () => {
    const write = `mutation { createPost(data: { title: "ab", comments: { create: [{ body: "fine\\u0000" }, { body: "b" }] } }) { id } }`;
    expect(await problemsOf(write)).toEqual([
      ['data.title', expect.stringContaining('>=3')],
      ['data.authorId', 'is required'],
      ['data.comments.create.0.body', 'must not contain the character U+0000'],
      ['data.comments.create.1.body', 'is too short'],
    ]);
  });

  it('are written as their schemas make them, and then have to fit the column', async () => {
    const data = { email: 'Ann@Mill.TEST', handle: '  annette  ', born: '2001-02-03', prefs: { theme: 'dark' } };
    expect((await server.as(anybody).query(updatePerson, { data })).data.updatePerson).toEqual({
      email: 'ann@mill.test',
      handle: 'annette',
      tags: [],
      born: '2001-02-03',
      prefs: { theme: 'dark' },
      motto: '',
    });
    expect(await problemsOf(updatePerson, { data: { handle: ' annabella ' } })).toEqual([
      ['data.handle', 'must be at most 8 characters long'],
    ]);
  });

  it('are held to them whoever writes, the admin role too; null and defaults are held to nothing', async () => {
    expect(await problemsOf(updatePerson, { data: { age: -1 } }, { role: 'admin' })).toHaveLength(1);
    // The default of `secret` is shorter than its schema wants.
    const made = await server.as(anybody).query(createPerson, { data: { id: 2, email: 'b@c.de', handle: null } });
    expect(made.data).toEqual({ createPerson: { id: 2, email: 'b@c.de', handle: null, tags: [], born: null } });
  });

  it('of a field that one never sets are not spoken of', async () => {
    const write = `mutation { createPost(data: { title: "x", author: { create: { id: 3, email: "x", secret: "x" } } }) { id } }`;
    const { errors } = await server.as(anybody).query(write);
    expect(errors![0]!.extensions).toEqual({
      code: 'FORBIDDEN',
      fields: [{ path: 'data.author.create.secret', message: 'may not be set' }],
    });
    const keeper = { sub: 'kim', role: 'keeper' };
    expect((await problemsOf(write, {}, keeper)).map(([path]) => path)).toEqual([
      'data.title',
      'data.author.create.email',
      'data.author.create.secret',
    ]);
  });

  it('are told of before rows are looked at: one that is hidden answers as one that is not there', async () => {
    const write = (id: number) => `mutation { updatePost(where: { id: ${id} }, data: { title: "x" }) { id } }`;
    expect(await problemsOf(write(2))).toEqual(await problemsOf(write(99)));
  });
});

describe('values of nested rows', () => {
  it('are told of at every depth and in every operation', async () => {
    const data = {
      posts: {
        create: [{ title: 'a', comments: { create: [{ body: 'b' }] } }],
        createMany: { data: [{ title: 'good' }, { title: 'c' }] },
        connectOrCreate: [{ where: { id: 9 }, create: { title: 'd' } }],
        update: [{ where: { id: 1 }, data: { comments: { update: [{ where: { id: 1 }, data: { body: 'e' } }] } } }],
        updateMany: [{ where: {}, data: { title: 'f' } }],
        upsert: [{ where: { id: 1 }, create: { title: 'g' }, update: { title: 'h' } }],
      },
    };
    expect((await problemsOf(updatePerson, { data })).map(([path]) => path)).toEqual([
      'data.posts.create.0.title',
      'data.posts.create.0.comments.create.0.body',
      'data.posts.createMany.data.1.title',
      'data.posts.connectOrCreate.0.create.title',
      'data.posts.update.0.data.comments.update.0.data.body',
      'data.posts.updateMany.0.data.title',
      'data.posts.upsert.0.create.title',
      'data.posts.upsert.0.update.title',
    ]);
    const one = `mutation { updateComment(where: { id: 1 }, data: { post: {
      update: { title: "a", author: { update: { age: -1 } } } } }) { id } }`;
    expect((await problemsOf(one)).map(([path]) => path)).toEqual([
      'data.post.update.title',
      'data.post.update.author.update.age',
    ]);
  });

  it('are told of in writes of many rows and in both parts of an upsert', async () => {
    const many =
      'mutation { createPosts(data: [{ title: "good", authorId: 1 }, { title: "a", authorId: 1 }]) { count } }';
    expect(await problemsOf(many)).toEqual([['data.1.title', expect.any(String)]]);
    expect(await problemsOf('mutation { updatePosts(where: {}, data: { title: "a" }) { count } }')).toHaveLength(1);
    const upsert = `mutation { upsertPost(where: { id: 1 }, create: { title: "a", authorId: 1 }, update: { title: "b" }) { id } }`;
    expect((await problemsOf(upsert)).map(([path]) => path)).toEqual(['create.title', 'update.title']);
  });

  it('need no key that the row around them sets, and may not set it', async () => {
    const write = (more: string) =>
      `mutation { updatePerson(where: { id: 1 }, data: { posts: { create: [{ title: "good"${more} }] } }) { id } }`;
    expect(await problemsOf(write(', authorId: 1'))).toEqual([
      ['data.posts.create.0.authorId', 'is set by the write around it'],
    ]);
    expect((await server.as(anybody).query(write(''))).errors).toBeUndefined();
  });

  it('are written as their schemas make them', async () => {
    const write = `mutation { createPerson(data: { id: 4, email: "D@E.FG", posts: { create: [{ title: "  four " }] } }) {
      email posts(first: 1) { nodes { title } } } }`;
    expect((await server.as(anybody).query(write)).data).toEqual({
      createPerson: { email: 'd@e.fg', posts: { nodes: [{ title: 'four' }] } },
    });
  });
});

describe('what a column is changed by', () => {
  it('is held to its type alone', async () => {
    const write = `mutation { updatePerson(where: { id: 1 }, data: { _push: { tags: ["longer than five"] }, _increment: { age: 500 } }) { tags } }`;
    expect((await server.as(anybody).query(write)).data).toEqual({ updatePerson: { tags: ['longer than five'] } });
    const wrong = `mutation { updatePerson(where: { id: 1 }, data: { age: -1, _push: { tags: ["a\\u0000"] }, _divide: { balance: 0 } }) { id } }`;
    expect((await problemsOf(wrong)).map(([path]) => path)).toEqual([
      'data.age',
      'data._push.tags.0',
      'data._divide.balance',
    ]);
  });
});

describe('an answer about values', () => {
  it('holds a hundred problems at most, each of them short', async () => {
    const data = { posts: { create: Array.from({ length: 300 }, () => ({ title: 'x' })) } };
    const problems = await problemsOf(updatePerson, { data });
    expect(problems).toHaveLength(100);
    const many = await problemsOf(updatePerson, { data: { tags: Array.from({ length: 2000 }, () => 'longer') } });
    expect(many.length).toBeLessThanOrEqual(100);
    const keys = await problemsOf(updatePerson, { data: { prefs: { theme: 'dark', [`🌊${'k'.repeat(5000)}`]: 1 } } });
    expect(keys[0]![1]!.length).toBeLessThanOrEqual(201);
  });

  it('does not say back what was sent, where a library would', async () => {
    const [[path, message]] = (await problemsOf(updatePerson, { data: { motto: 'axe-password' } })) as [string[]];
    expect(path).toBe('data.motto');
    expect(message).toMatch(/^no x in …!+…$/);
    expect(message!.length).toBeLessThanOrEqual(200);
  });
});

it('a schema that answers later than asked is a fault of the application, which nothing is written by', async () => {
  const before = await contents();
  const { errors } = await server.as(anybody).query(updatePerson, { data: { slow: 'later', motto: 'new' } });
  expect(errors![0]!.extensions.code).toBe('INTERNAL');
  expect(await contents()).toEqual(before);
  expect((await server.as(anybody).query(updatePerson, { data: { slow: 'now' } })).errors).toBeUndefined();
});
