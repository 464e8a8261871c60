import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { freePort } from '../support/redis.ts';
import type { Child, Nursery } from './children.ts';

/** A Redis of the harness's own, that can be killed, stopped, and comes back on the same port. */
export interface Redis {
  url: string;
  kill(): Promise<void>;
  /** Starts it again; resolves when it takes connections. */
  start(): Promise<void>;
  freeze(): void;
  thaw(): void;
}

/** Starts redis-server, which keeps nothing. */
export async function startRedis(nursery: Nursery, directory: string): Promise<Redis> {
  const port = await freePort();
  const home = path.join(directory, 'redis');
  mkdirSync(home);
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', home, '--save', '', '--appendonly', 'no'];
  let child: Child;
  const start = async () => {
    child = nursery.start('redis-server', args);
    await child.waitFor(/Ready to accept connections/);
  };
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    kill: () => child.end('SIGKILL'),
    start,
    freeze: () => child.signal('SIGSTOP'),
    thaw: () => child.signal('SIGCONT'),
  };
}
