import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ClusterHome } from './home.ts';

/** A process that gives a lease back when its holder was killed. */
export interface Watchdog {
  /** The holder gave the lease back itself. */
  dismiss(): void;
}

// A shell that sleeps in `read` costs 1 MB where a waiting Node would cost 40. An orderly end writes a line; the pipe's
// end without one means that the holder is gone, however it went.
const script = 'IFS= read -r _ && exit 0; exec "$@"';

/** Starts the watchdog of this process's lease, in a session of its own so that Ctrl-C does not reach it. */
export function startWatchdog(home: ClusterHome, lease: string): Watchdog {
  const entry = fileURLToPath(new URL('watchdog-main.ts', import.meta.url));
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const command = [process.execPath, '--import', tsx, entry, home.root, lease];
  const child = spawn('/bin/sh', ['-c', script, 'sh', ...command], {
    cwd: '/',
    env: {},
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  const stdin = child.stdin;
  stdin.on('error', () => {}); // someone ended the watchdog: the lease's own release is still to come
  child.on('error', () => {});
  child.unref();
  // The type hides that a pipe is a socket; an idle Node must be free to end.
  (stdin as unknown as { unref(): void }).unref();
  return { dismiss: () => stdin.end('done\n') };
}
