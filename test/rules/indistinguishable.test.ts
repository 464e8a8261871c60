import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createRandom } from '../../src/cli/seed/random.ts';
import type { Config } from '../../src/config/config.ts';
import { type Asker, startServer, type TestServer } from '../support/server.ts';
import { type Operation, operationsFor } from './any-operation.ts';
import { fillDatabase, ids } from './two-databases.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

const count = 1000;
const seed = 20_261_124;

let servers: TestServer[];
beforeAll(async () => {
  servers = await Promise.all([startServer({ config: reporting }), startServer({ config: reporting })]);
  await Promise.all(servers.map((server, i) => fillDatabase(server.databaseUrl, 7 + i)));
});
afterAll(() => Promise.all(servers.map((server) => server[Symbol.asyncDispose]())));

/** What an operation costs is told, and must tell no more. */
const reporting = (config: Config): Config => ({
  ...config,
  graphql: { ...config.graphql, cost: { ...config.graphql.cost, isReported: true } },
});

/** Everything of an answer but when it was given. */
async function answerOf(asker: Asker, { query, variables }: Operation): Promise<string> {
  const response = await asker.post({ query, variables });
  const headers = [...response.headers].filter(([name]) => name !== 'date').sort();
  return JSON.stringify([response.status, headers, await response.text()]);
}

it(`answers ${count} operations byte for byte the same on two databases that differ only in what the viewer may not see`, async () => {
  const viewers = [{ sub: ids.ben }, { sub: ids.cleo }, { sub: ids.dan }, { sub: ids.nobody }, undefined];
  const askers = viewers.map((claims) => servers.map((s) => (claims ? s.as(claims) : s.stranger)));
  const admins = servers.map((server) => server.as({ role: 'admin' }));
  const anyOperation = operationsFor(servers[0]!.server.application());
  const marks = new Map<string, string>();
  for (const order of ['id', 'title', 'priority']) {
    const { data } = await admins[0]!.query(
      `{ tasks(orderBy: [{ ${order}: asc }], first: 1) { pageInfo { endCursor } } }`,
    );
    const [mark] = JSON.parse(Buffer.from(data.tasks.pageInfo.endCursor, 'base64').toString());
    marks.set(order, mark);
  }
  const tally = { answered: 0, told: 0, refused: 0, differsForAdmins: 0 };
  const kinds = new Map<string, number>();

  const numbers = Array.from({ length: count }, (_, n) => n).values();
  const work = async () => {
    for (const n of numbers) {
      const random = createRandom(seed + n * 7919);
      const operation = anyOperation(random);
      const cursor = operation.variables?.cursor as { order: string; values: string[] } | undefined;
      if (cursor) {
        const values = cursor.order === 'id' ? cursor.values.slice(-1) : cursor.values;
        const text = JSON.stringify([marks.get(cursor.order), ...values]);
        operation.variables = { cursor: Buffer.from(text).toString('base64') };
      }
      // Those who see something ask most of the time.
      const pair = askers[random.pick([0, 0, 0, 1, 1, 1, 2, 3, 4])]!;
      const [one, other] = await Promise.all(pair.map((asker) => answerOf(asker, operation)));
      expect(other, `operation ${n}: ${JSON.stringify(operation)}`).toBe(one);
      kinds.set(operation.kind, (kinds.get(operation.kind) ?? 0) + 1);
      const { data, errors } = JSON.parse(JSON.parse(one!)[2]);
      if (data && !errors) tally.answered += 1;
      if (/\\"(totalCount|_all)\\":[1-9]|\\"(id|name|title|body)\\":\\"/.test(one!)) tally.told += 1;
      if (operation.kind === 'a write that must fail') {
        expect(data?.done ?? null, operation.query).toBeNull();
        if (errors[0].extensions.code === 'NOT_FOUND') tally.refused += 1;
      } else if (n % 4 === 0) {
        const [a, b] = await Promise.all(admins.map((admin) => answerOf(admin, operation)));
        if (a !== b) tally.differsForAdmins += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: 6 }, work));
  process.stdout.write(`${JSON.stringify({ ...tally, ...Object.fromEntries(kinds) })}\n`);

  // The property says nothing of operations that are refused or find nothing, nor of what is the same for whoever sees all.
  expect(tally.answered).toBeGreaterThan(500);
  expect(tally.told).toBeGreaterThan(200);
  expect(tally.refused).toBeGreaterThan(40);
  expect(tally.differsForAdmins).toBeGreaterThan(50);
});
