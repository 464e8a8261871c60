import { expect, it } from 'vitest';
import { graphql } from '../generated/gql/index.ts';
import { startServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';

const firstTasks = graphql(/* GraphQL */ `
  query FirstTasks($status: TaskStatus!, $first: Int) {
    tasks(where: { status: { equals: $status } }, orderBy: { priority: desc }, first: $first) {
      totalCount
      nodes {
        title
        priority
        dueAt
        assignee {
          name
        }
      }
    }
  }
`);

it('serves a client whose documents are typed from schema.graphql', async () => {
  await using server = await startServer();
  await insertTeam(server.databaseUrl);
  const ann = server.as({ sub: team.ann });
  // Typed by the document: a field that is not selected, or is misspelt, does not compile.
  const { tasks } = await ann.ask(firstTasks, { status: 'TODO', first: 2 });
  expect(tasks.totalCount).toBe(2);
  expect(tasks.nodes.map((task) => [task.title, task.priority, task.assignee?.name])).toEqual([
    ['Water the millpond', 5, 'Ann'],
    ['Grease the axle', 1, undefined],
  ]);
});
