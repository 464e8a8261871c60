import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ask } from '../../support/postgres.ts';
import { type Answer, startServer, type TestServer } from '../../support/server.ts';
import { insertTeam, team } from '../../support/team.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());
/** The write before was refused, and changed nothing: the rows need not be made anew. */
let isFresh = false;
beforeEach(async () => {
  if (isFresh) {
    isFresh = false;
    return;
  }
  await ask(server.databaseUrl, 'truncate users, workspaces cascade');
  await insertTeam(server.databaseUrl);
});

const missing = '00000000-0000-7000-8000-000000000999';
const people = {
  ann: { sub: team.ann },
  ben: { sub: team.ben },
  cleo: { sub: team.cleo },
  dora: { sub: team.dora },
  admin: { role: 'admin' },
  editor: { sub: missing, role: 'editor' },
} as const;

type Who = keyof typeof people | 'stranger';
const everybody: Who[] = ['ann', 'ben', 'cleo', 'dora', 'admin', 'editor', 'stranger'];
const askerFor = (who: Who) => (who === 'stranger' ? server.stranger : server.as(people[who]));

/** Everything that is stored, as one text. */
const contents = async () => {
  const tables = ['users', 'workspaces', 'members', 'projects', 'tasks', 'labels', '"_LabelToTask"', 'comments'];
  const rows = tables.map((t) => `(select coalesce(json_agg(x order by x::text), '[]') from ${t} x)`).join(', ');
  return JSON.stringify(await ask(server.databaseUrl, `select json_build_array(${rows}) as all`));
};

const codeOf = (answer: Answer) => answer.errors?.[0]?.extensions.code ?? 'done';

interface Write {
  write: string;
  may: Who[];
  /** What those get who may not: NOT_FOUND to whom the row is hidden, FORBIDDEN to whom it is not. */
  refused?: Partial<Record<Who, string>>;
}

// A stranger is asked to sign in where a rule is closed outright, and finds no row where it depends on rows.
const hidden = { dora: 'NOT_FOUND', editor: 'NOT_FOUND', stranger: 'NOT_FOUND' };

const writes: Record<string, Write> = {
  'a user changes their own name': {
    write: `mutation { updateUser(where: { id: "${team.ann}" }, data: { name: "Anna" }) { id } }`,
    may: ['ann', 'admin'],
    refused: hidden,
  },
  'nobody but an admin makes users': {
    write: 'mutation { createUser(data: { name: "Eve", email: "eve@mill.test" }) { id } }',
    may: ['admin'],
    refused: { stranger: 'UNAUTHENTICATED' },
  },
  'nobody but an admin deletes users': {
    write: `mutation { deleteUser(where: { id: "${team.cleo}" }) { id } }`,
    may: ['admin'],
    refused: { stranger: 'UNAUTHENTICATED' },
  },
  'an owner renames the workspace': {
    write: `mutation { updateWorkspace(where: { slug: "mill" }, data: { name: "Mill" }) { id } }`,
    may: ['ann', 'admin'],
    refused: hidden,
  },
  'an owner deletes the workspace': {
    write: `mutation { deleteWorkspace(where: { id: "${team.mill}" }) { id } }`,
    may: ['ann', 'admin'],
    refused: hidden,
  },
  'a viewer may leave, an owner may send them away': {
    write: `mutation { deleteMember(where: { workspaceId_userId: { workspaceId: "${team.mill}", userId: "${team.cleo}" } }) { role } }`,
    may: ['ann', 'cleo', 'admin'],
    refused: hidden,
  },
  'an owner makes a viewer an editor': {
    write: `mutation { updateMember(where: { workspaceId_userId: { workspaceId: "${team.mill}", userId: "${team.cleo}" } }, data: { role: EDITOR }) { role } }`,
    may: ['ann', 'admin'],
    refused: hidden,
  },
  'an editor makes a project': {
    write: `mutation { createProject(data: { name: "Sluice", workspaceId: "${team.mill}" }) { id } }`,
    may: ['ann', 'ben', 'admin'],
    refused: hidden,
  },
  'an editor makes a project by connect': {
    write: `mutation { createProject(data: { name: "Sluice", workspace: { connect: { slug: "mill" } } }) { id } }`,
    may: ['ann', 'ben', 'admin'],
    refused: hidden,
  },
  'only an owner sets a budget': {
    write: `mutation { updateProject(where: { id: "${team.wheel}" }, data: { budget: "1" }) { id } }`,
    may: ['ann', 'admin'],
    refused: hidden,
  },
  'only an owner makes a project with a budget': {
    write: `mutation { createProject(data: { name: "Sluice", workspaceId: "${team.mill}", budget: 3 }) { id } }`,
    may: ['ann', 'admin'],
    refused: hidden,
  },
  'an editor makes a task with a label, a parent and an assignee': {
    write: `mutation { createTask(data: {
      title: "Dig", project: { connect: { id: "${team.wheel}" } }, parent: { connect: { id: "${team.pond}" } },
      assignee: { connect: { email: "ben@mill.test" } }, labels: { connect: [{ id: "${team.urgent}" }] },
    }) { id } }`,
    // Only ben may know ben's address, which the connect names him by.
    may: ['ben', 'admin'],
    refused: { ...hidden, ann: 'NOT_FOUND', cleo: 'NOT_FOUND' },
  },
  'an editor takes in subtasks': {
    write: `mutation { updateTask(where: { id: "${team.axle}" }, data: { subtasks: { connect: [{ id: "${team.paddle}" }] } }) { id } }`,
    may: ['ann', 'ben', 'admin'],
    refused: hidden,
  },
  'an editor deletes a task': {
    write: `mutation { deleteTask(where: { id: "${team.axle}" }) { id } }`,
    may: ['ann', 'ben', 'admin'],
    refused: hidden,
  },
  'a task does not move to a project that the editor may not see': {
    write: `mutation { updateTask(where: { id: "${team.axle}" }, data: { projectId: "${team.forge}" }) { id } }`,
    may: ['admin'],
    refused: { ...hidden, ann: 'NOT_FOUND', ben: 'NOT_FOUND' },
  },
  'a task is not taken over from another workspace': {
    write: `mutation { updateTask(where: { id: "${team.anvil}" }, data: { projectId: "${team.wheel}" }) { id } }`,
    may: ['admin'],
    refused: {
      ann: 'NOT_FOUND',
      ben: 'NOT_FOUND',
      cleo: 'NOT_FOUND',
      dora: 'NOT_FOUND',
      editor: 'NOT_FOUND',
      stranger: 'NOT_FOUND',
    },
  },
  'members speak for themselves: ben': {
    write: `mutation { createComment(data: { body: "Hm", taskId: "${team.pond}", authorId: "${team.ben}" }) { id } }`,
    may: ['ben', 'admin'],
    refused: hidden,
  },
  'the author changes a comment': {
    write: `mutation { updateComment(where: { id: "${team.remark}" }, data: { body: "Oh" }) { id } }`,
    may: ['ben', 'admin'],
    refused: hidden,
  },
  'nobody gives a comment to another author': {
    write: `mutation { updateComment(where: { id: "${team.remark}" }, data: { authorId: "${team.ann}" }) { id } }`,
    may: ['admin'],
    refused: hidden,
  },
  'nobody takes a comment for their own by connect': {
    write: `mutation { updateUser(where: { id: "${team.ann}" }, data: { comments: { connect: [{ id: "${team.remark}" }] } }) { id } }`,
    may: ['admin'],
    refused: hidden,
  },
  'a label is put on tasks that one sees': {
    write: `mutation { updateLabel(where: { workspaceId_name: { workspaceId: "${team.mill}", name: "urgent" } }, data: { tasks: { connect: [{ id: "${team.paddle}" }] } }) { id } }`,
    may: ['ann', 'ben', 'admin'],
    refused: hidden,
  },
  'a label is not put on hidden tasks': {
    write: `mutation { updateLabel(where: { id: "${team.urgent}" }, data: { tasks: { connect: [{ id: "${team.anvil}" }] } }) { id } }`,
    may: ['admin'],
    refused: { ...hidden, ann: 'NOT_FOUND', ben: 'NOT_FOUND' },
  },
  'the primary key of a user is nobody’s to set': {
    write: `mutation { updateUser(where: { id: "${team.ann}" }, data: { id: "${missing}" }) { id } }`,
    may: ['admin'],
    // No row is looked at: whoever sees none is told the same.
  },
};

describe.each(Object.entries(writes))('%s', (_title, { write, may, refused = {} }) => {
  it.each(everybody)('%s', async (who) => {
    const before = await contents();
    const answer = await askerFor(who).query(write);
    const expected = may.includes(who) ? 'done' : (refused[who] ?? 'FORBIDDEN');
    expect(codeOf(answer), JSON.stringify(answer)).toBe(expected);
    if (expected === 'done') expect(await contents()).not.toBe(before);
    else expect(await contents()).toBe(before);
    isFresh = expected !== 'done';
  });
});

describe('a hidden row is answered as one that is not there', () => {
  const both = (write: (id: string) => string, hiddenId: string) => async () => {
    const ben = askerFor('ben');
    const hiddenAnswer = JSON.stringify(await ben.query(write(hiddenId)));
    const missingAnswer = JSON.stringify(await ben.query(write(missing)));
    expect(codeOf(JSON.parse(hiddenAnswer) as Answer)).toBe('NOT_FOUND');
    expect(hiddenAnswer.replaceAll(hiddenId, missing)).toBe(missingAnswer);
  };
  it(
    'on update',
    both((id) => `mutation { updateTask(where: { id: "${id}" }, data: { title: "x" }) { id } }`, team.anvil),
  );
  it(
    'on delete',
    both((id) => `mutation { deleteTask(where: { id: "${id}" }) { id } }`, team.anvil),
  );
  it(
    'on connecting one',
    both(
      (id) =>
        `mutation { updateTask(where: { id: "${team.axle}" }, data: { parent: { connect: { id: "${id}" } } }) { id } }`,
      team.anvil,
    ),
  );
  it(
    'on connecting many',
    both(
      (id) =>
        `mutation { updateTask(where: { id: "${team.axle}" }, data: { subtasks: { connect: [{ id: "${id}" }] } }) { id } }`,
      team.anvil,
    ),
  );
  it(
    'on connecting through a join table',
    both(
      (id) =>
        `mutation { updateTask(where: { id: "${team.axle}" }, data: { labels: { connect: [{ id: "${id}" }] } }) { id } }`,
      team.hot,
    ),
  );
  it(
    'as a foreign key',
    both(
      (id) => `mutation { updateTask(where: { id: "${team.axle}" }, data: { assigneeId: "${id}" }) { id } }`,
      team.dora,
    ),
  );
  it(
    'as a foreign key of a new row',
    both((id) => `mutation { createTask(data: { title: "x", projectId: "${id}" }) { id } }`, team.forge),
  );
});

it('shows of a written row what the viewer may see, and nothing else', async () => {
  const answer = await askerFor('ben').query(
    `mutation { updateProject(where: { id: "${team.wheel}" }, data: { name: "Wheel" }) { name budget workspace { members { nodes { user { name email } } } } } }`,
  );
  expect(answer).toEqual({
    data: {
      updateProject: {
        name: 'Wheel',
        budget: null,
        workspace: {
          members: {
            nodes: [
              { user: { name: 'Ann', email: null } },
              { user: { name: 'Ben', email: 'ben@mill.test' } },
              { user: { name: 'Cleo', email: null } },
            ],
          },
        },
      },
    },
  });
});

it('undoes the whole write when its answer cannot be made', async () => {
  const before = await contents();
  const answer = await askerFor('admin').query(
    `mutation { updateTask(where: { id: "${team.axle}" }, data: { title: "x" }) { subtasks(first: 100000) { totalCount } } }`,
  );
  expect(codeOf(answer)).toBe('INVALID_INPUT');
  expect(await contents()).toBe(before);
});

it('loses no update when two change one row at once, and answers both', async () => {
  const ben = askerFor('ben');
  const write = (data: string) => `mutation { updateTask(where: { id: "${team.axle}" }, data: { ${data} }) { id } }`;
  const rounds = Array.from({ length: 20 }, (_, i) => [write(`priority: ${i}`), write(`title: "t${i}"`)]).flat();
  const answers = await Promise.all(rounds.map((w) => ben.query(w)));
  expect(answers.map(codeOf)).toEqual(rounds.map(() => 'done'));
  const [row] = await ask<{ priority: number; title: string }>(
    server.databaseUrl,
    `select priority, title from tasks where id = '${team.axle}'`,
  );
  expect(row?.title).toMatch(/^t\d+$/);
});

it('answers an update of a row that is being deleted by NOT_FOUND, never by a fault', async () => {
  const ben = askerFor('ben');
  const update = `mutation { updateTask(where: { id: "${team.axle}" }, data: { priority: 2, subtasks: { connect: [] } }) { id } }`;
  const remove = `mutation { deleteTask(where: { id: "${team.axle}" }) { id } }`;
  const answers = await Promise.all([update, update, remove, update, remove, update].map((w) => ben.query(w)));
  for (const answer of answers) expect(['done', 'NOT_FOUND', 'CONFLICT']).toContain(codeOf(answer));
  expect(answers.filter((a) => a.data?.deleteTask).length).toBe(1);
});

it('ends a deadlock with CONFLICT for one and success for the other', async () => {
  const ben = askerFor('ben');
  const cross = (a: string, b: string) =>
    `mutation { updateTask(where: { id: "${a}" }, data: { subtasks: { connect: [{ id: "${b}" }] } }) { id } }`;
  for (let round = 0; round < 5; round += 1) {
    const answers = await Promise.all([
      ben.query(cross(team.axle, team.paddle)),
      ben.query(cross(team.paddle, team.axle)),
    ]);
    for (const answer of answers) expect(['done', 'CONFLICT']).toContain(codeOf(answer));
    expect(answers.map(codeOf)).toContain('done');
  }
});
