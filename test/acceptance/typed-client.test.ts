import path from 'node:path';
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

it('serves the list that the generator has made of its documents, and nothing else', async () => {
  const file = path.resolve('test/generated/gql/persisted-documents.json');
  await using server = await startServer({
    config: (c) => ({ ...c, graphql: { ...c.graphql, persisted: { file, only: true } } }),
  });
  await insertTeam(server.databaseUrl);
  const ann = server.as({ sub: team.ann });
  const { hash } = (firstTasks as unknown as { __meta__: { hash: string } }).__meta__;
  const variables = { status: 'TODO', first: 2 };
  for (const named of [{ documentId: hash }, { extensions: { persistedQuery: { version: 1, sha256Hash: hash } } }]) {
    const listed = await ann.post({ ...named, variables });
    expect(await listed.json()).toMatchObject({ data: { tasks: { totalCount: 2 } } });
  }
  const other = await ann.query('query FirstTasks { tasks { totalCount } }');
  expect(other).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
  expect(other.data ?? undefined).toBeUndefined();
});
