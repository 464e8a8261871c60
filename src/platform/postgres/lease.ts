import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ClusterHome } from './home.ts';
import { withLock } from './lock.ts';
import { stopPostmaster } from './postmaster.ts';
import { isSameProcess, processIdentity } from './processes.ts';

/** Notes that this process uses the cluster's server; returns the lease's file name. */
export function takeLease(home: ClusterHome): string {
  const name = `${process.pid}-${randomBytes(6).toString('hex')}`;
  const file = path.join(home.leases, name);
  try {
    writeFileSync(file, String(processIdentity(process.pid)), { mode: 0o600 });
  } catch (error) {
    // A full disk creates the file and refuses the words: a lease that nobody knows of would keep the server for ever.
    rmSync(file, { force: true });
    throw error;
  }
  return name;
}

/** Gives a lease back and, when no living process holds another, stops the server and waits until it has ended. */
export async function releaseLease(home: ClusterHome, name: string): Promise<void> {
  await withLock(home.lock, async () => {
    rmSync(path.join(home.leases, name), { force: true });
    if (!hasLivingLease(home)) await stopPostmaster(home);
  });
}

/** Whether any process still uses the server; leases of processes that were killed are removed on the way. */
function hasLivingLease(home: ClusterHome): boolean {
  let living = false;
  for (const name of readdirSync(home.leases)) {
    const file = path.join(home.leases, name);
    if (isSameProcess(Number.parseInt(name, 10), readLease(file))) living = true;
    else rmSync(file, { force: true });
  }
  return living;
}

function readLease(file: string): string {
  try {
    // Empty while its maker is still writing it: then the process number alone must do.
    return readFileSync(file, 'utf8') || 'alive';
  } catch {
    return 'gone';
  }
}
