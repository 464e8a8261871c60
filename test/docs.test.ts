import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedProject } from '../src/cli/seed/seed-project.ts';
import { readConfig } from '../src/config/config.ts';
import { type AccountServer, startAccountServer } from './support/accounts.ts';
import { documentedQueries } from './support/documents.ts';
import { openSessionOf } from './support/factors.ts';
import { insertGuild, withOutbox } from './support/people.ts';
import { ask, testDatabase } from './support/postgres.ts';
import { type Answer, type Asker, startServer, type TestServerOptions } from './support/server.ts';
import { type ChangeStream, openSocket, type SocketClient } from './support/socket.ts';
import { insertTeam, team } from './support/team.ts';

const pages = readdirSync('docs').filter((name) => name.endsWith('.md') && name !== 'custom-fields.md');

const goesOnAnswering = /^(subscription\b|query[^{]*@live\b)/;

describe.each(pages)('docs/%s', (page) => {
  let server: AccountServer;
  let signedIn: Readonly<Record<string, Pick<Asker, 'query'>>>;
  const sockets: SocketClient[] = [];
  let stream: ChangeStream;
  beforeAll(async () => {
    server = await startAccountServer({ config: withOutbox });
    await insertTeam(server.databaseUrl);
    signedIn = await insertGuild(server);
    await ask(server.databaseUrl, 'create extension if not exists pg_trgm');
  });
  afterAll(async () => {
    for (const socket of sockets) await socket[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  for (const { line, query, as, answer, told, fails } of documentedQueries(`docs/${page}`)) {
    it(`says the truth in line ${line}`, async () => {
      const claims = as === 'admin' ? { role: 'admin' } : { sub: team[as as 'ann'] };
      const asker = as === 'session' ? await signedInAnn() : (signedIn[as] ?? server.as(claims));
      const result = goesOnAnswering.test(query) ? await follow(query, claims) : await asker.query(query);
      if (fails) return expect(result.errors?.map((e) => e.extensions.code)).toEqual(fails);
      expect(result.errors).toBeUndefined();
      if (answer) expect(result.data).toEqual(answer);
      if (told) expect(shownOf(await stream.next(), told)).toEqual(told);
    });
  }

  /** Ann, who has just signed in: what changes an account takes more than a token that says who she is. */
  async function signedInAnn() {
    const sql = async (text: string, ...values: unknown[]) => (await ask(server.databaseUrl, text, values)) as never;
    await sql(
      `insert into auth_accounts (user_id, email) values ($1, 'ann@mill.test') on conflict do nothing`,
      team.ann,
    );
    return openSessionOf({ ...server, sql }, { userId: team.ann });
  }

  /** Opens a stream, the one that is told of what follows; yields its first result. */
  async function follow(query: string, claims: { sub?: string; role?: string }): Promise<Answer> {
    const socket = await openSocket(server, claims);
    sockets.push(socket);
    stream = socket.results(query);
    return stream.next();
  }
});

/** A page shows the data of a result, or all of it where there is more to be seen. */
const shownOf = (result: { data: unknown }, shown: object): unknown => ('extensions' in shown ? result : result.data);

it('answers the first query of the README as it says, on the example that the README fills', async () => {
  const readme = readFileSync('README.md', 'utf8');
  const body = readme.match(/-d '(\{.*\})'/)![1]!;
  const answer = readme.match(/```json\n([\s\S]*?)```/)![1]!;
  await using database = await testDatabase();
  await seedProject(readConfig({ DATABASE_URL: database.url }, process.cwd()), { rows: 100_000 });
  const reporting: TestServerOptions['config'] = (c) => ({
    ...c,
    graphql: { ...c.graphql, cost: { ...c.graphql.cost, isReported: true } },
  });
  await using server = await startServer({ databaseUrl: database.url, config: reporting });
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
