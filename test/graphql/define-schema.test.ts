import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sources } from '../../src/application.ts';
import { defineSchema, MillraceError } from '../../src/graphql/define-schema.ts';
import { exampleWithoutAccounts, startServer, type TestServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';

let server: TestServer;
let sources: Sources;
beforeAll(async () => {
  sources = await exampleWithoutAccounts();
  const extend = defineSchema(({ builder, queryField, mutationField, dataField }) => {
    queryField('answer', 'everyone', (t) => t.int({ resolve: () => 42 }));
    queryField('myself', 'signed-in', (t) =>
      t.string({ nullable: true, resolve: (_root, _args, { viewer }) => viewer.id }),
    );
    queryField(
      'staffOnly',
      (viewer) => viewer.role === 'staff',
      (t) => t.boolean({ resolve: () => true }),
    );
    queryField(
      'shaky',
      (viewer) => {
        if (viewer.id) throw new Error('secret words');
        return true;
      },
      (t) => t.boolean({ resolve: () => true }),
    );
    queryField('failing', 'everyone', (t) =>
      t.string({
        args: { how: t.arg.string({ required: true }) },
        resolve: (_root, { how }) => {
          if (how === 'ours') throw new MillraceError('CONFLICT', 'not now');
          throw new Error('secret words');
        },
      }),
    );
    mutationField('shout', 'everyone', (t) =>
      t.string({
        args: { text: t.arg({ type: 'String', required: true }) },
        resolve: (_root, { text }) => text.toUpperCase(),
      }),
    );
    builder.queryField('forgotten', (t) => t.boolean({ resolve: () => true }));
    dataField('Task', 'isLate', ['dueAt', 'status'], (t) =>
      t.boolean({
        args: { at: t.arg({ type: 'DateTime', required: true }) },
        resolve: ({ dueAt, status }, { at }) =>
          status !== 'DONE' && dueAt !== null && Date.parse(dueAt) < Date.parse(at),
      }),
    );
    dataField('User', 'address', ['name', 'email'], (t) =>
      t.string({ resolve: ({ name, email }) => (email === null ? String(name) : `${name} <${email}>`) }),
    );
    dataField('Workspace', 'shape', [], (t) => t.string({ resolve: (row) => Object.keys(row).join() || 'none' }));
  });
  server = await startServer({ sources: { ...sources, extend } });
  await insertTeam(server.databaseUrl);
});
afterAll(() => server[Symbol.asyncDispose]());

const codeOf = async (who: { query: TestServer['stranger']['query'] }, query: string) => {
  const answer = await who.query(query);
  return answer.errors?.[0]?.extensions.code ?? Object.values(answer.data)[0];
};

describe('a root field', () => {
  it.each<[string, unknown, unknown, unknown, unknown]>([
    // query, stranger, somebody, staff, admin
    ['{ answer }', 42, 42, 42, 42],
    ['{ myself }', 'UNAUTHENTICATED', team.ben, 'someone', null],
    ['{ staffOnly }', 'UNAUTHENTICATED', 'FORBIDDEN', true, true],
    ['{ forgotten }', 'UNAUTHENTICATED', 'FORBIDDEN', 'FORBIDDEN', true],
    ['{ shaky }', true, 'INTERNAL', 'INTERNAL', true],
    ['{ failing(how: "ours") }', 'CONFLICT', 'CONFLICT', 'CONFLICT', 'CONFLICT'],
    ['{ failing(how: "theirs") }', 'INTERNAL', 'INTERNAL', 'INTERNAL', 'INTERNAL'],
    ['mutation { shout(text: "hey") }', 'HEY', 'HEY', 'HEY', 'HEY'],
  ])('%s', async (query, forStranger, forBen, forStaff, forAdmin) => {
    expect(await codeOf(server.stranger, query)).toBe(forStranger);
    expect(await codeOf(server.as({ sub: team.ben }), query)).toBe(forBen);
    expect(await codeOf(server.as({ sub: 'someone', role: 'staff' }), query)).toBe(forStaff);
    expect(await codeOf(server.as({ role: 'admin' }), query)).toBe(forAdmin);
  });

  it('tells nothing of what went wrong inside it', async () => {
    const text = await (await server.stranger.post({ query: '{ failing(how: "theirs") shaky }' })).text();
    expect(text).not.toMatch(/secret|\.ts|Error/);
  });

  it('stands beside fields of the data API in one query', async () => {
    const answer = await server.as({ sub: team.ben }).query('{ answer tasks { totalCount } }');
    expect(answer).toEqual({ data: { answer: 42, tasks: { totalCount: 3 } } });
  });
});

describe('a field of a model', () => {
  const ben = () => server.as({ sub: team.ben });

  it('is made of what it needs, wherever its model stands, under any alias', async () => {
    const { data } = await ben().query(
      `query ($at: DateTime!) {
      tasks(orderBy: [{ id: asc }]) { nodes { late: isLate(at: $at) never: isLate(at: "2000-01-01T00:00:00Z") } edges { node { isLate(at: $at) } } }
      project(where: { id: "${team.wheel}" }) { tasks(first: 1, orderBy: [{ id: asc }]) { nodes { title isLate(at: $at) assignee { address } } } }
    }`,
      { at: '2026-06-01T00:00:00Z' },
    );
    expect(data.tasks.nodes).toEqual([
      { late: true, never: false },
      { late: false, never: false },
      { late: false, never: false },
    ]);
    expect(data.tasks.edges[0].node).toEqual({ isLate: true });
    expect(data.project.tasks.nodes).toEqual([
      { title: 'Water the millpond', isLate: true, assignee: { address: 'Ann' } },
    ]);
  });

  it('needs no more than the viewer may read', async () => {
    const { data } = await ben().query('{ users(orderBy: [{ id: asc }]) { nodes { address } } }');
    expect(data.users.nodes).toEqual([{ address: 'Ann' }, { address: 'Ben <ben@mill.test>' }, { address: 'Cleo' }]);
  });

  it('is there in the answer of a write', async () => {
    const { data } = await ben().query(
      `mutation { updateUser(where: { id: "${team.ben}" }, data: { name: "Benno" }) { address } }`,
    );
    expect(data.updateUser).toEqual({ address: 'Benno <ben@mill.test>' });
  });

  it('may need nothing', async () => {
    expect((await ben().query('{ workspaces { nodes { shape } } }')).data.workspaces.nodes).toEqual([
      { shape: 'none' },
    ]);
  });
});

it.each<[string, Parameters<typeof defineSchema>[0], RegExp]>([
  // What the types refuse, a program without types may do.
  [
    'a model that is not there',
    ({ dataField }) => dataField('Tusk' as never, 'x', [], (t) => t.int({ resolve: () => 1 })),
    /no such model/,
  ],
  [
    'a need that is no column',
    ({ dataField }) => dataField('Task', 'x', ['project' as never], (t) => t.int({ resolve: () => 1 })),
    /needs project/,
  ],
  [
    'a field that the model has',
    ({ dataField }) => dataField('Task', 'title', [], (t) => t.int({ resolve: () => 1 })),
    /has a field of that name/,
  ],
])('refuses at the start %s', async (_title, define, message) => {
  await expect(startServer({ sources: { ...sources, extend: defineSchema(define) } })).rejects.toThrow(message);
});

it('runs the example of docs/custom-fields.md', async () => {
  const page = await readFile('docs/custom-fields.md', 'utf8');
  const example = /```ts\n([\s\S]*?)```/.exec(page)![1]!;
  const url = new URL(`../../.millrace/custom-fields-${process.pid}.ts`, import.meta.url);
  await mkdir(new URL('.', url), { recursive: true });
  await writeFile(url, example.replace("'millrace/schema'", "'../src/graphql/define-schema.ts'"));
  try {
    const { default: extend } = (await import(url.href)) as { default: Sources['extend'] };
    await using documented = await startServer({ sources: { ...sources, extend } });
    await insertTeam(documented.databaseUrl);
    const ann = documented.as({ sub: team.ann });
    const queries = [...page.matchAll(/```graphql\n([\s\S]*?)```\n\n```json\n([\s\S]*?)```/g)];
    expect(queries.length).toBeGreaterThan(0);
    for (const [, query, answer] of queries) expect(await ann.query(query!)).toEqual(JSON.parse(answer!));
  } finally {
    await rm(url, { force: true });
  }
});
