import pg from 'pg';
import { graphql } from '../generated/gql/index.ts';
import { team } from '../support/team.ts';

/** The changes of tasks, as the tests of the client follow them. */
export const taskChanges = graphql(/* GraphQL */ `
  subscription TaskChanges($where: TaskWhereInput, $after: String) {
    changes: taskChanges(where: $where, after: $after) {
      type
      reason
      cursor
      key {
        id
      }
      node {
        title
        priority
      }
    }
  }
`);

/** Sets the priority of the pond's task to each of these numbers, each in a transaction of its own. */
export async function writePriorities(databaseUrl: string, from: number, to: number, each = () => {}): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    for (let n = from; n <= to; n += 1) {
      await client.query('update tasks set priority = $1 where id = $2', [n, team.pond]);
      each();
      if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    }
  } finally {
    await client.end();
  }
}

/** The numbers from one to another. */
export const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);
