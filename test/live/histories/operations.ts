import * as fc from 'fast-check';
import { idOf, slots } from './ids.ts';

/** Something done to rows of a history: what is not there is left as it is. */
export interface Operation {
  what: keyof typeof writers;
  /** Which rows, and which of the values below: each counts round. */
  n: number;
  m: number;
  v: number;
}

/** What ids an operation speaks of. */
export interface Scopes {
  history: string;
  lane: string;
}

/** A write over the API, as the admin role. */
export interface ApiWrite {
  query: string;
  variables: Record<string, unknown>;
}

export const words = ['mill', 'pond', 'mill pond', 'axle'];
const budgets = ['null', '5.00', '50.00', '500'];
const roles = ['owner', 'editor', 'viewer'];
const statuses = ['TODO', 'DOING', 'DONE'];

const pick = <T>(list: readonly T[], n: number): T => list[n % list.length]!;
const text = (value: string): string => `'${value}'`;
const row = (s: Scopes, kind: Exclude<keyof typeof slots, 'user'>, n: number) =>
  text(idOf(s.history, kind, n % slots[kind]));
const user = (s: Scopes, n: number) => text(idOf(s.lane, 'user', n % slots.user));
const isThere = (table: string, id: string) => `exists (select from ${table} where id = ${id})`;

type Writer = (s: Scopes, o: { n: number; m: number; v: number }) => string;

const writers = {
  createTask: (
    s,
    { n, m, v },
  ) => `insert into tasks (id, project_id, title, priority, assignee_id, parent_id, updated_at)
    select ${row(s, 'task', n)}, ${row(s, 'project', m)}, '${pick(words, v)}', ${v % 3}, ${v % 2 ? user(s, v) : 'null'},
      (select id from tasks where id = ${row(s, 'task', m)} and id <> ${row(s, 'task', n)}), '2026-01-01'
    where ${isThere('projects', row(s, 'project', m))} on conflict do nothing`,
  retitleTask: (s, { n, v }) => `update tasks set title = '${pick(words, v)}' where id = ${row(s, 'task', n)}`,
  rankTask: (s, { n, v }) =>
    `update tasks set priority = ${v % 3}, status = '${pick(statuses, v)}' where id = ${row(s, 'task', n)}`,
  assignTask: (s, { n, v }) =>
    `update tasks set assignee_id = ${v % 4 ? user(s, v) : 'null'} where id = ${row(s, 'task', n)}`,
  moveTask: (s, { n, m }) =>
    `update tasks set project_id = ${row(s, 'project', m)} where id = ${row(s, 'task', n)} and ${isThere('projects', row(s, 'project', m))}`,
  rekeyTask: (s, { n, m }) => `update tasks set id = ${row(s, 'task', m)} where id = ${row(s, 'task', n)}
    and not ${isThere('tasks', row(s, 'task', m))} and not exists (select from "_LabelToTask" where "B" = ${row(s, 'task', n)})`,
  deleteTask: (s, { n }) => `delete from tasks where id = ${row(s, 'task', n)}`,
  bulkUpdate: (s, { m, v }) =>
    `update tasks set priority = priority + 1, title = '${pick(words, v)}' where project_id = ${row(s, 'project', m)}`,
  createProject: (s, { n, m, v }) => `insert into projects (id, workspace_id, name, budget)
    select ${row(s, 'project', n)}, ${row(s, 'workspace', m)}, '${pick(words, v)}', ${pick(budgets, v)}
    where ${isThere('workspaces', row(s, 'workspace', m))} on conflict do nothing`,
  budgetProject: (s, { n, v }) => `update projects set budget = ${pick(budgets, v)} where id = ${row(s, 'project', n)}`,
  renameProject: (s, { n, v }) =>
    `update projects set name = '${pick(words, v)}', archived = ${v % 2 === 0} where id = ${row(s, 'project', n)}`,
  moveProject: (s, { n, m }) =>
    `update projects set workspace_id = ${row(s, 'workspace', m)} where id = ${row(s, 'project', n)} and ${isThere('workspaces', row(s, 'workspace', m))}`,
  deleteProject: (s, { n }) => `delete from projects where id = ${row(s, 'project', n)}`,
  admit: (s, { n, m, v }) => `insert into members (workspace_id, user_id, role)
    select ${row(s, 'workspace', n)}, ${user(s, m)}, '${pick(roles, v)}' where ${isThere('workspaces', row(s, 'workspace', n))}
    on conflict (workspace_id, user_id) do update set role = excluded.role`,
  dismiss: (s, { n, m }) =>
    `delete from members where workspace_id = ${row(s, 'workspace', n)} and user_id = ${user(s, m)}`,
  deleteWorkspace: (s, { n }) => `delete from workspaces where id = ${row(s, 'workspace', n)}`,
  label: (s, { n, m }) => `insert into "_LabelToTask" ("A", "B") select ${row(s, 'label', m)}, ${row(s, 'task', n)}
    where ${isThere('labels', row(s, 'label', m))} and ${isThere('tasks', row(s, 'task', n))} on conflict do nothing`,
  unlabel: (s, { n, m }) =>
    `delete from "_LabelToTask" where "A" = ${row(s, 'label', m)} and "B" = ${row(s, 'task', n)}`,
  comment: (s, { n, m, v }) => `insert into comments (id, task_id, author_id, body)
    select ${row(s, 'comment', n)}, ${row(s, 'task', m)}, ${user(s, v)}, '${pick(words, v)}'
    where ${isThere('tasks', row(s, 'task', m))} on conflict (id) do update set body = excluded.body`,
  deleteComment: (s, { n }) => `delete from comments where id = ${row(s, 'comment', n)}`,
  renameUser: (s, { m, v }) => `update users set name = '${pick(words, v)}' where id = ${user(s, m)}`,
  readdressUser: (s, { m, v }) =>
    `update users set email = '${pick(words, v)}.${m % slots.user}@${s.lane}' where id = ${user(s, m)}`,
} satisfies Record<string, Writer>;

/** The operation in SQL. */
export const inSql = ({ what, ...o }: Operation, s: Scopes): string => writers[what](s, o);

/** The operation over the API; undefined for one that is done in SQL only. */
export function overApi({ what, n, m, v }: Operation, s: Scopes): ApiWrite | undefined {
  const id = idOf(s.history, 'task', n % slots.task);
  const projectId = idOf(s.history, 'project', m % slots.project);
  const ofTask = (data: object): ApiWrite => ({
    query: 'mutation ($id: String!, $data: UpdateTaskInput!) { updateTask(where: { id: $id }, data: $data) { id } }',
    variables: { id, data },
  });
  switch (what) {
    case 'createTask':
      return {
        query: 'mutation ($data: CreateTaskInput!) { createTask(data: $data) { id } }',
        variables: { data: { id, projectId, title: pick(words, v), priority: v % 3 } },
      };
    case 'retitleTask':
      return ofTask({ title: pick(words, v) });
    case 'moveTask':
      return ofTask({ projectId });
    case 'deleteTask':
      return {
        query: 'mutation ($id: String!) { deleteTask(where: { id: $id }) { id } }',
        variables: { id },
      };
    case 'deleteProject':
      return {
        query: 'mutation ($id: String!) { deleteProject(where: { id: $id }) { id } }',
        variables: { id: idOf(s.history, 'project', n % slots.project) },
      };
    default:
      return undefined;
  }
}

/** Any operation; those that remove much are rarer. */
export const anyOperation: fc.Arbitrary<Operation> = fc.record({
  what: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...(Object.keys(writers) as (keyof typeof writers)[])) },
    { weight: 5, arbitrary: fc.constantFrom<keyof typeof writers>('admit', 'dismiss', 'retitleTask', 'createTask') },
  ),
  n: fc.nat({ max: 5 }),
  m: fc.nat({ max: 2 }),
  v: fc.nat({ max: 11 }),
});

/** What goes before statements that the log is not to hold: the triggers that capture, and cascade, are still. */
const uncaptured = (statements: string): string =>
  `begin; set local session_replication_role = replica; ${statements}; commit`;

/** Rows that a history begins with, as if they had been there all along. @param roles of each user in each workspace, null for none */
export function firstRows(s: Scopes, given: readonly (number | null)[]): string {
  const members = given.flatMap((role, i) =>
    role === null ? [] : [`(${row(s, 'workspace', i % 2)}, ${user(s, i >> 1)}, '${pick(roles, role)}')`],
  );
  const rows = (
    kind: 'project' | 'task' | 'label' | 'comment',
    count: number,
    values: (id: string, n: number) => string,
  ) => Array.from({ length: count }, (_, n) => `(${values(row(s, kind, n), n)})`).join(', ');
  const users = Array.from({ length: slots.user }, (_, n) => user(s, n)).map(
    (id, n) => `update users set name = 'mill', email = 'mill.${n}@${s.lane}' where id = ${id};`,
  );
  return uncaptured(`
    ${users.join('\n')}
    insert into workspaces (id, name, slug) values ${[0, 1].map((n) => `(${row(s, 'workspace', n)}, 'W${n}', '${s.history}-${n}')`).join(', ')};
    ${members.length > 0 ? `insert into members (workspace_id, user_id, role) values ${members.join(', ')};` : ''}
    insert into projects (id, workspace_id, name, budget) values ${rows('project', 2, (id, n) => `${id}, ${row(s, 'workspace', n)}, '${pick(words, n)}', ${pick(budgets, n + 1)}`)};
    insert into labels (id, workspace_id, name) values ${rows('label', 2, (id, n) => `${id}, ${row(s, 'workspace', n)}, '${pick(words, n)}'`)};
    insert into tasks (id, project_id, title, priority, parent_id, updated_at) values ${rows('task', 3, (id, n) => `${id}, ${row(s, 'project', n)}, '${pick(words, n)}', ${n}, ${n === 2 ? row(s, 'task', 0) : 'null'}, '2026-01-01'`).replace(row(s, 'project', 2), row(s, 'project', 0))};
    insert into "_LabelToTask" values (${row(s, 'label', 0)}, ${row(s, 'task', 0)});
    insert into comments (id, task_id, author_id, body) values ${rows('comment', 2, (id, n) => `${id}, ${row(s, 'task', n)}, ${user(s, n)}, '${pick(words, n)}'`)}`);
}

/** Takes the rows of a history away. */
export function noRows(s: Scopes): string {
  const ids = (kind: Exclude<keyof typeof slots, 'user'>) =>
    Array.from({ length: slots[kind] }, (_, n) => row(s, kind, n)).join(', ');
  return uncaptured(`
    delete from comments where id in (${ids('comment')});
    delete from "_LabelToTask" where "A" in (${ids('label')});
    delete from tasks where id in (${ids('task')});
    delete from labels where id in (${ids('label')});
    delete from projects where id in (${ids('project')});
    delete from members where workspace_id in (${ids('workspace')});
    delete from workspaces where id in (${ids('workspace')})`);
}
