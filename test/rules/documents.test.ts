import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSchemaFiles } from '../../src/data/model/schema-files.ts';
import type { CollectionSet } from '../../src/modules/documents/collections.ts';
import { heardUntil } from '../support/heard.ts';
import { ask } from '../support/postgres.ts';
import { type Asker, startServer, type TestServer } from '../support/server.ts';
import { openSocket } from '../support/socket.ts';

/** Notes are their owners' or shared, logs the auditors' alone, and of what is not declared nobody may know. */
const collections: CollectionSet = {
  notes: {
    read: (viewer) => ({ OR: [{ owner: viewer.id }, { data: { path: ['shared'], equals: true } }] }),
    create: (viewer) => ({ owner: viewer.id }),
    update: (viewer) => ({ owner: viewer.id }),
    delete: (viewer) => ({ owner: viewer.id }),
    schema: { type: 'object', properties: { rank: { type: 'number' } } },
    indexes: [['rank']],
  },
  logs: { read: (viewer) => viewer.role === 'auditor', create: true },
  closed: {},
};

const rows = `
  insert into documents (collection, id, data, owner, created_at, updated_at) values
    ('notes', 'a', '{"rank": 3, "text": "ann’s"}', 'ann', '2026-01-01', '2026-01-01'),
    ('notes', 'b', '{"rank": 1, "text": "shared", "shared": true}', 'ben', '2026-01-02', '2026-01-02'),
    ('notes', 'c', '{"rank": 2, "text": "shared too", "shared": true}', null, '2026-01-03', '2026-01-03');`;

/** What ann may not see. */
const elsewhere = `
  insert into documents (collection, id, data, owner, version, created_at, updated_at) values
    ('notes', 'h1', '{"rank": 0, "text": "SECRET"}', 'ben', 9, '2020-01-01', '2020-01-01'),
    ('notes', 'h2', '{"rank": 9, "text": "SECRET", "shared": "true"}', 'ben', 9, '2030-01-01', '2030-01-01'),
    ('notes', 'h3', '{"rank": 2.5, "text": "SECRET"}', null, 9, '2026-01-02', '2026-01-02'),
    ('logs', 'a', '{"rank": 1, "text": "SECRET", "shared": true}', 'ann', 9, '2026-01-01', '2026-01-01'),
    ('closed', 'a', '{"rank": 1, "text": "SECRET", "shared": true}', 'ann', 9, '2026-01-01', '2026-01-01'),
    ('undeclared', 'a', '{"rank": 1, "text": "SECRET", "shared": true}', 'ann', 9, '2026-01-01', '2026-01-01'),
    ('__proto__', 'a', '{"rank": 1, "text": "SECRET", "shared": true}', 'ann', 9, '2026-01-01', '2026-01-01');`;

const servers: TestServer[] = [];
beforeAll(async () => {
  const sources = { files: await readSchemaFiles(process.cwd()), rules: {}, collections };
  for (let n = 0; n < 2; n++) {
    servers.push(await startServer({ sources }));
    await ask(servers[n]!.databaseUrl, n === 0 ? rows : rows + elsewhere);
  }
});
afterAll(async () => {
  for (const server of servers) await server[Symbol.asyncDispose]();
});

const ann = { sub: 'ann' };
const code = async (who: Asker, query: string) => {
  const answer = await who.query(query);
  expect(JSON.stringify(answer)).not.toContain('SECRET');
  return answer.errors?.[0]?.extensions.code;
};

/** Asks both, which must not differ. */
async function both(query: string, claims: { sub?: string; role?: string } | undefined = ann): Promise<unknown> {
  const asked = servers.map((server) => (claims ? server.as(claims) : server.stranger).query(query));
  const [one, other] = await Promise.all(asked);
  expect(one!.errors).toBeUndefined();
  expect(other).toEqual(one);
  return one!.data;
}

describe('documents that may not be read', () => {
  it.each([
    [
      'listed',
      '{ documents { nodes { collection id data owner version } totalCount pageInfo { startCursor endCursor } } }',
    ],
    ['listed by collection', '{ documents(where: { collection: { equals: "logs" } }) { nodes { id } totalCount } }'],
    ['found by their owner', '{ documents(where: { owner: { equals: "ben" } }) { nodes { id } totalCount } }'],
    [
      'found by a path',
      '{ documents(where: { data: { path: ["text"], equals: "SECRET" } }) { nodes { id } totalCount } }',
    ],
    [
      'found by a negation',
      '{ documents(where: { NOT: { data: { path: ["rank"], lt: 2 } } }) { nodes { id } totalCount } }',
    ],
    [
      'ordered by a path',
      '{ documents(orderBy: { data: { path: ["rank"], sort: desc } }) { nodes { id } edges { cursor } } }',
    ],
    [
      'ordered backward',
      '{ documents(last: 2, orderBy: { data: { path: ["rank"], sort: asc } }) { nodes { id } pageInfo { hasPreviousPage } } }',
    ],
    [
      'measured',
      '{ documentsAggregate { count { _all owner } min { createdAt owner } max { version createdAt } sum { version } } }',
    ],
    [
      'grouped',
      '{ documentsGroupBy(by: [{ collection: true }, { owner: true }]) { keys { collection owner } count { _all } } }',
    ],
    ['asked for by their key', '{ document(where: { collection_id: { collection: "notes", id: "h1" } }) { id } }'],
    [
      'asked for in a closed collection',
      '{ document(where: { collection_id: { collection: "closed", id: "a" } }) { id } }',
    ],
    ['asked for in none', '{ document(where: { collection_id: { collection: "undeclared", id: "a" } }) { id } }'],
    [
      'asked for in one of an odd name',
      '{ document(where: { collection_id: { collection: "__proto__", id: "a" } }) { id } }',
    ],
  ])('are not there when they are %s', async (_how, query) => {
    expect(JSON.stringify(await both(query))).not.toContain('SECRET');
    await both(query, { sub: 'dora' });
  });

  it('are not there behind a cursor', async () => {
    const list = (rest: string) =>
      `{ documents(first: 1, orderBy: { data: { path: ["rank"], sort: asc } }${rest}) { nodes { id } pageInfo { endCursor hasNextPage } } }`;
    const seen: string[] = [];
    for (let after = ''; ; ) {
      const page = (await both(list(after))) as {
        documents: { nodes: { id: string }[]; pageInfo: { endCursor: string; hasNextPage: boolean } };
      };
      seen.push(...page.documents.nodes.map(({ id }) => id));
      if (!page.documents.pageInfo.hasNextPage) break;
      after = `, after: "${page.documents.pageInfo.endCursor}"`;
    }
    expect(seen).toEqual(['b', 'c', 'a']);
  });

  it('are there for those whom the rule of their collection lets, and for nobody else', async () => {
    const ids = async (who: Asker) =>
      ((await who.query('{ documents { nodes { collection id } } }')).data?.documents.nodes ?? []).map(
        (n: { collection: string; id: string }) => `${n.collection}/${n.id}`,
      );
    const [, server] = servers;
    expect(await ids(server!.as({ sub: 'ben' }))).toEqual(['notes/b', 'notes/c', 'notes/h1', 'notes/h2']);
    expect(await ids(server!.as({ sub: 'x', role: 'auditor' }))).toEqual(['logs/a', 'notes/b', 'notes/c']);
    expect(await ids(server!.stranger)).toEqual(['notes/b', 'notes/c']);
    expect(await ids(server!.as({ role: 'admin' }))).toHaveLength(10);
  });
});

describe('documents that may not be written', () => {
  const make = (collection: string, rest: string) =>
    `mutation { createDocument(data: { collection: "${collection}", ${rest} }) { id data } }`;
  const at = (collection: string, id: string) =>
    `where: { collection_id: { collection: "${collection}", id: "${id}" } }`;

  it('are made in no collection that is closed or not declared, whatever their names, and nobody learns which are taken', async () => {
    const who = servers[1]!.as(ann);
    for (const collection of ['closed', 'undeclared', '__proto__', 'constructor', '']) {
      for (const id of ['a', 'free']) {
        const answer = await who.query(make(collection, `id: "${id}", data: {}`));
        expect(answer.errors).toMatchObject([{ message: 'not allowed', extensions: { code: 'FORBIDDEN' } }]);
      }
    }
    for (const id of ['h1', 'free'])
      expect(await code(who, make('notes', `id: "${id}", owner: "ben", data: {}`))).toBe('FORBIDDEN');
    expect(await code(servers[1]!.stranger, make('notes', 'id: "h1", data: {}'))).toBe('FORBIDDEN');
    const rows = await ask(servers[1]!.databaseUrl, `select 1 from documents`);
    expect(rows).toHaveLength(10);
  });

  it('are told to be taken to who may make such, without a word of what is there', async () => {
    const answer = await servers[1]!.as(ann).query(make('notes', 'id: "h1", data: {}'));
    expect(answer.errors).toMatchObject([{ extensions: { code: 'CONFLICT' } }]);
    expect(JSON.stringify(answer)).not.toMatch(/SECRET|ben|pkey|Key \(/);
  });

  it('are changed and deleted by nobody else, and one that is hidden is as one that is not there', async () => {
    const [one, other] = servers.map((server) => server.as(ann));
    for (const [collection, id] of [
      ['notes', 'h1'],
      ['closed', 'a'],
      ['logs', 'a'],
    ] as const) {
      for (const query of [
        `mutation { updateDocument(${at(collection, id)}, data: { data: {} }) { id } }`,
        `mutation { updateDocument(${at(collection, id)}, data: { data: { rank: "x" } }) { id } }`,
        `mutation { deleteDocument(${at(collection, id)}) { id data } }`,
      ]) {
        const answer = await other!.query(query);
        expect(answer).toEqual(await one!.query(query));
        expect(answer.errors?.[0]?.extensions.code).toBe('NOT_FOUND');
      }
    }
    expect(await code(other!, `mutation { updateDocument(${at('notes', 'b')}, data: { data: {} }) { id } }`)).toBe(
      'FORBIDDEN',
    );
    expect(await code(other!, `mutation { deleteDocument(${at('notes', 'b')}) { id } }`)).toBe('FORBIDDEN');
    expect(await code(other!, `mutation { updateDocument(${at('notes', 'a')}, data: { owner: "ben" }) { id } }`)).toBe(
      'FORBIDDEN',
    );
  });

  it('may be made by who may not see them, and are not shown then', async () => {
    const answer = await servers[1]!.as(ann).query(make('logs', 'id: "mine", data: { text: "mine" }'));
    expect(answer).toEqual({ data: { createDocument: null } });
    await ask(servers[1]!.databaseUrl, `delete from documents where id = 'mine'`);
  });
});

it('tells and shows nothing that happens to documents that may not be read', async () => {
  const [, server] = servers;
  await using socket = await openSocket(server!, ann);
  const changes = socket.subscribe(
    'subscription { documentChanges { type key { collection id } node { data } previous { data } } }',
  );
  const live = socket.subscribe(
    'query @live { documents(where: { data: { path: ["rank"], gte: 0 } }) { nodes { collection id } } }',
  );
  await changes.next();
  const first = await live.next();
  await ask(
    server!.databaseUrl,
    `update documents set data = data || '{"more": "SECRET"}' where data->>'text' = 'SECRET';
    insert into documents (collection, id, data, owner, updated_at) values ('notes', 'h9', '{"rank": 5, "text": "SECRET"}', 'ben', now());
    delete from documents where id = 'h9';
    insert into documents (collection, id, data, owner, updated_at) values ('notes', 'z', '{"rank": 5, "text": "end"}', 'ann', now());`,
  );
  const heard = await heardUntil(changes, (change) => JSON.stringify(change).includes('"z"'));
  expect(JSON.stringify(heard)).not.toMatch(/SECRET|h\d/);
  expect(heard).toEqual([]);
  const next = await live.next();
  expect(JSON.stringify([first, next])).not.toMatch(/logs|closed|"h\d/);
  expect(JSON.stringify(next)).toContain('"z"');
});
