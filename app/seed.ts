import { defineSeed, type StoredRow } from 'millrace/seed';

// Fills the example: `npx millrace seed`. Everything is made of `random`, so every run makes the same rows.
export default defineSeed(async ({ rows, random, now, insert, link }) => {
  const count = (share: number) => Math.max(1, Math.round(rows * share));
  const many = <T>(length: number, make: (index: number) => T) => Array.from({ length }, (_, index) => make(index));
  const opening = new Date('2024-01-01T09:00:00Z');
  const later = (date: Date, days: number) => new Date(date.getTime() + days * 86_400_000);

  const users = await insert(
    'User',
    many(count(0.02), (n) => {
      const name = `${random.pick(firstNames)} ${random.pick(lastNames)}`;
      const email = `${name.toLowerCase().replace(' ', '.')}${n + 1}@example.com`;
      return { name, email, createdAt: random.date(opening, now) };
    }),
  );

  const workspaces = await insert(
    'Workspace',
    many(count(0.0004), (n) => {
      const name = `${random.pick(companyWords)} ${random.pick(companyKinds)}`;
      return { name, slug: `${name.toLowerCase().replace(' ', '-')}-${n + 1}`, createdAt: later(opening, n) };
    }),
  );

  const people = new Map(workspaces.map(({ id }) => [id, random.sample(users, random.int(60, 140))]));
  await insert(
    'Member',
    workspaces.flatMap((workspace) =>
      people.get(workspace.id)!.map((user, n) => ({
        workspaceId: workspace.id,
        userId: user.id,
        role: n === 0 ? ('OWNER' as const) : random.chance(0.8) ? ('EDITOR' as const) : ('VIEWER' as const),
        joinedAt: random.date(workspace.createdAt, now),
      })),
    ),
  );

  const labels = await insert(
    'Label',
    workspaces.flatMap(({ id }) => labelNames.map(([name, color]) => ({ workspaceId: id, name, color }))),
  );

  const projects = await insert(
    'Project',
    many(count(0.004), () => {
      const workspace = random.pick(workspaces);
      const createdAt = random.date(workspace.createdAt, now);
      return {
        workspaceId: workspace.id,
        name: `${random.pick(projectVerbs)} the ${random.pick(things)}`,
        budget: random.chance(0.7) ? `${random.int(10, 900) * 100}.${random.int(0, 9)}0` : null,
        archived: random.chance(0.15),
        startsOn: random.chance(0.8) ? later(createdAt, random.int(1, 60)) : null,
        createdAt,
      };
    }),
  );

  const newTask = (project: StoredRow<'Project'>, parent?: StoredRow<'Task'>) => {
    const createdAt = random.date(parent?.createdAt ?? project.createdAt, now);
    return {
      projectId: project.id,
      parentId: parent?.id ?? null,
      assigneeId: random.chance(0.85) ? random.pick(people.get(project.workspaceId)!).id : null,
      title: `${random.pick(taskVerbs)} the ${random.pick(things)}`,
      body: random.chance(0.6) ? many(random.int(1, 4), () => random.pick(sentences)).join(' ') : '',
      status: random.pick(['TODO', 'TODO', 'DOING', 'DONE', 'DONE', 'DONE'] as const),
      priority: random.pick([0, 0, 0, 1, 1, 2, 3]),
      estimate: random.chance(0.5) ? random.int(1, 40) / 2 : null,
      extra: random.chance(0.2) ? { source: random.pick(sources), votes: random.int(0, 30) } : null,
      dueAt: random.chance(0.5) ? later(createdAt, random.int(1, 90)) : null,
      createdAt,
      updatedAt: random.date(createdAt, now),
    };
  };
  const projectOf = new Map(projects.map((project) => [project.id, project]));
  const tasks = await insert(
    'Task',
    many(count(0.2), () => newTask(random.pick(projects))),
  );
  const subtasks = await insert(
    'Task',
    many(count(0.1), () => {
      const parent = random.pick(tasks);
      return newTask(projectOf.get(parent.projectId)!, parent);
    }),
  );

  const workspaceOf = (task: StoredRow<'Task'>) => projectOf.get(task.projectId)!.workspaceId;
  const labelsOf = (id: string) => labels.filter((label) => label.workspaceId === id);
  const choices = new Map(workspaces.map(({ id }) => [id, labelsOf(id)]));
  const allTasks = [...tasks, ...subtasks];
  await link(
    'Task',
    'labels',
    allTasks.flatMap((task) => {
      const chosen = random.sample(choices.get(workspaceOf(task))!, random.pick([0, 0, 1, 1, 2, 3]));
      return chosen.map((label) => [task.id, label.id] as const);
    }),
  );

  await insert(
    'Comment',
    many(count(0.4), () => {
      const task = random.pick(allTasks);
      return {
        taskId: task.id,
        authorId: random.pick(people.get(workspaceOf(task))!).id,
        body: many(random.int(1, 3), () => random.pick(sentences)).join(' '),
        createdAt: random.date(task.createdAt, now),
      };
    }),
  );
});

const firstNames =
  'Ada Amir Ben Chiara Chen Dara Elif Emil Fatima Goran Hana Ivo Jana Kofi Lea Luis Mei Nora Omar Priya Quinn Rosa Sami Tara Uma Victor Wanda Yusuf Zoe'.split(
    ' ',
  );
const lastNames =
  'Abebe Berg Castillo Duarte Eriksen Farah Gupta Haddad Ito Jensen Kovac Lindqvist Moreau Nakamura Okafor Petrov Quist Rossi Silva Tanaka Ueda Varga Weber Yilmaz Zhou'.split(
    ' ',
  );
const companyWords =
  'Amber Blue Cedar Delta Ember Falcon Granite Harbour Iris Juniper Kestrel Lumen Maple Northern Orchard'.split(' ');
const companyKinds = 'Analytics Bakery Cycles Energy Films Health Labs Logistics Press Robotics Software Studio'.split(
  ' ',
);
const projectVerbs = 'Rebuild Launch Migrate Improve Document Replace Simplify Measure'.split(' ');
const taskVerbs = 'Fix Test Review Write Remove Speed up Translate Redesign Investigate Prepare Ship'.split(/ (?!up)/);
const things =
  'billing page|import of customers|search|mobile app|newsletter|onboarding|price list|release notes|report of sales|sign-in|status page|warehouse stock|web shop|weekly backup|welcome mail'.split(
    '|',
  );
const sources = ['mail', 'chat', 'phone', 'web'];
const labelNames = [
  ['bug', '#d73a4a'],
  ['chore', '#8a8f98'],
  ['customer', '#0e8a16'],
  ['design', '#a371f7'],
  ['docs', '#0075ca'],
  ['idea', '#fbca04'],
  ['question', '#d876e3'],
  ['security', '#b60205'],
  ['speed', '#1d76db'],
  ['waiting', '#c5def5'],
] as const;
const sentences = [
  'I can reproduce it on the staging server.',
  'The numbers of last month do not add up.',
  'Let us talk about it on Thursday.',
  'Two customers have asked for this already.',
  'It works again since this morning.',
  'The design is attached to the project.',
  'Please check the edge cases with empty lists.',
  'I would rather do it in two steps.',
  'Done, and deployed to everybody.',
  'Who knows how this part works?',
  'The old way has to stay until June.',
  'It takes four seconds where it should take one.',
];
