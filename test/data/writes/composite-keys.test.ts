import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../support/postgres.ts';
import { startSchemaServer } from '../../support/schema-server.ts';
import type { TestServer } from '../../support/server.ts';

/** Keys of two columns, one of which several relations share and a default may fill. */
const schema = `
model Folder {
  tenant Int
  no     Int
  owner  String
  docs   Doc[]
  @@id([tenant, no])
}

model Shelf {
  tenant Int
  no     Int
  owner  String
  docs   Doc[]
  @@id([tenant, no])
}

model Doc {
  id       Int     @id
  tenant   Int     @default(1)
  folderNo Int?
  shelfNo  Int?
  folder   Folder? @relation(fields: [tenant, folderNo], references: [tenant, no])
  shelf    Shelf?  @relation(fields: [tenant, shelfNo], references: [tenant, no])
}
`;

const rows = `
  insert into "Folder" values (1, 1, 'ann'), (1, 2, 'ben'), (2, 1, 'ann');
  insert into "Shelf" values (1, 1, 'ann'), (2, 1, 'ben'), (2, 2, 'ann');
  insert into "Doc" values (1, 1, 1, 1);`;

let server: TestServer;
beforeAll(async () => {
  const read = (viewer: { id: string | undefined }) => ({ owner: viewer.id });
  server = await startSchemaServer({
    schema,
    rows,
    rules: {
      Folder: { read, create: true, update: true },
      Shelf: { read, create: true, update: true },
      Doc: { read: true, create: true, update: true },
    },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

const ann = (query: string) => server.as({ sub: 'ann' }).query(query);
const contents = () => ask(server.databaseUrl, 'select * from "Doc" order by id');

describe('a key of which a default makes the rest', () => {
  it('leads to a row that the viewer sees', async () => {
    const { data } = await ann('mutation { createDoc(data: { id: 2, folderNo: 1 }) { tenant folder { no } } }');
    expect(data.createDoc).toEqual({ tenant: 1, folder: { no: 1 } });
  });

  it('does not lead to a hidden row, nor tell it from one that is not there', async () => {
    const before = await contents();
    const [hidden, absent] = await Promise.all(
      [2, 3].map((no) => ann(`mutation { createDoc(data: { id: 3, folderNo: ${no} }) { id } }`)),
    );
    expect(hidden!.errors![0]!.extensions).toEqual({
      code: 'NOT_FOUND',
      fields: [{ path: 'data.folderNo', message: 'names no row' }],
    });
    expect(absent).toEqual(hidden);
    expect(await contents()).toEqual(before);
  });

  it('leads nowhere when the part that was set is null', async () => {
    const { data } = await ann('mutation { createDoc(data: { id: 4, folderNo: null }) { tenant folder { no } } }');
    expect(data.createDoc).toEqual({ tenant: 1, folder: null });
  });
});

it('does not lead a row that is connected to a hidden one by another key that shares a column', async () => {
  const before = await contents();
  const connect = (no: number) =>
    `mutation { updateFolder(where: { tenant_no: { tenant: 2, no: ${no} } }, data: { docs: { connect: { id: 1 } } }) { no } }`;
  // It would stand on shelf 2/1, which is Ben's.
  expect((await ann(connect(1))).errors![0]!.extensions.code).toBe('NOT_FOUND');
  expect(await contents()).toEqual(before);
  await ask(server.databaseUrl, `update "Shelf" set owner = 'ann' where tenant = 2 and no = 1`);
  expect((await ann(connect(1))).data).toEqual({ updateFolder: { no: 1 } });
});
