import type { TaskState } from './truth.ts';
import type { Person, World } from './world.ts';

/** What one client asks for, and by whose right; and the same as a predicate. */
export interface Audience {
  readonly name: string;
  readonly person: Person;
  readonly document: string;
  readonly where: Record<string, unknown> | undefined;
  /** Whether the rule shows a task to this person. */
  sees(state: TaskState): boolean;
  /** Whether the filter takes it. */
  filters(state: TaskState): boolean;
}

interface Filter {
  where: Record<string, unknown> | undefined;
  takes(state: TaskState): boolean;
}

const row = 'estimate status priority projectId parentId';
const documentOf = (node: string) => `subscription ($where: TaskWhereInput, $after: String) {
  taskChanges(where: $where, after: $after) {
    type reason cursor key { id } node { ${row} ${node} } previous { ${row} } changedFields
  }
}`;
/** Two documents: one of the row alone, one that goes over its relations. */
const plain = documentOf('');
const related = documentOf('title project { name workspace { slug } }');

/** The clients: most share a document, a person and a filter with others; some are the only ones of their kind. */
export function makeAudience(world: World): Audience[] {
  const { everywhere, first, second, third, both, stranger, admin } = world.people;
  const somewhere = world.projects.filter(({ workspace, number }) => workspace === 0 || number % 2 === 0);
  const filters = {
    none: { where: undefined, takes: () => true },
    open: { where: { status: { in: ['TODO', 'DOING'] } }, takes: ({ status }) => status !== 'DONE' },
    done: { where: { status: { equals: 'DONE' } }, takes: ({ status }) => status === 'DONE' },
    urgent: { where: { priority: { gte: 3 } }, takes: ({ priority }) => priority >= 3 },
    mild: { where: { priority: { lt: 7 } }, takes: ({ priority }) => priority < 7 },
    notBoth: {
      where: { NOT: [{ status: { equals: 'TODO' }, priority: { gte: 5 } }] },
      takes: ({ status, priority }) => !(status === 'TODO' && priority >= 5),
    },
    either: {
      where: { OR: [{ status: { equals: 'DOING' } }, { priority: { lt: 2 } }] },
      takes: ({ status, priority }) => status === 'DOING' || priority < 2,
    },
    places: {
      where: { projectId: { in: somewhere.map(({ id }) => id) } },
      takes: ({ project }) => somewhere.some(({ number }) => number === project),
    },
    parts: { where: { parentId: { not: null } }, takes: ({ hasParent }) => hasParent },
  } satisfies Record<string, Filter>;

  const kinds: [count: number, person: Person, filter: keyof typeof filters, document?: string][] = [
    [12, everywhere, 'none'],
    [5, everywhere, 'open'],
    [5, everywhere, 'mild'],
    [2, everywhere, 'none', related],
    [1, everywhere, 'places'],
    [5, first, 'none'],
    [3, first, 'urgent'],
    [1, first, 'either'],
    [3, second, 'none'],
    [2, second, 'notBoth'],
    [2, third, 'none'],
    [1, third, 'open', related],
    [3, both, 'none'],
    [1, both, 'done'],
    [1, both, 'parts'],
    [1, stranger, 'none'],
    [2, admin, 'none'],
  ];
  return kinds.flatMap(([count, person, name, document = plain]) => {
    const { where, takes }: Filter = filters[name];
    const sees = ({ project }: TaskState) => {
      const workspace = world.projects[project]?.workspace;
      return workspace !== undefined && person.workspaces.includes(workspace);
    };
    const audience = { name: `${person.name}/${name}`, person, document, where, sees, filters: takes };
    return Array.from({ length: count }, () => audience);
  });
}
