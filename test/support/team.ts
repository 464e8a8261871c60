import { ask } from './postgres.ts';

const id = (n: number): string => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;

/** Ids of the people and things that `insertTeam` makes. */
export const team = {
  /** Owns the Mill. */
  ann: id(1),
  /** Edits in the Mill. */
  ben: id(2),
  /** Reads in the Mill. */
  cleo: id(3),
  /** Owns the Smithy, and knows nobody of the Mill. */
  dora: id(4),
  mill: id(11),
  smithy: id(12),
  wheel: id(21),
  forge: id(22),
  pond: id(31),
  axle: id(32),
  paddle: id(33),
  anvil: id(34),
  urgent: id(41),
  hot: id(42),
  remark: id(51),
  secret: id(52),
} as const;

/** Two workspaces that share nobody: the Mill (ann, ben, cleo) and the Smithy (dora), each with a project, tasks, a label, a comment. */
export async function insertTeam(databaseUrl: string): Promise<void> {
  const t = team;
  await ask(
    databaseUrl,
    `insert into users (id, email, name, created_at) values
      ('${t.ann}', 'ann@mill.test', 'Ann', '2026-01-01'), ('${t.ben}', 'ben@mill.test', 'Ben', '2026-01-02'),
      ('${t.cleo}', 'cleo@mill.test', 'Cleo', '2026-01-03'), ('${t.dora}', 'dora@smithy.test', 'Dora', '2026-01-04');
    insert into workspaces (id, name, slug, created_at) values
      ('${t.mill}', 'The Mill', 'mill', '2026-01-01'), ('${t.smithy}', 'The Smithy', 'smithy', '2026-01-02');
    insert into members (workspace_id, user_id, role, joined_at) values
      ('${t.mill}', '${t.ann}', 'owner', '2026-01-01'), ('${t.mill}', '${t.ben}', 'editor', '2026-01-02'),
      ('${t.mill}', '${t.cleo}', 'viewer', '2026-01-03'), ('${t.smithy}', '${t.dora}', 'owner', '2026-01-04');
    insert into projects (id, workspace_id, name, budget, archived, starts_on, created_at) values
      ('${t.wheel}', '${t.mill}', 'New wheel', 1234.50, false, '2026-02-01', '2026-01-05'),
      ('${t.forge}', '${t.smithy}', 'Second forge', 99999.99, false, null, '2026-01-06');
    insert into tasks (id, project_id, parent_id, assignee_id, title, status, priority, estimate, extra, due_at, created_at, updated_at) values
      ('${t.pond}', '${t.wheel}', null, '${t.ann}', 'Water the millpond', 'TODO', 5, 1.5, '{"tools": ["bucket"]}', '2026-03-01T12:00:00.123Z', '2026-01-07', '2026-01-07'),
      ('${t.axle}', '${t.wheel}', '${t.pond}', null, 'Grease the axle', 'TODO', 1, null, null, null, '2026-01-08', '2026-01-08'),
      ('${t.paddle}', '${t.wheel}', '${t.pond}', '${t.ben}', 'Carve a paddle', 'DONE', 3, 8, null, '2026-02-01T00:00:00Z', '2026-01-09', '2026-01-09'),
      ('${t.anvil}', '${t.forge}', null, '${t.dora}', 'Cast the anvil', 'DOING', 9, 40, '{"secret": true}', '2026-04-01T00:00:00Z', '2026-01-10', '2026-01-10');
    insert into labels (id, workspace_id, name, color) values
      ('${t.urgent}', '${t.mill}', 'urgent', '#ff0000'), ('${t.hot}', '${t.smithy}', 'hot', '#ffaa00');
    insert into "_LabelToTask" ("A", "B") values ('${t.urgent}', '${t.pond}'), ('${t.urgent}', '${t.axle}'), ('${t.hot}', '${t.anvil}');
    insert into comments (id, task_id, author_id, body, created_at) values
      ('${t.remark}', '${t.pond}', '${t.ben}', 'The pond is low.', '2026-01-11'),
      ('${t.secret}', '${t.anvil}', '${t.dora}', 'Nobody may know the alloy.', '2026-01-12');`,
  );
}
