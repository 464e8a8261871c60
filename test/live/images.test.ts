import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiModel } from '../../src/data/api/api-model.ts';
import { rows } from '../data/torture/rows.ts';
import { begun, type Change, heardUntil, nextChange } from '../support/heard.ts';
import { ask } from '../support/postgres.ts';
import { startSchemaServer } from '../support/schema-server.ts';
import type { TestServer } from '../support/server.ts';
import { type ChangeStream, openSocket, type SocketClient } from '../support/socket.ts';

// Rows with every type and every kind of key: what is told of a row is what a query answers for it.

let server: TestServer;
let socket: SocketClient;
beforeAll(async () => {
  const schema = readFileSync('test/schemas/torture/schema.prisma', 'utf8');
  server = await startSchemaServer({ schema, rules: {}, rows: readFileSync('test/schemas/torture/views.sql', 'utf8') });
  socket = await openSocket(server, { role: 'admin' });
});
afterAll(async () => {
  await socket?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

const apiOf = (model: string): ApiModel => server.server.application().reads.api.models.get(model)!;
const columnsOf = (model: ApiModel): string =>
  [...model.fields].flatMap(([name, field]) => (field.kind === 'column' ? [name] : [])).join(' ');

async function listen(model: ApiModel): Promise<ChangeStream> {
  const columns = columnsOf(model);
  const stream = socket.subscribe(
    `subscription { change: ${model.one}Changes { type cursor node { ${columns} } previous { ${columns} } changedFields } }`,
  );
  await begun(stream);
  return stream;
}

async function query(text: string, variables?: Record<string, unknown>) {
  const answer = await server.as({ role: 'admin' }).query(text, variables);
  expect(answer.errors).toBeUndefined();
  return answer.data;
}

const names = [...new Set(rows.map(([model]) => model))];

it('every row of every model is told as a query answers it, made and deleted', async () => {
  const streams = new Map<string, ChangeStream>();
  for (const name of names) streams.set(name, await listen(apiOf(name)));
  for (const [name, data] of rows) {
    const model = apiOf(name);
    const create = `create${model.name.charAt(0).toUpperCase()}${model.name.slice(1)}`;
    const text = `mutation ($data: Create${model.name}Input!) { made: ${create}(data: $data) { ${columnsOf(model)} } }`;
    const { made } = await query(text, { data });
    let change: Change = await nextChange(streams.get(name)!);
    // Rows are changed, too, when others are connected to them.
    while (change.type === 'UPDATED') change = await nextChange(streams.get(name)!);
    expect([name, change]).toMatchObject([name, { type: 'CREATED', node: made, previous: null }]);
  }
  for (const stream of streams.values()) stream.stop();
});

describe('a row with a value of every type', () => {
  it('is told before and after a change as queries answer it, and names what has changed', async () => {
    const model = apiOf('Specimen');
    const columns = columnsOf(model);
    const read = async () =>
      (await query(`{ list: ${model.many}(orderBy: [{ id: asc }]) { nodes { ${columns} } } }`)).list.nodes;
    const before = await read();
    const stream = await listen(model);
    await ask(
      server.databaseUrl,
      `update "Specimen" set "decimalN" = -0.10, "bigintN" = 9007199254740993, "byteaN" = '\\xff00',
      "jsonbN" = '{"b": 1.10, "a": [null]}', "moodN" = null, "realN" = 0.1, "timestampN" = '2024-01-01 00:00:00.123', "moneyN" = 2.5`,
    );
    const after = await read();
    for (const [n, row] of after.entries()) {
      const change = await nextChange(stream);
      expect(change).toMatchObject({ type: 'UPDATED', node: row, previous: before[n] });
      const differing = Object.keys(row).filter((key) => JSON.stringify(row[key]) !== JSON.stringify(before[n][key]));
      expect(change.changedFields.toSorted()).toEqual(differing.toSorted());
    }
    await ask(server.databaseUrl, 'delete from "Specimen"');
    for (const row of after)
      expect(await nextChange(stream)).toMatchObject({ type: 'DELETED', previous: row, node: null });
    stream.stop();
  });

  it('and lists of every type as well', async () => {
    const model = apiOf('Lists');
    const columns = columnsOf(model);
    const { list } = await query(`{ list: ${model.many} { nodes { ${columns} } } }`);
    const stream = await listen(model);
    await ask(server.databaseUrl, 'delete from "Lists"');
    const gone = [await nextChange(stream), await nextChange(stream)].map((change) => change.previous);
    expect(gone.toSorted(byId)).toEqual(list.nodes.toSorted(byId));
    stream.stop();
  });
});

it('a key of several fields names its row, before and after it changes', async () => {
  const stream = socket.subscribe(
    'subscription { cityChanges { type cursor key { countryCode region name } changedFields } }',
  );
  await begun(stream);
  await ask(server.databaseUrl, `update cities set name = 'Kristiania' where name = 'Oslo'`);
  expect(await nextChange(stream)).toMatchObject({
    type: 'UPDATED',
    key: { countryCode: 'NO', region: 2, name: 'Kristiania' },
    changedFields: ['name'],
  });
  // Keys that others refer to cascade: the change of a country is told of its cities.
  await ask(server.databaseUrl, `delete from "Back Office"."Tram"; delete from cities where name = 'Bergen'`);
  expect(await nextChange(stream)).toMatchObject({
    type: 'DELETED',
    key: { countryCode: 'NO', region: 1, name: 'Bergen' },
  });
  stream.stop();
});

const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);

describe('tables that are not like others', () => {
  let other: TestServer;
  let client: SocketClient;
  const schema = `
    model Account {
      id       Int    @id
      login    String
      password String
      hint     String?
      entries  Entry[]
    }
    model Entry {
      id        Int     @id
      text      String
      accountId Int
      account   Account @relation(fields: [accountId], references: [id])
    }
    model Keyless {
      code String @unique
      note String?
    }
    model Reading {
      day   DateTime @db.Date
      no    Int
      value Float
      @@id([day, no])
    }`;
  const sql = (text: string) => ask(other.databaseUrl, text);
  beforeAll(async () => {
    other = await startSchemaServer({
      schema,
      rules: {
        Account: {
          read: true,
          api: { name: 'Member', omit: ['password'], rename: { login: 'handle', entries: 'diary' } },
        },
        Entry: { read: (viewer) => ({ account: { password: viewer.id } }) },
        Keyless: { read: true },
        Reading: { read: true },
      },
      rows: `
        drop table "Reading";
        create table "Reading" (day date not null, no int not null, value double precision not null, primary key (day, no))
          partition by range (day);
        create table "Reading_2025" partition of "Reading" for values from ('2025-01-01') to ('2026-01-01');
        create table "Reading_2026" partition of "Reading" for values from ('2026-01-01') to ('2027-01-01');
        insert into "Account" values (1, 'ann', 'hunter2', 'none'); insert into "Entry" values (1, 'hello', 1);`,
    });
    client = await openSocket(other, { sub: 'hunter2' });
  });
  afterAll(async () => {
    await client?.[Symbol.asyncDispose]();
    await other?.[Symbol.asyncDispose]();
  });

  it('go by their names in the API, and a field that is left out changes for nobody', async () => {
    const stream = client.subscribe(
      'subscription { memberChanges { type cursor key { id } node { handle diary { nodes { text } } } previous { handle } changedFields } }',
    );
    await begun(stream);
    await sql(`update "Account" set password = 'secret'; update "Account" set password = 'hunter2'`);
    await sql(`update "Account" set login = 'anna', password = 'hunter2'`);
    expect(await nextChange(stream)).toEqual({
      type: 'UPDATED',
      cursor: expect.any(String),
      key: { id: 1 },
      node: { handle: 'anna', diary: { nodes: [{ text: 'hello' }] } },
      previous: { handle: 'ann' },
      changedFields: ['handle'],
    });
    stream.stop();
  });

  it('may have no primary key', async () => {
    const stream = client.subscribe(
      'subscription { keylessChanges { type cursor key { code } node { code note } previous { note } } }',
    );
    await begun(stream);
    await sql(`insert into "Keyless" values ('a', 'one'); update "Keyless" set note = 'two'; delete from "Keyless"`);
    expect(await nextChange(stream)).toMatchObject({ type: 'CREATED', key: { code: 'a' }, node: { note: 'one' } });
    expect(await nextChange(stream)).toMatchObject({ type: 'UPDATED', previous: { note: 'one' } });
    expect(await nextChange(stream)).toMatchObject({ type: 'DELETED', key: { code: 'a' }, previous: { note: 'two' } });
    stream.stop();
  });

  it('may be partitioned', async () => {
    const stream = client.subscribe(
      'subscription { readingChanges { type cursor key { day no } node { value } previous { value } } }',
    );
    await begun(stream);
    await sql(`insert into "Reading" values ('2025-05-01', 1, 1.5)`);
    expect(await nextChange(stream)).toMatchObject({
      type: 'CREATED',
      key: { day: '2025-05-01', no: 1 },
      node: { value: 1.5 },
    });
    await sql(`update "Reading" set value = 2`);
    expect(await nextChange(stream)).toMatchObject({ type: 'UPDATED', node: { value: 2 } });
    // To another partition: PostgreSQL takes it out of one, and puts it into the other.
    await sql(`update "Reading" set day = '2026-05-01'`);
    expect([(await nextChange(stream)).type, (await nextChange(stream)).type]).toEqual(['DELETED', 'CREATED']);
    stream.stop();
  });

  it('may be emptied at once: RESYNC, TRUNCATED', async () => {
    const stream = client.subscribe('subscription { keylessChanges { type reason cursor node { code } } }');
    const start = await begun(stream);
    await sql(`insert into "Keyless" values ('b'); truncate "Keyless"; insert into "Keyless" values ('c')`);
    const heard = await heardUntil(stream, (change) => change.node?.code === 'c');
    expect(heard.at(-1)).toMatchObject({ type: 'RESYNC', reason: 'TRUNCATED', node: null });
    const again = client.subscribe(
      'subscription ($after: String) { keylessChanges(after: $after) { type reason cursor node { code } } }',
      { after: start },
    );
    const replayed = await heardUntil(again, (change) => change.node?.code === 'c');
    expect(replayed.at(-1)).toMatchObject({ type: 'RESYNC', reason: 'TRUNCATED' });
    for (const one of [stream, again]) one.stop();
  });

  it('may lose their capture, and get it back: RESYNC, RESTARTED', async () => {
    const stream = client.subscribe('subscription { keylessChanges { type reason cursor node { code } } }');
    const start = await begun(stream);
    await sql(`drop trigger "Millrace_capture" on "Keyless"; insert into "Keyless" values ('unheard')`);
    await other.server.replace(other.server.application());
    await using back = await openSocket(other, { role: 'admin' });
    const again = back.subscribe(
      'subscription ($after: String) { keylessChanges(after: $after) { type reason cursor node { code } } }',
      { after: start },
    );
    expect(await nextChange(again)).toMatchObject({ type: 'RESYNC', reason: 'RESTARTED' });
    await sql(`insert into "Keyless" values ('heard')`);
    expect(await nextChange(again)).toMatchObject({ type: 'CREATED', node: { code: 'heard' } });
    again.stop();
  });
});
