import { team } from './team.ts';

/** A request, as it stands in a body. */
export interface Asked {
  query: string;
  variables?: Record<string, unknown>;
  operationName?: string;
}

/** Reads of every kind, and what is wrong with reads, for rows that `insertTeam` makes. */
export const readCorpus: Record<string, Asked> = {
  plain: { query: '{ tasks { nodes { id title status priority estimate extra dueAt createdAt } totalCount } }' },
  aliases: { query: '{ b: tasks(first: 1) { x: nodes { z: title a: id } } a: user(where: { id: "nope" }) { id } }' },
  'merged fields': {
    query:
      '{ tasks { nodes { id } } tasks { nodes { title } totalCount } tasks { nodes { project { id } project { name } } } }',
  },
  typenames: {
    query:
      '{ __typename t: __typename tasks { __typename edges { __typename node { __typename project { __typename } } } pageInfo { __typename } } }',
  },
  'nothing left': {
    query: 'query ($no: Boolean!) { tasks @include(if: $no) { totalCount } }',
    variables: { no: false },
  },
  'nothing left below': {
    query: 'query ($no: Boolean!) { tasks { nodes { id @include(if: $no) } } }',
    variables: { no: false },
  },
  directives: {
    query:
      'query ($yes: Boolean!, $no: Boolean!) { tasks { nodes { id @skip(if: $yes) title @include(if: $yes) ... @include(if: $no) { body } ... @skip(if: $no) { status } } } }',
    variables: { yes: true, no: false },
  },
  fragments: {
    query:
      '{ tasks { nodes { ...T ...T ... on Task { labels { nodes { ...L } } } } } } fragment T on Task { id subtasks { nodes { ...S } } } fragment S on Task { title } fragment L on Label { name color }',
  },
  variables: {
    query:
      'query ($first: Int = 2, $where: TaskWhereInput, $order: [TaskOrderByInput!]) { tasks(first: $first, where: $where, orderBy: $order) { edges { cursor node { title } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }',
    variables: {
      where: { priority: { gte: 1 } },
      order: [{ dueAt: { sort: 'asc', nulls: 'first' } }, { title: 'desc' }],
    },
  },
  'a null variable': {
    query: 'query ($w: TaskWhereInput, $n: Int) { tasks(where: $w, first: $n) { totalCount } }',
    variables: { w: null, n: null },
  },
  'a missing variable': { query: 'query ($n: Int!) { tasks(first: $n) { totalCount } }', variables: {} },
  'a variable of the wrong type': {
    query: 'query ($n: Int!) { tasks(first: $n) { totalCount } }',
    variables: { n: 'x' },
  },
  'a variable that is not defined': { query: '{ tasks(first: $n) { totalCount } }' },
  'an unknown field': { query: '{ tasks { nodes { nope } } }' },
  'a page that is too large': { query: '{ tasks(first: 100000) { totalCount } users { totalCount } }' },
  'a page from both ends': { query: '{ a: tasks(first: 1, last: 1) { totalCount } }' },
  'no key': { query: '{ t: task(where: {}) { id } }' },
  'a bad key': { query: '{ t: task(where: { id: "x" }) { id } }' },
  'a bad cursor deep inside': { query: '{ projects { nodes { tasks(after: "x") { totalCount } } } }' },
  'a bad order': { query: '{ tasks(orderBy: [{ id: asc, title: asc }]) { totalCount } }' },
  'two faults': { query: '{ a: tasks(first: -1) { totalCount } b: task(where: {}) { id } c: users { totalCount } }' },
  'a row that is hidden': { query: `{ task(where: { id: "${team.anvil}" }) { id } }` },
  'an order by name': { query: 'query A { tasks { totalCount } } ', operationName: 'A' },
  'the wrong operation': { query: 'query A { tasks { totalCount } }', operationName: 'B' },
  'names of objects’ own': {
    query: '{ constructor: tasks { toString: totalCount __proto__: nodes { valueOf: id hasOwnProperty: title } } }',
  },
  'an alias that is too long': { query: `{ ${'a'.repeat(64)}: tasks { totalCount } }` },
  'a text beyond ASCII': { query: '{ tasks(where: { title: { contains: "🌊\\u0000ß" } }) { totalCount } }' },
};
