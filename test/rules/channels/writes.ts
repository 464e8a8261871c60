import type { Who } from './world.ts';

/** Something that is written, and what may not be learnt or done by it. */
export interface WriteRow {
  channel: string;
  /** `$this` stands for the row that is named. */
  write: string;
  as: Who;
  /** Words that are in no answer. */
  hides?: string[];
  /** Words of the answer. */
  shows: string[];
  /** Names of a row that is hidden and of one that is not there, between which no answer differs; the admin's does. */
  alike?: [hidden: string, absent: string];
  /** What is stored behind it: a query and words of its result that are not in it. */
  leaves?: [sql: string, hasNot: string];
}

const paper = (id: string) => `where: { id: ${id} }`;
const newPaper = (more: string) =>
  `mutation { createPaper(data: { id: 5, slug: "fifth", title: "emerald", author: { connect: { id: "ben" } }, ${more} }) { id title } }`;
const inMill = 'team: { connect: { id: 1 } }';
const titleOf = (id: number) => `select title from "Paper" where id = ${id}`;

/** What is written: channel × viewer × mutation × what may not be told × what is × what must still be there. */
export const writes: WriteRow[] = [
  {
    channel: 'update of a hidden row',
    as: 'ben',
    write: `mutation { updatePaper(${paper('$this')}, data: { title: "stolen" }) { title } }`,
    shows: ['NOT_FOUND'],
    alike: ['4', '99'],
    leaves: [titleOf(4), 'stolen'],
  },
  {
    channel: 'update of a hidden row',
    as: 'ann',
    write: `mutation { updatePaper(${paper('$this')}, data: { title: "stolen" }) { title } }`,
    shows: ['NOT_FOUND'],
    alike: ['3', '99'],
    leaves: [titleOf(3), 'stolen'],
  },
  {
    channel: 'delete of a hidden row',
    as: 'ben',
    write: `mutation { deletePaper(${paper('$this')}) { title } }`,
    shows: ['NOT_FOUND'],
    alike: ['4', '99'],
  },
  {
    channel: 'update by a hidden value',
    as: 'ben',
    write: 'mutation { updatePerson(where: { email: "$this" }, data: { name: "stolen" }) { name } }',
    shows: ['NOT_FOUND'],
    alike: ['ann@mill.test', 'nobody@mill.test'],
  },
  {
    channel: 'update of a row as it was',
    as: 'ben',
    write: `mutation { updatePaper(${paper('1')}, data: { author: { connect: { id: "ben" } } }) { title } }`,
    shows: ['FORBIDDEN'],
    leaves: ['select "authorId" from "Paper" where id = 1', 'ben'],
  },
  {
    channel: 'update of a row as it becomes',
    as: 'ben',
    write: `mutation { updatePaper(${paper('2')}, data: { author: { connect: { id: "ann" } } }) { title } }`,
    shows: ['FORBIDDEN'],
    leaves: ['select "authorId" from "Paper" where id = 2', 'ann'],
  },
  {
    channel: 'create of a row as it becomes',
    as: 'ben',
    write: newPaper(inMill).replace('id: "ben"', 'id: "ann"'),
    shows: ['FORBIDDEN'],
    leaves: ['select title from "Paper"', 'emerald'],
  },
  {
    channel: 'delete',
    as: 'ben',
    write: `mutation { deletePaper(${paper('1')}) { title } }`,
    shows: ['FORBIDDEN'],
    leaves: [`select count(*) from "Paper" where id = 1`, '0'],
  },
  {
    channel: 'write of a field',
    as: 'ben',
    write: `mutation { updatePaper(${paper('2')}, data: { stage: "printed" }) { title } }`,
    shows: ['FORBIDDEN'],
    leaves: ['select stage from "Paper" where id = 2', 'printed'],
  },
  {
    channel: 'connect of a hidden row',
    as: 'ben',
    write: newPaper(`${inMill}, reviewer: { connect: { id: "$this" } }`),
    shows: ['NOT_FOUND'],
    alike: ['eve', 'nobody'],
    leaves: ['select title from "Paper"', 'emerald'],
  },
  {
    channel: 'connect of a hidden row',
    as: 'ben',
    write: newPaper('team: { connect: { id: $this } }'),
    shows: ['NOT_FOUND'],
    alike: ['2', '99'],
  },
  {
    channel: 'connect of a hidden row',
    as: 'ben',
    write: newPaper(`${inMill}, labels: { connect: [{ id: $this }] }`),
    shows: ['NOT_FOUND'],
    alike: ['2', '99'],
  },
  {
    channel: 'connect by a hidden value',
    as: 'ben',
    write: newPaper(`${inMill}, reviewer: { connect: { email: "$this" } }`),
    shows: ['NOT_FOUND'],
    alike: ['ann@mill.test', 'nobody@mill.test'],
  },
  {
    channel: 'foreign key to a hidden row',
    as: 'ben',
    write: newPaper(`${inMill}, reviewerId: "$this"`),
    shows: ['NOT_FOUND'],
    alike: ['eve', 'nobody'],
  },
  {
    channel: 'foreign key to a hidden row',
    as: 'ben',
    write: `mutation { updatePaper(${paper('2')}, data: { teamId: $this }) { title } }`,
    shows: ['NOT_FOUND'],
    alike: ['2', '99'],
  },
  {
    channel: 'connect of a row that one may not change',
    as: 'ben',
    write: 'mutation { updatePerson(where: { id: "ben" }, data: { written: { connect: [{ id: $this }] } }) { name } }',
    shows: ['NOT_FOUND'],
    alike: ['4', '99'],
    leaves: ['select "authorId" from "Paper" where id = 4', 'ben'],
  },
  {
    channel: 'connect of a row that one may not change',
    as: 'ben',
    write: 'mutation { updatePerson(where: { id: "ben" }, data: { written: { connect: [{ id: 1 }] } }) { name } }',
    shows: ['FORBIDDEN'],
    leaves: ['select "authorId" from "Paper" where id = 1', 'ben'],
  },
  {
    channel: 'answer of a write',
    as: 'ben',
    write: `mutation { updatePaper(${paper('2')}, data: { draft: true }) { title slug } }`,
    hides: ['beryl', 'second'],
    shows: ['"updatePaper":null'],
  },
  {
    // Done by the general way, which a write that one statement does not pass by.
    channel: 'answer of a preview',
    as: 'ben',
    write: `mutation @preview { updatePaper(${paper('2')}, data: { draft: true }) { title slug } }`,
    hides: ['beryl', 'second'],
    shows: ['"updatePaper":null'],
  },
  {
    channel: 'answer of a write',
    as: 'ben',
    write: newPaper(`${inMill}, draft: true`),
    hides: ['emerald'],
    shows: ['"createPaper":null'],
  },
  {
    channel: 'answer of a write',
    as: 'ben',
    write: `mutation { updatePaper(${paper('2')}, data: { title: "onyx" }) { title price note facts loudNote labels { nodes { name } } team { papers { totalCount nodes { title } } } author { reviews { totalCount } } } }`,
    hides: ['7202', 'note-b', 'fact-b', 'coral', 'hush'],
    shows: ['onyx', 'amber', '"price":null', '"totalCount":2'],
  },
  {
    channel: 'answer of a write',
    as: 'ben',
    write: `mutation { deletePaper(${paper('2')}) { title price note } }`,
    hides: ['7202', 'note-b'],
    shows: ['beryl'],
  },
  {
    channel: 'text of a unique violation',
    as: 'ben',
    write: newPaper(inMill).replace('"fifth"', '"third"'),
    hides: ['third', 'Key', 'Paper_slug', 'constraint', 'coral', 'ann'],
    shows: ['CONFLICT', 'data.slug'],
  },
  {
    channel: 'text of a unique violation',
    as: 'ben',
    write: 'mutation { updatePerson(where: { id: "ben" }, data: { email: "ann@mill.test" }) { name } }',
    hides: ['ann@', 'Key', 'Person_email', 'constraint'],
    shows: ['CONFLICT', 'data.email'],
  },
  {
    channel: 'text of a violated reference',
    as: 'ann',
    write: `mutation { deletePaper(${paper('1')}) { title } }`,
    hides: ['Audit', 'audit', 'Key', '_fkey', 'constraint', 'table'],
    shows: ['CONFLICT'],
  },
  {
    channel: 'text of a refused input',
    as: 'ben',
    write: newPaper(`${inMill}, facts: "\\u0000"`),
    hides: ['note-', 'coral', 'Paper_', 'jsonb', 'select'],
    shows: ['INVALID_INPUT'],
  },
];
