import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

/** A process of its own that shares the server of a directory. */
export interface Holder extends Disposable {
  child: ChildProcess;
  port: number;
  startedHere: boolean;
  /** What it has printed since, by line. */
  lines: string[];
  /** Ends it as a crash would. */
  kill(): Promise<void>;
}

/** Starts `holder.ts`; `prefix` runs it through another program, as `setpriv`. */
export async function startHolder(directory: string, mode = 'idle', prefix: string[] = []): Promise<Holder> {
  const child = spawnHolder(directory, mode, prefix);
  const lines: string[] = [];
  let said = '';
  child.stderr?.on('data', (text) => (said += text));
  const first = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the holder ended with ${code}: ${said}`)));
    createInterface({ input: child.stdout! }).on('line', (line) => {
      if (line.startsWith('up ')) resolve(line);
      else lines.push(line);
    });
  });
  const [, , port, startedHere] = first.split(' ');
  return {
    child,
    port: Number(port),
    startedHere: startedHere === 'true',
    lines,
    kill: () => killed(child),
    [Symbol.dispose]: () => child.kill('SIGKILL'),
  };
}

/** The same without waiting for the server. */
export function spawnHolder(directory: string, mode = 'idle', prefix: string[] = []): ChildProcess {
  const script = fileURLToPath(new URL('holder.ts', import.meta.url));
  const [program, ...args] = [...prefix, process.execPath, '--import', 'tsx', script, directory, mode];
  return spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Kills a process with SIGKILL and waits for its end. */
export async function killed(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

/** Whether something listens on a port of the loopback address. */
export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** Waits until no server of the directory lives, and fails when one still does after 20 seconds. */
export async function expectNoServer(directory: string): Promise<void> {
  for (let i = 0; i < 200 && serversOf(directory).length > 0; i++) await sleep(100);
  expect(serversOf(directory)).toEqual([]);
}

/** The numbers of PostgreSQL's processes that were started on a directory. */
function serversOf(directory: string): number[] {
  const pidFile = path.join(directory, 'postgres', 'data', 'postmaster.pid');
  try {
    const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
    process.kill(pid, 0);
    return [pid];
  } catch {
    return [];
  }
}
