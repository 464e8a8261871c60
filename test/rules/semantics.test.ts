import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { UntypedRule } from '../../src/data/rules/rule-set.ts';
import type { Viewer } from '../../src/viewer.ts';
import { type SchemaServerOptions, startSchemaServer } from '../support/schema-server.ts';
import type { Answer, TestServer } from '../support/server.ts';

/** Rows whose owners are told by a text, a number, a date …: what rules compare with. */
const schema = `
enum Mood {
  GLAD @map("SAD")
  SAD  @map("GLAD")
  CALM @map("calm")
}

model Person {
  id    String @id
  notes Note[]
  bans  Ban[]
}

model Ban {
  id       Int    @id
  personId String
  person   Person @relation(fields: [personId], references: [id])
  noteId   Int
  note     Note   @relation(fields: [noteId], references: [id])
}

model Note {
  id      Int      @id
  ownerId String?
  owner   Person?  @relation(fields: [ownerId], references: [id])
  bans    Ban[]
  isOpen  Boolean  @default(false)
  secret  String?
  ref     String?  @db.Uuid
  big     BigInt   @default(0)
  price   Decimal  @default(0) @db.Decimal(10, 2)
  at      DateTime @default("2026-01-01T00:00:00Z")
  mood    Mood     @default(CALM)
  tags    String[]
  extra   Json?
}
`;

const rows = `
insert into "Person" (id) values ('ann'), ('ben');
insert into "Note" (id, "ownerId", "isOpen", secret, ref, big, price, at, mood, tags, extra) values
  (1, 'ann', false, 'one', '00000000-0000-7000-8000-000000000001', 9007199254740993, 19.90, '2026-02-01', 'SAD', '{a,b}', '{"team": "x", "deep": {"n": 1}}'),
  (2, 'ben', false, 'two', '00000000-0000-7000-8000-000000000002', 2, 0, '2026-01-01', 'GLAD', '{}', '{"team": null}'),
  (3, null, true, 'three', null, 3, 0, '2026-01-01', 'calm', '{b}', null);
insert into "Ban" (id, "personId", "noteId") values (1, 'ben', 1);
`;

/** The server's rules for notes are changed between tests, not the server. */
let read: UntypedRule | undefined;
let secretRead: UntypedRule | undefined;
let server: TestServer;
const delegate = (rule: () => UntypedRule | undefined) => (viewer: Viewer) => {
  const current = rule();
  return typeof current === 'function' ? (current as (viewer: Viewer) => unknown)(viewer) : current;
};
const options: SchemaServerOptions = {
  schema,
  rows,
  rules: {
    Note: {
      read: delegate(() => read),
      fields: { secret: { read: delegate(() => secretRead) } },
    },
    Person: { read: true, fields: { id: { read: false } } },
    Ban: {},
  },
};
beforeAll(async () => {
  server = await startSchemaServer(options);
});
afterAll(() => server[Symbol.asyncDispose]());

/** Ids of the notes that somebody sees under this rule. */
async function seen(
  rule: UntypedRule | undefined,
  claims?: Parameters<TestServer['as']>[0],
): Promise<number[] | string> {
  read = rule;
  secretRead = true;
  const asker = claims ? server.as(claims) : server.stranger;
  const { data, errors } = await asker.query('{ notes(orderBy: { id: asc }) { nodes { id } totalCount } }');
  if (errors) return errors[0]!.extensions.code;
  const ids = data.notes.nodes.map((n: { id: number }) => n.id);
  expect(data.notes.totalCount).toBe(ids.length);
  return ids;
}

const ann = { sub: 'ann' };
const where =
  (make: (viewer: Viewer) => object): UntypedRule =>
  (viewer: Viewer) =>
    make(viewer);

describe('what a rule may be', () => {
  it.each<[string, UntypedRule | undefined, unknown, unknown]>([
    ['none at all', undefined, 'FORBIDDEN', 'UNAUTHENTICATED'],
    ['false', false, 'FORBIDDEN', 'UNAUTHENTICATED'],
    ['true', true, [1, 2, 3], [1, 2, 3]],
    ['null', where(() => null as unknown as object), 'FORBIDDEN', 'UNAUTHENTICATED'],
    ['a where without conditions', {}, [1, 2, 3], [1, 2, 3]],
    ['a where', { isOpen: true }, [3], [3]],
    ['a function that returns a where', where((v) => ({ ownerId: v.id })), [1], []],
    ['0', where(() => 0 as unknown as object), 'INTERNAL', 'INTERNAL'],
    ['a text', where(() => 'yes' as unknown as object), 'INTERNAL', 'INTERNAL'],
    ['a promise of true', async () => true, 'INTERNAL', 'INTERNAL'],
    ['a promise that is broken', async () => Promise.reject(new Error('late')), 'INTERNAL', 'INTERNAL'],
    [
      'a function that throws',
      () => {
        throw new Error('secret words');
      },
      'INTERNAL',
      'INTERNAL',
    ],
    ['a where with a field that is not there', { nope: 1 }, 'INTERNAL', 'INTERNAL'],
    ['a where with an operator that is not there', { id: { almost: 1 } }, 'INTERNAL', 'INTERNAL'],
    ['a list', [{ isOpen: true }], 'INTERNAL', 'INTERNAL'],
    ['a relation that is a text', { owner: 'ann' }, 'INTERNAL', 'INTERNAL'],
    ['a relation that is a number', { owner: { is: 1 } }, 'INTERNAL', 'INTERNAL'],
    ['relations of which some are a text', { bans: { some: 'ann' } }, 'INTERNAL', 'INTERNAL'],
    ['a relation with an operator of every object’s', { bans: { constructor: {} } }, 'INTERNAL', 'INTERNAL'],
    ['AND of a text', { AND: 'ann' }, 'INTERNAL', 'INTERNAL'],
    ['OR of a text', { OR: ['ann'] }, 'INTERNAL', 'INTERNAL'],
    ['NOT of a list of lists', { NOT: [[{ isOpen: true }]] }, 'INTERNAL', 'INTERNAL'],
  ])('%s', async (_title, rule, forAnn, forStranger) => {
    expect(await seen(rule, ann)).toEqual(forAnn);
    expect(await seen(rule)).toEqual(forStranger);
    expect(await seen(rule, { role: 'admin' })).toEqual([1, 2, 3]);
  });

  it('says nothing of a rule that fails', async () => {
    read = () => {
      throw new Error('secret words');
    };
    const text = await (await server.as(ann).post({ query: '{ notes { totalCount } }' })).text();
    expect(text).not.toMatch(/secret|rule|Error|\.ts/);
    expect(JSON.parse(text)).toMatchObject({ errors: [{ message: 'something went wrong' }] });
  });

  it('stands above no role but the very one that is the admin’s', async () => {
    for (const role of ['Admin', 'administrator', ' admin', 'admin ', 'root']) {
      expect(await seen(false, { sub: 'ann', role })).toBe('FORBIDDEN');
    }
  });

  it('may go by claims', async () => {
    const byTeam = where((v) => ({ extra: { path: ['team'], equals: v.claims.team } }));
    expect(await seen(byTeam, { claims: { team: 'x' } })).toEqual([1]);
    expect(await seen(byTeam, { claims: { team: 'y' } })).toEqual([]);
    expect(await seen(byTeam, ann)).toEqual([]);
  });
});

describe('a claim that is null opens nothing by its contrary', () => {
  it.each<[string, (v: Viewer) => object]>([
    ['has', (v) => ({ NOT: { tags: { has: v.claims.team } } })],
    ['hasSome', (v) => ({ NOT: { tags: { hasSome: v.claims.team } } })],
    ['hasEvery', (v) => ({ NOT: { tags: { hasEvery: v.claims.team } } })],
    ['in', (v) => ({ NOT: { ownerId: { in: v.claims.team } } })],
    ['lt', (v) => ({ NOT: { id: { lt: v.claims.team } } })],
  ])('%s', async (_title, rule) => {
    expect(await seen(where(rule), { sub: 'ann', claims: { team: null } })).toEqual([]);
  });
});

describe('undefined matches nothing', () => {
  const id = (v: Viewer) => v.id;
  it.each<[string, (v: Viewer) => object]>([
    ['alone', (v) => ({ ownerId: id(v) })],
    ['under equals', (v) => ({ ownerId: { equals: id(v) } })],
    ['under not', (v) => ({ ownerId: { not: id(v) } })],
    ['under not of conditions', (v) => ({ ownerId: { not: { equals: id(v) } } })],
    ['under NOT', (v) => ({ NOT: { ownerId: id(v) } })],
    ['under NOT of a list', (v) => ({ NOT: [{ ownerId: id(v) }] })],
    ['under NOT twice', (v) => ({ NOT: { NOT: { ownerId: id(v) } } })],
    ['in a list', (v) => ({ ownerId: { in: ['ann', id(v)] } })],
    ['out of a list', (v) => ({ ownerId: { notIn: [id(v)] } })],
    ['as a list', (v) => ({ ownerId: { notIn: v.claims.ids } })],
    ['as a list, whatever the case', (v) => ({ ownerId: { notIn: v.claims.ids, mode: 'insensitive' } })],
    ['as AND', (v) => ({ AND: v.claims.and })],
    ['as OR', (v) => ({ OR: v.claims.or })],
    ['as NOT', (v) => ({ NOT: v.claims.not })],
    ['among AND', (v) => ({ AND: [v.claims.and] })],
    ['as contains', (v) => ({ secret: { contains: id(v) } })],
    ['of one relation', (v) => ({ owner: { id: id(v) } })],
    ['of one relation by is', (v) => ({ owner: { is: { id: id(v) } } })],
    ['of one relation by isNot', (v) => ({ owner: { isNot: { id: id(v) } } })],
    ['as a relation', (v) => ({ owner: v.claims.owner })],
    ['as is', (v) => ({ owner: { is: v.claims.owner } })],
    ['as isNot', (v) => ({ owner: { isNot: v.claims.owner } })],
    ['in some', (v) => ({ bans: { some: { personId: id(v) } } })],
    ['in none', (v) => ({ bans: { none: { personId: id(v) } } })],
    ['in every', (v) => ({ bans: { every: { personId: id(v) } } })],
    ['as none', (v) => ({ bans: { none: v.claims.none } })],
    ['two relations down in none', (v) => ({ bans: { none: { person: { id: id(v) } } } })],
    ['two relations down under NOT', (v) => ({ NOT: { owner: { bans: { some: { noteId: v.claims.n } } } } })],
    [
      'in none of something that cannot be',
      (v) => ({ bans: { none: { AND: [{ id: { in: [] } }, { personId: id(v) }] } } }),
    ],
    ['in a JSON path', (v) => ({ extra: { path: [v.claims.key], equals: null } })],
    ['as a JSON path', (v) => ({ extra: { path: v.claims.path, equals: null } })],
    ['as JSON', (v) => ({ extra: { path: ['team'], equals: v.claims.team } })],
    ['as not of JSON', (v) => ({ extra: { path: ['team'], not: v.claims.team } })],
    ['deep in JSON', (v) => ({ extra: { path: ['deep'], not: { n: v.claims.n } } })],
    ['deep in a JSON list', (v) => ({ extra: { path: ['deep'], not: [[v.claims.n]] } })],
    ['in has', (v) => ({ tags: { has: id(v) } })],
    ['in hasEvery', (v) => ({ tags: { hasEvery: [id(v)] } })],
    ['under NOT of hasSome', (v) => ({ NOT: { tags: { hasSome: [id(v)] } } })],
    ['as isEmpty', (v) => ({ tags: { isEmpty: v.claims.empty } })],
    ['as a date', (v) => ({ at: { lt: v.claims.at } })],
  ])('%s', async (_title, make) => {
    expect(await seen(where(make))).toEqual([]);
  });

  it('and leaves what else may be seen', async () => {
    const rule = where((v) => ({ OR: [{ isOpen: true }, { ownerId: v.id }, { bans: { some: { personId: v.id } } }] }));
    expect(await seen(rule)).toEqual([3]);
    expect(await seen(rule, ann)).toEqual([1, 3]);
    expect(await seen(rule, { sub: 'ben' })).toEqual([1, 2, 3]);
  });

  it('after somebody for whom it was defined, by the plan that was made for them', async () => {
    const lists = where((v) => ({ extra: { path: ['deep'], not: [[v.claims.n]] } }));
    expect(await seen(lists, { claims: { n: 1 } })).toEqual([1]);
    expect(await seen(lists)).toEqual([]);
    expect(await seen(lists, { claims: { n: 2 } })).toEqual([1]);
  });
});

describe('a value that no such column can hold equals nothing', () => {
  it.each<[string, (v: Viewer) => object]>([
    ['a text for a UUID', (v) => ({ ref: v.id })],
    ['a text for a number', (v) => ({ id: v.id })],
    ['a number that is too great', () => ({ id: 2 ** 40 })],
    ['no number', () => ({ id: Number.NaN })],
    ['a text for a decimal number', (v) => ({ price: v.id })],
    ['a text for a truth', (v) => ({ isOpen: v.id })],
    ['a text for a date', (v) => ({ at: { gt: v.id } })],
    ['no date', () => ({ at: { gt: new Date(Number.NaN) } })],
    ['a word that is no value of an enum', () => ({ mood: 'ANGRY' })],
    ['null, to be less than', () => ({ id: { lt: null } })],
    ['null, to be among', () => ({ id: { in: null } })],
    ['one among others', () => ({ ref: { in: ['x'] } })],
    ['one not among others', () => ({ ref: { notIn: ['x'] } })],
    ['a NUL, whatever the case', () => ({ secret: { notIn: ['\0'], mode: 'insensitive' } })],
  ])('%s', async (_title, make) => {
    expect(await seen(where(make), ann)).toEqual([]);
  });
});

describe('values of every type', () => {
  it.each<[string, object, number[]]>([
    ['null', { ownerId: null }, [3]],
    ['null of a relation', { owner: null }, [3]],
    ['not null', { ownerId: { not: null } }, [1, 2]],
    ['a relation in short', { owner: { id: 'ann' } }, [1]],
    ['a list of relations', { bans: { some: { person: { id: 'ben' } } } }, [1]],
    ['a Date', { at: { gte: new Date('2026-02-01T00:00:00Z') } }, [1]],
    ['a bigint', { big: 9007199254740993n }, [1]],
    ['a decimal text', { price: '19.9' }, [1]],
    ['a decimal number', { price: { gt: 19.5 } }, [1]],
    ['an enum by its name', { mood: 'CALM' }, [3]],
    ['an enum by its label', { mood: 'calm' }, [3]],
    ['an enum whose names and labels are crossed', { mood: 'GLAD' }, [1]],
    ['enums in a list', { mood: { in: ['GLAD', 'CALM'] } }, [1, 3]],
    ['elements of a list', { tags: { has: 'b' } }, [1, 3]],
    ['AND of one', { AND: { isOpen: true } }, [3]],
    ['OR of none', { OR: [] }, []],
    ['NOT of none', { NOT: [] }, [1, 2, 3]],
  ])('%s', async (_title, rule, expected) => {
    expect(await seen(rule, ann)).toEqual(expected);
  });

  it('a decimal of a class of its own', async () => {
    class Exact {
      toString() {
        return '19.90';
      }
    }
    expect(
      await seen(
        where(() => ({ price: new Exact() })),
        ann,
      ),
    ).toEqual([1]);
  });

  it('keys that look like the shape of another where', async () => {
    // One rule, two answers whose shapes would be spelt alike if keys were not quoted.
    const rule = where((v) =>
      v.id === 'ann' ? { extra: { equals: { 'a:v,},isOpen': true } } } : { extra: { equals: { a: 1 } }, isOpen: true },
    );
    expect(await seen(rule, ann)).toEqual([]);
    expect(await seen(rule, { sub: 'ben' })).toEqual([]);
  });
});

describe('a field rule', () => {
  const own = where((v) => ({ ownerId: v.id }));
  const query = async (text: string, claims: Parameters<TestServer['as']>[0] = ann): Promise<Answer> => {
    read = true;
    secretRead = own;
    return server.as(claims).query(text);
  };

  it('hides the value row by row', async () => {
    expect((await query('{ notes(orderBy: { id: asc }) { nodes { secret } } }')).data.notes.nodes).toEqual([
      { secret: 'one' },
      { secret: null },
      { secret: null },
    ]);
  });

  it.each([
    '{ secret: { equals: "two" } }',
    '{ secret: { contains: "t" } }',
    '{ secret: { not: { equals: "one" } } }',
    '{ NOT: { secret: { equals: "one" } } }',
    '{ secret: { startsWith: "th" } }',
    '{ secret: { gt: "o" }, id: { gt: 1 } }',
    '{ owner: { is: { notes: { some: { secret: { equals: "two" } } } } } }',
  ])('hides it from the filter %s', async (filter) => {
    expect((await query(`{ notes(where: ${filter}) { nodes { id } } }`)).data.notes.nodes).toEqual([]);
  });

  it('is null to every filter', async () => {
    expect(
      (await query('{ notes(where: { secret: { equals: null } }, orderBy: { id: asc }) { nodes { id } } }')).data.notes
        .nodes,
    ).toEqual([{ id: 2 }, { id: 3 }]);
  });

  it('hides it from orders and cursors', async () => {
    const { data } = await query(
      '{ up: notes(orderBy: { secret: { sort: asc } }) { edges { cursor node { id } } } down: notes(orderBy: { secret: { sort: desc, nulls: last } }) { nodes { id } } }',
    );
    expect(data.up.edges.map((e: { node: { id: number } }) => e.node.id)).toEqual([1, 2, 3]);
    expect(data.down.nodes.map((n: { id: number }) => n.id)).toEqual([1, 2, 3]);
    const cursors = data.up.edges.map((e: { cursor: string }) => Buffer.from(e.cursor, 'base64').toString());
    expect(cursors.join()).not.toMatch(/two|three/);
  });

  it('hides nothing from those whom it lets', async () => {
    const { data } = await query('{ notes(where: { secret: { equals: "two" } }) { nodes { secret } } }', {
      sub: 'ben',
    });
    expect(data.notes.nodes).toEqual([{ secret: 'two' }]);
  });

  it('closes when it cannot be told', async () => {
    read = true;
    secretRead = where((v) => ({ ownerId: { not: v.id } }));
    const { data } = await server.stranger.query('{ notes { nodes { secret } } }');
    expect(data.notes.nodes).toEqual([{ secret: null }, { secret: null }, { secret: null }]);
  });

  it('that throws fails the query that asks for the field, and no other', async () => {
    read = true;
    secretRead = () => {
      throw new Error('no');
    };
    const both = await Promise.all(
      ['{ notes { nodes { secret } } }', '{ notes { totalCount } }'].map((q) => server.as(ann).query(q)),
    );
    expect(both[0]!.errors![0]!.extensions.code).toBe('INTERNAL');
    expect(both[1]!.data.notes.totalCount).toBe(3);
  });
});

it('loses no row of a list that is ordered by a hidden key', async () => {
  const page =
    '($after: String) { people(orderBy: [{ id: asc }], first: 1, after: $after) { edges { cursor node { id } } pageInfo { hasNextPage } } }';
  const first = (await server.as(ann).query(`query ${page}`)).data.people;
  const second = (await server.as(ann).query(`query ${page}`, { after: first.edges[0].cursor })).data.people;
  expect([first.pageInfo.hasNextPage, second.edges.length, second.pageInfo.hasNextPage]).toEqual([true, 1, false]);
  expect(second.edges[0].node.id).toBeNull();
});

it('keeps a hidden key out of the cursors that stand on it', async () => {
  const keys = (answer: Answer): unknown[] =>
    answer.data.people.edges.map((edge: { cursor: string }) =>
      JSON.parse(Buffer.from(edge.cursor, 'base64').toString()).at(-1),
    );
  const hidden = keys(await server.as(ann).query('{ people { edges { cursor } } }'));
  const shown = keys(await server.as({ role: 'admin' }).query('{ people { edges { cursor } } }'));
  expect(hidden.length).toBeGreaterThan(1);
  for (const key of hidden) expect(key).toMatch(/^[0-9a-f]{64}$/);
  for (const key of shown) expect(hidden).not.toContain(key);
});

it('finds a model without any rule closed, also behind relations and their filters', async () => {
  read = true;
  secretRead = true;
  const { data } = await server
    .as(ann)
    .query(
      '{ notes(where: { bans: { none: {} } }) { totalCount nodes { bans { totalCount nodes { id } } } } some: notes(where: { bans: { some: {} } }) { totalCount } }',
    );
  expect(data.notes.totalCount).toBe(3);
  expect(data.notes.nodes[0].bans).toEqual({ totalCount: 0, nodes: [] });
  expect(data.some.totalCount).toBe(0);
});
