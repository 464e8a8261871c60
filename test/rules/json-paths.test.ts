import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../support/postgres.ts';
import { startSchemaServer } from '../support/schema-server.ts';
import type { TestServer } from '../support/server.ts';

/** Files whose inside only their owner may read, and of which some are not there for others at all. */
const schema = `
model Shelf {
  id    Int    @id
  label Json
  files File[]
}

model File {
  id      Int     @id
  owner   String
  meta    Json
  inside  Json?
  old     Json?   @db.Json
  shelfId Int
  shelf   Shelf   @relation(fields: [shelfId], references: [id])
}
`;

const rows = `
  insert into "Shelf" values (1, '{"at": 1}'), (2, '{"at": 2}');
  insert into "File" values
    (1, 'ann', '{"open": true, "name": "a", "teams": ["red"]}', '{"code": 5}', '{"code": 5}', 1),
    (2, 'ben', '{"open": true, "name": "b", "teams": ["blue"]}', '{"code": 7}', '{"code": 7}', 2),
    (3, 'cleo', '{"open": true, "name": "c", "teams": []}', '{"code": 3}', '{"code": 3}', 1);`;

/** What ann may not see: files that are not open, and what is inside of others'. */
const elsewhere = `
  insert into "File" values
    (4, 'ben', '{"open": false, "name": "0"}', '{"code": 1}', null, 1),
    (5, 'ben', '{"open": "true", "name": "z"}', '{"code": 1}', null, 2),
    (6, 'cleo', '{"name": "z"}', '{"code": 9}', null, 2);
  update "File" set inside = '{"code": -100, "more": 1}', old = '{"code": -100}' where id = 2;
  update "File" set inside = null, old = '{"code": "text"}' where id = 3;`;

const servers: TestServer[] = [];
beforeAll(async () => {
  const own = (viewer: { id: string | undefined }) => ({ owner: viewer.id });
  const rules = {
    Shelf: { read: true },
    File: {
      read: { meta: { path: ['open'], equals: true } },
      fields: { inside: { read: own }, old: { read: own } },
    },
  };
  for (let n = 0; n < 2; n++) servers.push(await startSchemaServer({ schema, rows, rules }));
  await ask(servers[1]!.databaseUrl, elsewhere);
});
afterAll(async () => {
  for (const server of servers) await server[Symbol.asyncDispose]();
});

/** Asks both, which must not differ. */
async function both(query: string, variables?: Record<string, unknown>): Promise<unknown> {
  const [one, other] = await Promise.all(servers.map((server) => server.as({ sub: 'ann' }).query(query, variables)));
  expect(one!.errors).toBeUndefined();
  expect(other).toEqual(one);
  return one!.data;
}

const ids = (...wanted: number[]) => ({ files: { nodes: wanted.map((id) => ({ id })) } });

describe('the parts of a document that may not be read', () => {
  it('are null where they are selected', async () => {
    const query = '{ files { nodes { id code: inside(path: ["code"]) inside old(path: ["code"]) } } }';
    const hidden = { code: null, inside: null, old: null };
    expect(await both(query)).toEqual({
      files: {
        nodes: [
          { id: 1, code: 5, inside: { code: 5 }, old: 5 },
          { id: 2, ...hidden },
          { id: 3, ...hidden },
        ],
      },
    });
  });

  it.each([
    ['equals: 7', []],
    ['equals: 5', [1]],
    ['gt: -1000', [1]],
    ['not: 4', [1]],
    ['equals: null', [2, 3]],
    ['string_contains: ""', []],
  ])('are found by no filter, whether it is %s or its contrary', async (filter, found) => {
    for (const field of ['inside', 'old']) {
      const part = `${field}: { path: ["code"], ${filter} }`;
      expect(await both(`{ files(where: { ${part} }) { nodes { id } } }`)).toEqual(ids(...found));
      await both(`{ files(where: { NOT: { ${part} } }) { nodes { id } totalCount } }`);
      await both(`{ shelfs: shelves(where: { files: { some: { ${part} } } }) { nodes { id } totalCount } }`);
      await both(`{ filesAggregate(where: { ${part} }) { count { _all } } }`);
    }
  });

  it('give no order, no cursor and no page away', async () => {
    for (const sort of ['asc', 'desc'] as const) {
      for (const field of ['inside', 'old']) {
        const order = `orderBy: { ${field}: { path: ["code"], sort: ${sort}, nulls: last } }`;
        const query = `{ files(${order}) { nodes { id } edges { cursor } pageInfo { endCursor } } }`;
        expect(await both(query)).toMatchObject(ids(1, 2, 3));
        const page = (await both(`{ files(first: 2, ${order}) { pageInfo { endCursor hasNextPage } } }`)) as {
          files: { pageInfo: { endCursor: string } };
        };
        const after = page.files.pageInfo.endCursor;
        expect(Buffer.from(after, 'base64').toString()).not.toContain('7');
        expect(await both(`{ files(after: "${after}", ${order}) { nodes { id } } }`)).toEqual(ids(3));
      }
    }
  });
});

describe('the rows that may not be read', () => {
  it('are found by no path, in no order and in no count', async () => {
    const name = 'orderBy: { meta: { path: ["name"], sort: desc } }';
    expect(await both(`{ files(${name}) { nodes { id } totalCount } }`)).toEqual({
      files: { nodes: [{ id: 3 }, { id: 2 }, { id: 1 }], totalCount: 3 },
    });
    const where = 'where: { meta: { path: ["name"], equals: "z" } }';
    expect(await both(`{ files(${where}) { nodes { id } totalCount } }`)).toEqual({
      files: { nodes: [], totalCount: 0 },
    });
    expect(
      await both(
        '{ shelves(orderBy: { files: { _count: desc } }) { nodes { id filesAggregate { count { _all } } } } }',
      ),
    ).toEqual({
      shelves: {
        nodes: [
          { id: 1, filesAggregate: { count: { _all: 2 } } },
          { id: 2, filesAggregate: { count: { _all: 1 } } },
        ],
      },
    });
  });
});

describe('a rule that looks into a document', () => {
  it('looks where each viewer’s token says, in one plan for each place, and nowhere for whose says nothing', async () => {
    const rules = {
      Shelf: { read: true },
      File: {
        read: (viewer: { claims: Record<string, unknown> }) => ({
          meta: { path: [viewer.claims.key as string], equals: viewer.claims.value as string },
        }),
      },
    };
    await using server = await startSchemaServer({ schema, rows, rules });
    const seen = async (claims: Record<string, unknown>) =>
      (await server.as({ sub: 'x', claims }).query('{ files { nodes { id } } }')).data?.files.nodes;
    expect(await seen({ key: 'name', value: 'a' })).toEqual([{ id: 1 }]);
    expect(await seen({ key: 'name', value: 'b' })).toEqual([{ id: 2 }]);
    expect(await seen({ key: 'open', value: true })).toHaveLength(3);
    expect(await seen({ key: 'teams', value: ['red'] })).toEqual([{ id: 1 }]);
    expect(await seen({ value: 'a' })).toEqual([]);
    expect(await seen({ key: 'name' })).toEqual([]);
    expect(await seen({ key: "name'] is null or array['", value: 'a' })).toEqual([]);
  });
});
