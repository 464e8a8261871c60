import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/cli/seed/random.ts';
import { makeProject, millrace } from '../support/command-line.ts';
import { ask, testDatabase } from '../support/postgres.ts';

const schema = `
enum Mood {
  HAPPY @map("happy")
  SAD

  @@map("moods")
}

model Thing {
  id      Int      @id @default(autoincrement())
  big     BigInt
  price   Decimal  @db.Decimal(20, 4)
  bytes   Bytes
  mood    Mood     @default(SAD)
  moods   Mood[]
  tags    String[]
  extra   Json?
  day     DateTime @db.Date
  made    DateTime @default(now()) @map("made_at")
  changed DateTime @updatedAt
  uuid    String   @default(uuid()) @db.Uuid
  likes   Thing[]  @relation("Likes")
  likedBy Thing[]  @relation("Likes")

  @@map("strange \\" things")
}
`;

const migration = `
CREATE TYPE "moods" AS ENUM ('happy', 'SAD');
CREATE TABLE "strange "" things" (
  "id" SERIAL PRIMARY KEY, "big" BIGINT NOT NULL, "price" DECIMAL(20,4) NOT NULL, "bytes" BYTEA NOT NULL,
  "mood" "moods" NOT NULL DEFAULT 'SAD', "moods" "moods"[], "tags" TEXT[], "extra" JSONB, "day" DATE NOT NULL,
  "made_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "changed" TIMESTAMP(3) NOT NULL, "uuid" UUID NOT NULL
);
CREATE TABLE "_Likes" (
  "A" INTEGER NOT NULL REFERENCES "strange "" things", "B" INTEGER NOT NULL REFERENCES "strange "" things",
  PRIMARY KEY ("A", "B")
);
`;

const seed = (body: string) => `export default async ({ insert, link, random, rows, now }) => {${body}};`;
const thing = "{ big: 2n ** 60n, price: '1234567890123456.0001', bytes: new Uint8Array([0, 255]), day: now }";

const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanUp.splice(0).reverse()) await clean();
});

async function start(body: string) {
  const database = await testDatabase({ migrations: false });
  const project = makeProject({
    'prisma/app.prisma': schema,
    'prisma/migrations/0_init/migration.sql': migration,
    'prisma/migrations/migration_lock.toml': 'provider = "postgresql"\n',
    'app/seed.ts': seed(body),
  });
  cleanUp.push(project.remove, database.drop);
  return {
    run: (...args: string[]) => millrace(project.root, ['seed', ...args], { DATABASE_URL: database.url }),
    ask: (sql: string) => ask<Record<string, unknown>>(database.url, sql),
  };
}

describe('npx millrace seed', () => {
  it('applies the migrations, and stores every type as it was given', async () => {
    const { run, ask } = await start(`
      const [one, two] = await insert('Thing', [
        { ...${thing}, mood: 'HAPPY', moods: ['SAD', 'HAPPY'], tags: ['a,b', 'c"d', '{'], extra: { deep: [1, null] } },
        ${thing},
      ]);
      await link('Thing', 'likes', [[one.id, two.id]]);
    `);
    const { code, stdout, stderr } = await run();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('3 rows in');
    const rows = await ask(
      `SELECT *, "day"::text, "price"::text, "moods"::text[] FROM "strange "" things" ORDER BY id`,
    );
    expect(rows[0]).toMatchObject({
      id: 1,
      big: '1152921504606846976',
      price: '1234567890123456.0001',
      bytes: Buffer.from([0, 255]),
      mood: 'happy',
      moods: ['SAD', 'happy'],
      tags: ['a,b', 'c"d', '{'],
      extra: { deep: [1, null] },
      day: '2026-01-01',
    });
    expect(rows[1]).toMatchObject({ id: 2, mood: 'SAD', extra: null });
    // Of the two ends, the relation field that sorts first names column A.
    expect(await ask('SELECT * FROM "_Likes"')).toEqual([{ A: 2, B: 1 }]);
  });

  it('refuses a database that is not empty, and starts over when forced to', async () => {
    const { run, ask } = await start(`await insert('Thing', Array.from({ length: rows }, () => (${thing})));`);
    expect((await run('--rows', '3')).code).toBe(0);
    const again = await run('--rows', '5');
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('The database is not empty: there are rows of Thing.');
    expect(again.stderr).toContain('--force');
    expect(await ask('SELECT count(*)::int FROM "strange "" things"')).toEqual([{ count: 3 }]);
    expect((await run('--rows', '5', '--force')).code).toBe(0);
    expect(await ask('SELECT count(*)::int FROM "strange "" things"')).toEqual([{ count: 5 }]);
  });

  it('stores nothing when the seed fails, and says where', async () => {
    const { run, ask } = await start(`
      await insert('Thing', [${thing}]);
      throw new Error('out of ideas');
    `);
    const { code, stderr } = await run();
    expect(code).toBe(1);
    expect(stderr).toContain('app/seed.ts failed: out of ideas');
    expect(stderr).toMatch(/It happened at app\/seed\.ts:\d/);
    expect(await ask('SELECT count(*)::int FROM "strange "" things"')).toEqual([{ count: 0 }]);
  });

  it.each([
    ['what the database refuses', "await insert('Thing', [{}]);", 'violates not-null constraint'],
    ['a model that is not there', "await insert('Nothing', [{}]);", 'no model Nothing'],
    ['a syntax error', 'const = 5;', 'app/seed.ts cannot be loaded'],
  ])('tells of %s', async (_, body, reason) => {
    const { code, stderr } = await (await start(body)).run();
    expect(code).toBe(1);
    expect(stderr).toContain(reason);
    expect(stderr).not.toContain('this should not have happened');
  });

  it('fills the example on its embedded server, the same way every time', async () => {
    const project = makeProject({ 'app/seed.ts': readFileSync('app/seed.ts', 'utf8') });
    cleanUp.push(project.remove);
    cpSync('prisma', join(project.root, 'prisma'), { recursive: true });
    const first = await createdIds(project.root, []);
    expect(first).toContain('tasks 1500');
    expect(await createdIds(project.root, ['--force'])).toEqual(first);
  });

  it('makes 100,000 rows and more of the example', async () => {
    await using database = await testDatabase();
    const { code, stdout } = await millrace('.', ['seed'], { DATABASE_URL: database.url });
    expect(code).toBe(0);
    expect(Number(/^([\d,]+) rows in/m.exec(stdout)?.[1]?.replaceAll(',', ''))).toBeGreaterThanOrEqual(100_000);
    const [check] = await ask<Record<string, number>>(
      database.url,
      `SELECT (SELECT count(*)::int FROM tasks WHERE parent_id IS NOT NULL) AS subtasks,
              (SELECT count(*)::int FROM tasks t JOIN tasks p ON p.id = t.parent_id
               WHERE p.project_id <> t.project_id OR t.created_at < p.created_at) AS misplaced,
              (SELECT count(*)::int FROM tasks WHERE assignee_id IS NOT NULL AND NOT EXISTS (
                 SELECT FROM projects p JOIN members m ON m.workspace_id = p.workspace_id
                 WHERE p.id = tasks.project_id AND m.user_id = tasks.assignee_id)) AS "assignedToStrangers"`,
    );
    expect(check).toEqual({ subtasks: 10_000, misplaced: 0, assignedToStrangers: 0 });
  });
});

async function createdIds(root: string, args: string[]): Promise<string> {
  const { code, stderr } = await millrace(root, ['seed', '--rows', '5000', ...args]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { startEmbeddedPostgres } = await import('../../src/platform/postgres/embedded.ts');
  const postgres = await startEmbeddedPostgres({ directory: join(root, '.millrace') });
  try {
    const tables = ['users', 'workspaces', 'members', 'projects', 'tasks', 'labels', 'comments', '_LabelToTask'];
    const sums = tables.map(
      (table) =>
        `SELECT '${table} ' || count(*) || ' ' || md5(string_agg(t::text, '' ORDER BY t::text)) AS sum FROM "${table}" t`,
    );
    const rows = await ask<{ sum: string }>(postgres.url(), sums.join(' UNION ALL '));
    return rows.map(({ sum }) => sum).join('\n');
  } finally {
    await postgres.stop();
  }
}

describe('chance', () => {
  it('falls the same way for the same seed, and another way for another', () => {
    const draw = (seed: number) => Array.from({ length: 20 }, createRandom(seed).fraction);
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it('stays within its bounds and reaches them', () => {
    const random = createRandom(7);
    const drawn = new Set(Array.from({ length: 1_000 }, () => random.int(-2, 2)));
    expect([...drawn].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2]);
    expect(random.sample(['a', 'b', 'c'], 9).sort()).toEqual(['a', 'b', 'c']);
    expect(new Set(random.sample([1, 2, 3, 4, 5, 6], 4)).size).toBe(4);
  });
});
