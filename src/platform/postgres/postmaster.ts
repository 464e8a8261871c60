import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartupError } from '../../errors.ts';
import { program } from './binaries.ts';
import type { ClusterSettings } from './cluster.ts';
import type { ClusterHome } from './home.ts';
import { cannotRun, explainProblem } from './problems.ts';
import { commandLine, isSameProcess, processIdentity } from './processes.ts';

/** A living server of one cluster, as its pid file tells. */
export interface Postmaster {
  pid: number;
  port: number;
  /** It takes connections; otherwise it starts, recovers or stops. */
  ready: boolean;
}

const startPatience = 300_000;
const largestLog = 8 * 2 ** 20;

/** The server that runs on this cluster, if one does. */
export function findPostmaster(home: ClusterHome): Postmaster | undefined {
  const lines = readPidFile(home)?.split('\n');
  const pid = Number(lines?.[0]);
  if (!lines || !Number.isInteger(pid) || pid <= 0) return undefined;
  if (processIdentity(pid) === undefined || commandLine(pid)?.includes(home.data) === false) return undefined;
  return { pid, port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' };
}

/** Waits until the running server either takes connections or has ended. */
export async function settlePostmaster(home: ClusterHome): Promise<Postmaster | undefined> {
  const deadline = Date.now() + startPatience;
  let found = findPostmaster(home);
  while (found && !found.ready && Date.now() < deadline) {
    await sleep(20);
    found = findPostmaster(home);
  }
  return found;
}

/**
 * Starts the server on a free port of the loopback address; returns when it takes connections.
 * @param port where it has to be found again after a fall; any free one unless said
 */
export async function startPostmaster(settings: ClusterSettings, port?: number): Promise<Postmaster> {
  const { home } = settings;
  // PostgreSQL itself takes away the file of a dead process, but not one whose number belongs to a stranger by now.
  if (existsSync(pidFile(home))) rmSync(pidFile(home), { force: true });
  if (existsSync(home.log) && statSync(home.log).size > largestLog) renameSync(home.log, `${home.log}.old`);
  for (let attempt = 1; ; attempt++) {
    const outcome = await launch(settings, port ?? (await freePort()));
    if (typeof outcome !== 'string') return outcome;
    // Another program took the port between looking and binding, or the last server's processes are still ending.
    const passing = /Address already in use|shared memory block .* is still in use/.test(outcome);
    if (!passing || attempt === 10) throw explainProblem('starting PostgreSQL', outcome, home.root);
    await sleep(100 * attempt);
  }
}

/** Stops the server, if one runs, and waits for its end; every committed row is on disk before. */
export async function stopPostmaster(home: ClusterHome): Promise<void> {
  // A starter that was killed may have left a server too young to have its pid file.
  for (let i = 0; i < 150 && existsSync(home.starting) && !findPostmaster(home); i++) await sleep(20);
  rmSync(home.starting, { force: true });
  const found = findPostmaster(home);
  if (!found) return;
  const identity = processIdentity(found.pid) ?? '';
  signal(found.pid, 'SIGINT'); // fast: sessions are ended, a checkpoint is written
  const deadline = Date.now() + 20_000;
  while (isSameProcess(found.pid, identity)) {
    if (Date.now() > deadline) signal(found.pid, 'SIGQUIT'); // at once: the next start recovers from the log
    await sleep(Date.now() > deadline ? 250 : 10);
  }
}

async function launch(
  { binaries, home, account, durable }: ClusterSettings,
  port: number,
): Promise<Postmaster | string> {
  const file = program(binaries, 'postgres');
  const before = existsSync(home.log) ? statSync(home.log).size : 0;
  const log = openSync(home.log, 'a', 0o600);
  writeFileSync(home.starting, '');
  const child = spawn(file, ['-D', home.data, '-p', String(port), ...serverFlags(durable)], {
    ...account,
    cwd: home.data,
    env: { LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['ignore', log, log],
    detached: true,
  });
  closeSync(log);
  let failure: NodeJS.ErrnoException | undefined;
  child.once('error', (error: NodeJS.ErrnoException) => (failure = error));
  child.unref();
  try {
    const deadline = Date.now() + startPatience;
    while (child.exitCode === null && child.signalCode === null && !failure) {
      const found = findPostmaster(home);
      if (found?.pid === child.pid && found?.ready) return found;
      if (Date.now() > deadline) {
        child.kill('SIGQUIT');
        throw new StartupError('PostgreSQL has not finished starting within five minutes', `See ${home.log}.`);
      }
      await sleep(10);
    }
    if (failure) throw cannotRun(file, failure);
    return readFileSync(home.log, 'utf8').slice(before);
  } finally {
    rmSync(home.starting, { force: true });
  }
}

function serverFlags(durable: boolean): string[] {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '100',
    timezone: 'UTC',
    log_timezone: 'UTC',
    jit: 'off',
    // Errors of statements belong to whoever sent them; the file is for what befalls the server.
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_checkpoints: 'off',
  };
  if (!durable) Object.assign(settings, { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' });
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

const pidFile = (home: ClusterHome) => path.join(home.data, 'postmaster.pid');

function readPidFile(home: ClusterHome): string | undefined {
  try {
    return readFileSync(pidFile(home), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
