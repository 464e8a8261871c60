import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await insertTeam(server.databaseUrl);
});
afterAll(() => server[Symbol.asyncDispose]());

const claims = {
  ann: { sub: team.ann },
  ben: { sub: team.ben },
  cleo: { sub: team.cleo },
  dora: { sub: team.dora },
  nobody: { sub: '00000000-0000-7000-8000-000000000999' },
  'somebody whose id is no UUID': { sub: 'ann' },
  admin: { sub: team.dora, role: 'admin' },
} as const;
type Who = keyof typeof claims | 'a stranger';

/** The raw text of somebody's answer: what is in no part of it has not been told. */
async function textFor(who: Who, query: string, variables?: Record<string, unknown>): Promise<string> {
  const asker = who === 'a stranger' ? server.stranger : server.as(claims[who]);
  return (await asker.post({ query, variables })).text();
}

/** Words that stand in rows of the Mill only, and of the Smithy only. */
const ofMill = [
  'Ann',
  'Ben',
  'Cleo',
  'mill',
  'Mill',
  'wheel',
  '1234.5',
  'pond',
  'axle',
  'paddle',
  'bucket',
  'urgent',
  '0031',
  '0021',
];
const ofSmithy = [
  'Dora',
  'dora',
  'smithy',
  'Smithy',
  'forge',
  '99999.99',
  'anvil',
  'alloy',
  'hot',
  '"secret"',
  '0034',
  '0022',
];

const person = 'id name email';
const queries = {
  lists: `{ users { totalCount nodes { ${person} } } workspaces { nodes { name slug } } members { nodes { role joinedAt } }
    projects { nodes { id name budget } } tasks { edges { cursor node { id title extra } } } labels { nodes { name } } comments { nodes { body } } }`,
  byKey: `{ a: user(where: { id: "${team.dora}" }) { ${person} } b: user(where: { email: "dora@smithy.test" }) { ${person} }
    c: workspace(where: { slug: "smithy" }) { name } d: task(where: { id: "${team.anvil}" }) { title extra }
    e: label(where: { workspaceId_name: { workspaceId: "${team.smithy}", name: "hot" } }) { name color }
    f: user(where: { id: "${team.ann}" }) { name email } g: comment(where: { id: "${team.secret}" }) { body } }`,
  nested: `{ members(first: 9) { totalCount nodes { user { name } workspace { name slug projects(first: 9) { nodes { name budget tasks(first: 9) { nodes {
      title assignee { name email } comments(first: 9) { nodes { body author { name email } } } labels(first: 9) { nodes { name tasks { totalCount } } } } } } } } } } }`,
  backwards: `{ comments { nodes { body author { name email comments { totalCount } } task { title project { name budget workspace { name members { totalCount nodes { user { name } } } } } } } } }`,
  totals: `{ users { totalCount } workspaces { totalCount } members { totalCount } projects { totalCount } tasks { totalCount } labels { totalCount } comments { totalCount } }`,
  filters: `{
      some: users(where: { assigned: { some: { title: { contains: "anvil" } } } }) { totalCount nodes { name } }
      none: users(where: { comments: { none: { body: { contains: "alloy" } } } }) { totalCount nodes { name } }
      every: users(where: { memberships: { every: { workspace: { is: { slug: { equals: "mill" } } } } } }) { totalCount nodes { name } }
      is: tasks(where: { assignee: { is: { name: { equals: "Dora" } } } }) { totalCount nodes { title } }
      isNot: tasks(where: { assignee: { isNot: { name: { equals: "Dora" } } } }) { totalCount nodes { title } }
      no: users(where: { NOT: [{ memberships: { some: { workspace: { is: { name: { contains: "Smith" } } } } } }] }) { totalCount nodes { name } } }`,
  hiddenFields: `{
      email: users(where: { email: { contains: "@" } }) { totalCount nodes { email } }
      notEmail: users(where: { NOT: [{ email: { contains: "zzz" } }] }) { totalCount nodes { email } }
      budget: projects(where: { budget: { gt: "0" } }) { totalCount nodes { budget } }
      via: tasks(where: { project: { is: { budget: { gte: "1000" } } } }) { totalCount }
      byEmail: users(orderBy: [{ email: desc }]) { edges { cursor node { name email } } }
      byBudget: projects(orderBy: [{ budget: { sort: desc } }]) { edges { cursor node { name budget } } } }`,
  orders: `{
      related: tasks(orderBy: [{ project: { workspace: { name: desc } } }]) { edges { cursor node { title } } }
      email: tasks(orderBy: [{ assignee: { email: desc } }]) { edges { cursor node { title } } }
      budget: tasks(orderBy: [{ project: { budget: { sort: desc, nulls: last } } }]) { edges { cursor node { title } } }
      count: users(orderBy: [{ comments: { _count: desc } }, { assigned: { _count: desc } }]) { edges { cursor node { name } } } }`,
  json: `{ path: tasks(where: { extra: { path: ["secret"], equals: true } }) { totalCount nodes { title } }
      tools: tasks(where: { extra: { path: ["tools"], array_contains: ["bucket"] } }) { totalCount nodes { title } }
      absent: tasks(where: { NOT: [{ extra: { path: ["secret"], equals: true } }] }) { totalCount } }`,
} as const;
type QueryName = keyof typeof queries;

/** Who × what: words the answer has, and words it has not. Everything of the other side is forbidden besides. */
const expected: Record<Exclude<Who, 'admin'>, Partial<Record<QueryName, { has?: string[]; hasNot?: string[] }>>> = {
  ann: {
    lists: {
      has: ['Ann', 'Ben', 'Cleo', 'ann@mill.test', '1234.50', 'Water the millpond', 'The pond is low.'],
      hasNot: ['ben@mill', 'cleo@mill'],
    },
    byKey: { has: ['"a":null', '"b":null', '"c":null', '"d":null', '"e":null', '"g":null', 'ann@mill.test'] },
    nested: { has: ['ann@mill.test', '1234.50', 'urgent'], hasNot: ['ben@mill'] },
    backwards: { has: ['The pond is low.', 'Ben', '1234.50'], hasNot: ['ben@mill'] },
    totals: {
      has: [
        '"users":{"totalCount":3}',
        '"workspaces":{"totalCount":1}',
        '"tasks":{"totalCount":3}',
        '"comments":{"totalCount":1}',
      ],
    },
    filters: {
      has: [
        '"some":{"totalCount":0',
        '"none":{"totalCount":3',
        '"every":{"totalCount":3',
        '"is":{"totalCount":0',
        '"isNot":{"totalCount":3',
        '"no":{"totalCount":3',
      ],
    },
    hiddenFields: {
      has: [
        '"email":{"totalCount":1',
        '"notEmail":{"totalCount":1',
        '"budget":{"totalCount":1',
        '"via":{"totalCount":3',
      ],
      hasNot: ['ben@mill'],
    },
    json: { has: ['"path":{"totalCount":0', '"tools":{"totalCount":1', 'millpond'] },
  },
  ben: {
    lists: { has: ['Ann', 'ben@mill.test'], hasNot: ['ann@mill', 'cleo@mill', '1234.5'] },
    byKey: { has: ['"f":{"name":"Ann","email":null}'] },
    nested: { hasNot: ['ann@mill', '1234.5'] },
    hiddenFields: {
      has: ['"email":{"totalCount":1', '"budget":{"totalCount":0', '"via":{"totalCount":0'],
      hasNot: ['ann@mill', '1234.5'],
    },
    orders: { hasNot: ['ann@mill', '1234.5'] },
  },
  cleo: {
    lists: { has: ['Ann', 'cleo@mill.test', 'Grease the axle'], hasNot: ['ann@mill', 'ben@mill', '1234.5'] },
    totals: { has: ['"users":{"totalCount":3}', '"members":{"totalCount":3}'] },
    hiddenFields: { has: ['"email":{"totalCount":1', '"budget":{"totalCount":0'], hasNot: ['1234.5'] },
    orders: { hasNot: ['ann@mill', '1234.5'] },
  },
  dora: {
    lists: { has: ['Dora', 'dora@smithy.test', '99999.99', 'Cast the anvil', 'alloy'] },
    byKey: { has: ['dora@smithy.test', 'The Smithy', 'Cast the anvil', '#ffaa00', 'alloy', '"f":null'] },
    totals: { has: ['"users":{"totalCount":1}', '"tasks":{"totalCount":1}'] },
    filters: {
      has: [
        '"some":{"totalCount":1',
        '"none":{"totalCount":0',
        '"every":{"totalCount":0',
        '"is":{"totalCount":1',
        '"isNot":{"totalCount":0',
        '"no":{"totalCount":0',
      ],
    },
    json: { has: ['"path":{"totalCount":1', '"tools":{"totalCount":0'] },
  },
  nobody: {
    totals: { hasNot: ['"totalCount":1', '"totalCount":3'] },
    filters: { hasNot: ['"totalCount":1', '"totalCount":3'] },
  },
  'somebody whose id is no UUID': { totals: { hasNot: ['errors', '"totalCount":1', '"totalCount":3'] } },
  'a stranger': { totals: { hasNot: ['"totalCount":1', '"totalCount":3'] }, json: { hasNot: ['"totalCount":1'] } },
};

/** Cursors are base64 of what rows are ordered by: looked into as well. */
function opened(text: string): string {
  const cursors = [...text.matchAll(/"(WyI[A-Za-z0-9+/=]+)"/g)].map(([, cursor]) =>
    Buffer.from(cursor!, 'base64').toString(),
  );
  return [text.replaceAll('": ', '":').replaceAll(' :', ':'), ...cursors].join('\n');
}

const forbiddenFor = (who: Who): string[] => {
  if (who === 'dora') return ofMill;
  return who === 'ann' || who === 'ben' || who === 'cleo' ? ofSmithy : [...ofMill, ...ofSmithy];
};

describe.each(Object.entries(expected) as [Exclude<Who, 'admin'>, (typeof expected)[Exclude<Who, 'admin'>]][])(
  '%s',
  (who, table) => {
    it.each(Object.keys(queries) as QueryName[])('%s', async (name) => {
      const query = queries[name];
      const text = opened(await textFor(who, query));
      expect(text).toContain('"data":{');
      expect(text).not.toContain('"errors"');
      for (const word of forbiddenFor(who)) expect(text).not.toContain(word);
      for (const word of table[name]?.has ?? []) expect(text).toContain(word);
      for (const word of table[name]?.hasNot ?? []) expect(text).not.toContain(word);
    });
  },
);

it.each(Object.keys(queries) as QueryName[])('an admin sees all: %s', async (name) => {
  const text = opened(await textFor('admin', queries[name]));
  expect(text).not.toContain('"errors"');
  if (name === 'lists')
    for (const word of [...ofMill.slice(0, 5), 'Dora', '99999.99', 'alloy']) expect(text).toContain(word);
  if (name === 'totals') expect(text).toContain('"users":{"totalCount":4}');
  if (name === 'filters') expect(text).toContain('"some":{"totalCount":1');
  if (name === 'hiddenFields') expect(text).toContain('"email":{"totalCount":4');
});

describe('the cursor of a hidden row', () => {
  const list = (cursor?: string) =>
    `{ tasks(orderBy: [{ title: asc }], first: 10 ${cursor ? `after: "${cursor}"` : ''}) { totalCount edges { cursor node { id title } } pageInfo { hasPreviousPage hasNextPage startCursor } } }`;

  it('only says where to begin', async () => {
    const admin = JSON.parse(await textFor('admin', list())).data.tasks.edges as {
      cursor: string;
      node: { id: string };
    }[];
    const hidden = admin.find((e) => e.node.id === team.anvil)!.cursor;
    const visible = admin.map((e) => e.node.id).filter((id) => id !== team.anvil);
    const text = await textFor('ben', list(hidden));
    for (const word of ofSmithy) expect(text).not.toContain(word);
    // "Cast the anvil" stands behind "Carve a paddle" and before the others.
    const answer = JSON.parse(text).data.tasks;
    expect(answer.edges.map((e: { node: { id: string } }) => e.node.id)).toEqual(
      visible.filter((id) => id !== team.paddle),
    );
    expect(answer.totalCount).toBe(3);
  });

  it('is taken of no other list', async () => {
    const admin = JSON.parse(await textFor('admin', '{ users { edges { cursor } } }')).data.users.edges as {
      cursor: string;
    }[];
    const text = await textFor('ben', list(admin[0]!.cursor));
    expect(JSON.parse(text).errors[0].extensions).toMatchObject({ code: 'INVALID_INPUT', fields: [{ path: 'after' }] });
  });
});
