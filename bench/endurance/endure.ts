import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import pg from 'pg';
import { startDatabase } from '../database.ts';
import { start, stop } from '../peers.ts';
import { slopeOf } from '../statistics.ts';
import { furnishTracker } from '../tracker/world.ts';
import type { Order, Tally } from './clients.ts';
import type { Editor } from './people.ts';
import type { Kept } from './probe.ts';
import { memoryOf, memoryOfChildren } from './process-memory.ts';

/** One look at everything, `x` minutes after the flood; bytes. */
interface Sample {
  x: number;
  kept: number;
  resident: number;
  postgres: number;
  sessions: number;
}

/** Bytes a minute above which memory is not flat. */
const most = 1_000_000;
const rows = 5000;
const load = { rate: 120, visitors: 30 };
const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);

/**
 * Burdens one Millrace with everything at once and looks at its memory each half minute.
 * @returns whether it was flat after the first third, and the answers were what they had to be
 */
export async function endure(root: string, minutes: number, say: (line: string) => void): Promise<boolean> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await startDatabase((url) => furnishTracker(url, rows), true));
  const editors = await furnish(database.url);
  const directory = path.join(database.directory, 'millrace');
  const env = {
    NODE_ENV: 'production',
    PORT: '0',
    HOST: '127.0.0.1',
    DATABASE_URL: database.url,
    MILLRACE_DIR: directory,
    LOG_LEVEL: 'warn',
  };
  const flags = ['--expose-gc', '--import', 'tsx', '--import', path.join(root, 'bench/endurance/probe.ts')];
  const server = await start(process.execPath, [...flags, path.join(root, 'src/main.ts')], root, env, true);
  stack.defer(() => stop(server.child));
  const clients = fork(new URL('./clients.ts', import.meta.url));
  stack.defer(() => void clients.disconnect());
  const order = (what: Order) => tell<Tally>(clients, what);

  let began = performance.now();
  const look = async (tally: Tally): Promise<Sample> => {
    const kept = await tell<Kept>(server.child, 'look');
    const postgres = memoryOfChildren(database.postmaster);
    const { resident } = memoryOf(server.child.pid!);
    const x = (performance.now() - began) / 60_000;
    const caches = kept.caches.map(([size, max]) => `${size}/${max}`);
    say(
      `${x.toFixed(1).padStart(5)} min  kept ${megabytes(kept.bytes)} MB, resident ${megabytes(resident)} MB; ` +
        `PostgreSQL ${megabytes(postgres.own)} MB in ${postgres.count} processes; caches ${caches.join(' ')}; ${total(tally.done)} actions`,
    );
    return { x, kept: kept.bytes, resident, postgres: postgres.own, sessions: postgres.count };
  };

  await look({ done: {}, wrong: {}, complaints: [] });
  await fillLog(database.url);
  await look({ done: {}, wrong: {}, complaints: [] });
  let tally = await order({
    do: 'flood',
    url: server.url,
    directory,
    editors,
    seed: Date.now(),
  });
  say(`flooded within ${((performance.now() - began) / 1000).toFixed(0)} s`);
  began = performance.now();
  const samples = [await look(tally)];
  while (samples.at(-1)!.x < minutes) {
    await order({ do: 'go on', ...load });
    await sleep(Math.min(30, minutes * 10) * 1000);
    tally = await order({ do: 'rest' });
    samples.push(await look(tally));
  }
  say(describeTally(tally));
  return judge(
    samples.filter(({ x }) => x >= minutes / 3),
    tally,
    say,
  );
}

function judge(samples: readonly Sample[], { done, wrong, complaints }: Tally, say: (line: string) => void): boolean {
  const slope = (of: (sample: Sample) => number) => slopeOf(samples.map((sample) => ({ x: sample.x, y: of(sample) })));
  const kept = slope((s) => s.kept);
  say(
    `a minute, by least squares over the last ${samples.length} looks: kept ${megabytes(kept)} MB, ` +
      `resident ${megabytes(slope((s) => s.resident))} MB, PostgreSQL ${megabytes(slope((s) => s.postgres))} MB`,
  );
  const isLong = samples.length >= 6;
  const isFlat = kept < most;
  // Of a load that is refused nothing can be said.
  const isRight = total(wrong) <= total(done) / 100;
  if (!isLong) say('too short a time to judge memory by');
  else say(isFlat ? 'memory is flat' : `memory is NOT flat: above ${megabytes(most)} MB a minute`);
  if (!isRight) say(`too many answers were NOT what they had to be, as\n  ${complaints.join('\n  ')}`);
  return (isFlat || !isLong) && isRight;
}

const total = (tally: Tally['done']): number => Object.values(tally).reduce((sum, n) => sum + n, 0);

function describeTally({ done, wrong, sockets }: Tally): string {
  const kinds = Object.entries(done).map(
    ([kind, count]) => `${kind} ${count}${kind in wrong ? ` (${wrong[kind as keyof typeof wrong]} wrong)` : ''}`,
  );
  return `${kinds.join(', ')}; live operations ${sockets?.begun}, messages ${sockets?.heard}, refused ${sockets?.refused}`;
}

function tell<Answer>(child: ChildProcess, what: Order | 'look'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const onExit = () => reject(new Error('a process of the endurance run ended'));
    child.once('exit', onExit).once('message', (answer) => {
      child.off('exit', onExit);
      const { error } = answer as { error?: string };
      if (error) reject(new Error(error));
      else resolve(answer as Answer);
    });
    child.send(what, (failed) => failed && reject(failed));
  });
}

/** Makes fuzzy search possible, and finds out who may change what. */
const furnish = (url: string): Promise<Editor[]> =>
  withClient(url, async (client) => {
    await client.query('create extension if not exists pg_trgm');
    const { rows: editors } = await client.query<Editor>(
      `select distinct on (m.user_id) m.user_id as id, p.id as "projectId" from members m join projects p using (workspace_id)
       where m.role <> 'viewer' order by m.user_id limit 60`,
    );
    return editors;
  });

/** Changes rows until a node has as many of the log's newest entries in memory as it ever will: 32 MB. */
const fillLog = (url: string): Promise<void> =>
  withClient(url, async (client) => {
    const change = 'update tasks set body = $1 where id in (select id from tasks order by id limit 500)';
    for (let n = 0; n < 40; n += 1) await client.query(change, [String(n % 10).repeat(1000)]);
    await client.query(change, ['']);
  });

async function withClient<Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
