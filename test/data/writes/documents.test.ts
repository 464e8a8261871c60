import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApplication, type Sources } from '../../../src/application.ts';
import { readConfig } from '../../../src/config/config.ts';
import { readSchemaFiles } from '../../../src/data/model/schema-files.ts';
import type { CollectionSet } from '../../../src/modules/documents/collections.ts';
import { startServer, type TestServer } from '../../support/server.ts';

const collections: CollectionSet = {
  open: { read: true, create: true, update: true, delete: true },
  notes: {
    read: true,
    create: (viewer) => ({ owner: viewer.id }),
    update: (viewer) => ({ owner: viewer.id }),
    schema: {
      type: 'object',
      required: ['text'],
      additionalProperties: false,
      properties: {
        text: { type: 'string', minLength: 1 },
        'a/b~c': { type: 'integer' },
        mail: { type: 'string', format: 'email' },
        tags: { type: 'array', items: { type: 'string' }, prefixItems: [{ const: 'first' }] },
        constructor: { type: 'string' },
      },
    },
  },
  closed: { read: true, schema: { type: 'object', required: ['secretKey'] } },
  needing: { create: true, read: true, schema: { type: 'object', required: ['constructor'] } },
};

let sources: Sources;
let server: TestServer;
beforeAll(async () => {
  sources = { files: await readSchemaFiles(process.cwd()), rules: {}, collections };
  server = await startServer({ sources });
});
afterAll(() => server[Symbol.asyncDispose]());

const fields = 'collection id data owner version createdAt updatedAt';
const create = `mutation($data: CreateDocumentInput!) { createDocument(data: $data) { ${fields} } }`;
const update = `mutation($key: DocumentWhereUniqueInput!, $data: UpdateDocumentInput!) { updateDocument(where: $key, data: $data) { ${fields} } }`;
const key = (collection: string, id: string) => ({ collection_id: { collection, id } });
const ann = () => server.as({ sub: 'ann' });
const admin = () => server.as({ role: 'admin' });

describe('a new document', () => {
  it('is its maker’s, has a name and version 1', async () => {
    const { data } = await ann().query(create, { data: { collection: 'open', data: { x: 1 } } });
    const { id, createdAt } = data.createDocument;
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(Date.parse(createdAt)).toBeGreaterThan(Date.now() - 60_000);
    expect(data.createDocument).toMatchObject({ collection: 'open', data: { x: 1 }, owner: 'ann', version: 1 });
  });

  it('is nobody’s when its maker has no id, or says so', async () => {
    const input = { data: { collection: 'open', data: null } };
    expect((await server.stranger.query(create, input)).errors?.[0]?.extensions.code).toBe('INVALID_INPUT');
    input.data.data = 1 as never;
    for (const who of [server.stranger, admin()])
      expect((await who.query(create, input)).data.createDocument.owner).toBeNull();
    const said = { data: { ...input.data, owner: null } };
    expect((await ann().query(create, said)).data.createDocument.owner).toBeNull();
  });

  it('is another one’s where the rule allows it, and is refused where not', async () => {
    const given = (collection: string) => ({ data: { collection, owner: 'ben', data: { text: 'hi' } } });
    expect((await ann().query(create, given('open'))).data.createDocument.owner).toBe('ben');
    expect((await ann().query(create, given('notes'))).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    const nobody = { data: { collection: 'notes', owner: null, data: { text: 'hi' } } };
    expect((await ann().query(create, nobody)).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    expect(
      (await server.stranger.query(create, { data: { collection: 'notes', data: { text: 'hi' } } })).errors,
    ).toHaveLength(1);
  });
});

describe('a changed document', () => {
  it('counts its versions, also when nothing or its owner alone is changed', async () => {
    await ann().query(create, { data: { collection: 'open', id: 'counted', data: 1 } });
    const change = async (data: object) =>
      (await ann().query(update, { key: key('open', 'counted'), data })).data.updateDocument;
    expect(await change({ data: 2 })).toMatchObject({ version: 2, data: 2, owner: 'ann' });
    expect(await change({ owner: 'ben' })).toMatchObject({ version: 3, data: 2, owner: 'ben' });
    expect(await change({})).toMatchObject({ version: 4, data: 2 });
    await Promise.all([change({ data: 3 }), change({ data: 4 }), change({ data: 5 })]);
    expect(await change({})).toMatchObject({ version: 8 });
  });

  it.each(['version: 7', 'createdAt: "2020-01-01T00:00:00Z"', 'updatedAt: "2020-01-01T00:00:00Z"'])(
    'does not let a client set %s',
    async (field) => {
      const one = `mutation { createDocument(data: { collection: "open", data: 1, ${field} }) { id } }`;
      const other = `mutation { updateDocument(where: { collection_id: { collection: "open", id: "x" } }, data: { ${field} }) { id } }`;
      for (const query of [one, other]) {
        const answer = await admin().query(query);
        expect(answer.data).toBeUndefined();
        expect(answer.errors?.[0]?.message).toContain('not defined by type');
      }
    },
  );

  it.each(['collection: "notes"', 'id: "other"'])('keeps its place: %s is no change', async (field) => {
    const query = `mutation { updateDocument(where: { collection_id: { collection: "open", id: "x" } }, data: { ${field} }) { id } }`;
    expect((await admin().query(query)).errors?.[0]?.message).toContain('not defined by type');
  });
});

describe('the JSON Schema of a collection', () => {
  const problems = async (data: unknown, who = ann()) => {
    const { errors } = await who.query(create, { data: { collection: 'notes', data } });
    if (!errors) return [];
    expect(errors[0]!.extensions.code).toBe('INVALID_INPUT');
    return errors[0]!.extensions.fields;
  };

  it('says what is wrong and where', async () => {
    expect(await problems({ text: 'hi', tags: ['first', 'b'], 'a/b~c': 1 })).toEqual([]);
    expect(await problems({ text: 'hi', tags: ['first', 1, 'c'] })).toEqual([
      { path: 'data.data.tags.1', message: 'must be string' },
    ]);
    expect(await problems({ mail: 'x', extra: 1, 'a/b~c': 1.5 })).toEqual([
      { path: 'data.data.text', message: 'is required' },
      { path: 'data.data.extra', message: 'is not allowed' },
      { path: 'data.data.a/b~c', message: 'must be integer' },
      { path: 'data.data.mail', message: 'must match format "email"' },
    ]);
    expect(await problems('text')).toEqual([{ path: 'data.data', message: 'must be object' }]);
    expect(await problems({ text: 'hi', tags: ['second'] })).toEqual([
      { path: 'data.data.tags.0', message: 'must be equal to constant' },
    ]);
  });

  it('holds for the admin role too, and tells of a few problems where there are thousands', async () => {
    expect(await problems({ text: '' }, admin())).toHaveLength(1);
    expect(await problems({ text: 'hi', tags: ['first', ...Array(1000).fill(1)] })).toHaveLength(20);
    expect(await problems({ text: 'hi', tags: ['first', ...Array(50_000).fill(1)] })).toHaveLength(1);
  });

  it('is not satisfied by what every object inherits', async () => {
    const answer = await ann().query(create, { data: { collection: 'needing', data: {} } });
    expect(answer.errors?.[0]?.extensions.fields).toEqual([{ path: 'data.data.constructor', message: 'is required' }]);
  });

  it('is held to the row as it will be, and leaves it as it was when it does not fit', async () => {
    await ann().query(create, { data: { collection: 'notes', id: 'n', data: { text: 'hi' } } });
    const change = (data: object) => ann().query(update, { key: key('notes', 'n'), data });
    expect((await change({ data: { text: 1 } })).errors?.[0]?.extensions.fields).toEqual([
      { path: 'data.data.text', message: 'must be string' },
    ]);
    const { data } = await ann().query(
      `{ document(where: { collection_id: { collection: "notes", id: "n" } }) { data version } }`,
    );
    expect(data.document).toEqual({ data: { text: 'hi' }, version: 1 });
    expect((await change({ data: { text: 'ho' } })).data.updateDocument).toMatchObject({ version: 2 });
  });

  it('is not told to whoever may not write', async () => {
    const answer = await ann().query(create, { data: { collection: 'closed', data: {} } });
    expect(answer.errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    expect(JSON.stringify(answer)).not.toContain('secretKey');
  });
});

describe('app/documents.ts', () => {
  const start = (changed: Partial<Sources>) => () =>
    createApplication({ ...sources, ...changed }, readConfig({}, process.cwd()).graphql);
  it.each([
    ['a JSON Schema that is none', { a: { schema: { type: 'strng' } } }, /a: its JSON Schema cannot be used/],
    ['a misspelt keyword', { a: { schema: { typ: 'string' } } }, /unknown keyword/],
    ['a schema that is elsewhere', { a: { schema: { $ref: 'https://x.test/y' } } }, /can't resolve reference/],
    ['a schema that waits', { a: { schema: { $async: true } } }, /nobody waits/],
    ['a setting that there is not', { a: { reed: true } }, /a: reed is no setting/],
    ['an index that is none', { a: { indexes: ['tags'] } }, /a: an index is a list of keys/],
    [
      'a rule that is async',
      { a: { read: async () => true } },
      /app\/documents\.ts returns[\s\S]*a\.read returned neither/,
    ],
    [
      'a rule of a field that there is not',
      { a: { read: { ownr: 'x' } } },
      /app\/documents\.ts returns[\s\S]*no field ownr/,
    ],
    ['a path that is none', { a: { read: { data: { path: 'x', equals: 1 } } } }, /must be a list of keys/],
  ])('may not say %s', (_what, set, message) => {
    expect(start({ collections: set as unknown as CollectionSet })).toThrow(message);
  });

  it('is not to be there beside rules of the model in app/rules.ts, nor without the model', () => {
    expect(start({ rules: { Document: { read: true } } })).toThrow(/said twice/);
    expect(start({ rules: { Document: { read: true } }, collections: undefined })).not.toThrow();
    const files = sources.files.filter(({ path }) => !path.endsWith('documents.prisma'));
    expect(start({ files })).toThrow(/whose model is not there/);
    expect(start({ files, collections: undefined })).not.toThrow();
  });

  it('leaves a model of the same name that is the application’s own alone, and says what to do where there are both', () => {
    const own = { path: 'prisma/own.prisma', content: 'model Document {\n  id Int @id\n  version Int\n}\n' };
    const without = sources.files.filter(({ path }) => !path.endsWith('documents.prisma'));
    const made = start({ files: [...without, own], collections: undefined })();
    expect(
      Object.keys((made.schema.getType('CreateDocumentInput') as never as { getFields(): object }).getFields()),
    ).toContain('version');
    try {
      start({ files: [...sources.files, own] })();
      expect.unreachable();
    } catch (error) {
      expect((error as { remedy: string }).remedy).toContain('delete prisma/platform/documents.prisma');
    }
  });
});
