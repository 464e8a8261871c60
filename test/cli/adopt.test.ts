import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readForeignSchema } from '../../src/cli/adopt/convert-schema.ts';
import { makeProject, millrace } from '../support/command-line.ts';

const example = {
  'prisma/schema.prisma': readFileSync('prisma/schema.prisma', 'utf8'),
  'prisma/app.prisma': 'model Example {\n  id Int @id\n}\n',
  'prisma/migrations/20260101_init/migration.sql': 'CREATE TABLE "Example" (id int);',
  'app/rules.ts': 'export default {};\n',
  'app/seed.ts': 'export default {};\n',
};

const shop = `// The shop's models.
generator client {
  provider        = "prisma-client-js"
  previewFeatures = ["views", "multiSchema", "postgresqlExtensions"]
}

generator docs {
  provider = "prisma-docs-generator"
}

datasource db {
  provider   = "postgres"
  url        = env("SHOP_URL")
  extensions = [citext(schema: "public")]
  schemas    = [
    "public",
    "audit"
  ]
}

/// A thing to buy.
model Product {
  id   Int    @id @default(autoincrement())
  name String @db.Citext

  @@schema("audit")
}
`;

function withProject(files: Record<string, string>, work: (root: string) => Promise<void>): Promise<void> {
  const project = makeProject({ ...example, ...files });
  return work(project.root).finally(project.remove);
}

describe('npx millrace adopt', () => {
  it('puts the models in the example’s place and keeps what the schema said to Prisma about them', () =>
    withProject({ 'old/schema.prisma': shop }, async (root) => {
      const { code, stdout, stderr } = await millrace(root, ['adopt', 'old/schema.prisma', '--yes']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain('the generators docs');
      const app = readFileSync(join(root, 'prisma/app.prisma'), 'utf8');
      expect(app).toContain('/// A thing to buy.\nmodel Product {');
      expect(app).not.toMatch(/datasource|generator/);
      const schema = readFileSync(join(root, 'prisma/schema.prisma'), 'utf8');
      expect(schema).toContain('schemas = ["public", "audit"]');
      expect(schema).toContain('extensions = [citext(schema: "public")]');
      expect(schema).toContain('previewFeatures = ["views", "postgresqlExtensions"]');
      expect(schema).not.toContain('SHOP_URL');
      expect(readFileSync(join(root, 'app/rules.ts'), 'utf8')).toContain('export default defineRules({});');
      expect(existsSync(join(root, 'app/seed.ts'))).toBe(false);
      expect(existsSync(join(root, 'prisma/migrations'))).toBe(false);
    }));

  it('says how to be rid of the example’s rows where there are some', () =>
    withProject({ 'old/schema.prisma': shop, '.millrace/postgres/data/PG_VERSION': '18\n' }, async (root) => {
      const embedded = await millrace(root, ['adopt', 'old/schema.prisma', '--yes']);
      expect(embedded.stdout).toMatch(/still has the tables and rows[\s\S]*npx prisma migrate reset/);
      const settings = { DATABASE_URL: 'postgresql://localhost/shop' };
      const other = await millrace(root, ['adopt', 'old/schema.prisma', '--yes'], settings);
      expect(other.stdout).not.toContain('migrate reset');
    }));

  it('comes to the same when it is done twice', () =>
    withProject({ 'old/schema.prisma': shop }, async (root) => {
      await millrace(root, ['adopt', 'old/schema.prisma', '--yes']);
      const once = readFileSync(join(root, 'prisma/schema.prisma'), 'utf8');
      await millrace(root, ['adopt', 'old', '--yes']);
      expect(readFileSync(join(root, 'prisma/schema.prisma'), 'utf8')).toBe(once);
    }));

  it('brings PostgreSQL migrations along', () =>
    withProject(
      {
        'old/schema.prisma': shop,
        'old/migrations/migration_lock.toml': 'provider = "postgresql"\n',
        'old/migrations/0_shop/migration.sql': 'SELECT 1;',
      },
      async (root) => {
        expect((await millrace(root, ['adopt', 'old', '--yes'])).code).toBe(0);
        expect(readdirSync(join(root, 'prisma/migrations')).sort()).toEqual(['0_shop', 'migration_lock.toml']);
      },
    ));

  it.each([
    ['a schema for another database', shop.replace('"postgres"', '"mysql"'), 'That schema is for "mysql"'],
    ['a schema without models', 'generator x {\n  provider = "y"\n}\n', 'has no models'],
    ['a broken schema', shop.replace('name String', 'name Strng'), 'old/schema.prisma:24'],
  ])('refuses %s and changes nothing', (_, text, reason) =>
    withProject({ 'old/schema.prisma': text }, async (root) => {
      const { code, stderr } = await millrace(root, ['adopt', 'old/schema.prisma', '--yes']);
      expect(code).toBe(1);
      expect(stderr).toContain(reason);
      for (const [name, content] of Object.entries(example))
        expect(readFileSync(join(root, name), 'utf8')).toBe(content);
    }),
  );

  it('does nothing unasked when nobody is there to answer', () =>
    withProject({ 'old/schema.prisma': shop }, async (root) => {
      const { code, stdout, stderr } = await millrace(root, ['adopt', 'old/schema.prisma']);
      expect(code).toBe(1);
      expect(stdout).toContain('prisma/app.prisma');
      expect(stderr).toContain('--yes');
      for (const [name, content] of Object.entries(example))
        expect(readFileSync(join(root, name), 'utf8')).toBe(content);
    }));

  it('tells when there is no schema, or no project', () =>
    withProject({ 'old/schema.prisma': shop }, async (root) => {
      expect((await millrace(root, ['adopt', 'new', '--yes'])).stderr).toContain('There is no Prisma schema at');
      expect((await millrace(join(root, 'old'), ['adopt', 'schema.prisma', '--yes'])).stderr).toContain(
        'no prisma/ in',
      );
    }));
});

describe('a foreign schema', () => {
  it('is read with Windows line endings, and with relationMode', () => {
    const text =
      'datasource db {\r\n  provider = "postgresql"\r\n  relationMode = "prisma"\r\n}\r\nmodel A {\r\n  id Int @id\r\n}\r\n';
    expect(readForeignSchema(text)).toEqual({
      models: 'model A {\r\n  id Int @id\r\n}\n',
      attributes: ['relationMode = "prisma"'],
      previewFeatures: [],
      generators: [],
    });
  });
});
