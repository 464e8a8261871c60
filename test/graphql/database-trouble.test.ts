import { connect, createServer, type Server, type Socket } from 'node:net';
import pg from 'pg';
import { expect, it } from 'vitest';
import { testDatabase } from '../support/postgres.ts';
import { type Answer, startServer } from '../support/server.ts';
import { insertTeam, team } from '../support/team.ts';

/** A way to the database that can be cut. */
async function cuttable(target: URL) {
  const sockets = new Set<Socket>();
  const directory = target.searchParams.get('host');
  const open = (port: number) =>
    new Promise<Server>((resolve) => {
      const server = createServer((inner) => {
        const outer = directory
          ? connect(`${directory}/.s.PGSQL.${target.port || 5432}`)
          : connect(Number(target.port), target.hostname);
        for (const socket of [inner, outer]) {
          sockets.add(socket);
          socket.on('error', () => {});
          socket.on('close', () => sockets.delete(socket));
        }
        inner.pipe(outer).pipe(inner);
        inner.on('close', () => outer.destroy());
        outer.on('close', () => inner.destroy());
      });
      server.listen(port, '127.0.0.1', () => resolve(server));
    });
  let server = await open(0);
  const { port } = server.address() as { port: number };
  const cut = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    port,
    cut,
    async mend() {
      server = await open(port);
    },
    [Symbol.asyncDispose]: cut,
  };
}

const words = /connect|ECONN|terminat|postgres|socket|127\.0\.0\.1|pool|statement|lock/i;

it('answers UNAVAILABLE while the database is away, and by itself again when it is back', async () => {
  await using database = await testDatabase();
  await insertTeam(database.url);
  const url = new URL(database.url);
  await using way = await cuttable(new URL(url));
  url.searchParams.delete('host');
  url.hostname = '127.0.0.1';
  url.port = String(way.port);
  await using server = await startServer({ databaseUrl: url.href });
  const admin = server.as({ role: 'admin' });
  const read = { query: '{ tasks { totalCount } }' };
  const write = { query: `mutation { updateTask(where: { id: "${team.axle}" }, data: { priority: 7 }) { priority } }` };
  expect((await admin.post(read)).status).toBe(200);

  await way.cut();
  for (const body of [read, read, read, write]) {
    const response = await admin.post(body);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ errors: [{ extensions: { code: 'UNAVAILABLE' } }] });
    expect(text).not.toMatch(words);
    if (body === read) expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
  }
  expect((await fetch(`${server.url}/health`)).status).toBe(200);
  expect((await fetch(`${server.url}/ready`)).status).toBe(503);

  await way.mend();
  await expect.poll(async () => (await admin.query(read.query)).data?.tasks?.totalCount, { timeout: 10_000 }).toBe(4);
  expect((await admin.query(write.query)).data.updateTask.priority).toBe(7);
  await expect.poll(async () => (await fetch(`${server.url}/ready`)).status, { timeout: 10_000 }).toBe(200);
}, 60_000);

it('ends a statement that takes longer than is allowed with UNAVAILABLE', async () => {
  await using server = await startServer({ config: (c) => ({ ...c, pool: { ...c.pool, statementTimeout: 300 } }) });
  await insertTeam(server.databaseUrl);
  const admin = server.as({ role: 'admin' });
  const client = new pg.Client({ connectionString: server.databaseUrl });
  await client.connect();
  try {
    await client.query('begin; lock table tasks in access exclusive mode');
    const response = await admin.post({ query: '{ tasks { totalCount } }' });
    const text = await response.text();
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    expect(text).not.toMatch(words);
    const write = await admin.query(`mutation { deleteTask(where: { id: "${team.axle}" }) { id } }`);
    expect(write.errors![0]!.extensions.code).toBe('UNAVAILABLE');
    const custom = (await admin.query('{ users { totalCount } }')) as Answer;
    expect(custom.data.users.totalCount).toBe(4);
  } finally {
    await client.query('rollback');
    await client.end();
  }
  expect((await admin.query('{ tasks { totalCount } }')).data.tasks.totalCount).toBe(4);
}, 60_000);

it('gives no request the whole pool, however many fields of it are read one by one', async () => {
  await using server = await startServer({
    config: (c) => ({ ...c, pool: { size: 6, statementTimeout: 1500 } }),
  });
  const admin = server.as({ role: 'admin' });
  const users = 'query { users { totalCount } }';
  await admin.query(users);
  const client = new pg.Client({ connectionString: server.databaseUrl });
  await client.connect();
  try {
    await client.query('begin; lock table tasks in access exclusive mode');
    const start = performance.now();
    // One field that is refused has the executor read the others, each with a statement of its own.
    const fields = Array.from({ length: 40 }, (_, i) => `a${i}: tasks { totalCount }`);
    const greedy = admin.query(`{ refused: tasks(first: -1) { totalCount } ${fields.join(' ')} }`);
    await new Promise((resolve) => setTimeout(resolve, 300));
    for (let i = 0; i < 5; i += 1) expect((await admin.query(users)).data.users.totalCount).toBe(0);
    expect(performance.now() - start).toBeLessThan(1400);
    expect((await greedy).errors![0]!.extensions.code).toBe('INVALID_INPUT');
    // What has not begun when the first have taken too long is not begun any more.
    const held = `select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    const heldNow = async () => (await client.query<{ n: number }>(held)).rows[0]!.n;
    expect(await heldNow()).toBe(3);
    await new Promise((resolve) => setTimeout(resolve, start + 2500 - performance.now()));
    expect(await heldNow()).toBe(0);
  } finally {
    await client.end();
  }
});
