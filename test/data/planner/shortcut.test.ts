import { expect, it } from 'vitest';
import { describeApi } from '../../../src/data/api/api-model.ts';
import { modelNamed } from '../../../src/data/model/datamodel.ts';
import { readDatamodel } from '../../../src/data/model/read-datamodel.ts';
import { createCompiler, visible } from '../../../src/data/planner/compiler.ts';
import { verdictsFor } from '../../../src/data/rules/verdicts.ts';
import { viewerOf } from '../../../src/viewer.ts';
import { startSchemaServer } from '../../support/schema-server.ts';

const rules = { Project: { read: { workspace: { members: { some: { userId: 'ann' } } } } } };

const models = `
model Workspace { id Int @id
  slug String
  members Member[]
  projects Project[] @@map("workspaces") }
model Member { workspaceId Int @map("workspace_id")
  userId String
  workspace Workspace @relation(fields: [workspaceId], references: [id])
  @@id([workspaceId, userId]) @@map("members") }
model Project { id Int @id
  workspaceId Int @map("workspace_id")
  workspace Workspace @relation(fields: [workspaceId], references: [id]) }
`
  .replaceAll(/ (@@|})/g, '\n$1')
  .replaceAll('{ ', '{\n');

/** The condition that the rule comes to, for these models with this datasource. */
function condition(datasource: string, rule: object = rules.Project.read): string {
  const content = `datasource db {\n  provider = "postgresql"\n${datasource}\n}\n${models}`;
  const datamodel = readDatamodel([{ path: 'prisma/app.prisma', content }]);
  const set = { Project: { read: rule } };
  const verdicts = verdictsFor(viewerOf({ sub: 'ann' }, 'admin'), set);
  const limits = { pageSize: 1, maxPageSize: 1, answerBytes: 1, placeMark: '' };
  const c = createCompiler({ api: describeApi(datamodel, set), datamodel, verdicts, variables: {}, limits });
  return visible(c, modelNamed(datamodel, 'Project'), 't', 'client');
}

it('does not look at a row that only passes a key on', () => {
  expect(condition('')).not.toMatch(/workspaces/);
  expect(condition('')).toMatch(/"members" .* where \(\w+\."workspace_id" = t\."workspace_id" and/);
});

it('looks at it where the database does not see to it that it is there', () => {
  expect(condition('  relationMode = "prisma"')).toMatch(/workspaces/);
});

it('looks at it where more is asked of it, or something else than that some row exists', () => {
  expect(condition('', { workspace: { slug: 'x', members: { some: { userId: 'ann' } } } })).toMatch(/workspaces/);
  expect(condition('', { workspace: { members: { none: { userId: 'ann' } } } })).toMatch(/workspaces/);
  expect(condition('', { NOT: { workspace: { members: { some: { userId: 'ann' } } } } })).toMatch(/workspaces/);
});

it('looks at it where a key may be null in part, and so lead to no row though the rest of it would', async () => {
  await using server = await startSchemaServer({
    schema: `
model Space {
  id      Int         @id
  tenant  Int
  members Attendant[]
  docs    Doc[]
  @@unique([tenant, id])
}

model Attendant {
  id      Int    @id
  name    String
  spaceId Int
  space   Space  @relation(fields: [spaceId], references: [id])
}

model Doc {
  id      Int    @id
  tenant  Int?
  spaceId Int
  space   Space? @relation(fields: [tenant, spaceId], references: [tenant, id])
}
`,
    rows: `
      insert into "Space" values (1, 1);
      insert into "Attendant" values (1, 'ann', 1);
      insert into "Doc" values (1, 1, 1), (2, null, 1);`,
    rules: { Doc: { read: (viewer) => ({ space: { members: { some: { name: viewer.id } } } }) } },
  });
  const { data } = await server.as({ sub: 'ann' }).query('{ docs { nodes { id } } }');
  expect(data.docs.nodes).toEqual([{ id: 1 }]);
});
