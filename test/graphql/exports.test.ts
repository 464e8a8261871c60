import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { defineSchema } from '../../src/graphql/define-schema.ts';
import { ask } from '../support/postgres.ts';
import { type Answer, type Asker, exampleWithoutAccounts, startServer, type TestServer } from '../support/server.ts';
import { openSocket } from '../support/socket.ts';
import { insertTeam, team } from '../support/team.ts';

let server: TestServer;
let admin: Asker;
beforeAll(async () => {
  const extend = defineSchema(({ builder, mutationField }) => {
    mutationField('echo', 'everyone', (t) =>
      t.string({ args: { text: t.arg.string() }, nullable: true, resolve: (_root, { text }) => text }),
    );
    mutationField('number', 'everyone', (t) =>
      t.int({ args: { value: t.arg.int({ required: true }) }, resolve: (_root, { value }) => value }),
    );
    mutationField('half', 'everyone', (t) =>
      t.float({ args: { of: t.arg.float({ required: true }) }, resolve: (_root, { of }) => of / 2 }),
    );
    mutationField('all', 'everyone', (t) =>
      t.stringList({
        args: { words: t.arg.stringList({ required: true }) },
        resolve: (_root, { words }) => words,
      }),
    );
    mutationField('json', 'everyone', (t) =>
      t.field({
        type: 'JSON',
        args: { value: t.arg({ type: 'JSON', required: true }) },
        resolve: (_root, { value }) => value,
      }),
    );
    const Thing = builder
      .interfaceRef<{ word: string }>('Thing')
      .implement({ fields: (t) => ({ word: t.exposeString('word') }) });
    builder.objectRef<{ word: string }>('Stone').implement({ interfaces: [Thing], isTypeOf: () => true });
    mutationField('thing', 'everyone', (t) => t.field({ type: Thing, resolve: () => ({ word: 'stone' }) }));
  });
  const sources = await exampleWithoutAccounts();
  server = await startServer({
    sources: { ...sources, extend },
    config: (c) => ({ ...c, graphql: { ...c.graphql, cost: { ...c.graphql.cost, max: 3000 } } }),
  });
  admin = server.as({ role: 'admin' });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  await ask(server.databaseUrl, 'truncate users, workspaces cascade');
  await insertTeam(server.databaseUrl);
});

const workspace = `createWorkspace(data: { name: "Dam", slug: "dam" })`;
const codes = ({ errors }: Answer) => errors?.map((e) => e.extensions.code);
const dams = async () =>
  Number(
    (await ask<{ n: string }>(server.databaseUrl, `select count(*) as n from workspaces where slug = 'dam'`))[0]!.n,
  );

describe('a value that is exported', () => {
  it('is a variable of the root fields behind, at any depth of theirs', async () => {
    const query = `
      mutation ($dam: String, $project: String = "") {
        ${workspace} { ...W }
        createProject(data: { name: "Wall", workspace: { connect: { id: $dam } } }) { made: id @export(as: "project") workspace { slug } }
        createTask(data: { title: "Dig", projectId: $project }) { project { name workspace { projects(where: { id: { equals: $project } }) { totalCount } } } }
      }
      fragment W on Workspace { ... on Workspace { id @export(as: "dam") } }`;
    const expected = {
      createWorkspace: { id: expect.any(String) },
      createProject: { made: expect.any(String), workspace: { slug: 'dam' } },
      createTask: { project: { name: 'Wall', workspace: { projects: { totalCount: 1 } } } },
    };
    expect(await admin.query(query)).toEqual({ data: expected });
    await ask(server.databaseUrl, `delete from workspaces where slug = 'dam'`);
    await using socket = await openSocket(server, { role: 'admin' });
    expect(await socket.results(query).next()).toEqual({ data: expected });
  });

  it('is all values where the variable is a list, from wherever they come', async () => {
    const { data } = await admin.query(`
      mutation ($words: [String!] = []) {
        a: updateProject(where: { id: "${team.wheel}" }, data: { archived: true }) {
          name @export(as: "words")
          tasks(orderBy: [{ id: asc }]) { nodes { title @export(as: "words") labels { nodes { name @export(as: "words") } } } }
        }
        b: all(words: ["x", "y"]) @export(as: "words")
        all(words: $words)
      }`);
    expect(data.all).toEqual([
      'New wheel',
      'Water the millpond',
      'Grease the axle',
      'Carve a paddle',
      'urgent',
      'urgent',
      'x',
      'y',
    ]);
  });

  it('is no value of a list where there is none, and a document whole', async () => {
    const { data } = await admin.query(
      `
      mutation ($names: [String!], $json: JSON = 0) {
        updateTask(where: { id: "${team.paddle}" }, data: { priority: 2 }) { comments { nodes { body @export(as: "names") } } }
        all(words: $names)
        json(value: [1, [2]]) @export(as: "json")
        copy: json(value: $json)
      }`.replace('$names: [String!]', '$names: [String!] = ["default"]'),
    );
    expect([data.all, data.copy]).toEqual([[], [1, [2]]]);
  });

  it('is what the viewer may see of it', async () => {
    const ben = server.as({ sub: team.ben });
    const answer = await ben.query(`
      mutation ($budget: Decimal, $name: String) {
        updateProject(where: { id: "${team.wheel}" }, data: { archived: true }) { budget @export(as: "budget") name @export(as: "name") }
        again: updateProject(where: { id: "${team.wheel}" }, data: { name: $name }) { name tasks { totalCount } }
        spent: updateProject(where: { id: "${team.wheel}" }, data: { archived: false }) { workspace { projects(where: { budget: { equals: $budget } }) { totalCount } } }
      }`);
    expect(JSON.stringify(answer)).not.toContain('1234');
  });
});

describe('an operation is undone', () => {
  it.each<[string, RegExp, string, Record<string, unknown>?]>([
    [
      'whose exported value is sent by the client',
      /exported, not sent/,
      `mutation ($x: String) { ${workspace} { id @export(as: "x") } echo(text: $x) }`,
      { x: 'mine' },
    ],
    [
      'which uses what was skipped',
      /no such field/,
      `mutation ($x: String = "default") { ${workspace} { id @export(as: "x") @skip(if: true) } echo(text: $x) }`,
    ],
    [
      'which uses what a root field that was skipped would have exported',
      /no such field/,
      `mutation ($x: String = "default") { ${workspace} { slug } a: echo(text: "a") @export(as: "x") @skip(if: true) echo(text: $x) }`,
    ],
    [
      'whose only field uses what was skipped',
      /no such field/,
      `mutation ($x: String = "default") { a: echo(text: "a") @export(as: "x") @skip(if: true) echo(text: $x) }`,
    ],
    [
      'which uses a value of a row that is not there',
      /no such field/,
      `mutation ($x: String = "default") { ${workspace} { id } updateTask(where: { id: "${team.axle}" }, data: { priority: 3 }) { assignee { name @export(as: "x") } } echo(text: $x) }`,
    ],
    [
      'whose exported null stands where none may',
      /must not be null/,
      `mutation ($x: Float = 1.5) { ${workspace} { id } updateTask(where: { id: "${team.axle}" }, data: { priority: 3 }) { estimate @export(as: "x") } half(of: $x) }`,
    ],
    [
      'whose exported null is none of the type',
      /does not fit: .*null/,
      `mutation ($x: Float! = 1.5) { ${workspace} { id } updateTask(where: { id: "${team.axle}" }, data: { priority: 3 }) { estimate @export(as: "x") } half(of: $x) }`,
    ],
    [
      'whose exported value is none of the type',
      /does not fit/,
      `mutation ($x: Int) { ${workspace} { id @export(as: "x") } updateTask(where: { id: "${team.axle}" }, data: { priority: $x }) { id } }`,
    ],
    [
      'whose exported value is refused where it is used',
      /UUID/i,
      `mutation ($x: String) { ${workspace} { slug @export(as: "x") } updateTask(where: { id: $x }, data: { priority: 1 }) { id } }`,
    ],
  ])('%s', async (_title, message, query, variables) => {
    const answer = await admin.query(query, variables);
    expect(codes(answer)![0]).toBe('INVALID_INPUT');
    expect(answer.errors![0]!.message).toMatch(message);
    expect(answer.data ?? null).toBe(null);
    expect(await dams()).toBe(0);
  });

  it('that an exported value makes cost more than is allowed', async () => {
    const deep = 'project { tasks(first: $n) { nodes { comments(first: $n) { nodes { id } } } } }';
    const query = (n: number) => `mutation ($n: Int = 1) {
      ${workspace} { id }
      number(value: ${n}) @export(as: "n")
      updateTask(where: { id: "${team.axle}" }, data: { priority: 3 }) { ${deep} }
    }`;
    expect(codes(await admin.query(query(400)))).toEqual(['TOO_LARGE', 'ROLLED_BACK', 'ROLLED_BACK']);
    expect(await dams()).toBe(0);
    expect((await admin.query(query(4))).errors).toBeUndefined();
  });
});

it.each<[string, string, RegExp]>([
  [
    'in a query',
    'query ($x: String) { tasks { nodes { title @export(as: "x") } } task(where: { id: $x }) { id } }',
    /mutations alone/,
  ],
  ['of an object', `mutation ($x: String) { ${workspace} @export(as: "x") { id } echo(text: $x) }`, /is an object/],
  ['to no variable', `mutation { ${workspace} { id @export(as: "x") } }`, /no variable \$x/],
  [
    'by a name that is a variable',
    `mutation ($x: String, $as: String!) { ${workspace} { id @export(as: $as) } echo(text: $x) }`,
    /written out/,
  ],
  [
    'to a variable that has to be sent',
    `mutation ($x: String!) { ${workspace} { id @export(as: "x") } echo(text: $x) }`,
    /give it a default/,
  ],
  [
    'twice to one value',
    `mutation ($x: String) { ${workspace} { id @export(as: "x") slug @export(as: "x") } echo(text: $x) }`,
    /exported twice/,
  ],
  [
    'of many values to one',
    `mutation ($x: String) { ${workspace} { projects { nodes { id @export(as: "x") } } } echo(text: $x) }`,
    /may be many values/,
  ],
  [
    'of a list to one value',
    `mutation ($x: String) { all(words: ["a"]) @export(as: "x") echo(text: $x) }`,
    /may be many values/,
  ],
  [
    'to a list of lists',
    `mutation ($x: JSON, $y: [[String]]) { ${workspace} { id @export(as: "y") } json(value: [$x, $y]) }`,
    /list of lists/,
  ],
  ['below an interface', `mutation ($x: String) { thing { word @export(as: "x") } echo(text: $x) }`, /interface/],
  [
    'below a type of an interface',
    `mutation ($x: String) { thing { ... on Stone { word @export(as: "x") } } echo(text: $x) }`,
    /interface/,
  ],
  [
    'to what is used before',
    `mutation ($x: String) { echo(text: $x) ${workspace} { id @export(as: "x") } }`,
    /used before/,
  ],
  [
    'to what is used in the same field',
    `mutation ($x: String) { ${workspace} { id @export(as: "x") projects(where: { id: { equals: $x } }) { totalCount } } }`,
    /used before/,
  ],
  [
    'to what decides what is selected',
    `mutation ($x: Boolean = true) { updateProject(where: { id: "x" }, data: {}) { archived @export(as: "x") } ...E } fragment E on Mutation { echo(text: "a") @include(if: $x) }`,
    /decide by a directive/,
  ],
  [
    'in a fragment that contains itself',
    `mutation ($x: String) { ${workspace} { ...F } echo(text: $x) } fragment F on Workspace { id @export(as: "x") projects { nodes { workspace { ...F } } } }`,
    /itself/,
  ],
])('an export %s is refused before anything is done', async (_title, query, message) => {
  const answer = await admin.query(query);
  expect(new Set(codes(answer))).toEqual(new Set(['INVALID_INPUT']));
  expect(answer.errors!.map((e) => e.message).join('\n')).toMatch(message);
  expect(answer.data).toBeUndefined();
  expect(await dams()).toBe(0);
});

it('says by the variable and the place what does not fit', async () => {
  const answer = await admin.query(
    `mutation ($x: Int) { a: ${workspace} { code: slug @export(as: "x") } updateTask(where: { id: "${team.axle}" }, data: { priority: $x }) { id } }`,
  );
  expect(answer.errors![0]).toMatchObject({
    path: ['a'],
    message: expect.stringMatching(/^x: what a\.code exports does not fit: .*dam/),
    extensions: { fields: [{ path: 'x' }] },
  });
  expect(codes(answer)).toEqual(['INVALID_INPUT', 'ROLLED_BACK']);
});
