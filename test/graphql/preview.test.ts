import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from '../support/postgres.ts';
import { type Answer, startServer, type TestServer } from '../support/server.ts';
import { openSocket } from '../support/socket.ts';
import { insertTeam, team } from '../support/team.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await insertTeam(server.databaseUrl);
});
afterAll(() => server[Symbol.asyncDispose]());

type Previewed = Answer & { extensions: { preview: { rules: unknown[] } } };

/** All that is stored, and how much the log has been told. */
const stored = async () => {
  const tables = ['tasks', 'projects', 'comments', 'users', 'workspaces', '"_LabelToTask"', 'millrace.event_log'];
  const rows = tables.map((t) => `(select coalesce(json_agg(x order by x::text), '[]') from ${t} x)`).join(', ');
  const pending = `(select count(*) from millrace.event_inbox)`;
  return JSON.stringify(await ask(server.databaseUrl, `select json_build_array(${rows}, ${pending}) as all`));
};
const preview = async (sub: string, fields: string): Promise<Previewed> => {
  const before = await stored();
  const answer = (await server.as({ sub }).query(`mutation @preview { ${fields} }`)) as Previewed;
  expect(await stored()).toBe(before);
  return answer;
};
const told = async () => {
  const [row] = await ask<{ n: number }>(server.databaseUrl, 'select count(*)::int as n from millrace.event_inbox');
  return row!.n;
};

it('a preview is answered as the mutation would be, names every rule that was asked, and leaves nothing', async () => {
  await expect.poll(told).toBe(0);
  const answer = await preview(
    team.ben,
    `made: createTask(data: { title: "Paint", project: { connect: { id: "${team.wheel}" } }, labels: { connect: [{ id: "${team.urgent}" }] } }) {
      title project { tasks { totalCount } }
    }
    updateTask(where: { id: "${team.axle}" }, data: { title: "Oil" }) { title }
    deleteComment(where: { id: "${team.remark}" }) { body }`,
  );
  expect(answer).toEqual({
    data: {
      made: { title: 'Paint', project: { tasks: { totalCount: 4 } } },
      updateTask: { title: 'Oil' },
      deleteComment: { body: 'The pond is low.' },
    },
    extensions: {
      preview: {
        rules: [
          { path: 'made.data.project.connect', model: 'Project', action: 'read', allowed: true },
          { path: 'made.data.labels.connect.0', model: 'Label', action: 'read', allowed: true },
          { path: 'made.data', model: 'Task', action: 'create', fields: ['title', 'projectId'], allowed: true },
          { path: 'updateTask.where', model: 'Task', action: 'update', allowed: true },
          { path: 'updateTask.data', model: 'Task', action: 'update', fields: ['title'], allowed: true },
          { path: 'deleteComment.where', model: 'Comment', action: 'delete', allowed: true },
        ],
      },
    },
  });
});

it('a preview that is refused says by which rule, and what was asked before', async () => {
  const answer = await preview(
    team.cleo,
    `deleteTask(where: { id: "${team.axle}" }) { id } createComment(data: { taskId: "${team.axle}", authorId: "${team.cleo}", body: "x" }) { id }`,
  );
  expect(answer.data).toBe(null);
  expect(answer.errors!.map((e) => [e.path, e.extensions.code])).toEqual([
    [['deleteTask'], 'FORBIDDEN'],
    [['createComment'], 'ROLLED_BACK'],
  ]);
  expect(answer.extensions.preview.rules).toEqual([
    { path: 'deleteTask.where', model: 'Task', action: 'delete', allowed: false },
  ]);
});

it('a preview says of a hidden row what it says of one that is not there', async () => {
  const [hidden, absent] = await Promise.all(
    [team.anvil, '00000000-0000-7000-8000-000000000999'].map((id) =>
      server
        .as({ sub: team.ben })
        .query(`mutation @preview { updateTask(where: { id: "${id}" }, data: { title: "x" }) { id } }`),
    ),
  );
  expect(hidden).toEqual(absent);
  expect((hidden as Previewed).extensions.preview.rules).toEqual([
    { path: 'updateTask.where', model: 'Task', action: 'read', allowed: false },
  ]);
});

it('a preview finds out what only the commit of the mutation would', async () => {
  await ask(
    server.databaseUrl,
    `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no' using errcode = '23514'; end $$;
    create constraint trigger late after update on projects deferrable initially deferred for each row execute function refuse()`,
  );
  const answer = await preview(team.ann, `updateProject(where: { id: "${team.wheel}" }, data: { name: "x" }) { id }`);
  expect(answer.errors!.map((e) => [e.path, e.extensions.code])).toEqual([
    [undefined, 'INVALID_INPUT'],
    [['updateProject'], 'ROLLED_BACK'],
  ]);
});

it('a preview is one on a socket and in a list too, and no mutation has one that does not ask for it', async () => {
  const rename = `{ updateUser(where: { id: "${team.ben}" }, data: { name: "Benno" }) { name } }`;
  const before = await stored();
  await using socket = await openSocket(server, { sub: team.ben });
  const expected = { data: { updateUser: { name: 'Benno' } }, extensions: { preview: { rules: expect.any(Array) } } };
  expect(await socket.results(`mutation @preview ${rename}`).next()).toEqual(expected);
  const list = await server.as({ sub: team.ben }).post([{ query: `mutation @preview ${rename}` }]);
  expect(await list.json()).toEqual([expected]);
  expect(await stored()).toBe(before);
  expect(await server.as({ sub: team.ben }).query(`mutation ${rename}`)).toEqual({ data: expected.data });
  expect((await server.as({ sub: team.ben }).query('query @preview { tasks { totalCount } }')).errors).toHaveLength(1);
});
