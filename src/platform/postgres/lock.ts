import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartupError } from '../../errors.ts';
import { isSameProcess, processIdentity } from './processes.ts';

const patience = 120_000;
/** How long a lock may stay without a readable owner: its maker was killed between creating and writing it. */
const unreadableFor = 2_000;

/** Runs `action` while holding `file`, which one process (and one caller in it) holds at a time; a dead holder's lock is taken over. */
export async function withLock<T>(file: string, action: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + patience;
  while (!tryLock(file)) {
    if (abandoned(file)) takeAway(file);
    else if (Date.now() > deadline) {
      throw new StartupError(
        `another process has been holding ${file} for two minutes`,
        'End the other Millrace that starts or stops in this directory, then try again.',
      );
    } else await sleep(20);
  }
  try {
    return await action();
  } finally {
    rmSync(file, { force: true });
  }
}

function tryLock(file: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  try {
    writeSync(descriptor, `${process.pid} ${processIdentity(process.pid)}`);
    return true;
  } catch (error) {
    // A full disk creates the file and refuses the write: a lock without an owner would make others wait for nothing.
    rmSync(file, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

function abandoned(file: string): boolean {
  try {
    const [, pid, identity] = /^(\d+) (.+)$/.exec(readFileSync(file, 'utf8')) ?? [];
    if (pid && identity) return !isSameProcess(Number(pid), identity);
    return Date.now() - statSync(file).mtimeMs > unreadableFor;
  } catch {
    return false; // released meanwhile
  }
}

/** Removes an abandoned lock; of several who try, one succeeds, and a lock that was renewed in between is put back. */
function takeAway(file: string): void {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  if (abandoned(aside)) rmSync(aside, { force: true });
  else renameSync(aside, file);
}
