import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApplication } from '../../src/application.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ config: (c) => ({ ...c, pool: { ...c.pool, size: 1 } }) });
  await insertTeam(server.databaseUrl);
});
afterAll(() => server[Symbol.asyncDispose]());

const size = () => server.server.application().reads.size;
const count = async (query: string, variables?: Record<string, unknown>) =>
  (await server.as({ sub: team.ben }).query(query, variables)).data.tasks.totalCount as number;

// A thousand documents of a megabyte each, from anybody, were kept until the memory was full and the process ended.
describe('nothing is kept', () => {
  const long = 'x'.repeat(30_000);

  it('of a document that is very long', async () => {
    const before = size();
    expect(await count(`{ tasks { totalCount } } # ${long}`)).toBe(3);
    expect(await count(`{ tasks(where: { title: { equals: "${long}" } }) { totalCount } }`)).toBe(0);
    expect(size()).toBe(before);
  });

  it('of variables whose shape is very long, though they are not used', async () => {
    const query =
      'query ($where: TaskWhereInput) { tasks { totalCount nodes @skip(if: true) { subtasks(where: $where) { totalCount } } } }';
    const before = size();
    expect(
      await count(query, {
        where: {
          OR: Array(340).fill({
            project: { is: { workspace: { is: { createdAt: { equals: '2026-01-01T00:00:00Z' } } } } },
          }),
        },
      }),
    ).toBe(3);
    expect(size()).toBe(before);
    expect(await count(query, { where: {} })).toBe(3);
    expect(size()).toBe(before + 1);
  });
});

it('a new application’s statements are not taken for those of the one before it', async () => {
  const { files, rules } = server.server.application();
  const texts = [
    '{ tasks { totalCount } }',
    '{ tasks { totalCount nodes { title } } }',
    '{ tasks(first: 1) { totalCount } }',
  ];
  for (const text of texts) expect(await count(text)).toBe(3);
  const limits = { tokens: 1000, depth: 10, aliases: 10, pageSize: 50, maxPageSize: 500, answerBytes: 100_000 };
  await server.server.replace(createApplication({ files, rules }, { limits, planCacheSize: 100 }));
  for (const text of texts.toReversed()) expect(await count(text)).toBe(3);
  expect(size()).toBe(texts.length);
});
