import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedProject } from '../src/cli/seed/seed-project.ts';
import { readConfig } from '../src/config/config.ts';
import { documentedQueries } from './support/documents.ts';
import { testDatabase } from './support/postgres.ts';
import { startServer, type TestServer } from './support/server.ts';
import { openSocket } from './support/socket.ts';
import { insertTeam, team } from './support/team.ts';

const pages = readdirSync('docs').filter((name) => name.endsWith('.md') && name !== 'custom-fields.md');

describe.each(pages)('docs/%s', (page) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
    await insertTeam(server.databaseUrl);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  for (const { line, query, as, answer, fails } of documentedQueries(`docs/${page}`)) {
    it(`says the truth in line ${line}`, async () => {
      const claims = as === 'admin' ? { role: 'admin' } : { sub: team[as as 'ann'] };
      if (query.startsWith('subscription')) {
        await using socket = await openSocket(server, claims);
        const [first] = Object.values(await socket.subscribe(query).next());
        return expect(first).toMatchObject({ type: 'CHECKPOINT' });
      }
      const result = await server.as(claims).query(query);
      if (fails) return expect(result.errors?.map((e) => e.extensions.code)).toEqual([fails]);
      expect(result.errors).toBeUndefined();
      if (answer) expect(result.data).toEqual(answer);
    });
  }
});

it('answers the first query of the README as it says, on the example that the README fills', async () => {
  const readme = readFileSync('README.md', 'utf8');
  const body = readme.match(/-d '(\{.*\})'/)![1]!;
  const answer = readme.match(/```json\n([\s\S]*?)```/)![1]!;
  await using database = await testDatabase();
  await seedProject(readConfig({ DATABASE_URL: database.url }, process.cwd()), { rows: 100_000 });
  await using server = await startServer({ databaseUrl: database.url });
  const response = await server.as({ role: 'admin' }).post(body);
  expect(await response.json()).toEqual(JSON.parse(answer));
}, 60_000);

it('has a page for everything that the README lists', () => {
  const listed = [...readFileSync('README.md', 'utf8').matchAll(/\]\((docs\/[\w-]+\.md|ARCHITECTURE\.md)\)/g)].map(
    (m) => m[1]!,
  );
  expect(listed.length).toBeGreaterThan(5);
  for (const file of listed) expect(readFileSync(file, 'utf8').length, file).toBeGreaterThan(200);
});

it('keeps the first screen of the README to one screen', () => {
  const [first] = readFileSync('README.md', 'utf8').split('\n## ');
  expect(first!.split('\n').length).toBeLessThan(40);
});
