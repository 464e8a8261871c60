import { createRandom, type Random } from '../../src/cli/seed/random.ts';
import { ask } from '../support/postgres.ts';

const id = (kind: number, n: number): string =>
  `00000000-0000-7000-8000-0000${String(kind).padStart(2, '0')}${String(n).padStart(6, '0')}`;

/** Rows that both databases have: what stands in the Mill is seen by its members, what stands in the Smithy by nobody of them. */
export const ids = {
  ben: id(1, 1),
  cleo: id(1, 2),
  /** Belongs to a workspace that nothing stands in. */
  dan: id(1, 3),
  nobody: id(1, 999),
  ofMill: (kind: Kind, n: number) => id(kinds[kind], n),
  ofSmithy: (kind: Kind, n: number) => id(kinds[kind], 500 + n),
};

type Kind = 'user' | 'workspace' | 'project' | 'task' | 'label' | 'comment';
const kinds: Record<Kind, number> = { user: 1, workspace: 2, project: 3, task: 4, label: 5, comment: 6 };

/** Of each kind, how many rows there are in the Mill, and that both databases have in the Smithy. */
export const counts: Record<Kind, number> = { user: 8, workspace: 1, project: 4, task: 24, label: 5, comment: 24 };

const texts = ['a', 'A', 'ab', 'x', "x'y", 'a%b', '', 'é', 'ß', 'b'];
const documents = ['{"a": 1}', '{"a": {"b": "x"}}', '{"list": [1, "x"]}', '[]', 'null'];

/**
 * Fills a database. What stands in the Mill, and which rows of the Smithy the Mill's lead to, is the same whatever `hidden`
 * is; all else is chosen by it: the Smithy's values, more rows of it, which of them are not there, and in the Mill the
 * values that its editors and viewers may not see.
 */
export async function fillDatabase(url: string, hidden: number): Promise<void> {
  const statements: string[] = [];
  // Everybody sees their own address.
  const viewers = new Set<string>([ids.ben, ids.cleo, ids.dan]);
  const insert = (table: string, row: Record<string, string | number | boolean | null>) => {
    const values = Object.values(row).map((v) => (typeof v === 'string' ? `'${v.replaceAll("'", "''")}'` : String(v)));
    statements.push(`insert into ${table} (${Object.keys(row).join(', ')}) values (${values.join(', ')});`);
  };
  const seen = createRandom(1);
  const unseen = createRandom(hidden);
  const day = (random: Random) => `2026-01-0${random.int(1, 9)}T00:00:00Z`;
  const optional = <T>(random: Random, value: T): T | null => (random.chance(0.3) ? null : value);

  const user = (key: string, name: string) =>
    insert('users', {
      id: key,
      email: viewers.has(key) ? `${key}@x.test` : `${unseen.int(0, 1e9)}@x.test`,
      name,
      created_at: '2026-01-01',
    });
  const project = (key: string, random: Random, workspace: string) =>
    insert('projects', {
      id: key,
      workspace_id: workspace,
      name: random.pick(texts),
      budget: optional(unseen, unseen.int(0, 3)),
      archived: random.chance(0.3),
      starts_on: optional(random, '2026-02-01'),
      created_at: day(random),
    });
  const task = (key: string, random: Random, keys: { project: string; parent: string | null; user: string | null }) =>
    insert('tasks', {
      id: key,
      project_id: keys.project,
      parent_id: keys.parent,
      assignee_id: keys.user,
      title: random.pick(texts),
      body: random.pick(texts),
      status: random.pick(['TODO', 'DOING', 'DONE']),
      priority: random.int(-1, 2),
      estimate: optional(random, random.int(0, 2)),
      extra: optional(random, random.pick(documents)),
      due_at: optional(random, day(random)),
      created_at: day(random),
      updated_at: day(random),
    });
  const comment = (key: string, random: Random, taskId: string, author: string) =>
    insert('comments', {
      id: key,
      task_id: taskId,
      author_id: author,
      body: random.pick(texts),
      created_at: day(random),
    });

  const isKept = () => unseen.chance(0.8);
  const [mill, smithy, empty] = [ids.ofMill('workspace', 1), ids.ofSmithy('workspace', 1), ids.ofMill('workspace', 2)];
  insert('workspaces', { id: mill, name: 'Mill', slug: 'mill', created_at: '2026-01-01' });
  insert('workspaces', { id: empty, name: 'Empty', slug: 'empty', created_at: '2026-01-01' });
  insert('workspaces', { id: smithy, name: unseen.pick(texts), slug: `s${hidden}`, created_at: day(unseen) });
  for (let n = 1; n <= counts.user; n++) {
    user(ids.ofMill('user', n), seen.pick(texts));
    user(ids.ofSmithy('user', n), unseen.pick(texts));
    const workspace = n === 3 ? empty : mill;
    const role = n === 1 ? 'editor' : n === 2 ? 'viewer' : seen.pick(['editor', 'viewer', 'owner']);
    insert('members', { workspace_id: workspace, user_id: ids.ofMill('user', n), role, joined_at: '2026-01-01' });
    if (isKept())
      insert('members', {
        workspace_id: smithy,
        user_id: ids.ofSmithy('user', n),
        role: unseen.pick(['editor', 'owner']),
        joined_at: day(unseen),
      });
  }
  for (let n = 1; n <= counts.project; n++) {
    project(ids.ofMill('project', n), seen, mill);
    project(ids.ofSmithy('project', n), unseen, smithy);
  }
  for (let n = 1; n <= counts.label; n++) {
    insert('labels', {
      id: ids.ofMill('label', n),
      workspace_id: mill,
      name: `m${n}`,
      color: seen.pick(['#000000', '#ffffff']),
    });
    insert('labels', {
      id: ids.ofSmithy('label', n),
      workspace_id: smithy,
      name: unseen.pick(['m', 'a']) + n,
      color: '#000000',
    });
  }
  const one = (random: Random, kind: Kind, of = ids.ofMill) => of(kind, random.int(1, counts[kind]));
  const oneOfEither = (kind: Kind) => one(seen, kind, seen.chance(0.3) ? ids.ofSmithy : ids.ofMill);
  // Those of the Smithy first: rows of the Mill lead to them.
  for (let n = 1; n <= counts.task; n++)
    task(ids.ofSmithy('task', n), unseen, {
      project: one(unseen, 'project', ids.ofSmithy),
      parent: null,
      user: optional(unseen, one(unseen, 'user', unseen.chance(0.5) ? ids.ofSmithy : ids.ofMill)),
    });
  for (let n = 1; n <= counts.task; n++) {
    const parent =
      n > 1 && seen.chance(0.6)
        ? seen.chance(0.3)
          ? one(seen, 'task', ids.ofSmithy)
          : ids.ofMill('task', seen.int(1, n - 1))
        : null;
    task(ids.ofMill('task', n), seen, {
      project: one(seen, 'project'),
      parent,
      user: optional(seen, oneOfEither('user')),
    });
    comment(ids.ofMill('comment', n), seen, one(seen, 'task'), oneOfEither('user'));
  }
  for (let n = 1; n <= counts.comment; n++)
    if (isKept()) comment(ids.ofSmithy('comment', n), unseen, one(unseen, 'task', ids.ofSmithy), one(unseen, 'user'));
  const joins = new Set<string>();
  const join = (label: string, taskId: string) => joins.add(`('${label}', '${taskId}')`);
  for (let n = 0; n < 30; n++) join(one(seen, 'label'), one(seen, 'task'));
  for (let n = 0; n < 30; n++) {
    join(one(unseen, 'label', ids.ofSmithy), one(unseen, 'task', unseen.chance(0.5) ? ids.ofSmithy : ids.ofMill));
    join(one(unseen, 'label'), one(unseen, 'task', ids.ofSmithy));
  }
  // Rows that one of the two alone has: parts of what is seen, by people who are seen.
  for (let n = 0; n < unseen.int(5, 15); n++) {
    const key = id(9, hidden * 1000 + n);
    task(key, unseen, {
      project: one(unseen, 'project', ids.ofSmithy),
      parent: one(unseen, 'task'),
      user: one(unseen, 'user'),
    });
    comment(key, unseen, key, one(unseen, 'user'));
    join(one(unseen, 'label'), key);
    user(key, unseen.pick(texts));
  }
  statements.push(`insert into "_LabelToTask" ("A", "B") values ${[...joins].join(', ')};`);
  // What others lead to comes first.
  const tables = ['users', 'workspaces', 'members', 'projects', 'tasks', 'labels', 'comments', '"_LabelToTask"'];
  const into = (table: string) => statements.filter((text) => text.split(' ')[2] === table);
  await ask(url, tables.flatMap(into).join('\n'));
}
