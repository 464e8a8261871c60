import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { QuickWrites } from '../../../src/data/writes/quick-writes.ts';
import { ask } from '../../support/postgres.ts';
import { type Answer, startServer, type TestServer } from '../../support/server.ts';
import { insertTeam, team } from '../../support/team.ts';

// The same writes on two servers, each with a database of its own: one has the quick way, the other one does everything by the general way.
let quick: TestServer;
let general: TestServer;
/** Writes that one statement did. */
let done = 0;
const counting = (own: QuickWrites): QuickWrites => ({
  async write(...asked) {
    const answer = await own.write(...asked);
    if (answer !== undefined) done += 1;
    return answer;
  },
});
const none = (): QuickWrites => ({ write: async () => undefined });

beforeAll(async () => {
  [quick, general] = await Promise.all([startServer({ quickWrites: counting }), startServer({ quickWrites: none })]);
  await Promise.all([quick, general].map(renew));
});
afterAll(() => Promise.all([quick, general].map((server) => server?.[Symbol.asyncDispose]())));

async function renew({ databaseUrl }: TestServer): Promise<void> {
  await ask(databaseUrl, 'truncate users, workspaces cascade');
  await insertTeam(databaseUrl);
}

const tables = ['users', 'workspaces', 'members', 'projects', 'tasks', 'labels', '"_LabelToTask"', 'comments'];
const rowsOf = tables.map(
  (t) => `(select json_agg(to_jsonb(x) - '{created_at,updated_at,joined_at}'::text[] order by x::text) from ${t} x)`,
);

/** Everything that is stored but for when it was. */
const contents = async ({ databaseUrl }: TestServer): Promise<string> =>
  JSON.stringify(await ask(databaseUrl, `select json_build_array(${rowsOf.join(', ')}) as all`));

const people = {
  ann: { sub: team.ann },
  ben: { sub: team.ben },
  cleo: { sub: team.cleo },
  dora: { sub: team.dora },
  admin: { role: 'admin' },
} as const;
type Who = keyof typeof people | 'stranger';
const everybody: Who[] = ['ann', 'ben', 'cleo', 'dora', 'admin', 'stranger'];
const askerOn = (server: TestServer, who: Who) => (who === 'stranger' ? server.stranger : server.as(people[who]));

const id = '00000000-0000-7000-8000-000000000777';
const task = (data: string) =>
  `mutation { createTask(data: { id: "${id}", ${data} }) { id title status extra project { name budget } assignee { name email } } }`;
const project = `projectId: "${team.wheel}"`;
const change = (data: string, of: string = team.axle, selection = 'title priority assignee { name }') =>
  `mutation { updateTask(where: { id: "${of}" }, data: { ${data} }) { ${selection} } }`;

/** Writes, and who is known to have them done by one statement. */
const writes: Record<string, { write: string; variables?: Record<string, unknown>; quickly: Who[] }> = {
  'a name is changed': {
    write: `mutation { updateUser(where: { id: "${team.ann}" }, data: { name: "Anna" }) { name email } }`,
    quickly: ['ann', 'admin'],
  },
  'a name is changed by an address': {
    write: `mutation { updateUser(where: { email: "ben@mill.test" }, data: { name: "Benno" }) { name email } }`,
    quickly: ['ben', 'admin'],
  },
  'a user is made': {
    write: `mutation { createUser(data: { id: "${id}", name: "Eve", email: "eve@mill.test" }) { name email } }`,
    quickly: ['admin'],
  },
  'a workspace is renamed': {
    write: `mutation { updateWorkspace(where: { slug: "mill" }, data: { name: "Mill" }) { name members { totalCount } } }`,
    quickly: ['ann', 'admin'],
  },
  'a workspace is deleted': {
    write: `mutation { deleteWorkspace(where: { id: "${team.mill}" }) { name projects { nodes { name tasks { totalCount } } } } }`,
    quickly: ['ann', 'admin'],
  },
  'a member leaves': {
    write: `mutation { deleteMember(where: { workspaceId_userId: { workspaceId: "${team.mill}", userId: "${team.cleo}" } }) { role user { name } } }`,
    quickly: ['ann', 'cleo', 'admin'],
  },
  // Its rule looks at the other members.
  'a member is made an editor': {
    write: `mutation { updateMember(where: { workspaceId_userId: { workspaceId: "${team.mill}", userId: "${team.cleo}" } }, data: { role: EDITOR }) { role } }`,
    quickly: ['admin'],
  },
  'a project is made by connect': {
    write: `mutation { createProject(data: { id: "${id}", name: "Sluice", workspace: { connect: { slug: "mill" } } }) { name archived workspace { slug } } }`,
    quickly: ['ann', 'ben', 'admin'],
  },
  'a project is made by connect, in a workspace that is not there': {
    write: `mutation { createProject(data: { name: "Sluice", workspace: { connect: { slug: "none" } } }) { name } }`,
    quickly: [],
  },
  'a project is made with a budget': {
    write: `mutation { createProject(data: { id: "${id}", name: "Sluice", workspaceId: "${team.mill}", budget: 3 }) { name budget } }`,
    quickly: ['ann', 'admin'],
  },
  'a budget is set': {
    write: `mutation { updateProject(where: { id: "${team.wheel}" }, data: { budget: "1.50" }) { budget } }`,
    quickly: ['ann', 'admin'],
  },
  'a task is made': { write: task(`title: "Dig", ${project}, extra: { a: [1] }`), quickly: ['ann', 'ben', 'admin'] },
  'a task is made with a parent': {
    write: task(`title: "Dig", ${project}, parent: { connect: { id: "${team.pond}" } }`),
    quickly: ['ann', 'ben', 'admin'],
  },
  'a task is made with an assignee by address': {
    write: task(`title: "Dig", ${project}, assignee: { connect: { email: "ben@mill.test" } }`),
    quickly: ['ben', 'admin'],
  },
  'a task is made in a project that is hidden from the mill': {
    write: task(`title: "Dig", projectId: "${team.forge}"`),
    quickly: ['dora', 'admin'],
  },
  'a task is made with a hidden assignee': {
    write: task(`title: "Dig", ${project}, assigneeId: "${team.dora}"`),
    quickly: ['admin'],
  },
  'a task is made with labels': {
    write: task(`title: "Dig", ${project}, labels: { connect: [{ id: "${team.urgent}" }] }`),
    quickly: [],
  },
  'a task is made whose id is taken': {
    write: `mutation { createTask(data: { id: "${team.pond}", title: "Dig", ${project} }) { id } }`,
    quickly: [],
  },
  'a task is made without a title': {
    write: 'mutation ($data: CreateTaskInput!) { createTask(data: $data) { id } }',
    variables: { data: { title: null, projectId: team.wheel } },
    quickly: [],
  },
  'a task is made with a title that is too long': {
    write: task(`title: "${'x'.repeat(301)}", ${project}`),
    quickly: [],
  },
  'a task is made with half of a character': {
    write: 'mutation ($data: CreateTaskInput!) { createTask(data: $data) { id } }',
    variables: { data: { title: '\ud800', projectId: team.wheel } },
    quickly: [],
  },
  'a task is made that asks for its siblings': {
    write: `mutation { createTask(data: { title: "Dig", ${project} }) { project { tasks { totalCount } } } }`,
    quickly: ['ann', 'ben', 'admin'],
  },
  'a task is made with comments': {
    write: `mutation { createTask(data: { id: "${id}", title: "Dig", ${project}, comments: { create: [
      { id: "00000000-0000-7000-8000-000000000778", body: "a \\"b\\"", authorId: "${team.ben}" }, { id: "00000000-0000-7000-8000-000000000779", body: "c", authorId: "${team.ben}" }
    ] } }) { title comments { totalCount nodes { body task { title } author { name email } } } } }`,
    quickly: ['ben', 'admin'],
  },
  'a task is made with comments, one of them in another’s name': {
    write: 'mutation ($data: CreateTaskInput!) { createTask(data: $data) { title comments { nodes { body } } } }',
    variables: {
      data: {
        title: 'Dig',
        projectId: team.wheel,
        comments: {
          create: [
            { body: 'a', authorId: team.ben },
            { body: 'b', authorId: team.ann },
          ],
        },
      },
    },
    quickly: ['admin'],
  },
  'a task is made with a comment of somebody who is hidden': {
    write: `mutation { createTask(data: { title: "Dig", ${project}, comments: { create: [{ body: "a", authorId: "${team.dora}" }] } }) { title } }`,
    quickly: ['admin'],
  },
  'a task is made with subtasks': {
    write: `mutation { createTask(data: { id: "${id}", title: "Dig", ${project}, subtasks: { create: [
      { id: "00000000-0000-7000-8000-000000000778", title: "deep", ${project}, extra: { b: [null, 1.5] }, dueAt: "2026-05-01" },
      { id: "00000000-0000-7000-8000-000000000779", title: "wide", ${project}, extra: null, dueAt: null }
    ] } }) { title subtasks { nodes { title status extra dueAt parent { title } } } } }`,
    quickly: ['ann', 'ben', 'admin'],
  },
  'a task is made with subtasks, one of them elsewhere': {
    write: `mutation { createTask(data: { title: "Dig", ${project}, subtasks: { create: [{ title: "deep", projectId: "${team.forge}" }] } }) { title } }`,
    quickly: ['admin'],
  },
  'a task is made with comments that name another task': {
    write: `mutation { createTask(data: { title: "Dig", ${project}, comments: { create: [{ body: "a", authorId: "${team.ben}", taskId: "${team.pond}" }] } }) { title } }`,
    quickly: [],
  },
  'a task is made without a project': { write: task('title: "Dig"'), quickly: [] },
  'a task changes, as far as the variables say': {
    write: `mutation ($data: UpdateTaskInput!, $with: Boolean!) {
      changed: updateTask(where: { id: "${team.axle}" }, data: $data) { __typename ...task assignee @include(if: $with) { name } }
    } fragment task on Task { title priority dueAt extra }`,
    variables: { data: { title: 'Oil', dueAt: null, extra: { b: null }, priority: 7 }, with: false },
    quickly: ['ann', 'ben', 'admin'],
  },
  'a task is nobody’s any more': { write: change('assigneeId: null', team.paddle), quickly: ['ann', 'ben', 'admin'] },
  'a task gets a parent': {
    write: change(`parentId: "${team.paddle}"`, team.axle, 'title'),
    quickly: ['ann', 'ben', 'admin'],
  },
  'a task moves to a project that is hidden from the mill': {
    write: change(`projectId: "${team.forge}"`, team.axle, 'project { name }'),
    quickly: ['admin'],
  },
  'a hidden task is changed': { write: change('title: "Mine"', team.anvil, 'title'), quickly: ['dora', 'admin'] },
  'a task that is not there is changed': { write: change('title: "x"', id), quickly: [] },
  'a task gets another id': { write: change(`id: "${id}"`), quickly: [] },
  'nothing of a task is changed': { write: change(''), quickly: [] },
  'a task’s parent is asked for': { write: change('title: "x"', team.axle, 'parent { title }'), quickly: [] },
  'a task’s answer would be too large a page': {
    write: change('title: "x"', team.axle, 'subtasks(first: 100000) { totalCount }'),
    quickly: [],
  },
  'a comment is made for oneself': {
    write: `mutation { createComment(data: { id: "${id}", body: "Hm", taskId: "${team.pond}", authorId: "${team.ben}" }) { body author { name } task { title } } }`,
    quickly: ['ben', 'admin'],
  },
  'a comment is given to somebody else': {
    write: `mutation { updateComment(where: { id: "${team.remark}" }, data: { authorId: "${team.ann}" }) { body author { name } } }`,
    quickly: ['admin'],
  },
  'a label’s name is taken': {
    write: `mutation { createLabel(data: { name: "urgent", workspaceId: "${team.mill}" }) { id } }`,
    quickly: [],
  },
  'a task with subtasks is deleted': {
    write: `mutation { deleteTask(where: { id: "${team.pond}" }) { title subtasks { nodes { title } } comments { nodes { body } } } }`,
    quickly: ['ann', 'ben', 'admin'],
  },
  'two tasks change': {
    write: `mutation { a: updateTask(where: { id: "${team.axle}" }, data: { title: "a" }) { title } b: updateTask(where: { id: "${team.pond}" }, data: { title: "b" }) { title } }`,
    quickly: [],
  },
};

describe.each(Object.entries(writes))('%s', (_title, { write, variables, quickly }) => {
  it.each(everybody)('with the same outcome both ways: %s', async (who) => {
    const before = await contents(quick);
    const count = done;
    const [ours, theirs] = await Promise.all([quick, general].map((s) => askerOn(s, who).query(write, variables)));
    expect(withoutNewIds(ours!)).toEqual(withoutNewIds(theirs!));
    expect(done - count).toBe(quickly.includes(who) ? 1 : 0);
    const after = await contents(quick);
    if (ours!.errors) expect(after).toBe(before);
    if (write.includes(id) || ours!.errors) expect(after).toBe(await contents(general));
    if (after !== before) await Promise.all([quick, general].map(renew));
  });
});

const withoutNewIds = (answer: Answer): unknown =>
  JSON.parse(
    JSON.stringify(answer).replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f-]{17}/g, (found) =>
      found.startsWith('00000000') ? found : 'new',
    ),
  );

it('lets no update by, where many change one row at once', async () => {
  const ben = askerOn(quick, 'ben');
  const before = done;
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, i) => ben.query(change(i % 2 ? `priority: ${i}` : `title: "t${i}"`))),
  );
  expect(answers.filter(({ errors }) => errors)).toEqual([]);
  const [row] = await ask<{ priority: number; title: string }>(
    quick.databaseUrl,
    `select priority, title from tasks where id = '${team.axle}'`,
  );
  expect(row!.title).toMatch(/^t\d+$/);
  expect(row!.priority % 2).toBe(1);
  expect(done).toBeGreaterThan(before);
});
