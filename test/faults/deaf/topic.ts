import { randomUUID } from 'node:crypto';

/** Rows that are written in a second. */
export const eventsPerSecond = 1000;
/** Different priorities, in turn: each operation of a client that has several hears of one. */
export const kinds = 5;

/** How a client speaks, and what it asks for. */
export type Ask = 'changes' | 'events' | 'live' | 'many';

/** The workspace that everything happens in. */
export interface Place {
  project: string;
  people: string[];
}

/** Invents a place with so many people. */
export const makePlace = (people: number): Place => ({
  project: randomUUID(),
  people: Array.from({ length: people }, () => randomUUID()),
});

/** The rows that there are before the first event. */
export function setup({ project, people }: Place): string {
  const workspace = randomUUID();
  const values = (row: (id: string, n: number) => string) => people.map(row).join(', ');
  return `
    insert into workspaces (id, name, slug) values ('${workspace}', 'Workspace', 'workspace');
    insert into users (id, email, name) values ${values((id, n) => `('${id}', '${n}@faults.test', 'Person ${n}')`)};
    insert into members (workspace_id, user_id, role) values ${values((id) => `('${workspace}', '${id}', 'editor')`)};
    insert into projects (id, workspace_id, name) values ('${project}', '${workspace}', 'Project');`;
}

/** Writes the events from $2 to $3, in their order: tasks of half to two kilobytes. */
export const insertEvents = `
  insert into tasks (id, project_id, title, body, priority, updated_at)
  select gen_random_uuid(), $1, 'event ' || n, substr(repeat(md5(n::text), 63), 1, 500 + n % 4 * 500), n % ${kinds}, now()
    from generate_series($2::int, $3::int) n`;

const changes = `subscription ($where: TaskWhereInput, $after: String) {
  taskChanges(where: $where, after: $after) { type cursor node { title body priority } }
}`;
const live = 'query @live { tasks(orderBy: [{ createdAt: desc }], first: 50) { nodes { title body } } }';

/** The operations of a client; those that are streams of changes go on from a cursor, where there is one. */
export function operationsOf(ask: Ask, after?: string): { query: string; variables?: object }[] {
  if (ask === 'live') return [{ query: live }];
  if (ask !== 'many') return [{ query: changes, variables: { after } }];
  return Array.from({ length: kinds }, (_, n) => ({
    query: changes,
    variables: { where: { priority: { equals: n } } },
  }));
}

/** The number of the first event that a message tells of; undefined when it tells of none. */
export function eventIn(message: Buffer): number | undefined {
  const at = message.indexOf('"event ');
  return at < 0 ? undefined : Number.parseInt(message.toString('latin1', at + 7, at + 17), 10);
}

/** The highest number of the events that an answer shows. */
export function newestIn(message: Buffer): number {
  return Math.max(...[...message.toString('latin1').matchAll(/"event (\d+)/g)].map(([, number]) => Number(number)));
}

/** The cursor in a message, where there is one. */
export function cursorIn(message: Buffer): string | undefined {
  const at = message.indexOf('"cursor"');
  if (at < 0) return undefined;
  const from = message.indexOf('"', at + 8) + 1;
  return message.toString('latin1', from, message.indexOf('"', from));
}
