import type { ModelViewer } from '../../model/access.ts';
import { type Selection, spellSelection } from '../../model/answer.ts';
import { exampleSchema } from '../../model/example.ts';
import type { Where } from '../../model/where.ts';

/** A kind of subscription: a model, what is selected, and filters by the form they have. */
export interface Asking {
  model: string;
  node: Selection;
  previous: Selection;
  /** Makes a filter of a word and a number; the marker's own are `markerWord` and `markerNumber`. */
  wheres: readonly ((word: string, number: number) => Where | undefined)[];
}

/** What every marker row is called, and how great its numbers are: all filters let it through. */
export const [markerWord, markerNumber] = ['marker', 0];

/** What may be asked for. */
export const askings: readonly Asking[] = [
  {
    model: 'Task',
    node: {
      id: true,
      title: true,
      priority: true,
      status: true,
      parentId: true,
      project: { id: true, name: true, budget: true },
      assignee: { name: true, email: true },
      labels: { name: true },
      comments: { body: true },
    },
    previous: { title: true, priority: true, assigneeId: true, project: { budget: true } },
    wheres: [
      () => undefined,
      (word) => ({ title: { contains: word } }),
      (word, number) => ({
        OR: [{ priority: { gt: number } }, { NOT: [{ assignee: { is: { name: { equals: word } } } }] }],
      }),
      (_, number) => ({ project: { is: { budget: { gt: String(number) } } } }),
      (word) => ({ labels: { some: { name: { equals: word } } } }),
    ],
  },
  {
    model: 'Project',
    node: { id: true, name: true, budget: true, archived: true, tasks: { title: true } },
    previous: { name: true, budget: true },
    wheres: [() => undefined, (_, number) => ({ budget: { gte: String(number) } })],
  },
  {
    model: 'User',
    node: { id: true, name: true, email: true, memberships: { role: true } },
    previous: { name: true, email: true },
    wheres: [() => undefined, (word) => ({ email: { contains: word } })],
  },
  {
    model: 'Member',
    node: { role: true, user: { name: true, email: true }, workspace: { name: true } },
    previous: { role: true },
    wheres: [() => undefined],
  },
  {
    model: 'Comment',
    node: { id: true, body: true, author: { email: true }, task: { title: true, project: { budget: true } } },
    previous: { body: true },
    wheres: [
      () => undefined,
      (word) => ({ task: { isNot: { title: { startsWith: word === markerWord ? '-' : word } } } }),
    ],
  },
];

/** The document of a kind of subscription. */
export function documentOf({ model, node, previous }: Asking): string {
  const one = model.charAt(0).toLowerCase() + model.slice(1);
  const key = exampleSchema[model]!.key.join(' ');
  const spell = (selection: Selection) => spellSelection({ schema: exampleSchema }, model, selection);
  return `subscription ($where: ${model}WhereInput, $events: [ChangeType!], $after: String) {
    change: ${one}Changes(where: $where, events: $events, after: $after) {
      cursor type reason key { ${key} } node { ${spell(node)} } previous { ${spell(previous)} } changedFields } }`;
}

/** Who listens in a history: by their place in the lane, strangers, and the admin role. */
export type Listener = 0 | 1 | 2 | 'stranger' | 'admin';

/** The viewer that a listener is to the model, where the lane's users have these ids. */
export function viewerOf(listener: Listener, users: readonly string[]): ModelViewer {
  if (listener === 'admin') return { isAdmin: true };
  return listener === 'stranger' ? {} : { id: users[listener]! };
}

/** The claims that a listener comes with. */
export function claimsOf(listener: Listener, users: readonly string[]): { sub?: string; role?: string } | undefined {
  if (listener === 'admin') return { role: 'admin' };
  return listener === 'stranger' ? undefined : { sub: users[listener]! };
}
