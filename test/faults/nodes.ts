import path from 'node:path';
import { freePort } from '../support/redis.ts';
import type { Child, Nursery } from './children.ts';
import { ask, type Postgres } from './postgres.ts';

/** One Millrace process, as an installation runs it; a restart is a new process on the same port. */
export interface MillraceNode {
  readonly name: string;
  readonly url: string;
  readonly child: Child;
  start(): Promise<void>;
  /** Ends it, as a fault. */
  end(signal: NodeJS.Signals): Promise<void>;
  /** The last words of each process of it that ended by itself. */
  readonly deaths: string[];
}

const root = path.resolve(import.meta.dirname, '../..');

/** Describes a node that is not started yet. */
export async function makeNode(
  nursery: Nursery,
  postgres: Postgres,
  name: string,
  settings: Record<string, string>,
): Promise<MillraceNode> {
  const port = await freePort();
  const { PATH, HOME } = process.env;
  const deaths: string[] = [];
  let child: Child | undefined;
  let isEnding = false;
  return {
    deaths,
    name,
    url: `http://127.0.0.1:${port}`,
    get child() {
      if (!child) throw new Error(`${name} was never started`);
      return child;
    },
    async start() {
      const own = {
        DATABASE_URL: postgres.url(name),
        HOST: '127.0.0.1',
        PORT: `${port}`,
        LOG_LEVEL: 'warn',
        AUTH_SECRET: 'a secret of tests alone, which opens nothing else',
      };
      child = nursery.start(process.execPath, ['--import', 'tsx', 'src/main.ts'], {
        cwd: root,
        env: { PATH, HOME, ...own, ...settings },
      });
      isEnding = false;
      const { output } = child;
      child.process.once('close', () => {
        if (!isEnding) deaths.push(output().slice(-1500));
      });
      await child.waitFor(/is up at /);
    },
    async end(signal) {
      isEnding = true;
      await child?.end(signal);
    },
  };
}

/** The node whose session holds the advisory lock of the log's sequencer; asks until some node does. */
export async function leaderOf(
  nodes: readonly MillraceNode[],
  postgres: Postgres,
  lock = 7_270_002,
): Promise<MillraceNode> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const [row] = await ask<{ name: string }>(
      postgres.url('faults'),
      `select a.application_name as name from pg_locks l join pg_stat_activity a using (pid)
        where l.locktype = 'advisory' and l.granted and l.classid = 0 and l.objid = ${lock}`,
    );
    const leader = nodes.find(({ name }) => name === row?.name);
    if (leader) return leader;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('no node leads the log');
}
