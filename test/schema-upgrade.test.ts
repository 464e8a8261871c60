import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { StartupError } from '../src/errors.ts';
import { migrationsOf, upgradeDatabase } from '../src/schema-upgrade.ts';
import { testDatabase } from './support/postgres.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

const datasource = (settings: string) => `datasource db {\n  provider = "postgresql"\n  ${settings}\n}\n`;
const parcel = (...lines: string[]) => `model Parcel {\n  id Int @id\n  ${lines.join('\n  ')}\n}\n`;

describe('a schema that takes for granted what the database does not have', () => {
  it.each([
    [
      'a function',
      parcel(`code String @default(dbgenerated("parcel_code('p'::text)"))`),
      /function parcel_code\(text\) does not exist at line \d+: "code" TEXT NOT NULL DEFAULT parcel_code/,
      /--create-only.*CREATE EXTENSION, FUNCTION, SEQUENCE/,
    ],
    ['a type', parcel('sender String @db.Citext'), /type "citext" does not exist/, /CREATE EXTENSION/],
    [
      'an operator class',
      parcel('sender String', '@@index([sender(ops: raw("gin_trgm_ops"))], type: Gin)'),
      /"gin_trgm_ops" does not exist/,
      /CREATE EXTENSION/,
    ],
    [
      'a sequence',
      parcel(`number Int @default(dbgenerated("nextval('parcel_numbers'::regclass)"))`),
      /"parcel_numbers" does not exist/,
      /SEQUENCE/,
    ],
    [
      'an extension that is not installed',
      datasource('extensions = [no_such_extension]') + parcel(),
      /no_such_extension/,
      /^name a server in DATABASE_URL that has the extension/,
    ],
    [
      'that it computes a column, as Prisma reads it from a database',
      parcel('name String', `words Unsupported("tsvector")? @default(dbgenerated("to_tsvector('simple', name)"))`),
      /cannot use column reference in DEFAULT expression/,
      /GENERATED ALWAYS AS/,
    ],
  ])('is told what makes it: %s', async (_, content, message, remedy) => {
    await using database = await testDatabase({ migrations: false });
    using place = temporaryDirectory();
    const files = [{ path: 'prisma/app.prisma', content }];
    const options = { url: database.url, root: place.path, files, name: 'start', mayLose: async () => false };
    const failure = await upgradeDatabase(options).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StartupError);
    expect(failure).toMatchObject({
      message: expect.stringMatching(message),
      remedy: expect.stringMatching(remedy),
    });
    expect(String((failure as StartupError).remedy)).toMatch(/taken back$/);
    expect(readdirSync(migrationsOf(place.path)).filter((name) => name.endsWith('_start'))).toEqual([]);
  });
});
