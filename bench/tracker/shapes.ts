import pg from 'pg';
import type { Shape } from '../world.ts';

/** Rows of a page of the shape `flat`; above Millrace's own limit, which is raised for the run. */
const flatRows = 1000;

const oneTask = `query Task($id: String!) {
  task(where: { id: $id }) { id title status priority estimate dueAt createdAt }
}`;

const nestedTasks = `query Board {
  tasks(first: 50, orderBy: { createdAt: desc }) {
    nodes {
      id title status
      assignee { id name }
      comments(first: 3, orderBy: { createdAt: desc }) { nodes { id body createdAt author { id name } } }
    }
  }
}`;

const flatTasks = `query Export($first: Int!) {
  tasks(first: $first, orderBy: { createdAt: desc }) { nodes { id title status priority estimate dueAt createdAt } }
}`;

const filteredPage = `query Page($status: TaskStatus!, $priority: Int!) {
  tasks(
    first: 20
    where: { status: { equals: $status }, priority: { gte: $priority } }
    orderBy: { dueAt: { sort: desc, nulls: last } }
  ) {
    totalCount
    nodes { id title status priority dueAt }
  }
}`;

/** The shapes, with the ids of tasks that the member may read. */
export function describeShapes(taskIds: readonly string[]): Shape[] {
  return [
    {
      name: 'by-id',
      title: 'one task by id',
      query: oneTask,
      variables: taskIds.map((id) => ({ id })),
      requests: 4000,
    },
    {
      name: 'nested',
      title: '50 tasks, assignee, 3 newest comments, their authors',
      query: nestedTasks,
      variables: [{}],
      requests: 400,
    },
    { name: 'flat', title: '1,000 flat rows', query: flatTasks, variables: [{ first: flatRows }], requests: 250 },
    {
      name: 'page',
      title: 'a filtered page of 20, with the total',
      query: filteredPage,
      variables: ['TODO', 'DOING', 'DONE'].flatMap((status) => [1, 2].map((priority) => ({ status, priority }))),
      requests: 1500,
    },
  ];
}

/** An ordinary member of two workspaces who sees more tasks than the largest page holds, and some of these tasks. */
export async function chooseMember(url: string): Promise<{ id: string; taskIds: string[] }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const seen = `members m join projects p using (workspace_id) join tasks t on t.project_id = p.id`;
    const { rows } = await client.query<{ id: string }>(
      `select m.user_id as id from ${seen} group by 1
       having count(distinct workspace_id) = 2 and count(*) > $1 order by 1 limit 1`,
      [flatRows],
    );
    const member = rows[0];
    if (!member) throw new Error('no member of two workspaces sees enough tasks');
    const tasks = await client.query<{ id: string }>(
      `select t.id from ${seen} where m.user_id = $1 order by md5(t.id::text) limit 500`,
      [member.id],
    );
    return { id: member.id, taskIds: tasks.rows.map(({ id }) => id) };
  } finally {
    await client.end();
  }
}
