import { readFileSync } from 'node:fs';
import { buildSchema, getVariableValues, Kind, type OperationDefinitionNode, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { exampleQueries } from '../../../src/transport/graphiql/examples.ts';
import { oddSdls, trackerSdl } from './schemas.ts';

const tracker = buildSchema(trackerSdl);

function operationOf(query: string): OperationDefinitionNode {
  return parse(query).definitions.find((each) => each.kind === Kind.OPERATION_DEFINITION) as OperationDefinitionNode;
}

describe('the example queries', () => {
  const generated = readFileSync(new URL('../../../schema.graphql', import.meta.url), 'utf8');
  const sdls = { 'the generated API': generated, 'a model of it': trackerSdl, ...oddSdls };
  it.each(Object.entries(sdls))('are valid for %s', (_name, sdl) => {
    const schema = buildSchema(sdl);
    const examples = exampleQueries(schema);
    expect(examples.length).toBeGreaterThan(0);
    for (const { query, variables } of examples) {
      expect(validate(schema, parse(query)), query).toEqual([]);
      const given = getVariableValues(schema, operationOf(query).variableDefinitions ?? [], variables ?? {});
      expect(given.errors, query).toBeUndefined();
    }
  });

  it('show six things on the model with the most relations', () => {
    const examples = exampleQueries(tracker);
    expect(examples.map(({ query }) => operationOf(query).name?.value)).toEqual([
      'TasksWithComments',
      'FilteredTasks',
      'OneTask',
      'CreateTask',
      'LiveTasks',
      'TaskChanges',
    ]);
  });

  it('open with rows, their to-one relations and a page of a to-many relation', () => {
    const [first] = exampleQueries(tracker);
    const compact = first?.query.replace(/#.*\n/g, '').replace(/\s+/g, ' ').trim();
    expect(compact).toBe(
      'query TasksWithComments { tasks(first: 10) { nodes { id title status priority project { id name } assignee { id name } ' +
        'comments(first: 3) { nodes { id body createdAt author { id name } } } } pageInfo { hasNextPage endCursor } } }',
    );
  });

  it('say what they are in lines that end before the buttons of the editor on a small screen', () => {
    const remarks = exampleQueries(tracker, { viewAs: true }).flatMap(({ query }) => query.match(/^#.*$/gm) ?? []);
    expect(remarks.length).toBeGreaterThan(4);
    expect(remarks.filter((line) => line.length > 49)).toEqual([]);
  });

  it('filter, order and count', () => {
    const query = exampleQueries(tracker)[1]?.query;
    expect(query).toContain('where: {status: {in: [TODO, DOING]}}');
    expect(query).toContain('orderBy: {createdAt: desc}');
    expect(query).toContain('totalCount');
  });

  it('leave out what costs or hides: foreign keys, documents, secrets, fields that want arguments', () => {
    const all = exampleQueries(tracker)
      .map(({ query }) => query)
      .join('\n');
    expect(all).not.toMatch(/\b(projectId|assigneeId|extra|secretOf|email)\b/);
  });

  it('follow an answer, and what happens to the rows', () => {
    const [live, changes] = exampleQueries(tracker).slice(4);
    expect(live?.query).toContain('query LiveTasks @live {\n  tasks(orderBy: {createdAt: desc}, first: 10)');
    expect(changes?.query).toMatch(/subscription TaskChanges \{\s+taskChanges \{\s+type/);
  });

  it('give the mutation a template of its required inputs', () => {
    expect(exampleQueries(tracker)[3]?.variables).toEqual({
      data: { title: 'Example', project: { connect: { id: '00000000-0000-0000-0000-000000000000' } } },
    });
  });

  it('ask for a composite key where a model has no other', () => {
    const schema = buildSchema(/* GraphQL */ `
      type Query { member(where: Unique!): Member, members(first: Int): MemberConnection! }
      input Unique { a_b: Pair, AND: [Unique!] }
      input Pair { a: Int!, b: ID! }
      type Member { a: Int!, b: ID!, role: String }
      type MemberConnection { nodes: [Member!]!, pageInfo: PageInfo! }
      type PageInfo { hasNextPage: Boolean!, endCursor: String }
    `);
    const one = exampleQueries(schema).find(({ query }) => query.includes('OneMember'));
    expect(one?.variables).toEqual({ where: { a_b: { a: 1, b: '00000000-0000-0000-0000-000000000000' } } });
  });
});
