import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Context } from '../../src/context.ts';
import { defineSchema, MillraceError } from '../../src/graphql/define-schema.ts';
import { ask } from '../support/postgres.ts';
import { type Answer, type Asker, exampleWithoutAccounts, startServer, type TestServer } from '../support/server.ts';
import { openSocket } from '../support/socket.ts';
import { insertTeam, team } from '../support/team.ts';

let server: TestServer;
let admin: Asker;
/** How often the fields of the application's own have run. */
const calls = { touch: 0, contended: 0 };
/** How often `contended` meets somebody who came first. */
let contentions = 0;
let left: Context | undefined;

const run = (context: Context, text: string) => context.db.query({ text, values: [] });
const raised = (code: string) =>
  `do $$ begin raise exception 'words of the database' using errcode = '${code}'; end $$`;
const priority = (to: number | string) => `update tasks set priority = ${to} where id = '${team.axle}'`;

beforeAll(async () => {
  const extend = defineSchema(({ mutationField, dataField }) => {
    mutationField('touch', 'everyone', (t) => t.int({ resolve: () => (calls.touch += 1) }));
    mutationField('prioritize', 'everyone', (t) =>
      t.boolean({
        args: { to: t.arg.int({ required: true }) },
        resolve: async (_root, { to }, context) => {
          await run(context, priority(to));
          left = context;
          return true;
        },
      }),
    );
    mutationField('contended', 'everyone', (t) =>
      t.boolean({
        resolve: async (_root, _args, context) => {
          calls.contended += 1;
          await run(context, priority('priority + 1'));
          if (calls.contended <= contentions) await run(context, raised('40001'));
          return true;
        },
      }),
    );
    mutationField('careless', 'everyone', (t) =>
      t.boolean({
        resolve: async (_root, _args, context) => {
          await run(context, raised('P0001')).catch(() => {});
          return true;
        },
      }),
    );
    mutationField('careful', 'everyone', (t) =>
      t.boolean({
        resolve: async (_root, _args, context) => {
          await run(context, priority(7));
          const undone = context.db.transaction(async (tx) => {
            await tx.query({ text: priority(9), values: [] });
            await tx.transaction((inner) => inner.script(raised('P0001')));
          });
          return undone.then(
            () => false,
            () => true,
          );
        },
      }),
    );
    dataField('Task', 'broken', ['title'], (t) =>
      t.string({
        nullable: true,
        resolve: () => {
          throw new MillraceError('CONFLICT', 'it is broken');
        },
      }),
    );
  });
  const sources = await exampleWithoutAccounts();
  server = await startServer({ sources: { ...sources, extend } });
  await insertTeam(server.databaseUrl);
  admin = server.as({ role: 'admin' });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  await ask(server.databaseUrl, 'truncate users, workspaces cascade');
  await insertTeam(server.databaseUrl);
});

const nobody = '00000000-0000-7000-8000-000000000999';
const rename = (title: string) => `updateTask(where: { id: "${team.axle}" }, data: { title: "${title}" }) { title }`;
const missing = `deleteTask(where: { id: "${nobody}" }) { id }`;
const errorsOf = ({ errors }: Answer) => errors?.map((e) => [e.path, e.extensions.code, e.message]);
const rolledBack = (field: string, failed: string) => [
  [field],
  'ROLLED_BACK',
  `nothing of it was kept, for ${failed} failed`,
];
const axle = async () =>
  (
    await ask<{ title: string; priority: number }>(
      server.databaseUrl,
      `select title, priority from tasks where id = '${team.axle}'`,
    )
  )[0];
/** How many updates the log knows of. */
const recorded = async () => {
  const log = '(select operation from millrace.event_inbox union all select operation from millrace.event_log) l';
  const [row] = await ask<{ n: number }>(
    server.databaseUrl,
    `select count(*)::int as n from ${log} where operation = 'U'`,
  );
  return row!.n;
};
const untouched = { title: 'Grease the axle', priority: 1 };

describe('the fields of one mutation', () => {
  it('are kept together', async () => {
    const answer = await admin.query(
      `mutation { a: ${rename('one')} prioritize(to: 5) __typename b: ${rename('two')} }`,
    );
    expect(answer).toEqual({
      data: { a: { title: 'one' }, prioritize: true, __typename: 'Mutation', b: { title: 'two' } },
    });
    expect(await axle()).toEqual({ title: 'two', priority: 5 });
  });

  it('are undone together, and none runs after the first that has failed', async () => {
    const [before, told] = [calls.touch, await recorded()];
    const answer = await admin.query(
      `mutation { first: ${rename('one')} prioritize(to: 5) lost: ${missing} touch last: ${rename('two')} }`,
    );
    expect(answer.data).toBe(null);
    expect(errorsOf(answer)).toEqual([
      [['lost'], 'NOT_FOUND', 'there is no such Task'],
      rolledBack('first', 'lost'),
      rolledBack('prioritize', 'lost'),
      rolledBack('touch', 'lost'),
      rolledBack('last', 'lost'),
    ]);
    expect(calls.touch).toBe(before);
    expect(await axle()).toEqual(untouched);
    // Nobody is told of what was undone.
    expect(await recorded()).toBe(told);
  });

  it('are undone for whatever fails below one of them', async () => {
    const below = rename('one').replace('{ title }', '{ title broken also: broken }');
    const answer = await admin.query(`mutation { a: ${rename('none')} b: ${below} touch }`);
    expect(answer.data).toBe(null);
    expect(errorsOf(answer)).toEqual([
      [['b', 'broken'], 'CONFLICT', 'it is broken'],
      [['b', 'also'], 'CONFLICT', 'it is broken'],
      rolledBack('a', 'b'),
      rolledBack('touch', 'b'),
    ]);
    expect(await axle()).toEqual(untouched);
  });

  it('are undone over a socket, and in a list of operations each operation by itself', async () => {
    const failing = `mutation { first: ${rename('one')} lost: ${missing} }`;
    const expected = [['lost'], 'NOT_FOUND', 'there is no such Task'];
    await using socket = await openSocket(server, { role: 'admin' });
    expect(errorsOf(await socket.results(failing).next())).toEqual([expected, rolledBack('first', 'lost')]);
    expect(await axle()).toEqual(untouched);
    expect(await socket.results(`mutation { ${rename('by socket')} }`).next()).toEqual({
      data: { updateTask: { title: 'by socket' } },
    });
    const batch = await admin.post([
      { query: `mutation { prioritize(to: 5) }` },
      { query: failing },
      { query: `mutation { a: prioritize(to: 6) b: ${rename('two')} }` },
    ]);
    const answers = (await batch.json()) as Answer[];
    expect(answers.map(errorsOf)).toEqual([undefined, [expected, rolledBack('first', 'lost')], undefined]);
    expect(await axle()).toEqual({ title: 'two', priority: 6 });
  });

  it('are undone where events were asked for', async () => {
    const body = { query: `mutation { first: ${rename('one')} lost: ${missing} }` };
    const text = await (await admin.post(body, { accept: 'text/event-stream' })).text();
    expect(text).toContain('ROLLED_BACK');
    expect(await axle()).toEqual(untouched);
  });

  it('have each the variables that it uses, in fragments too, and none that it does not', async () => {
    const query = `
      mutation ($title: String!, $other: String!, $unused: Boolean = false, $deep: Boolean!) {
        a: updateTask(where: { id: "${team.axle}" }, data: { title: $title }) { ...T }
        ...Root
        gone: touch @include(if: $unused)
      }
      fragment Root on Mutation { b: updateTask(where: { id: "${team.axle}" }, data: { title: $other }) { ...T } }
      fragment T on Task { title project @include(if: $deep) { name } }`;
    const { data } = await admin.query(query, { title: 'one', other: 'two', deep: true });
    expect(data).toEqual({
      a: { title: 'one', project: { name: 'New wheel' } },
      b: { title: 'two', project: { name: 'New wheel' } },
    });
    const wrong = await admin.post({ query, variables: { title: 'three', other: 4, deep: true } });
    expect(wrong.status).toBe(400);
    expect(await wrong.json()).toEqual({
      errors: [expect.objectContaining({ extensions: expect.objectContaining({ code: 'INVALID_INPUT' }) })],
    });
    expect((await axle())!.title).toBe('two');
  });

  it('are refused to a stranger without anything being begun', async () => {
    const answer = await server.stranger.query(`mutation { createUser(data: { name: "x", email: "x" }) { id } touch }`);
    expect(errorsOf(answer)).toEqual([
      [['createUser'], 'UNAUTHENTICATED', 'sign in to do this'],
      rolledBack('touch', 'createUser'),
    ]);
  });
});

describe('a field of the application’s own', () => {
  it('cannot keep anything after a statement of its has failed, though it says nothing of that', async () => {
    const answer = await admin.query(`mutation { prioritize(to: 5) careless touch }`);
    expect(errorsOf(answer)).toEqual([
      [['careless'], 'INVALID_INPUT', 'the database does not accept this'],
      rolledBack('prioritize', 'careless'),
      rolledBack('touch', 'careless'),
    ]);
    expect(await axle()).toEqual(untouched);
  });

  it('may try something in a transaction within, and go on without it', async () => {
    expect(await admin.query(`mutation { careful ${rename('kept')} }`)).toEqual({
      data: { careful: true, updateTask: { title: 'kept' } },
    });
    expect(await axle()).toEqual({ title: 'kept', priority: 7 });
  });

  it('reaches nothing any more when its operation has ended', async () => {
    await admin.query(`mutation { prioritize(to: 5) }`);
    await expect(run(left!, priority(9))).rejects.toThrow();
    expect((await axle())!.priority).toBe(5);
  });
});

describe('an operation before which another one came', () => {
  beforeEach(() => {
    calls.contended = 0;
  });

  it('is done again as a whole, and its answer counts once', async () => {
    contentions = 3;
    const { data } = await admin.query(`mutation { a: ${rename('one')} contended }`);
    expect(data).toEqual({ a: { title: 'one' }, contended: true });
    expect(calls.contended).toBe(4);
    expect(await axle()).toEqual({ title: 'one', priority: 2 });
  });

  it('is done four times at most', async () => {
    contentions = 100;
    const answer = await admin.query(`mutation { a: ${rename('one')} contended }`);
    expect(errorsOf(answer)).toEqual([
      [['contended'], 'CONFLICT', 'another change came between; try again'],
      rolledBack('a', 'contended'),
    ]);
    expect(calls.contended).toBe(4);
    expect(await axle()).toEqual(untouched);
  });

  it('wins in the end where two wait for each other', async () => {
    const grow = (id: string) => `updateTask(where: { id: "${id}" }, data: { body: "x" }) { id }`;
    const [there, back] = [
      `mutation { a: ${grow(team.axle)} b: ${grow(team.paddle)} }`,
      `mutation { b: ${grow(team.paddle)} a: ${grow(team.axle)} }`,
    ];
    await ask(
      server.databaseUrl,
      `alter database ${new URL(server.databaseUrl).pathname.slice(1)} set deadlock_timeout = '20ms'`,
    );
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => admin.query(i % 2 ? there : back)));
    for (const { errors } of answers)
      for (const { extensions } of errors ?? []) expect(['CONFLICT', 'ROLLED_BACK']).toContain(extensions.code);
    expect(answers.filter(({ data }) => data).length).toBeGreaterThan(5);
  });
});

it('what only the commit finds out undoes everything, and is no field’s fault', async () => {
  await ask(
    server.databaseUrl,
    `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no' using errcode = '23514'; end $$;
    create constraint trigger late after update on tasks deferrable initially deferred for each row execute function refuse()`,
  );
  const answer = await admin.query(`mutation { a: ${rename('one')} prioritize(to: 5) }`);
  expect(answer.data).toBe(null);
  expect(errorsOf(answer)).toEqual([
    [undefined, 'INVALID_INPUT', 'a value is not allowed here'],
    [['a'], 'ROLLED_BACK', 'nothing of it was kept, for the operation could not be committed'],
    [['prioritize'], 'ROLLED_BACK', 'nothing of it was kept, for the operation could not be committed'],
  ]);
  expect(await axle()).toEqual(untouched);
});
