import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { QuickWrites } from '../../../src/data/writes/quick-writes.ts';
import type { Viewer } from '../../../src/viewer.ts';
import { ask } from '../../support/postgres.ts';
import { startSchemaServer } from '../../support/schema-server.ts';
import type { Answer, TestServer } from '../../support/server.ts';

// What one statement must not be taken for, on tables that are made for it. What each write comes to is asked of both ways.
const schema = `
  model Club {
    id      Int      @id
    name    String   @unique
    open    Boolean?
    secret  String?
    rank    Int      @default(0)
    version Int      @default(1)
    score   Decimal  @default(0) @db.Decimal(6, 2)
    tags    String[]
    owner   String   @default("nobody")
    at      DateTime @default(now()) @updatedAt
    members Member[]
  }
  model Member {
    id     Int    @id @default(autoincrement())
    name   String
    clubId Int
    level  Int    @default(1)
    club   Club   @relation(fields: [clubId], references: [id], onUpdate: Cascade)
    pages  Page[]
  }
  model Page {
    id       Int    @id
    memberId Int?
    text     String
    parentId Int?
    member   Member? @relation(fields: [memberId], references: [id])
    parent   Page?   @relation("Below", fields: [parentId], references: [id])
    below    Page[]  @relation("Below")
  }
  model Counted {
    id    Int @id
    total Int @default(0)
  }
  view Summary {
    id Int @unique
    n  Int
  }
`;

const rules = {
  Club: {
    read: true,
    // Unknown where \`open\` is null, and so is its contrary.
    create: { NOT: { open: false } },
    update: { open: true },
    delete: { NOT: { open: true } },
    fields: {
      secret: { read: (viewer: Viewer) => ({ owner: viewer.id }), write: (viewer: Viewer) => ({ owner: viewer.id }) },
      rank: { write: (viewer: Viewer) => viewer.role === 'referee' },
    },
    defaults: {
      owner: (viewer: Viewer) => viewer.id,
      rank: (viewer: Viewer) => (viewer.role === 'referee' ? 9 : undefined),
    },
    version: 'version',
  },
  Member: {
    read: true,
    // No more than two of a club: it looks at the members.
    create: { club: { members: { some: { level: { gte: 5 } } } } },
    update: (viewer: Viewer) => ({ club: { owner: viewer.id } }),
    delete: true,
  },
  Page: {
    read: (viewer: Viewer) => ({ text: { not: String(viewer.claims.hides) } }),
    create: (viewer: Viewer) => ({ member: { name: viewer.claims.name } }),
    update: true,
    delete: true,
  },
  Counted: { read: true, create: true, update: true, delete: true },
};

const rows = `
  insert into "Club" (id, name, open, owner, tags) values (1, 'Chess', true, 'ann', '{a}'), (2, 'Go', null, 'ann', null), (3, 'Bridge', false, 'ben', '{}');
  insert into "Member" (id, name, "clubId", level) values (1, 'Ann', 1, 5), (2, 'Ben', 2, 1);
  select setval(pg_get_serial_sequence('"Member"', 'id'), 10);
  insert into "Page" (id, "memberId", text, "parentId") values (1, 1, 'one', null), (2, 1, 'two', 1);
  insert into "Counted" (id) values (1);`;

let quick: TestServer;
let general: TestServer;
let done = 0;
const counting = (own: QuickWrites): QuickWrites => ({
  async write(...asked) {
    const answer = await own.write(...asked);
    if (answer !== undefined) done += 1;
    return answer;
  },
});

const tables = ['Page', 'Member', 'Club', 'Counted'];
beforeAll(async () => {
  const made = { schema, rules, rows: 'create view "Summary" as select id, level n from "Member";' };
  [quick, general] = await Promise.all([
    startSchemaServer({ ...made, quickWrites: counting }),
    startSchemaServer({ ...made, quickWrites: () => ({ write: async () => undefined }) }),
  ]);
});
afterAll(() => Promise.all([quick, general].map((server) => server?.[Symbol.asyncDispose]())));
beforeEach(async () => {
  const empty = tables.map((table) => `delete from "${table}";`).join(' ');
  await Promise.all([quick, general].map(({ databaseUrl }) => ask(databaseUrl, empty + rows)));
});

const contents = ({ databaseUrl }: TestServer) =>
  ask(
    databaseUrl,
    `select json_build_array(${tables.map((t) => `(select json_agg(to_jsonb(x) - 'at' order by id) from "${t}" x)`)}) as all`,
  );

interface Case {
  write: string;
  variables?: Record<string, unknown>;
  as?: Parameters<TestServer['as']>[0];
  isQuick: boolean;
  /** The code that refuses it. */
  code?: string;
}

/** Does it both ways, and holds them to one outcome. */
async function bothWays({ write, variables, as = { sub: 'ann' } }: Case): Promise<Answer & { isQuick: boolean }> {
  const before = done;
  const [ours, theirs] = await Promise.all([quick, general].map((server) => server.as(as).query(write, variables)));
  expect(ours).toEqual(theirs);
  expect(await contents(quick)).toEqual(await contents(general));
  return { ...ours!, isQuick: done > before };
}

const club = (data: string, selection = 'id name owner rank version secret score tags open') =>
  `mutation { createClub(data: { id: 7, name: "Darts", ${data} }) { ${selection} } }`;
const change = (data: string, id = 1, selection = 'name rank version secret score tags') =>
  `mutation { updateClub(where: { id: ${id} }, data: { ${data} }) { ${selection} } }`;

describe('comes to the same as the general way where', () => {
  it.each<[string, Case]>([
    ['a rule holds', { write: club('open: true'), isQuick: true }],
    ['a rule does not hold', { write: club('open: false'), isQuick: false, code: 'FORBIDDEN' }],
    ['a rule is unknown, for a new row', { write: club('open: null'), isQuick: false, code: 'FORBIDDEN' }],
    [
      'a rule is unknown, for a row that is there',
      { write: change('name: "x"', 2), isQuick: false, code: 'FORBIDDEN' },
    ],
    [
      'a rule is unknown, for a row to delete',
      { write: 'mutation { deleteClub(where: { id: 2 }) { id } }', isQuick: false, code: 'FORBIDDEN' },
    ],
    ['a rule held before, and no longer does', { write: change('open: false'), isQuick: false, code: 'FORBIDDEN' }],
    ['a rule held before, and is unknown now', { write: change('open: null'), isQuick: false, code: 'FORBIDDEN' }],
    ['a field’s rule holds', { write: change('secret: "s"'), isQuick: true }],
    [
      'a field’s rule holds no longer',
      { write: change('secret: "s", owner: "ben"'), isQuick: false, code: 'FORBIDDEN' },
    ],
    ['a field is nobody’s to set', { write: change('rank: 2'), isQuick: false, code: 'FORBIDDEN' }],
    ['a field is somebody’s to set', { write: change('rank: 2'), as: { sub: 'ann', role: 'referee' }, isQuick: true }],
    [
      'a rule’s default fills a field',
      { write: club('open: true'), as: { sub: 'cleo', role: 'referee' }, isQuick: true },
    ],
    ['a default is not asked for', { write: club('open: true, owner: "dora"'), as: { sub: 'cleo' }, isQuick: true }],
    ['a version counts', { write: change('name: "Checkers"'), isQuick: true }],
    [
      'a version is asked for',
      {
        write: `mutation { updateClub(where: { id: 1 }, data: { name: "x" }, ifVersion: 1) { version } }`,
        isQuick: false,
      },
    ],
    [
      'a version is not current',
      {
        write: `mutation { updateClub(where: { id: 1 }, data: { name: "x" }, ifVersion: 9) { version } }`,
        isQuick: false,
        code: 'CONFLICT',
      },
    ],
    [
      'numbers are reckoned with',
      { write: change('_increment: { score: "1.50" }, _push: { tags: ["b"] }'), isQuick: true },
    ],
    [
      'a list that is null is added to',
      {
        write: 'mutation ($d: UpdateClubInput!) { updateClub(where: { id: 2 }, data: $d) { tags } }',
        variables: { d: { _push: { tags: ['b'] } } },
        as: { role: 'admin' },
        isQuick: true,
      },
    ],
    [
      'a number is divided by nothing',
      { write: change('_divide: { score: 0 }'), isQuick: false, code: 'INVALID_INPUT' },
    ],
    [
      'a number grows out of its column',
      {
        write: change('_multiply: { score: "99999" }, _increment: { score: "99999" }'),
        isQuick: false,
        code: 'INVALID_INPUT',
      },
    ],
    ['a list is set as a whole', { write: change('tags: ["x", "y"]'), isQuick: true }],
    [
      'a list is set to nothing',
      {
        write: 'mutation ($t: [String!]) { updateClub(where: { name: "Chess" }, data: { tags: $t }) { tags } }',
        variables: { t: null },
        isQuick: true,
      },
    ],
    ['a name is taken', { write: change('name: "Go"'), isQuick: false, code: 'CONFLICT' }],
    [
      'a key that others refer to changes',
      { write: change('id: 8', 1, 'id members { nodes { clubId } }'), isQuick: false },
    ],
    [
      'a rule looks at other rows of the table',
      { write: 'mutation { createMember(data: { name: "Cleo", clubId: 1 }) { name } }', isQuick: true },
    ],
    [
      'an admin is under no rule',
      {
        write: 'mutation { createMember(data: { name: "Cleo", clubId: 2 }) { name club { name } } }',
        as: { role: 'admin' },
        isQuick: true,
      },
    ],
    [
      'the answer looks at other rows of the table',
      {
        write: 'mutation { updateMember(where: { id: 1 }, data: { name: "A" }) { club { members { totalCount } } } }',
        isQuick: false,
      },
    ],
    [
      'the answer is a field of the row alone',
      { write: 'mutation { updateMember(where: { id: 1 }, data: { name: "A" }) { name } }', isQuick: true },
    ],
    [
      'a row moves to a club of somebody else’s',
      {
        write: 'mutation { updateMember(where: { id: 1 }, data: { clubId: 3 }) { name } }',
        isQuick: false,
        code: 'FORBIDDEN',
      },
    ],
    [
      'a row may be made and not be seen',
      {
        write: 'mutation { createPage(data: { id: 9, memberId: 1, text: "mine" }) { text } }',
        as: { sub: 'ann', claims: { name: 'Ann', hides: 'mine' } },
        isQuick: true,
      },
    ],
    [
      'a rule compares with nothing',
      {
        write: 'mutation { createPage(data: { id: 9, memberId: 1, text: "x" }) { text } }',
        isQuick: false,
        code: 'FORBIDDEN',
      },
    ],
    [
      'a row becomes its own parent',
      {
        write: 'mutation { createPage(data: { id: 9, memberId: 1, text: "x", parentId: 9 }) { text } }',
        as: { role: 'admin' },
        isQuick: false,
        code: 'NOT_FOUND',
      },
    ],
    [
      'a row loses what it belongs to',
      {
        write: 'mutation { updatePage(where: { id: 2 }, data: { memberId: null }) { text member { name } } }',
        isQuick: true,
      },
    ],
    [
      'a rule looks at the new row itself',
      {
        write:
          'mutation { createMember(data: { name: "Cleo", clubId: 2, level: 6 }) { name club { members { totalCount } } } }',
        isQuick: true,
      },
    ],
    [
      'no rule is known to hold for some of many',
      {
        write: `mutation { createMember(data: { name: "Ann", clubId: 1, pages: { create: [{ id: 8, text: "x" }, { id: 9, text: "y" }] } }) { pages { nodes { text } } } }`,
        isQuick: false,
        code: 'FORBIDDEN',
      },
    ],
    [
      'rules hold for all of many, some of which are not seen',
      {
        write: `mutation { createMember(data: { name: "Ann", clubId: 1, pages: { create: [{ id: 8, text: "x" }, { id: 9, text: "y" }] } }) { pages { nodes { text } } } }`,
        as: { sub: 'ann', claims: { name: 'Ann', hides: 'x' } },
        isQuick: true,
      },
    ],
    [
      'many are made whose key is taken',
      {
        write: `mutation { createMember(data: { name: "Ann", clubId: 1, pages: { create: [{ id: 8, text: "x" }, { id: 8, text: "y" }] } }) { name } }`,
        as: { sub: 'ann', claims: { name: 'Ann', hides: 'x' } },
        isQuick: false,
        code: 'CONFLICT',
      },
    ],
    [
      'many are made that lead to nothing, and to a row that is not there',
      {
        write: `mutation { createMember(data: { name: "Ann", clubId: 1, pages: { create: [{ id: 8, text: "x", parentId: null }, { id: 9, text: "y", parentId: 99 }] } }) { name } }`,
        as: { role: 'admin' },
        isQuick: false,
        code: 'NOT_FOUND',
      },
    ],
    [
      'a row is made within one of its own kind',
      {
        write: `mutation { createPage(data: { id: 7, text: "x", memberId: 1, below: { create: [{ id: 8, text: "y" }] } }) { below { nodes { text parent { text } } } } }`,
        as: { role: 'admin' },
        isQuick: true,
      },
    ],
    [
      'a row is made within another',
      {
        write:
          'mutation { createPage(data: { id: 9, text: "x", member: { create: { name: "N", clubId: 1 } } }) { text } }',
        as: { role: 'admin' },
        isQuick: false,
      },
    ],
    [
      'the document asks for more than a selection',
      {
        write: `mutation { updatePage(where: { id: 1 }, data: { text: "x" }) { text @skip(if: false) id @include(if: false) } }`,
        isQuick: true,
      },
    ],
  ])('%s', async (_title, given) => {
    const answer = await bothWays(given);
    expect(answer.errors?.[0]?.extensions.code).toBe(given.code);
    expect(answer.isQuick, JSON.stringify(answer)).toBe(given.isQuick);
  });
});

/** The process id of the statement that waits for somebody's lock, once there is one. */
async function waitForLock(): Promise<number> {
  const asked = `select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
  for (const until = Date.now() + 10_000; Date.now() < until; ) {
    const [found] = await ask<{ pid: number }>(quick.databaseUrl, asked);
    if (found) return found.pid;
  }
  throw new Error('nobody waits');
}

describe('while somebody else writes', () => {
  const rename = () =>
    quick.as({ sub: 'ann' }).query('mutation { updateMember(where: { id: 1 }, data: { name: "A" }) { name } }');
  const nameOf = async () =>
    (await ask<{ name: string }>(quick.databaseUrl, 'select name from "Member" where id = 1'))[0]!.name;

  /** Holds the row, with changes, until the end. */
  async function hold(sql: string): Promise<AsyncDisposable & { commit(): Promise<unknown> }> {
    const client = new pg.Client({ connectionString: quick.databaseUrl });
    await client.connect();
    await client.query(`begin; ${sql}`);
    return { commit: () => client.query('commit'), [Symbol.asyncDispose]: () => client.end() };
  }

  it('is not let through by a row of now and a rule of before', async () => {
    const sql = `update "Member" set "clubId" = 2 where id = 1; update "Club" set owner = 'ben' where id = 2`;
    await using other = await hold(sql);
    const write = rename();
    await waitForLock();
    await other.commit();
    expect((await write).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    expect(await nameOf()).toBe('Ann');
  });

  it('goes on with what they have changed of the row, where it may', async () => {
    await using other = await hold(`update "Member" set level = 7 where id = 1`);
    const write = rename();
    await waitForLock();
    await other.commit();
    expect(await write).toEqual({ data: { updateMember: { name: 'A' } } });
    expect(await ask(quick.databaseUrl, 'select name, level from "Member" where id = 1')).toEqual([
      { name: 'A', level: 7 },
    ]);
  });

  it('is not done a second time when its connection breaks, for nobody knows whether it was done', async () => {
    await using _other = await hold(`update "Member" set level = 7 where id = 1`);
    const write = rename();
    const process = await waitForLock();
    await ask(quick.databaseUrl, `select pg_terminate_backend(${process})`);
    // It would wait for the lock otherwise.
    expect((await write).errors?.[0]?.extensions.code).toBe('UNAVAILABLE');
  });
});

describe('leaves to the general way', () => {
  const write = 'mutation { updateCounted(where: { id: 1 }, data: { total: 5 }) { total } }';
  const wait = () => new Promise((resolve) => setTimeout(resolve, 5100));

  it('a table on which the database’s owner has put a trigger, from the next look at it on', async () => {
    expect(await bothWays({ write, isQuick: true })).toMatchObject({ isQuick: true });
    const trigger = `
      create function twice() returns trigger language plpgsql as $$ begin update "Counted" set total = 2 * total where id = new.id; return null; end $$;
      create trigger "twice" after update on "Counted" for each row when (pg_trigger_depth() = 0) execute function twice();`;
    await Promise.all([quick, general].map(({ databaseUrl }) => ask(databaseUrl, trigger)));
    await wait();
    expect(await bothWays({ write, isQuick: false })).toEqual({
      data: { updateCounted: { total: 10 } },
      isQuick: false,
    });
  });
});
