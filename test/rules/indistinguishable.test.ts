import { array, assert, asyncProperty, nat } from 'fast-check';
import { expect, it } from 'vitest';
import { Choices, generateQuery } from '../support/generated-query.ts';
import { ask } from '../support/postgres.ts';
import { startServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';

const newId = (n: number) => `00000000-0000-7000-8000-0000000009${String(n).padStart(2, '0')}`;

/** Changes only what nobody of the Mill may see: rows of the Smithy, the emails of others, the budget. */
const elsewhere = `
  update users set name = 'Aaron', email = 'aaron@smithy.test' where id = '${team.dora}';
  update users set email = 'zed@mill.test' where id = '${team.cleo}';
  update users set email = 'adam@mill.test' where id = '${team.ann}';
  update projects set budget = 1 where id = '${team.wheel}';
  update projects set name = 'A forge', budget = null, archived = true where id = '${team.forge}';
  delete from comments where id = '${team.secret}';
  update tasks set title = 'Aa', extra = '{"tools": ["bucket"]}', priority = -5, assignee_id = null, status = 'DONE' where id = '${team.anvil}';
  insert into tasks (id, project_id, parent_id, assignee_id, title, created_at, updated_at)
    values ('${newId(1)}', '${team.forge}', '${team.pond}', '${team.ben}', 'A hidden subtask of the pond', '2020-01-01', '2020-01-01');
  insert into comments (id, task_id, author_id, body) values ('${newId(2)}', '${newId(1)}', '${team.ben}', 'Hidden, though by ben');
  insert into users (id, email, name) values ('${newId(3)}', 'eve@smithy.test', 'Eve');
  insert into members (workspace_id, user_id, role) values ('${team.smithy}', '${newId(3)}', 'viewer');
  insert into labels (id, workspace_id, name, color) values ('${newId(4)}', '${team.smithy}', 'urgent', '#000000');
  insert into "_LabelToTask" ("A", "B") values ('${newId(4)}', '${team.pond}'), ('${team.urgent}', '${newId(1)}');`;

it('answers byte for byte the same on two databases that differ only in what the viewer may not see', async () => {
  await using one = await startServer();
  await using other = await startServer();
  await Promise.all([insertTeam(one.databaseUrl), insertTeam(other.databaseUrl)]);
  await ask(other.databaseUrl, elsewhere);
  const { schema } = one.server.application();
  const ben = [one, other].map((server) => server.as({ sub: team.ben }));
  const stranger = [one.stranger, other.stranger];
  const counts = { answered: 0, told: 0 };

  await assert(
    asyncProperty(array(nat(10_000), { minLength: 20, maxLength: 120, size: 'max' }), nat(9), async (numbers, who) => {
      const query = generateQuery(schema, new Choices(numbers));
      const [a, b] = await Promise.all(
        (who === 0 ? stranger : ben).map(async (asker) => (await asker.post({ query })).text()),
      );
      counts.answered += a!.startsWith('{"data"') ? 1 : 0;
      counts.told += /(totalCount|_all)"\s*:\s*[1-9]|"(id|name|title|body)"\s*:\s*"/.test(a!) ? 1 : 0;
      expect(b, query).toBe(a);
    }),
    { numRuns: 400, seed: 20_261_122 },
  );
  // The property says nothing of queries that are refused or find nothing: most must be neither.
  expect(counts.answered).toBeGreaterThan(250);
  expect(counts.told).toBeGreaterThan(100);

  // And the two differ for whoever may see all of it.
  const answers = await Promise.all(
    [one, other].map((server) => server.as({ role: 'admin' }).query('{ users { nodes { email } } }')),
  );
  expect(answers[0]).not.toEqual(answers[1]);
}, 120_000);
