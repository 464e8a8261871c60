import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSchemaServer } from '../support/schema-server.ts';
import type { TestServer } from '../support/server.ts';
import { openSocket } from '../support/socket.ts';

const schema = `
enum Kind {
  SMALL @map("s")
  BIG   @map("b")
}

model Shop {
  id    Int    @id
  name  String
  sales Sale[]
}

model Sale {
  id     Int       @id
  shopId Int
  shop   Shop      @relation(fields: [shopId], references: [id])
  kind   Kind
  amount Int
  big    BigInt
  exact  Decimal   @db.Decimal(30, 10)
  about  Float?
  code   String    @db.Uuid
  tags   String[]
  extra  Json?
  paid   Boolean
  soldAt DateTime  @db.Timestamptz(3)
  seenAt DateTime?
  day    DateTime? @db.Date
}
`;

const code = (n: number) => `018f0000-0000-7000-8000-00000000000${n}`;
const rows = `
  insert into "Shop" values (1, 'mill'), (2, 'smithy');
  insert into "Sale" values
    (1, 1, 's', 2147483647, 9223372036854775807, 0.1, 1.5, '${code(3)}', '{a}', '{"a": 1}', true, '2025-12-31T23:30:00Z', '2026-03-29T00:30:00', '2026-02-28'),
    (2, 1, 'b', 2147483647, 9223372036854775806, 0.2, null, '${code(1)}', '{a}', null, false, '2026-01-01T00:30:00Z', '2026-03-29T01:30:00', '2026-02-01'),
    (3, 2, 's', 1, 1, 99999999999999999999.0000000001, 2.5, '${code(2)}', '{}', '{"a": 1}', true, '2026-10-25T00:30:00Z', null, null),
    (4, 2, 'b', 0, 0, 0, null, '${code(9)}', '{}', null, true, '2026-10-25T01:30:00Z', null, null);`;

let server: TestServer;
beforeAll(async () => {
  server = await startSchemaServer({ schema, rows, rules: { Shop: { read: true }, Sale: { read: true } } });
});
afterAll(() => server[Symbol.asyncDispose]());

const answer = async (query: string, variables?: Record<string, unknown>) => {
  const { data, errors } = await server.stranger.query(query, variables);
  expect(errors).toBeUndefined();
  return data;
};

describe('measures', () => {
  it('lose no digit, and outgrow no type', async () => {
    const { salesAggregate } = await answer(`{ salesAggregate {
      sum { amount big exact about } avg { amount big exact about } min { code kind } max { code kind exact }
    } }`);
    expect(salesAggregate).toEqual({
      sum: { amount: '4294967295', big: '18446744073709551614', exact: '99999999999999999999.3000000001', about: 4 },
      avg: {
        amount: 1073741823.75,
        big: '4611686018427387904',
        exact: '24999999999999999999.8250000000',
        about: 2,
      },
      min: { code: code(1), kind: 'SMALL' },
      max: { code: code(9), kind: 'BIG', exact: '99999999999999999999.0000000001' },
    });
  });

  it('count all rows, those with a value, and different values', async () => {
    expect(
      await answer(
        '{ salesAggregate { count { _all about day extra tags } distinct { about kind tags extra paid } } }',
      ),
    ).toEqual({
      salesAggregate: {
        count: { _all: 4, about: 2, day: 2, extra: 2, tags: 4 },
        distinct: { about: 2, kind: 2, tags: 2, extra: 1, paid: 2 },
      },
    });
  });

  it('of no rows are nothing, and their counts none', async () => {
    expect(
      await answer(
        '{ salesAggregate(where: { id: { lt: 0 } }) { count { _all } min { id } sum { amount } avg { exact } } }',
      ),
    ).toEqual({
      salesAggregate: { count: { _all: 0 }, min: { id: null }, sum: { amount: null }, avg: { exact: null } },
    });
  });

  it('stand below a row, filtered, as part of its statement', async () => {
    const query = `query ($kind: Kind) { shops { nodes { name
      small: salesAggregate(where: { kind: { equals: $kind } }) { count { _all } max { id } }
      salesAggregate { sum { amount } __typename }
    } } }`;
    expect(await answer(query, { kind: 'SMALL' })).toEqual({
      shops: {
        nodes: [
          {
            name: 'mill',
            small: { count: { _all: 1 }, max: { id: 1 } },
            salesAggregate: { sum: { amount: '4294967294' }, __typename: 'SaleAggregate' },
          },
          {
            name: 'smithy',
            small: { count: { _all: 1 }, max: { id: 3 } },
            salesAggregate: { sum: { amount: '1' }, __typename: 'SaleAggregate' },
          },
        ],
      },
    });
  });
});

describe('groups', () => {
  const spans = async (field: string, unit: string, timeZone?: string) => {
    const query = `query ($by: [SaleGroupByInput!]!) { salesGroupBy(by: $by) { keys { ${field} } count { _all } } }`;
    const { salesGroupBy } = await answer(query, { by: [{ [field]: { unit, timeZone } }] });
    return salesGroupBy.map((g: { keys: Record<string, string>; count: { _all: number } }) => [
      g.keys[field] && (field === 'day' ? g.keys[field] : new Date(g.keys[field]).toISOString().slice(0, 16)),
      g.count._all,
    ]);
  };

  it('begin where the time zone says, in UTC by default', async () => {
    expect(await spans('soldAt', 'year')).toEqual([
      ['2025-01-01T00:00', 1],
      ['2026-01-01T00:00', 3],
    ]);
    expect(await spans('soldAt', 'year', 'Europe/Zurich')).toEqual([['2025-12-31T23:00', 4]]);
    expect(await spans('soldAt', 'day', 'America/New_York')).toEqual([
      ['2025-12-31T05:00', 2],
      ['2026-10-24T04:00', 2],
    ]);
    expect(await spans('soldAt', 'week')).toEqual([
      ['2025-12-29T00:00', 2],
      ['2026-10-19T00:00', 2],
    ]);
  });

  it('tell the hour that a clock shows twice as two', async () => {
    expect((await spans('soldAt', 'hour', 'Europe/Zurich')).slice(-2)).toEqual([
      ['2026-10-25T00:00', 1],
      ['2026-10-25T01:00', 1],
    ]);
  });

  it('take an instant without a zone for UTC, and a day for itself', async () => {
    expect(await spans('seenAt', 'day', 'Europe/Zurich')).toEqual([
      ['2026-03-28T23:00', 2],
      [null, 2],
    ]);
    expect(await spans('day', 'month')).toEqual([
      ['2026-02-01', 2],
      [null, 2],
    ]);
  });

  it('are filtered and ordered by what is measured of them', async () => {
    const query = `query ($having: SaleHavingInput, $orderBy: [SaleGroupOrderByInput!], $first: Int) {
      salesGroupBy(by: [{ shopId: true }, { kind: true }], having: $having, orderBy: $orderBy, first: $first) {
        keys { shopId kind } sum { amount }
      }
    }`;
    const keys = async (variables: Record<string, unknown>) =>
      (await answer(query, variables)).salesGroupBy.map(
        (g: { keys: { shopId: number; kind: string } }) => `${g.keys.shopId}${g.keys.kind}`,
      );
    expect(await keys({})).toEqual(['1SMALL', '1BIG', '2SMALL', '2BIG']);
    expect(await keys({ first: 1 })).toEqual(['1SMALL']);
    expect(await keys({ having: { amount: { _sum: { gt: '2147483646' } } } })).toEqual(['1SMALL', '1BIG']);
    expect(await keys({ having: { NOT: [{ big: { _max: { gt: '1' } } }], _count: { equals: 1 } } })).toEqual([
      '2SMALL',
      '2BIG',
    ]);
    expect(await keys({ having: { OR: [] } })).toEqual([]);
    expect(await keys({ orderBy: [{ about: { _sum: { sort: 'desc', nulls: 'last' } } }] })).toEqual([
      '2SMALL',
      '1SMALL',
      '1BIG',
      '2BIG',
    ]);
    expect(
      await keys({ orderBy: [{ kind: { _key: { sort: 'desc' } } }, { shopId: { _key: { sort: 'desc' } } }] }),
    ).toEqual(['2BIG', '1BIG', '2SMALL', '1SMALL']);
  });

  it.each([
    ['by', 'by: []', 'must name at least one field'],
    ['by.0', 'by: [{}]', 'must name exactly one field'],
    ['by.0', 'by: [{ kind: true, paid: true }]', 'must name exactly one field'],
    ['by.0.kind', 'by: [{ kind: false }]', 'must be true'],
    ['by.1.kind', 'by: [{ kind: true }, { kind: true }]', 'is grouped by already'],
    [
      'by.0.soldAt.timeZone',
      'by: [{ soldAt: { unit: day, timeZone: "Mars/Olympus" } }]',
      'must be the name of a time zone',
    ],
    ['by.0.soldAt.timeZone', 'by: [{ soldAt: { unit: day, timeZone: "+02:00" } }]', 'must be the name of a time zone'],
    ['by.0.soldAt.timeZone', 'by: [{ soldAt: { timeZone: "UTC" } }]', 'needs a unit'],
    ['by.0.day.unit', 'by: [{ day: { unit: hour } }]', 'a day has no hour'],
    ['by.0.day.timeZone', 'by: [{ day: { unit: month, timeZone: "UTC" } }]', 'has no time zone'],
    ['first', 'by: [{ kind: true }], first: 501', 'must be at most 500'],
    ['first', 'by: [{ kind: true }], first: -1', 'must not be negative'],
    ['orderBy.0.paid._key', 'by: [{ kind: true }], orderBy: [{ paid: { _key: { sort: asc } } }]', 'needs paid in by'],
    ['orderBy.0.amount', 'by: [{ kind: true }], orderBy: [{ amount: {} }]', 'must name exactly one measure'],
    ['having.amount', 'by: [{ kind: true }], having: { amount: null }', 'must be an object of conditions'],
    ['having.amount._min.gt', 'by: [{ kind: true }], having: { amount: { _min: { gt: null } } }', 'must not be null'],
    ['where.id.lt', 'by: [{ kind: true }], where: { id: { lt: null } }', 'must not be null'],
  ])('refuse bad input at %s: %s', async (path, args, message) => {
    const { errors } = await server.stranger.query(`{ salesGroupBy(${args}) { count { _all } } }`);
    expect(errors).toMatchObject([{ extensions: { code: 'INVALID_INPUT', fields: [{ path }] } }]);
    expect(errors![0]!.message).toContain(message);
  });

  it('have no keys that they were not made by', async () => {
    const { errors } = await server.stranger.query('{ salesGroupBy(by: { paid: true }) { keys { kind } } }');
    expect(errors).toMatchObject([{ extensions: { code: 'INVALID_INPUT', fields: [{ path: 'by' }] } }]);
    expect(errors![0]!.message).toContain('must name kind, which keys asks for');
  });

  it('know every time zone that the server knows', async () => {
    const zones = Intl.supportedValuesOf('timeZone');
    const fields = zones.map(
      (zone, i) => `z${i}: salesGroupBy(by: { soldAt: { unit: day, timeZone: "${zone}" } }) { count { _all } }`,
    );
    for (let from = 0; from < fields.length; from += 25) await answer(`{ ${fields.slice(from, from + 25).join(' ')} }`);
  });
});

it('a live query follows what it measures', async () => {
  const admin = server.as({ role: 'admin' });
  await using socket = await openSocket(server);
  const stream = socket.subscribe(`query @live {
    salesGroupBy(by: { paid: true }) { keys { paid } count { _all } }
    shops(orderBy: { id: asc }) { nodes { salesAggregate { max { id } } } }
  }`);
  const groups = (unpaid: number, paid: number) => [
    { keys: { paid: false }, count: { _all: unpaid } },
    { keys: { paid: true }, count: { _all: paid } },
  ];
  const greatest = (...ids: number[]) => ({ nodes: ids.map((id) => ({ salesAggregate: { max: { id } } })) });
  expect(await stream.next()).toEqual({ salesGroupBy: groups(1, 3), shops: greatest(2, 4) });
  await admin.query('mutation { updateSale(where: { id: 4 }, data: { paid: false }) { id } }');
  expect(await stream.next()).toEqual({ salesGroupBy: groups(2, 2), shops: greatest(2, 4) });
  await admin.query('mutation { deleteSale(where: { id: 4 }) { id } }');
  expect(await stream.next()).toEqual({ salesGroupBy: groups(1, 2), shops: greatest(2, 3) });
});
