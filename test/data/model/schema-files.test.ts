import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readDatamodel } from '../../../src/data/model/read-datamodel.ts';
import { composeSchema, type SchemaFile } from '../../../src/data/model/schema-files.ts';

const platform: SchemaFile = {
  path: 'prisma/schema.prisma',
  content: 'datasource db {\n  provider = "postgresql"\n}\n\ngenerator client {\n  provider = "prisma-client"\n}\n',
};
const app = (content: string): SchemaFile => ({ path: 'prisma/app.prisma', content });

describe('a schema with blocks of its own', () => {
  const content = `
// datasource old { url = "}"
/* generator x {
   } */
datasource db { // the } database
  provider     = "postgresql" // }
  url          = env("DATABASE_URL")
  directUrl    = env("DIRECT_URL")
  relationMode = "prisma"
  extensions   = [pgcrypto(map: "pg}crypto"), citext] // not "} these
  schemas      = ["public", "b"]
}
generator zod {
  provider        = "zod-prisma-types" /// }
  previewFeatures = ["noLongerKnown"]
  output          = "../}{"
}
/// A model }{ of datasource x {
model A {
  id   Int    @id // {
  json Json   @default("{\\"a\\": \\"}\\"}") /// x }
  a    String @default("generator z {")

  @@unique([a], where: raw("id > 0"), map: "partial")
  @@schema("public")
}
  view V {
  id Int

  @@schema("b")
}
`;

  it('is taken apart by its blocks, and keeps what it says of the models', () => {
    const { models } = readDatamodel([app(content), platform]);
    expect([...models.keys()]).toEqual(['A', 'V']);
    expect(models.get('V')).toMatchObject({ isView: true, table: { schema: 'b', name: 'V' } });
    expect(models.get('A')).toMatchObject({ isView: false, table: { schema: 'public', name: 'A' } });
    // A key that only some rows have names no row.
    expect(models.get('A')!.uniqueKeys.map((key) => key.name)).toEqual(['id']);
    const settings = composeSchema([app(content), platform]).at(-1)!.content;
    expect(settings).toContain('extensions = [pgcrypto(map: "pg}crypto"), citext]\n');
    expect(settings).toContain('schemas = ["public", "b"]\n');
    expect(settings).toContain('relationMode = "prisma"\n');
    expect(settings).not.toMatch(/url/i);
  });

  it('keeps the place of every character that stays', () => {
    const composed = composeSchema([app(content), platform]).find((file) => file.path === 'prisma/app.prisma')!;
    expect(composed.content).toHaveLength(content.length);
    expect(composed.content.indexOf('model A')).toBe(content.indexOf('model A'));
    expect(composed.content).toContain('// datasource old { url = "}"');
  });

  it('may be the only file, with or without a datasource', () => {
    const bare = 'model A {\n  id Int @id\n}\n';
    for (const files of [
      [app(bare)],
      [app(`datasource d {\n  provider = "postgres"\n}\n${bare}`)],
      [platform, app(bare)],
    ]) {
      expect([...readDatamodel(files).models.keys()]).toEqual(['A']);
    }
  });
});

describe('a mistake', () => {
  it('is told with its file, its line, and the line itself', () => {
    const content =
      'datasource db {\n  provider = "postgresql"\n}\n// ü 👍\nmodel A {\n  id Int @id\n  b  Nothing\n}\n';
    expect(() => readDatamodel([platform, app(content)])).toThrow(
      /prisma\/app\.prisma:7 .*"Nothing"[\s\S]*\n {4}b {2}Nothing/,
    );
  });

  it.each(['é', '€', '👍'])('is told with its line below many letters as %s', (letter) => {
    const content = `${`// ${letter.repeat(60)}\n`.repeat(4)}model A {\n  id Int @id\n  b  Nothing\n}\n${'\n'.repeat(50)}`;
    expect(() => readDatamodel([platform, app(content)])).toThrow(/app\.prisma:7 .*"Nothing"[\s\S]*\n {4}b {2}Nothing/);
  });

  it('is told with nine others at most', () => {
    const content = `model A {\n  id Int @id\n${Array.from({ length: 12 }, (_, n) => `  f${n} Nothing\n`).join('')}}\n`;
    expect(() => readDatamodel([platform, app(content)])).toThrow(/f9 Nothing\n… and 2 more$/);
  });

  it('is told where a brace is missing', () => {
    expect(() => readDatamodel([platform, app('model A {\n  id Int @id\n')])).toThrow(/prisma\/app\.prisma:1 /);
  });

  it('is a schema for another database', () => {
    const content = 'datasource db {\n  provider = "mysql"\n}\nmodel A {\n  id Int @id\n}\n';
    expect(() => readDatamodel([platform, app(content)])).toThrow('prisma/app.prisma is a schema for "mysql"');
  });
});

describe('what the parser leaves out', () => {
  it('is read from the text: fields of unsupported types, and whether a row can do without', () => {
    const content = `model A {
  id     Int @id
  point  Unsupported("point")
  vector Unsupported("tsvector")?
  filled Unsupported("circle")   @default(dbgenerated("'<(0,0),1>'::circle"))
  // gone Unsupported("box")
}
`;
    expect(readDatamodel([app(content)]).models.get('A')!.unsupported).toEqual([
      { name: 'point', isRequired: true },
      { name: 'vector', isRequired: false },
      { name: 'filled', isRequired: false },
    ]);
  });
});

it('the schema that tries everything is the same with its own blocks and without', () => {
  const own = readFileSync('test/schemas/torture/schema.prisma', 'utf8');
  const without = own.replace(/^generator[\s\S]*?^}\n/gm, '').replace(/^datasource[\s\S]*?^}\n/m, '');
  expect(without).not.toContain('directUrl');
  const withSettings: SchemaFile = {
    path: 'prisma/schema.prisma',
    content:
      'datasource db {\n  provider = "postgresql"\n  schemas = ["public", "Back Office"]\n  extensions = [citext]\n}\n',
  };
  expect(readDatamodel([app(without), withSettings])).toEqual(readDatamodel([app(own), platform]));
});
