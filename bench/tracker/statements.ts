import type { Statements } from '../world.ts';

const taskColumns = 't.id, t.title, t.status, t.priority, t.estimate, t.due_at as "dueAt", t.created_at as "createdAt"';

// Comments are seen with their task, so they need no rule of their own here. $1 is the viewer. For one task a look along
// its keys is cheapest, for many the list of projects.
const ownTask = `exists (
  select from projects p join members m on m.workspace_id = p.workspace_id where p.id = t.project_id and m.user_id = $1)`;
const ownTasks = `t.project_id = any(array(
  select p.id from projects p join members m on m.workspace_id = p.workspace_id where m.user_id = $1))`;
const knownUser = `(u.id = $1 or exists (
  select from members theirs join members mine on mine.workspace_id = theirs.workspace_id
  where theirs.user_id = u.id and mine.user_id = $1))`;

// @NOTE `$1` is there for the admin too, so that the values are the same.
const always = '$1::uuid is not null';
const task = (isAdmin: boolean) => (isAdmin ? always : ownTask);
const tasks = (isAdmin: boolean) => (isAdmin ? always : ownTasks);
const users = (isAdmin: boolean) => (isAdmin ? 'true' : knownUser);

const person = (isAdmin: boolean, id: string) =>
  `(select row_to_json(x) from (select u.id, u.name from users u where u.id = ${id} and ${users(isAdmin)}) x)`;

/** The tracker's requests by hand: the rows of app/rules.ts and no others. */
export const statements: Statements = {
  'by-id': {
    text: (isAdmin) =>
      `select row_to_json(x)::text from (select ${taskColumns} from tasks t where t.id = $2 and ${task(isAdmin)}) x`,
    values: ({ id }) => [id],
    wrap: (json) => `{"data":{"task":${json}}}`,
  },
  nested: {
    text: (isAdmin) => `select coalesce(json_agg(x), '[]')::text from (
      select t.id, t.title, t.status, ${person(isAdmin, 't.assignee_id')} as assignee, (
        select json_build_object('nodes', coalesce(json_agg(c), '[]')) from (
          select k.id, k.body, k.created_at as "createdAt", ${person(isAdmin, 'k.author_id')} as author
          from (select * from comments where task_id = t.id order by created_at desc, id limit 3) k
        ) c
      ) as comments
      from (select * from tasks t where ${tasks(isAdmin)} order by t.created_at desc, t.id limit 50) t
    ) x`,
    values: () => [],
    wrap: (json) => `{"data":{"tasks":{"nodes":${json}}}}`,
  },
  flat: {
    text: (isAdmin) => `select coalesce(json_agg(x), '[]')::text from (
      select ${taskColumns} from tasks t where ${tasks(isAdmin)} order by t.created_at desc, t.id limit 1000
    ) x`,
    values: () => [],
    wrap: (json) => `{"data":{"tasks":{"nodes":${json}}}}`,
  },
  page: {
    text: (isAdmin) => {
      const matching = `from tasks t where t.status = $2 and t.priority >= $3 and ${tasks(isAdmin)}`;
      return `select json_build_object('totalCount', (select count(*) ${matching}), 'nodes', (
        select coalesce(json_agg(x), '[]') from (
          select t.id, t.title, t.status, t.priority, t.due_at as "dueAt" ${matching}
          order by t.due_at desc nulls last, t.id limit 20
        ) x
      ))::text`;
    },
    values: ({ status, priority }) => [status, priority],
    wrap: (json) => `{"data":{"tasks":${json}}}`,
  },
};
