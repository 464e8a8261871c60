import type { Who } from './world.ts';

/** Something that is asked, and what may not be learnt by it. */
export interface ReadRow {
  /** The way by which a hidden thing could be told; several rows may go the same way. */
  channel: string;
  query: string;
  as: Who;
  /** Words of the admin's answer that are not in this viewer's. */
  hides: string[];
  /** Words of this viewer's answer; where nothing is hidden by a word, of no answer of the admin's. */
  shows: string[];
}

/** Rows of one channel: viewer, query, what is hidden, what is not. */
const by = (channel: string, ...rows: [as: Who, query: string, hides: string[], shows: string[]][]): ReadRow[] =>
  rows.map(([as, query, hides, shows]) => ({ channel, as, query, hides, shows }));

const titles = (...names: string[]) => `"nodes":[${names.map((name) => `{"title":"${name}"}`).join(',')}]`;

/** Filters that find the first paper, for whoever may know the value. */
const findsAmber = [
  'note: { equals: "note-a" }',
  'note: { not: { equals: "note-b" } }',
  'note: { in: ["note-a"] }',
  'note: { notIn: ["note-b"] }',
  'note: { lt: "note-b" }',
  'note: { lte: "note-a" }',
  'note: { gt: "note" }',
  'note: { gte: "note-a" }',
  'note: { contains: "ote-a" }',
  'note: { startsWith: "note" }',
  'note: { endsWith: "-a" }',
  'note: { equals: "NOTE-A", mode: insensitive }',
  'note: { contains: "OTE-A", mode: insensitive }',
  'note: { in: ["NOTE-A"], mode: insensitive }',
  'note: { not: { equals: null } }',
  'price: { equals: 7101 }',
  'price: { not: { equals: 7202 } }',
  'price: { in: [7101] }',
  'price: { gt: 7000 }',
  'price: { lt: 7200 }',
  'tags: { has: "tag-a" }',
  'tags: { hasSome: ["tag-a"] }',
  'tags: { hasEvery: ["tag-a"] }',
  'tags: { isEmpty: false }',
  'tags: { equals: ["tag-a"] }',
  'reviewerId: { equals: "ann" }',
  'reviewerId: { not: { equals: null } }, id: { equals: 1 }',
];
const findsAmberByJson = [
  'facts: { path: ["kind"], equals: "fact-a" }',
  'facts: { path: ["kind"], not: "fact-b" }',
  'facts: { path: ["kind"], string_contains: "act-a" }',
  'facts: { path: ["kind"], string_starts_with: "fact" }',
  'facts: { path: ["kind"], string_ends_with: "-a" }',
  'facts: { path: ["kind"], string_contains: "ACT-A", mode: insensitive }',
  'facts: { path: ["size"], lt: 2 }',
  'facts: { path: ["list"], array_contains: ["item-a"] }',
  'facts: { path: ["list"], array_starts_with: "item-a" }',
  'facts: { path: ["list"], array_ends_with: "item-a" }',
  'facts: { equals: { kind: "fact-a", size: 1, list: ["item-a"] } }',
];

/** Ben finds nothing where the admin finds the first paper; and so does the contrary, of which a hidden value is no part. */
const blind = (channel: string, filters: string[]) =>
  by(
    channel,
    ...filters.flatMap((filter): Parameters<typeof by>[1][] => [
      ['ben', `{ papers(where: { ${filter} }) { totalCount nodes { title } } }`, ['amber'], ['"totalCount":0']],
    ]),
  );

const papersBy = (order: string) => `{ papers(orderBy: [{ ${order} }]) { nodes { title } } }`;

/** What is read: channel × viewer × query × what may not be told × what is. */
export const reads: ReadRow[] = [
  ...by(
    'field',
    [
      'ben',
      '{ papers { nodes { title price note tags facts reviewerId } } }',
      ['7101', '7202', 'note-', 'tag-', 'fact-', '"reviewerId":"ann"'],
      ['amber', 'beryl', '"price":null', '"note":null', '"reviewerId":"ben"'],
    ],
    ['ann', '{ papers { nodes { note price } } }', ['note-', '7404'], ['7101', '7202']],
    ['ben', '{ people { nodes { name email } } }', ['ann@', 'eve@'], ['Ann', 'ben@mill.test']],
    ['ben', '{ teams { nodes { name plan } } }', ['-plan'], ['mill']],
    ['ben', '{ badges { nodes { id name } } }', ['8800'], ['bronze', 'silver']],
  ),
  ...by("need of an application's own field", [
    'ben',
    '{ papers { nodes { title loudNote } } }',
    ['note-a'],
    ['amber', '"loudNote":null'],
  ]),
  ...by(
    'list',
    ['ben', '{ papers { nodes { id title slug } } }', ['coral', 'abyss', 'third', 'fourth'], ['amber', 'beryl']],
    ['ben', '{ people { nodes { id name } } teams { nodes { name } } }', ['Eve', 'smithy'], ['Ann', 'mill']],
    ['ben', '{ members { nodes { role personId } } }', ['eve'], ['ann', 'ben']],
    ['ben', '{ labels { nodes { name } } pages { nodes { text } } }', ['hush', 'page-coral'], ['plain', 'page-abyss']],
  ),
  ...by(
    "rule's undefined value",
    ['a stranger', '{ teams { totalCount nodes { name } } }', ['mill', 'smithy'], ['"totalCount":0']],
    ['a stranger', '{ people { nodes { name } } papers { nodes { title } } }', ['Ann', 'amber'], ['"nodes":[]']],
  ),
  ...by(
    'model without a rule',
    ['ben', '{ papers { nodes { title audits { totalCount nodes { line } } } } }', ['audit-amber'], ['"totalCount":0']],
    ['ben', '{ audits { nodes { line } } }', ['audit-'], ['FORBIDDEN']],
    ['a stranger', '{ audits { nodes { line } } }', ['audit-'], ['UNAUTHENTICATED']],
  ),
  ...by(
    'relation to one row',
    [
      'ben',
      '{ pages { nodes { text paper { title } } } }',
      ['"abyss"', 'coral'],
      ['page-abyss', '"paper":null', 'amber'],
    ],
    ['ben', '{ pages { nodes { paper { author { name } team { name } } } } }', ['Eve', 'smithy'], ['Ann', 'mill']],
    ['a stranger', '{ pages { nodes { text paper { title slug } } } }', ['"abyss"', 'first'], ['page-amber']],
  ),
  ...by(
    'relation to many rows',
    ['ben', '{ teams { nodes { papers { totalCount nodes { title } } } } }', ['coral', 'abyss'], ['amber', 'beryl']],
    ['ben', '{ people { nodes { name written { nodes { title } } } } }', ['coral', 'abyss'], ['amber', 'beryl']],
    ['ben', '{ papers { nodes { title labels { totalCount nodes { name } } } } }', ['hush'], ['plain']],
    ['ben', '{ people { nodes { members { nodes { role team { name } } } } } }', ['smithy'], ['mill', 'reader']],
    ['a stranger', '{ labels { nodes { name papers { totalCount nodes { title } } } } }', ['amber', 'hush'], ['plain']],
  ),
  ...by(
    'relation by a hidden key',
    ['ben', '{ papers { nodes { title reviewer { name } } } }', ['{"name":"Ann"}'], ['{"name":"Ben"}', 'amber']],
    ['ben', '{ people { nodes { name reviews { totalCount nodes { title } } } } }', ['amber'], ['beryl', 'Ann']],
    [
      'ben',
      '{ people { nodes { name reviewsAggregate { count { _all } } } } }',
      ['"_all":2'],
      ['"_all":1', '"_all":0'],
    ],
    ['ben', '{ people(where: { reviews: { some: {} } }) { nodes { name } } }', ['Ann'], ['Ben']],
    [
      'ben',
      '{ papers(where: { reviewer: { is: { name: { equals: "Ann" } } } }) { nodes { title } } }',
      ['amber'],
      ['[]'],
    ],
    ['ben', '{ papers(where: { reviewer: { is: null } }) { nodes { title } } }', [], ['amber']],
    ['ben', papersBy('reviewer: { name: desc }'), [], [titles('amber', 'beryl')]],
  ),
  ...by(
    'relation filter some',
    [
      'ben',
      '{ people(where: { written: { some: { title: { equals: "coral" } } } }) { nodes { name } } }',
      ['Ann'],
      ['[]'],
    ],
    [
      'ben',
      '{ papers(where: { labels: { some: { name: { equals: "hush" } } } }) { nodes { title } } }',
      ['amber'],
      ['[]'],
    ],
    ['ben', '{ papers(where: { audits: { some: {} } }) { nodes { title } } }', ['amber'], ['[]']],
    [
      'ben',
      '{ teams(where: { members: { some: { person: { is: { written: { some: { draft: { equals: true } } } } } } } }) { nodes { name } } }',
      ['mill'],
      ['[]'],
    ],
  ),
  ...by(
    'relation filter every',
    [
      'ben',
      '{ teams(where: { papers: { every: { title: { in: ["amber", "beryl"] } } } }) { nodes { name } } }',
      [],
      ['mill'],
    ],
    [
      'ben',
      '{ papers(where: { labels: { every: { secret: { equals: false } } } }) { nodes { title } } }',
      [],
      ['amber'],
    ],
  ),
  ...by(
    'relation filter none',
    ['ben', '{ people(where: { written: { none: { title: { equals: "coral" } } } }) { nodes { name } } }', [], ['Ann']],
    ['ben', '{ papers(where: { labels: { none: { name: { equals: "hush" } } } }) { nodes { title } } }', [], ['amber']],
    ['ben', '{ papers(where: { audits: { none: {} } }) { nodes { title } } }', [], ['amber']],
  ),
  ...by(
    'relation filter is',
    [
      'ben',
      '{ pages(where: { paper: { is: { title: { equals: "abyss" } } } }) { nodes { text } } }',
      ['page-abyss'],
      ['[]'],
    ],
    [
      'ben',
      '{ pages(where: { paper: { is: { author: { is: { name: { equals: "Eve" } } } } } }) { nodes { text } } }',
      ['abyss'],
      ['[]'],
    ],
  ),
  ...by(
    'relation filter isNot',
    [
      'ben',
      '{ pages(where: { paper: { isNot: { title: { equals: "abyss" } } } }) { nodes { text } } }',
      [],
      ['page-abyss'],
    ],
    ['ben', '{ pages(where: { NOT: [{ paper: { is: { id: { gt: 0 } } } }] }) { nodes { text } } }', [], ['page-abyss']],
  ),
  ...by(
    'relation that is null',
    ['ben', '{ papers(where: { reviewer: { isNot: null } }) { nodes { title } } }', ['amber'], ['beryl']],
    ['ben', '{ papers(where: { NOT: [{ reviewer: { is: null } }] }) { nodes { title } } }', ['amber'], ['beryl']],
  ),
  ...blind('filter of a hidden value', findsAmber),
  ...blind('Json path', findsAmberByJson),
  ...by(
    'filter of a hidden value under NOT',
    ['ben', '{ papers(where: { NOT: [{ note: { equals: "note-b" } }] }) { nodes { title } } }', ['amber'], ['[]']],
    ['ben', '{ papers(where: { NOT: [{ price: { gt: 7200 } }] }) { nodes { title } } }', ['amber'], ['[]']],
    ['ben', '{ papers(where: { note: { equals: null } }) { nodes { title } } }', [], ['amber', 'beryl']],
  ),
  ...by(
    'count',
    [
      'ben',
      '{ papers { totalCount } people { totalCount } }',
      ['"totalCount":4', '"totalCount":3'],
      ['"totalCount":2'],
    ],
    ['ben', '{ teams { nodes { papers { totalCount } } } }', ['"totalCount":3'], ['"totalCount":2']],
    ['ben', '{ papers(where: { slug: { startsWith: "t" } }) { totalCount } }', ['"totalCount":1'], ['"totalCount":0']],
    ['ben', '{ papers(first: 2) { pageInfo { hasNextPage } } }', ['true'], ['false']],
    ['ben', '{ papers(last: 2) { pageInfo { hasPreviousPage } } }', ['true'], ['false']],
  ),
  ...by(
    'order by a count',
    [
      'ben',
      '{ people(orderBy: [{ written: { _count: asc } }]) { nodes { name } } }',
      [],
      ['[{"name":"Ann"},{"name":"Ben"}]'],
    ],
    ['ben', papersBy('labels: { _count: desc }'), [], [titles('amber', 'beryl')]],
    ['ben', papersBy('audits: { _count: asc }'), [], [titles('amber', 'beryl')]],
  ),
  ...by(
    'aggregate',
    ['ben', '{ papersAggregate { count { _all } } }', ['"_all":4'], ['"_all":2']],
    [
      'ben',
      '{ papersAggregate { max { title slug } min { title } } }',
      ['coral', 'third', 'abyss'],
      ['beryl', 'amber'],
    ],
    ['ben', '{ papersAggregate { sum { id } avg { id } distinct { teamId } } }', ['"10"', '2.5'], ['"3"', '1.5']],
    [
      'ben',
      '{ teams { nodes { papersAggregate { count { _all } max { title } } } } }',
      ['coral', '"_all":3'],
      ['"_all":2'],
    ],
  ),
  ...by(
    'aggregate of a hidden value',
    ['ben', '{ papersAggregate { min { price } max { price note } } }', ['7101', '7404', 'note-d'], ['"price":null']],
    ['ben', '{ papersAggregate { sum { price } avg { price } } }', ['29010', '7252.5'], ['"price":null']],
    ['ben', '{ papersAggregate { count { price note } distinct { price } } }', ['4'], ['"price":0', '"note":0']],
    ['ben', '{ papersAggregate(where: { price: { gt: 7200 } }) { count { _all } } }', ['"_all":3'], ['"_all":0']],
    ['ben', '{ teams { nodes { papersAggregate { max { price } } } } }', ['7303'], ['"price":null']],
  ),
  ...by(
    'group',
    [
      'ben',
      '{ papersGroupBy(by: [{ title: true }]) { keys { title } count { _all } } }',
      ['coral', 'abyss'],
      ['amber'],
    ],
    [
      'ben',
      '{ papersGroupBy(by: [{ teamId: true }]) { keys { teamId } count { _all } } }',
      ['"teamId":2', '"_all":3'],
      ['"_all":2'],
    ],
    ['ben', '{ papersGroupBy(by: [{ draft: true }]) { keys { draft } } }', ['true'], ['false']],
  ),
  ...by(
    'group by a hidden value',
    [
      'ben',
      '{ papersGroupBy(by: [{ note: true }]) { keys { note } count { _all } } }',
      ['note-a', 'note-b'],
      ['"_all":2'],
    ],
    ['ben', '{ papersGroupBy(by: [{ price: true }]) { keys { price } count { _all } } }', ['7101'], ['"_all":2']],
    ['ben', '{ papersGroupBy(by: [{ reviewerId: true }]) { keys { reviewerId } } }', ['"ann"'], ['"ben"']],
  ),
  ...by(
    'groups that have a hidden value',
    [
      'ben',
      '{ papersGroupBy(by: [{ title: true }], having: { price: { _max: { gt: 0 } } }) { keys { title } } }',
      ['amber'],
      ['[]'],
    ],
    [
      'ben',
      '{ papersGroupBy(by: [{ title: true }], having: { NOT: { note: { _count: { equals: 0 } } } }) { keys { title } } }',
      ['amber'],
      ['[]'],
    ],
    [
      'ben',
      '{ papersGroupBy(by: [{ teamId: true }], having: { _count: { gt: 2 } }) { keys { teamId } } }',
      ['"teamId":1'],
      ['[]'],
    ],
  ),
  ...by('order of groups by a hidden value', [
    'ben',
    '{ papersGroupBy(by: [{ title: true }], orderBy: [{ price: { _max: { sort: desc } } }]) { keys { title } } }',
    [],
    ['"title":"amber"}},{"keys":{"title":"beryl"'],
  ]),
  ...by(
    'order by a hidden value',
    ['ben', papersBy('price: { sort: desc }'), [], [titles('amber', 'beryl')]],
    ['ben', papersBy('note: { sort: desc, nulls: last }'), [], [titles('amber', 'beryl')]],
    ['ben', papersBy('reviewerId: { sort: asc, nulls: first }'), [], [titles('amber', 'beryl')]],
  ),
  ...by('order through a hidden row', [
    'ben',
    '{ pages(orderBy: [{ paper: { title: asc } }]) { nodes { text } } }',
    [],
    ['[{"text":"page-amber"},{"text":"page-abyss"}]'],
  ]),
  ...by(
    'cursor',
    ['ben', '{ papers(orderBy: [{ price: { sort: desc } }]) { edges { cursor } } }', ['7101', '7202'], ['"papers":']],
    [
      'ben',
      '{ papers(orderBy: [{ note: { sort: asc } }]) { pageInfo { startCursor endCursor } } }',
      ['note-'],
      ['ursor'],
    ],
    ['ben', '{ pages(orderBy: [{ paper: { title: desc } }]) { edges { cursor } } }', ['abyss'], ['amber']],
    ['ben', papersBy('reviewer: { name: asc }').replace('nodes { title }', 'edges { cursor }'), ['Ann'], ['Ben']],
    ['ben', '{ people(orderBy: [{ written: { _count: desc } }]) { edges { cursor } } }', ['"2"'], ['"1"']],
  ),
  ...by(
    'cursor of a hidden key',
    ['ben', '{ badges { edges { cursor node { name } } } }', ['8800'], ['bronze']],
    ['ben', '{ badges(orderBy: [{ name: desc }]) { pageInfo { endCursor } } }', ['8800'], ['bronze']],
  ),
  ...by(
    'unique key',
    ['ben', '{ paper(where: { id: 3 }) { title } }', ['coral'], ['"paper":null']],
    ['ben', '{ paper(where: { slug: "fourth" }) { title } }', ['abyss'], ['"paper":null']],
    ['ben', '{ member(where: { teamId_personId: { teamId: 2, personId: "eve" } }) { role } }', ['owner'], ['null']],
    ['ben', '{ audit(where: { id: 1 }) { line } }', ['audit-'], ['FORBIDDEN']],
  ),
  ...by(
    'unique key that is a hidden value',
    ['ben', '{ person(where: { email: "ann@mill.test" }) { name } }', ['Ann'], ['"person":null']],
    ['ben', '{ person(where: { id: "ann", email: "ann@mill.test" }) { name } }', ['Ann'], ['"person":null']],
    ['ben', '{ badge(where: { id: 88001 }) { name } }', ['bronze'], ['"badge":null']],
  ),
];
