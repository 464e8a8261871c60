import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { askAs, type Program, startProgram, urlIn } from '../support/program.ts';
import { copyProject } from '../support/project-copy.ts';

/** A project of one model that everybody may use, so that no token is needed. */
const schema = 'model Boat {\n  id Int @id @default(autoincrement())\n  name String\n}\n';
const rules = 'export default { Boat: { read: true, create: true } };\n';

function boatProject(name?: string) {
  const project = copyProject(name);
  const write = (file: string, text: string) => writeFileSync(path.join(project.path, file), text);
  const migrations = () =>
    readdirSync(path.join(project.path, 'prisma', 'migrations')).filter((name) => /^\d/.test(name));
  return { ...project, write, migrations };
}

const startDev = (cwd: string): Program =>
  startProgram([process.execPath, path.resolve('bin/millrace.mjs'), 'dev'], cwd, { PORT: '0' });

describe('npm run dev', () => {
  it('follows every save: a migration, the new API, the types', async () => {
    using project = boatProject();
    project.write('prisma/app.prisma', schema);
    project.write('app/rules.ts', rules);
    await using program = startDev(project.path);
    const url = await urlIn(program);
    const before = project.migrations().length;
    expect(await askAs(url, undefined, 'mutation { createBoat(data: { name: "Ark" }) { id } }')).toEqual({
      data: { createBoat: { id: 1 } },
    });

    project.write('prisma/app.prisma', schema.replace('name String', 'name String\n  sails Int @default(2)'));
    await program.waitFor(/reloaded in/);
    expect(await askAs(url, undefined, '{ boats { nodes { name sails } } }')).toEqual({
      data: { boats: { nodes: [{ name: 'Ark', sails: 2 }] } },
    });
    expect(project.migrations()).toHaveLength(before + 1);

    project.write('app/rules.ts', "export default { Boat: { read: { name: { not: 'Ark' } } } };\n");
    await program.waitFor(/reloaded in[\s\S]*reloaded in/);
    expect(await askAs(url, undefined, '{ boats { totalCount } }')).toEqual({ data: { boats: { totalCount: 0 } } });
  }, 90_000);

  it('shows a mistake with file and line, and keeps the last good API up', async () => {
    using project = boatProject();
    project.write('prisma/app.prisma', schema);
    project.write('app/rules.ts', rules);
    await using program = startDev(project.path);
    const url = await urlIn(program);
    const stillUp = async () =>
      expect(await askAs(url, undefined, '{ boats { totalCount } }')).toEqual({ data: { boats: { totalCount: 0 } } });

    project.write('prisma/app.prisma', schema.replace('name String', 'name Strng'));
    await program.waitFor(/prisma\/app\.prisma:3[\s\S]*Strng[\s\S]*still up/);
    await stillUp();
    project.write('prisma/app.prisma', schema);
    await program.waitFor(/reloaded in/);

    project.write('app/rules.ts', 'export default {\n  Boat: { read: ( }\n};\n');
    await program.waitFor(/app\/rules\.ts:2/);
    await stillUp();
    project.write('app/rules.ts', 'export default { Bota: { read: true } };\n');
    await program.waitFor(/there is no model Bota/);
    await stillUp();
  }, 90_000);

  it('explains a step that loses data, and waits for a word', async () => {
    using project = boatProject();
    project.write('prisma/app.prisma', schema);
    project.write('app/rules.ts', rules);
    await using program = startDev(project.path);
    const url = await urlIn(program);
    await askAs(url, undefined, 'mutation { createBoat(data: { name: "Ark" }) { id } }');
    const withoutName = 'model Boat {\n  id Int @id @default(autoincrement())\n}\n';

    program.write('yes\n'); // typed before there is a question: no answer
    await new Promise((resolve) => setTimeout(resolve, 300));
    project.write('prisma/app.prisma', withoutName);
    await program.waitFor(/may lose data[\s\S]*name[\s\S]*type "yes"/);
    program.write('no\n');
    await program.waitFor(/still up/);
    expect(await askAs(url, undefined, '{ boats { nodes { name } } }')).toEqual({
      data: { boats: { nodes: [{ name: 'Ark' }] } },
    });

    project.write('prisma/app.prisma', `${withoutName}\n`);
    await program.waitFor(/type "yes"[\s\S]*type "yes"/);
    program.write('yes\n');
    await program.waitFor(/made and applied[\s\S]*reloaded in/);
    expect(JSON.stringify(await askAs(url, undefined, '{ boats { nodes { name } } }'))).toMatch(/Cannot query field/);
  }, 90_000);

  it('asks at the start as well, when the schema was changed while nobody followed it', async () => {
    using project = boatProject();
    project.write('prisma/app.prisma', schema);
    project.write('app/rules.ts', rules);
    {
      await using program = startDev(project.path);
      await askAs(await urlIn(program), undefined, 'mutation { createBoat(data: { name: "Ark" }) { id } }');
    }
    project.write('prisma/app.prisma', schema.replace('name String', 'title String?'));
    {
      await using program = startDev(project.path);
      await program.waitFor(/may lose data[\s\S]*name[\s\S]*type "yes"/);
      program.write('no\n');
      expect(await program.ended).toBe(1);
      expect(program.output()).toMatch(/nobody has agreed/);
    }
    await using program = startDev(project.path);
    await program.waitFor(/type "yes"/);
    program.write('yes\n');
    expect(await askAs(await urlIn(program), undefined, '{ boats { nodes { title } } }')).toEqual({
      data: { boats: { nodes: [{ title: null }] } },
    });
  }, 90_000);

  it('withdraws the question when the schema is saved again, so that no late "yes" agrees to what is no longer there', async () => {
    using project = boatProject();
    project.write('prisma/app.prisma', schema);
    project.write('app/rules.ts', rules);
    await using program = startDev(project.path);
    const url = await urlIn(program);
    await askAs(url, undefined, 'mutation { createBoat(data: { name: "Ark" }) { id } }');
    project.write('prisma/app.prisma', 'model Boat {\n  id Int @id @default(autoincrement())\n}\n');
    await program.waitFor(/type "yes"/);
    project.write('prisma/app.prisma', `${schema}\n`);
    await program.waitFor(/withdrawn[\s\S]*reloaded in/);
    program.write('yes\n');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(program.output()).not.toMatch(/made and applied prisma/);
    expect(await askAs(url, undefined, '{ boats { nodes { name } } }')).toEqual({
      data: { boats: { nodes: [{ name: 'Ark' }] } },
    });
  }, 90_000);

  it('knows the errors of a reloaded app/schema.ts: their codes, and what is wrong with it, where', async () => {
    using project = boatProject('my app');
    project.write('prisma/app.prisma', schema);
    project.write('app/rules.ts', rules);
    await using program = startDev(project.path);
    const url = await urlIn(program);
    const fields = (body: string) =>
      `import { defineSchema, MillraceError } from 'millrace/schema';\nexport default defineSchema((tools) => {\n${body}\n});\n`;
    project.write(
      'app/schema.ts',
      fields(
        "tools.queryField('toss', 'everyone', (t) => t.int({ resolve: () => { throw new MillraceError('CONFLICT', 'sunk'); } }));",
      ),
    );
    await program.waitFor(/reloaded in/);
    expect(await askAs(url, undefined, '{ toss }')).toMatchObject({
      errors: [{ message: 'sunk', extensions: { code: 'CONFLICT' } }],
    });

    project.write(
      'app/schema.ts',
      fields("tools.dataField('Boat', 'x', ['nam' as never], (t) => t.int({ resolve: () => 1 }));"),
    );
    await program.waitFor(/✗ app\/schema\.ts: the field x cannot be added to Boat: it needs nam[^\n]*\n→/);
    project.write('app/rules.ts', "throw new Error('no wind');\nexport default {};\n");
    await program.waitFor(/✗ app\/rules\.ts could not be loaded: no wind \(app\/rules\.ts:1:\d+\)/);
  }, 90_000);

  it('takes a migration back that fails, so that the next save begins anew', async () => {
    using project = boatProject();
    project.write('prisma/app.prisma', schema);
    project.write('app/rules.ts', rules);
    await using program = startDev(project.path);
    const url = await urlIn(program);
    const before = project.migrations();
    for (let n = 0; n < 2; n += 1) await askAs(url, undefined, 'mutation { createBoat(data: { name: "Ark" }) { id } }');
    project.write('prisma/app.prisma', schema.replace('name String', 'name String @unique'));
    await program.waitFor(/type "yes"/);
    program.write('yes\n');
    await program.waitFor(/failed[\s\S]*taken back[\s\S]*still up/);
    expect(project.migrations()).toEqual(before);
    project.write('prisma/app.prisma', schema.replace('name String', 'name String\n  sails Int @default(2)'));
    await program.waitFor(/reloaded in/);
    expect(project.migrations()).toHaveLength(before.length + 1);
  }, 90_000);

  it('generates the types of the new schema, and has the compiler look at app/', async () => {
    using project = boatProject();
    await using program = startDev(project.path);
    await urlIn(program);
    const file = path.join(project.path, 'prisma', 'app.prisma');
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace('  priority   Int        @default(0)', '  urgency    Int        @default(0)'),
    );
    await program.waitFor(/reloaded in/);
    const typed = readFileSync('app/rules.ts', 'utf8').replace(
      'read: (viewer) => ({ project: { workspace: member(viewer) } }),',
      'read: (viewer) => ({ title: 1, project: { workspace: member(viewer) } }),',
    );
    expect(typed).toContain('title: 1');
    project.write('app/rules.ts', typed);
    await program.waitFor(/types in app\/:[\s\S]*app\/rules\.ts\(\d+/, 60_000);
  }, 120_000);
});
