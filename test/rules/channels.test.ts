import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { begun, heardUntil } from '../support/heard.ts';
import { ask } from '../support/postgres.ts';
import { openSocket } from '../support/socket.ts';
import { leakOfRead, leakOfWrite } from './channels/check.ts';
import { reads } from './channels/reads.ts';
import { startWorld, type World } from './channels/world.ts';
import { writes } from './channels/writes.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

describe('what may not be seen is not told by', () => {
  it.each(reads.map((row) => [row.channel, row.as, row.query, row] as const))(
    '%s: %s asks %s',
    async (...[, , , row]) => {
      expect(await leakOfRead(world, row)).toBeUndefined();
    },
  );
});

describe('what may not be seen or done is not told or done by', () => {
  it.each(writes.map((row) => [row.channel, row.as, row.write, row] as const))(
    '%s: %s writes %s',
    async (...[, , , row]) => {
      expect(await leakOfWrite(world, row)).toBeUndefined();
    },
  );
});

/** Everything that ben may not see. */
const hidden = ['coral', 'abyss', 'third', 'note-', 'tag-', 'fact-', '7101', '7202', 'Eve', 'hush', 'ann@', '8800'];

it('a cursor made by hand places nothing by a hidden value', async () => {
  await world.reset();
  const page = (after?: string) =>
    `{ papers(orderBy: [{ price: { sort: desc } }], first: 1${after ? `, after: "${after}"` : ''}) { edges { cursor node { title } } } }`;
  const forged = (cursor: string, price: string) => {
    const [mark, , id] = JSON.parse(Buffer.from(cursor, 'base64').toString()) as string[];
    return Buffer.from(JSON.stringify([mark, price, id])).toString('base64');
  };
  const behind = async (who: 'ben' | 'the admin', price: string) => {
    const { data } = await world.as(who).query(page());
    const answer = await world.as(who).query(page(forged(data.papers.edges[0].cursor, price)));
    return answer.data.papers.edges.map((edge: { node: { title: string } }) => edge.node.title);
  };
  expect([await behind('the admin', '7150'), await behind('the admin', '7000')]).toEqual([['amber'], []]);
  expect(await behind('ben', '7150')).toEqual(await behind('ben', '7000'));
  expect(await behind('ben', '7404')).toEqual(await behind('ben', '0'));
});

it.each([
  ['introspection', '{ __schema { types { name description fields { name description } enumValues { name } } } }'],
  ['a field that is not there', '{ papers { nodes { ttle } } }'],
  ['a filter that is not there', '{ papers(where: { prise: { equals: 1 } }) { nodes { title } } }'],
  ['a value of another type', '{ papers(where: { price: { equals: "x" } }) { nodes { title } } }'],
  ['a key that is no key', '{ paper(where: {}) { title } }'],
  ['a cursor that is none', '{ papers(after: "x") { nodes { title } } }'],
  ['a page that is too large', '{ papers(first: 100000) { nodes { title } } }'],
])('no row is told of by %s', async (_, query) => {
  const text = await (await world.as('ben').post({ query })).text();
  expect(text).toMatch(/__schema|"errors"/);
  for (const word of hidden) expect(text).not.toContain(word);
});

it('streams tell of no more than answers do', async () => {
  await world.reset();
  const { server } = world;
  const fields = 'title price note tags facts reviewer { name } labels { nodes { name } }';
  const changes = `subscription { paperChanges { type cursor changedFields key { id } node { ${fields} } previous { ${fields} } } }`;
  const live = `query @live { papers { totalCount nodes { ${fields} } } papersAggregate { count { _all } max { price title } } }`;
  await using ben = await openSocket(server, { sub: 'ben' });
  await using admin = await openSocket(server, { role: 'admin' });
  const streams = [ben.subscribe(changes), admin.subscribe(changes)] as const;
  for (const stream of streams) await begun(stream);
  const queries = [ben.subscribe(live), admin.subscribe(live)] as const;
  const first = await Promise.all(queries.map((stream) => stream.next()));
  await ask(server.databaseUrl, `update "Paper" set note = 'note-z', price = 7999 where id in (1, 3, 4)`);
  await ask(server.databaseUrl, `update "Paper" set title = 'onyx' where id = 1`);
  const isLast = (change: { node?: { title: string } }) => change.node?.title === 'onyx';
  const told = await Promise.all(streams.map((stream) => heardUntil(stream, isLast)));
  let latest = first[0];
  while (!JSON.stringify(latest).includes('onyx')) latest = await queries[0].next();
  const heard = JSON.stringify([told[0], first[0], latest]);
  for (const word of [...hidden, '7999', '"_all":4', '"name":"Ann"']) expect(heard).not.toContain(word);
  for (const word of ['amber', 'beryl', 'onyx', '"_all":2']) expect(heard).toContain(word);
  for (const word of ['coral', 'abyss', 'note-z', '7999', '"_all":4'])
    expect(JSON.stringify([told[1], first[1]])).toContain(word);
});
