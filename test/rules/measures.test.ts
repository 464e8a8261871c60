import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../support/postgres.ts';
import { startSchemaServer } from '../support/schema-server.ts';
import type { TestServer } from '../support/server.ts';

/** Workers whose wages only they know, and whose notes nobody does; some of them are not there for others at all. */
const schema = `
model Team {
  id    Int     @id
  name  String
  staff Worker[]
}

model Worker {
  id     Int      @id
  name   String
  public Boolean
  wage   Int?
  note   String?
  born   DateTime @db.Timestamptz(3)
  teamId Int
  team   Team     @relation(fields: [teamId], references: [id])
}
`;

const rows = `
  insert into "Team" values (1, 'mill'), (2, 'smithy');
  insert into "Worker" values
    (1, 'ann', true, 10, 'a', '2000-01-01', 1),
    (2, 'ben', true, 20, 'b', '2001-01-01', 1),
    (3, 'cleo', true, 30, 'c', '2002-01-01', 2);`;

/** What the viewer may not see: more hidden rows, and other values of hidden fields. */
const elsewhere = `
  insert into "Worker" values
    (4, 'aaron', false, -5, 'x', '1900-01-01', 1),
    (5, 'zoe', false, 2147483647, 'x', '2100-01-01', 2),
    (6, 'yves', false, 2147483647, 'y', '2100-01-01', 2);
  update "Worker" set wage = 900, note = 'other', born = '1950-06-01' where id = 2;
  update "Worker" set wage = null, note = null, born = '2050-06-01' where id = 3;`;

const servers: TestServer[] = [];
beforeAll(async () => {
  const own = (viewer: { id: string | null }) => ({ name: viewer.id ?? '' });
  const rules = {
    Team: { read: true },
    Worker: {
      read: { public: true },
      fields: { wage: { read: own }, note: { read: false }, born: { read: own } },
    },
  };
  for (let n = 0; n < 2; n++) servers.push(await startSchemaServer({ schema, rows, rules }));
  await ask(servers[1]!.databaseUrl, elsewhere);
});
afterAll(async () => {
  for (const server of servers) await server[Symbol.asyncDispose]();
});

/** Asks both, which must not differ. */
async function both(query: string): Promise<unknown> {
  const [one, other] = await Promise.all(servers.map((server) => server.as({ sub: 'ann' }).query(query)));
  expect(one!.errors).toBeUndefined();
  expect(other).toEqual(one);
  return one!.data;
}

describe('what may not be seen', () => {
  it.each([
    ['the count of rows', 'count { _all id name }', { count: { _all: 3, id: 3, name: 3 } }],
    ['the count of values', 'count { wage note born }', { count: { wage: 1, note: 0, born: 1 } }],
    [
      'how many values differ',
      'distinct { name wage note born }',
      { distinct: { name: 3, wage: 1, note: 0, born: 1 } },
    ],
    [
      'the least value',
      'min { id name wage note born }',
      { min: { id: 1, name: 'ann', wage: 10, note: null, born: '2000-01-01T00:00:00+00:00' } },
    ],
    [
      'the greatest value',
      'max { id name wage note born }',
      { max: { id: 3, name: 'cleo', wage: 10, note: null, born: '2000-01-01T00:00:00+00:00' } },
    ],
    ['the sum', 'sum { id wage }', { sum: { id: '6', wage: '10' } }],
    ['the average', 'avg { id wage }', { avg: { id: 2, wage: 10 } }],
  ])('is not in %s', async (_, selection, expected) => {
    expect(await both(`{ found: workersAggregate { ${selection} } }`)).toEqual({ found: expected });
  });

  it('is not in what is measured below a row', async () => {
    const query = '{ teams { nodes { staffAggregate { count { _all wage } max { name wage note } sum { wage } } } } }';
    expect(await both(query)).toEqual({
      teams: {
        nodes: [
          {
            staffAggregate: {
              count: { _all: 2, wage: 1 },
              max: { name: 'ben', wage: 10, note: null },
              sum: { wage: '10' },
            },
          },
          {
            staffAggregate: {
              count: { _all: 1, wage: 0 },
              max: { name: 'cleo', wage: null, note: null },
              sum: { wage: null },
            },
          },
        ],
      },
    });
  });

  it('makes no group', async () => {
    const groups = async (by: string, keys: string) =>
      (
        (await both(`{ groups: workersGroupBy(by: [${by}]) { keys { ${keys} } count { _all } } }`)) as Groups
      ).groups.map(({ keys, count }) => [Object.values(keys)[0], count._all]);
    expect(await groups('{ note: true }', 'note')).toEqual([[null, 3]]);
    expect(await groups('{ wage: true }', 'wage')).toEqual([
      [10, 1],
      [null, 2],
    ]);
    expect(await groups('{ born: { unit: year } }', 'born')).toEqual([
      ['2000-01-01T00:00:00+00:00', 1],
      [null, 2],
    ]);
    expect(await groups('{ teamId: true }', 'teamId')).toEqual([
      [1, 2],
      [2, 1],
    ]);
  });

  it.each([
    ['{ wage: { _max: { gt: 10 } } }', []],
    ['{ wage: { _sum: { gt: "10" } } }', []],
    ['{ wage: { _min: { lt: 10 } } }', []],
    ['{ wage: { _avg: { gte: 10 } } }', [1]],
    ['{ wage: { _count: { equals: 0 } } }', [2]],
    ['{ wage: { _distinct: { gt: 1 } } }', []],
    ['{ note: { _max: { not: { equals: null } } } }', []],
    ['{ note: { _min: { gte: "a" } } }', []],
    ['{ _count: { gt: 2 } }', []],
    ['{ NOT: { wage: { _max: { gt: 5 } } } }', []],
  ])('decides nothing in having: %s', async (having, expected) => {
    const { groups } = (await both(
      `{ groups: workersGroupBy(by: [{ teamId: true }], having: ${having}) { keys { teamId } } }`,
    )) as Groups;
    expect(groups.map(({ keys }) => keys.teamId)).toEqual(expected);
  });

  it.each([
    '_count: desc',
    'wage: { _max: { sort: desc, nulls: last } }',
    'wage: { _sum: { sort: asc } }',
    'wage: { _avg: { sort: desc } }',
    'wage: { _min: { sort: asc, nulls: first } }',
    'note: { _max: { sort: desc } }',
    'note: { _count: desc }',
    'note: { _distinct: asc }',
    'born: { _max: { sort: desc } }',
  ])('puts no groups in order: %s', async (order) => {
    await both(`{ workersGroupBy(by: [{ name: true }], orderBy: [{ ${order} }]) { keys { name } } }`);
    await both(`{ workersGroupBy(by: [{ teamId: true }], orderBy: [{ ${order} }], first: 1) { keys { teamId } } }`);
  });

  it('is not found by a filter of what is measured', async () => {
    expect(await both('{ workersAggregate(where: { wage: { gt: 10 } }) { count { _all } } }')).toEqual({
      workersAggregate: { count: { _all: 0 } },
    });
  });
});

interface Groups {
  groups: { keys: Record<string, unknown>; count: { _all: number } }[];
}

it('a model that is closed to the viewer is refused, or empty, as its lists are', async () => {
  await using server = await startSchemaServer({ schema, rows, rules: { Team: { read: true } } });
  for (const field of [
    'workersAggregate { count { _all } }',
    'workersGroupBy(by: { id: true }) { count { _all } }',
    'workers { totalCount }',
  ]) {
    const { errors } = await server.as({ sub: 'ann' }).query(`{ ${field} }`);
    expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
  }
  const { data } = await server
    .as({ sub: 'ann' })
    .query('{ teams { nodes { staffAggregate { count { _all } max { wage } } } } }');
  expect(data.teams.nodes[0]).toEqual({ staffAggregate: { count: { _all: 0 }, max: { wage: null } } });
});
