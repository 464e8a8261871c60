import { printSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RuleSet } from '../../src/data/rules/rule-set.ts';
import { ask } from '../support/postgres.ts';
import { startSchemaServer } from '../support/schema-server.ts';
import { exampleWithoutAccounts, startServer, type TestServer } from '../support/server.ts';

const schema = `
model Account {
  id       Int      @id
  login    String   @unique
  password String
  tenant   Int
  no       Int
  vaultId  Int?
  vault    Vault?   @relation(fields: [vaultId], references: [id])
  entries  Entry[]
  @@unique([tenant, no])
}

model Vault {
  id       Int       @id
  content  String
  accounts Account[]
}

model Entry {
  id        Int     @id
  text      String
  accountId Int
  account   Account @relation(fields: [accountId], references: [id])
}
`;

const rows = `
  insert into "Vault" values (1, 'gold');
  insert into "Account" values (1, 'ann', 'hunter2', 1, 1, 1), (2, 'ben', 'swordfish', 1, 2, null);
  insert into "Entry" values (1, 'hello', 1), (2, 'bye', 2);
  create view "EntryView" as select id, text, "accountId" from "Entry";`;

const view = `
view EntryView {
  id        Int    @unique
  text      String
  accountId Int
}
`;

let server: TestServer;
beforeAll(async () => {
  server = await startSchemaServer({
    schema: schema + view,
    rows,
    rules: {
      Account: {
        read: (viewer) => ({ login: viewer.id }),
        update: (viewer) => ({ login: viewer.id }),
        api: {
          name: 'Member',
          plural: 'crew',
          omit: ['password', 'no'],
          rename: { login: 'handle', entries: 'diary' },
        },
      },
      Vault: { api: false },
      Entry: { read: true, create: true, update: true },
      EntryView: { read: (viewer) => ({ accountId: viewer.claims.account as number }) },
    },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

describe('what app/rules.ts renames and leaves out', () => {
  it('is so in every type', () => {
    const printed = printSchema(server.server.application().schema).replaceAll(/"{3}[\s\S]*?"{3}/g, '');
    for (const name of [
      'Account\\b',
      'password',
      'Vault\\b',
      '\\bvault\\b',
      '\\blogin\\b',
      '\\bentries: EntryConnection',
      'tenant_no',
      '\\bno\\b: ',
    ]) {
      expect(printed).not.toMatch(new RegExp(name));
    }
    for (const line of [
      'crew(',
      'member(',
      'where: MemberWhereUniqueInput!',
      'updateMember(',
      'diary(',
      'handle: StringFilter',
      'handle: SortOrder',
      'input CreateMemberInput',
    ]) {
      expect(printed).toContain(line);
    }
  });

  const ann = () => server.as({ sub: 'ann' });

  it('holds in answers, filters, orders, keys and writes', async () => {
    const { data } = await ann().query(
      '{ crew(where: { handle: { startsWith: "a" } }, orderBy: [{ handle: desc }]) { nodes { handle diary { nodes { text account { handle } } } } } member(where: { handle: "ann" }) { id } hidden: member(where: { handle: "ben" }) { id } }',
    );
    expect(data).toEqual({
      crew: { nodes: [{ handle: 'ann', diary: { nodes: [{ text: 'hello', account: { handle: 'ann' } }] } }] },
      member: { id: 1 },
      hidden: null,
    });
    const written = await ann().query(
      'mutation { updateMember(where: { handle: "ann" }, data: { tenant: 4 }) { tenant } }',
    );
    expect(written.data).toEqual({ updateMember: { tenant: 4 } });
  });

  it.each([
    '{ accounts { totalCount } }',
    '{ crew { nodes { password } } }',
    '{ crew(where: { password: { contains: "h" } }) { totalCount } }',
    '{ crew(orderBy: [{ password: asc }]) { totalCount } }',
    '{ crew { nodes { login } } }',
    '{ vaults { totalCount } }',
    '{ crew { nodes { vault { content } } } }',
    '{ crew(where: { vault: { is: { content: { equals: "gold" } } } }) { totalCount } }',
    '{ member(where: { tenant_no: { tenant: 1, no: 1 } }) { id } }',
    'mutation { updateMember(where: { id: 1 }, data: { password: "x" }) { id } }',
    'mutation { createVault(data: { id: 2, content: "x" }) { id } }',
    'mutation { createEntryView(data: { id: 1 }) { id } }',
  ])('is nowhere else: %s', async (query) => {
    const text = await (await server.as({ role: 'admin' }).post({ query })).text();
    expect(JSON.parse(text).errors[0].extensions.code).toBe('INVALID_INPUT');
    expect(text).not.toMatch(/hunter2|swordfish|gold/);
  });

  it('leads by no foreign key to a model outside the API', async () => {
    const answer = await ann().query('mutation { updateMember(where: { id: 1 }, data: { vaultId: 1 }) { id } }');
    expect(answer.errors![0]!.extensions.code).toBe('NOT_FOUND');
    const nowhere = await ann().query('mutation { updateMember(where: { id: 1 }, data: { vaultId: 99 }) { id } }');
    expect(nowhere.errors).toEqual(answer.errors);
    expect(JSON.stringify(answer)).not.toContain('Vault');
  });

  it('speaks of fields by the names they have in the API', async () => {
    await ask(server.databaseUrl, `update "Account" set tenant = 1 where id = 1`);
    const answer = await ann().query('mutation { updateMember(where: { id: 1 }, data: { handle: "ben" }) { id } }');
    expect(answer.errors![0]!.extensions).toEqual({
      code: 'CONFLICT',
      fields: [{ path: 'data.handle', message: 'another row has these values already' }],
    });
    const unnamed = await ann().query('mutation { updateMember(where: {}, data: {}) { id } }');
    expect(unnamed.errors![0]!.message).toBe('where: must name one row by id or handle');
  });
});

it('holds a view to its rule', async () => {
  const query = '{ entryViews { nodes { text } totalCount } entryView(where: { id: 2 }) { text } }';
  expect((await server.as({ claims: { account: 1 } }).query(query)).data).toEqual({
    entryViews: { nodes: [{ text: 'hello' }], totalCount: 1 },
    entryView: null,
  });
  expect((await server.stranger.query(query)).data).toEqual({
    entryViews: { nodes: [], totalCount: 0 },
    entryView: null,
  });
});

describe('rules that do not fit the models', () => {
  it.each<[string, RuleSet, RegExp]>([
    ['a model that is not there', { Tusk: { read: true } }, /there is no model Tusk/],
    ['an action that is not there', { Task: { raed: true } as never }, /Task: raed is not a rule/],
    [
      'a field that is not there',
      { Task: { fields: { nope: { read: true } } } },
      /Task.fields: there is no column nope/,
    ],
    [
      'a rule for a relation',
      { Task: { fields: { project: { read: true } } } },
      /Task.fields: there is no column project/,
    ],
    [
      'a rule of a field that is not there',
      { Task: { fields: { title: { delete: true } as never } } },
      /title: delete is not a rule/,
    ],
    ['a setting that is not there', { Task: { api: { nmae: 'X' } as never } }, /Task.api: nmae is not a setting/],
    ['an omitted field that is not there', { Task: { api: { omit: ['nope'] } } }, /omit: there is no field nope/],
    [
      'a renamed field that is not there',
      { Task: { api: { rename: { nope: 'x' } } } },
      /rename: there is no field nope/,
    ],
    ['two models of one name', { Task: { api: { name: 'Label' } } }, /Label/],
    ['two fields of one name', { Task: { api: { rename: { title: 'body' } } } }, /body/],
    ['a name that is none', { Task: { api: { rename: { title: '1st' } } } }, /1st/],
    ['a model’s name that is none', { Task: { api: { name: 'My Task' } } }, /My Task/],
    ['a plural that is another model’s', { Task: { api: { plural: 'labels' } } }, /labels/],
  ])('are refused at the start: %s', async (_title, rules, message) => {
    const { files } = await exampleWithoutAccounts();
    await expect(startServer({ sources: { files, rules } })).rejects.toThrow(message);
  });

  it('are all named at once', async () => {
    const { files } = await exampleWithoutAccounts();
    const rules = { Tusk: {}, Task: { fields: { nope: {} } } };
    await expect(startServer({ sources: { files, rules } })).rejects.toThrow(/Tusk[\s\S]*nope/);
  });
});
