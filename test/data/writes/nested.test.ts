import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RuleSet } from '../../../src/data/rules/rule-set.ts';
import type { Viewer } from '../../../src/viewer.ts';
import { ask } from '../../support/postgres.ts';
import { startSchemaServer } from '../../support/schema-server.ts';
import { startServer, type TestServer } from '../../support/server.ts';
import { insertTeam, team } from '../../support/team.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  await ask(server.databaseUrl, 'truncate users, workspaces cascade');
  await insertTeam(server.databaseUrl);
});

const askAs = async (who: { sub?: string; role?: string }, query: string) => {
  const { data, errors } = await server.as(who).query(query);
  return errors ? { code: errors[0]!.extensions.code, fields: errors[0]!.extensions.fields } : data;
};
const ann = (query: string) => askAs({ sub: team.ann }, query);
const ben = (query: string) => askAs({ sub: team.ben }, query);
const admin = (query: string) => askAs({ role: 'admin' }, query);
const count = async (table: string) =>
  Number((await ask(server.databaseUrl, `select count(*)::int as n from ${table}`))[0]!.n);

describe('a nested create', () => {
  it('makes rows four deep, in one answer', async () => {
    const answer = await admin(`mutation { createWorkspace(data: {
      name: "Forge", slug: "forge",
      members: { create: [{ role: OWNER, user: { create: { name: "Fay", email: "fay@forge.test" } } }] }
      projects: { create: [{ name: "Anvil", tasks: { create: [
        { title: "Heat", comments: { create: [{ body: "Hot!", author: { connect: { id: "${team.ben}" } } }] } }
        { title: "Strike" }
      ] } }] }
    }) { name members(first: 3) { nodes { user { name } } } projects(first: 3) { nodes { name tasks(first: 3, orderBy: { title: asc }) { nodes { title comments(first: 3) { nodes { body author { name } } } } } } } } }`);
    expect(answer).toEqual({
      createWorkspace: {
        name: 'Forge',
        members: { nodes: [{ user: { name: 'Fay' } }] },
        projects: {
          nodes: [
            {
              name: 'Anvil',
              tasks: {
                nodes: [
                  { title: 'Heat', comments: { nodes: [{ body: 'Hot!', author: { name: 'Ben' } }] } },
                  { title: 'Strike', comments: { nodes: [] } },
                ],
              },
            },
          ],
        },
      },
    });
  });

  it('leaves nothing when the last row is refused', async () => {
    const before = [await count('projects'), await count('tasks')];
    const answer = await ben(`mutation { createProject(data: {
      name: "Dam", workspaceId: "${team.mill}",
      tasks: { create: [{ title: "Dig" }, { title: "Fill", comments: { create: [{ body: "No", authorId: "${team.ann}" }] } }] }
    }) { id } }`);
    expect(answer).toMatchObject({ code: 'FORBIDDEN', fields: [{ path: 'data.tasks.create.1.comments.create.0' }] });
    expect([await count('projects'), await count('tasks')]).toEqual(before);
  });

  it('may not say itself what it belongs to', async () => {
    const answer = await ben(`mutation { updateProject(where: { id: "${team.wheel}" }, data: {
      tasks: { create: [{ title: "Dig", projectId: "${team.wheel}" }] } }) { id } }`);
    expect(answer).toMatchObject({ code: 'INVALID_INPUT', fields: [{ path: 'data.tasks.create.0.projectId' }] });
  });
});

it('a row that nobody may make says nothing of values that another one has', async () => {
  const refusals = await Promise.all(
    ['dora@smithy.test', 'nobody@mill.test'].map((email) =>
      ben(
        `mutation { updateTask(where: { id: "${team.pond}" }, data: { assignee: { create: { name: "h", email: "${email}" } } }) { id } }`,
      ),
    ),
  );
  expect(refusals[0]).toMatchObject({ code: 'FORBIDDEN', fields: [{ path: 'data.assignee.create' }] });
  expect(refusals[1]).toEqual(refusals[0]);
});

describe('a nested change', () => {
  it('sets, lets go of, changes and deletes related rows, each under its own rules', async () => {
    const tasks = async () =>
      (await ask(server.databaseUrl, `select title from tasks where project_id = '${team.wheel}' order by title`)).map(
        (r) => r.title,
      );
    expect(await tasks()).not.toContain('Renamed');
    await ben(`mutation { updateProject(where: { id: "${team.wheel}" }, data: {
      tasks: { update: [{ where: { id: "${team.pond}" }, data: { title: "Renamed" } }] } }) { id } }`);
    expect(await tasks()).toContain('Renamed');
    await ben(`mutation { updateProject(where: { id: "${team.wheel}" }, data: {
      tasks: { updateMany: [{ where: { title: { equals: "Renamed" } }, data: { status: DONE, _increment: { estimate: 2 } } }] } }) { id } }`);
    const [row] = await ask(server.databaseUrl, `select status from tasks where title = 'Renamed'`);
    expect(row!.status).toMatch(/done/i);
    await ben(
      `mutation { updateProject(where: { id: "${team.wheel}" }, data: { tasks: { deleteMany: [{ title: { equals: "Renamed" } }] } }) { id } }`,
    );
    expect(await tasks()).not.toContain('Renamed');
  });

  it('cannot reach a row that is related to something else', async () => {
    const answer = await ben(`mutation { updateTask(where: { id: "${team.pond}" }, data: {
      comments: { update: [{ where: { id: "00000000-0000-7000-8000-000000000999" }, data: { body: "x" } }] } }) { id } }`);
    expect(answer).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('lets go of what is optional, and refuses to let go of what is not', async () => {
    await ben(
      `mutation { updateTask(where: { id: "${team.pond}" }, data: { assignee: { connect: { id: "${team.ben}" } } }) { id } }`,
    );
    const left = await ben(
      `mutation { updateTask(where: { id: "${team.pond}" }, data: { assignee: { disconnect: true } }) { assignee { name } } }`,
    );
    expect(left).toEqual({ updateTask: { assignee: null } });
    const bound = await ben(
      `mutation { updateProject(where: { id: "${team.wheel}" }, data: { tasks: { disconnect: [{ id: "${team.pond}" }] } }) { id } }`,
    );
    expect(bound).toMatchObject({ code: 'INVALID_INPUT', fields: [{ path: 'data.tasks.disconnect.0' }] });
  });

  it('replaces what a many-to-many relation holds by set', async () => {
    const answer = await ben(`mutation { updateTask(where: { id: "${team.pond}" }, data: { labels: {
      set: [], create: [{ name: "new", color: "#ffffff", workspaceId: "${team.mill}" }] } }) { labels { nodes { name } } } }`);
    expect(answer).toEqual({ updateTask: { labels: { nodes: [{ name: 'new' }] } } });
  });

  it('upserts: changes what is there, makes what is not', async () => {
    const upsert = (name: string) =>
      ann(`mutation { upsertLabel(
      where: { workspaceId_name: { workspaceId: "${team.mill}", name: "${name}" } }
      create: { name: "${name}", color: "#000000", workspaceId: "${team.mill}" }
      update: { color: "#111111" }) { name color } }`);
    expect(await upsert('fresh')).toEqual({ upsertLabel: { name: 'fresh', color: '#000000' } });
    expect(await upsert('fresh')).toEqual({ upsertLabel: { name: 'fresh', color: '#111111' } });
  });
});

describe('a write of several rows', () => {
  it('answers with the rows, and skips those that are there', async () => {
    const data = ['a', 'b']
      .map((name) => `{ name: "${name}", color: "#000000", workspaceId: "${team.mill}" }`)
      .join(' ');
    const create = (rest = '') => ann(`mutation { createLabels(data: [${data}]${rest}) { count nodes { name } } }`);
    expect(await create()).toEqual({ createLabels: { count: 2, nodes: [{ name: 'a' }, { name: 'b' }] } });
    expect(await create()).toMatchObject({ code: 'CONFLICT' });
    expect(await create(', skipDuplicates: true')).toEqual({ createLabels: { count: 0, nodes: [] } });
    const where = 'where: { name: { in: ["a", "b"] } }';
    expect(
      await ann(`mutation { updateLabels(${where}, data: { color: "#222222" }) { count nodes { color } } }`),
    ).toEqual({
      updateLabels: { count: 2, nodes: [{ color: '#222222' }, { color: '#222222' }] },
    });
    expect(await ann(`mutation { deleteLabels(${where}) { count nodes { name } } }`)).toEqual({
      deleteLabels: { count: 2, nodes: [{ name: 'a' }, { name: 'b' }] },
    });
  });

  it('is refused as a whole where one row may not be changed', async () => {
    await admin(
      `mutation { createComment(data: { body: "Mine.", taskId: "${team.pond}", authorId: "${team.ann}" }) { id } }`,
    );
    const before = await count('comments');
    expect(await ben('mutation { deleteComments(where: {}) { count } }')).toMatchObject({ code: 'FORBIDDEN' });
    expect(await count('comments')).toBe(before);
  });
});

it('rows of which some may be left out are each held to what was set of it', async () => {
  const schema = 'model Note {\n id Int @id\n text String\n authorId String\n}';
  const rules: RuleSet = {
    Note: {
      read: true,
      create: true,
      defaults: { authorId: (viewer: Viewer) => viewer.id },
      fields: { authorId: { write: (viewer: Viewer) => ({ authorId: viewer.id }) } },
    },
  };
  await using own = await startSchemaServer({ schema, rules });
  const create = (rows: string) =>
    own
      .as({ sub: 'ben' })
      .query(`mutation { createNotes(skipDuplicates: true, data: [${rows}]) { nodes { id authorId } } }`);
  expect((await create('{ id: 1, text: "a" }')).data).toEqual({ createNotes: { nodes: [{ id: 1, authorId: 'ben' }] } });
  const forged = await create('{ id: 1, text: "a" }, { id: 2, text: "b", authorId: "ann" }');
  expect(forged.errors![0]!.extensions).toMatchObject({ code: 'FORBIDDEN', fields: [{ path: 'data.1' }] });
  expect(
    (await create('{ id: 3, text: "c" }, { id: 1, text: "a", authorId: "ben" }, { id: 2, text: "b" }')).data,
  ).toEqual({
    createNotes: {
      nodes: [
        { id: 3, authorId: 'ben' },
        { id: 2, authorId: 'ben' },
      ],
    },
  });
});
