import type { Random } from '../../src/cli/seed/random.ts';

/** An operation to send. */
export interface Asked {
  query: string;
  variables?: Record<string, unknown>;
}

/** Documents of the example's schema that are made of chance. */
export interface Documents {
  /** A query that nobody has asked before. */
  fresh(): Asked;
  /** One of a few that everybody asks. */
  hot(): Asked;
  /** A document that is refused. */
  faulty(): Asked;
  /** A subscription, or a query that keeps its answer true. */
  live(): Asked;
}

const words = ['valve', 'pump', 'roof', 'fence', 'engine', 'report', 'budget', 'garden', 'gearbox', 'window', 'repair'];
const scalars = ['title', 'status', 'priority', 'estimate', 'dueAt', 'createdAt', 'updatedAt', 'projectId', 'parentId'];
const hotQueries = [
  `query Board($status: TaskStatus!) { tasks(first: 20, where: { status: { equals: $status } }) { totalCount nodes { id title assignee { name } } } }`,
  `query Newest { tasks(first: 10, orderBy: { createdAt: desc }) { nodes { id title comments(first: 2) { nodes { body author { name } } } } } }`,
  `query Counts { tasksAggregate { count { _all } avg { priority } } }`,
  `query Mine { projects(first: 10) { nodes { id name budget workspace { name } } } }`,
  `query Notes { documents(first: 10, where: { collection: { equals: "notes" } }) { nodes { id data } } }`,
];

/** Makes them; no two of those that are fresh are alike. */
export function createDocuments(random: Random): Documents {
  const { int, pick, chance } = random;
  let made = 0;
  const word = () => `${pick(words)}${chance(0.5) ? int(0, 1e6) : ''}`;
  const path = () => JSON.stringify(chance(0.3) ? ['votes'] : [`part${int(0, 1e6)}`, String(int(0, 9)), word()]);
  const few = (list: readonly (() => string)[], most: number) =>
    random
      .sample(list, int(1, most))
      .map((make) => make())
      .join(' ');
  const alias = () => (chance(0.5) ? `a${int(0, 1e6)}: ` : '');

  const conditions = [
    () =>
      `title: { ${pick([
        `contains: "${word()}"`,
        `contains: "${word()}", mode: insensitive`,
        `similar: { to: "${word()}" }`,
        `similar: { to: "${word()}", part: true, threshold: 0.${int(3, 9)} }`,
      ])} }`,
    () => `body: { startsWith: "${word()}" }`,
    () => `priority: { in: [${Array.from({ length: int(1, 5) }, () => int(0, 9)).join(', ')}] }`,
    () => `estimate: { gte: ${int(0, 1000) / 10} }`,
    () => `extra: { path: ${path()}, ${chance(0.5) ? `equals: ${int(0, 30)}` : `string_contains: "${word()}"`} }`,
    () => `_search: { query: "${word()} or -${word()}", fields: [${pick(['title', 'body', 'title, body'])}] }`,
    () => `comments: { ${pick(['some', 'none'])}: { body: { contains: "${word()}" } } }`,
    () => `assignee: { is: { name: { startsWith: "${word()}" } } }`,
    () => `OR: [{ title: { endsWith: "${word()}" } }, { NOT: { status: { equals: DONE } } }]`,
    () => `createdAt: { gt: "2024-0${int(1, 9)}-1${int(0, 9)}T00:00:0${int(0, 9)}Z" }`,
  ];
  const orders = [
    () => `{ ${pick(['priority', 'title', 'createdAt'])}: ${pick(['asc', 'desc'])} }`,
    () => `{ extra: { path: ${path()}, sort: asc } }`,
    () => `{ comments: { _count: desc } }`,
    () => `{ _relevance: { query: "${word()}", fields: [title], sort: desc } }`,
  ];
  const where = () => `{ ${few(conditions, 3)} }`;
  const fields = [
    () => alias() + pick(scalars),
    () => alias() + pick(scalars),
    () => `e${int(0, 1e6)}: extra(path: ${path()})`,
    () => `${alias()}assignee { id name }`,
    () => `${alias()}project { name workspace { ${pick(['id', 'name', 'slug'])} } }`,
    () => `${alias()}comments(first: ${int(1, 5)}) { nodes { id body author { name } } }`,
    () => `${alias()}labels(first: ${int(1, 5)}, orderBy: { name: asc }) { totalCount nodes { name } }`,
    () => `${alias()}subtasks(last: ${int(1, 3)}) { nodes { id } pageInfo { hasPreviousPage } }`,
  ];
  const roots = [
    () =>
      `tasks(first: $first, where: ${where()}, orderBy: [${few(orders, 2)}]) { totalCount nodes { id ${few(fields, 5)} } }`,
    () =>
      `tasks(${pick(['first', 'last'])}: ${int(1, 40)}, where: ${where()}) { nodes { ...Part } pageInfo { endCursor } }`,
    () => `tasksAggregate(where: ${where()}) { count { _all ${pick(scalars)} } max { ${pick(scalars)} } }`,
    () =>
      `tasksGroupBy(by: [{ ${pick(['status', 'priority', 'projectId'])}: true }], first: ${int(1, 50)}, where: ${where()}) { count { _all } }`,
    () =>
      `comments(first: ${int(1, 30)}, where: { body: { contains: "${word()}" }, task: { is: ${where()} } }) { nodes { id body } }`,
    () => `documents(first: $first, where: { data: { path: ${path()}, equals: ${int(0, 99)} } }) { nodes { id data } }`,
  ];
  const next = () => {
    made += 1;
    return `N${made}_${int(0, 1e9)}`;
  };
  const first = () => (chance(0.3) ? {} : { first: int(1, 30) });
  const fresh = (): Asked => {
    const selected = Array.from({ length: int(1, 2) }, (_, n) => `r${n}_${int(0, 1e6)}: ${pick(roots)()}`).join(' ');
    const part = selected.includes('...Part') ? ` fragment Part on Task { id ${few(fields, 4)} }` : '';
    return {
      query: `query ${next()}($first: Int = ${int(1, 30)}) { ${selected} __typename tasks(first: $first) { nodes { id } } }${part}`,
      variables: first(),
    };
  };
  const faults: (() => Asked)[] = [
    () => ({ query: `{ tasks { nodes { ${next()} } } }` }),
    () => ({ query: `{ task(where: { id: "${word()}" }) { id } ${next()} }` }),
    () => ({ query: `query ${next()}($n: Int!) { tasks(first: $n) { totalCount } }`, variables: { n: word() } }),
    () => ({ query: `query ${next()} { tasks(first: ${int(501, 1e6)}) { nodes { id } } }` }),
    () => ({ query: `query ${next()} ${'{ tasks { nodes { parent '.repeat(9)}{ id }${' } } }'.repeat(9)}` }),
    () => ({ query: `query ${next()} { tasks(after: "${word()}") { nodes { id } } }` }),
    () => ({ query: `{ ${Array.from({ length: 60 }, (_, n) => `x${n}_${int(0, 1e6)}: __typename`).join(' ')} }` }),
  ];
  return {
    fresh,
    hot: () => ({ query: pick(hotQueries), variables: { status: pick(['TODO', 'DOING', 'DONE']) } }),
    // Those that cannot be parsed are kept apart from all others.
    faulty: () => (chance(0.5) ? { query: `query ${next()} { tasks( }` } : pick(faults)()),
    live() {
      const name = next();
      if (chance(0.3))
        return {
          query: `query ${name} @live${chance(0.5) ? '(patch: true)' : ''} { tasks(first: ${int(1, 20)}, where: ${where()}) { nodes { id ${few(fields, 3)} } } }`,
        };
      const filter = chance(0.7)
        ? `(where: { priority: { gte: ${int(0, 5)} }, title: { contains: "${chance(0.5) ? '' : word()}" } })`
        : '';
      return { query: `subscription ${name} { taskChanges${filter} { type cursor node { id ${few(fields, 3)} } } }` };
    },
  };
}
