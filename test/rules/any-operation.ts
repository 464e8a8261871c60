import type { Application } from '../../src/application.ts';
import type { Random } from '../../src/cli/seed/random.ts';
import { modelNamed } from '../../src/data/model/datamodel.ts';
import { randomStyle, type Spelling, spellingFor } from '../property/as-graphql.ts';
import { randomMeasure } from '../property/random-measures.ts';
import { type Choices, randomList } from '../property/random-reads.ts';
import { generateQuery, Choices as Numbers } from '../support/generated-query.ts';
import { counts, ids } from './two-databases.ts';

/** What is sent. */
export interface Operation {
  kind: string;
  query: string;
  variables?: Record<string, unknown>;
}

/** Makes operations of every kind for the models of the example. */
export function operationsFor({ datamodel, schema, reads }: Application): (random: Random) => Operation {
  const models = [...datamodel.models.keys()];
  const choices: Choices = { datamodel, models: new Set(models) };
  const spelling: Spelling = spellingFor(schema, reads.api, datamodel);

  const kinds: Record<string, { share: number; make(random: Random): Omit<Operation, 'kind'> }> = {
    'a query of the schema': {
      share: 3,
      make: (random) => {
        const numbers = Array.from({ length: random.int(20, 120) }, () => random.int(0, 10_000));
        return { query: generateQuery(schema, new Numbers(numbers)) };
      },
    },
    'a list': {
      share: 4,
      make: (random) => {
        const list = randomList(random, choices, random.pick(models), random.pick([0, 1, 2, 3]));
        return spelling.list(list, randomStyle(random));
      },
    },
    measures: {
      share: 2,
      make: (random) => {
        const read = randomMeasure(random, choices, modelNamed(datamodel, random.pick(models)));
        return spelling.measures(read, randomStyle(random));
      },
    },
    'a row by its key': {
      share: 1,
      make: (random) => {
        const [name, kind] = random.pick(named);
        const rows = { user: '{ id name email }', task: '{ id title parent { title } subtasks { totalCount } }' };
        const fields = rows[kind as 'user' | 'task'] ?? '{ id }';
        return { query: `{ one: ${name}(where: { id: "${anyId(random, kind)}" }) ${fields} }` };
      },
    },
    'a page behind a cursor': {
      share: 1,
      make: (random) => {
        // Behind rows that are not there, or not for whoever asks.
        const order = random.pick(['id', 'title', 'priority']);
        const values = order === 'id' ? [] : [order === 'title' ? random.pick(['a', 'x']) : String(random.int(-1, 2))];
        const ends = random.pick(['first: 3, after', 'last: 3, before']);
        return {
          query: `query ($cursor: String) { tasks(orderBy: [{ ${order}: asc }], ${ends}: $cursor) { totalCount nodes { id title }
            pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
          variables: { cursor: { order, values: [...values, anyId(random, 'task')] } },
        };
      },
    },
    'a write that must fail': { share: 3, make: (random) => failingWrite(random) },
    'a document with a mistake': {
      share: 2,
      make: (random) => {
        const { query, variables } = spelling.list(
          randomList(random, choices, random.pick(models), 1),
          randomStyle(random),
        );
        const at = random.int(0, query.length - 1);
        const mistake = random.pick(['', 'x', '}', '"', 'id ', '$v ', '0']);
        return { query: query.slice(0, at) + mistake + query.slice(at + random.int(1, 3)), variables };
      },
    },
  };
  const drawn = Object.entries(kinds).flatMap(([kind, { share }]) => Array.from({ length: share }, () => kind));
  return (random) => {
    const kind = random.pick(drawn);
    return { kind, ...kinds[kind]!.make(random) };
  };
}

const named = [
  ['user', 'user'],
  ['task', 'task'],
  ['project', 'project'],
  ['label', 'label'],
  ['comment', 'comment'],
  ['workspace', 'workspace'],
] as const;

type Kind = (typeof named)[number][1];

/** A row of the Smithy, one that is nowhere, or one that only one of the databases has. */
const hiddenId = (random: Random, kind: Kind): string =>
  random.chance(0.7)
    ? ids.ofSmithy(kind, random.int(1, counts[kind]))
    : random.pick([
        '00000000-0000-7000-8000-000009007001',
        '00000000-0000-7000-8000-000009008002',
        '00000000-0000-7000-8000-000000000000',
      ]);

const anyId = (random: Random, kind: Kind): string =>
  random.chance(0.3) ? ids.ofMill(kind, random.int(1, counts[kind])) : hiddenId(random, kind);

/** A write of a row that is hidden, or that would lead to one. */
function failingWrite(random: Random): Omit<Operation, 'kind'> {
  const title = (name: string) => name.charAt(0).toUpperCase() + name.slice(1);
  const [, kind] = random.pick(named);
  const seenTask = ids.ofMill('task', random.int(1, counts.task));
  const hidden = (of: Kind) => hiddenId(random, of);
  const data = { user: 'name', task: 'title', project: 'name', label: 'name', comment: 'body', workspace: 'name' };
  return {
    query: `mutation { done: ${random.pick([
      () => `update${title(kind)}(where: { id: "${hidden(kind)}" }, data: { ${data[kind]}: "x" }) { id }`,
      () => `delete${title(kind)}(where: { id: "${hidden(kind)}" }) { id }`,
      () =>
        `updateTask(where: { id: "${seenTask}" }, data: { assignee: { connect: { id: "${hidden('user')}" } } }) { id }`,
      () => `updateTask(where: { id: "${seenTask}" }, data: { parentId: "${hidden('task')}" }) { id }`,
      () => `updateTask(where: { id: "${seenTask}" }, data: { projectId: "${hidden('project')}" }) { id }`,
      () =>
        `updateTask(where: { id: "${seenTask}" }, data: { labels: { connect: [{ id: "${hidden('label')}" }] } }) { id }`,
      () =>
        `updateTask(where: { id: "${seenTask}" }, data: { comments: { connect: [{ id: "${hidden('comment')}" }] } }) { id }`,
      () => `updateProject(where: { id: "${ids.ofMill('project', 1)}" }, data: { budget: "1" }) { id }`,
      () => `createComment(data: { body: "x", taskId: "${hidden('task')}", authorId: "${ids.ben}" }) { id }`,
      () => `createTask(data: { title: "x", project: { connect: { id: "${hidden('project')}" } } }) { id }`,
      () => `createLabel(data: { name: "m1", workspaceId: "${hidden('workspace')}" }) { id }`,
      () =>
        `deleteMember(where: { workspaceId_userId: { workspaceId: "${hidden('workspace')}", userId: "${hidden('user')}" } }) { role }`,
    ])()} }`,
  };
}
