import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import path from 'node:path';
import type { Binaries } from './binaries.ts';

/** The operating system's user that runs PostgreSQL; empty when it is whoever runs this process. */
export interface Account {
  uid?: number;
  gid?: number;
}

/** Where root keeps what an unprivileged user must reach: only root can write here, so nobody can plant a program. */
export const sharedRoot = '/var/lib/millrace';

/**
 * Who runs the cluster in `data`: PostgreSQL refuses to run as root, so root hands it to the owner of the existing
 * cluster, else to `postgres`, else to `nobody`.
 */
export function clusterAccount(data: string): Account {
  if (process.getuid?.() !== 0) return {};
  if (existsSync(data)) {
    const { uid, gid } = statSync(data);
    if (uid !== 0) return { uid, gid };
  }
  const users = existsSync('/etc/passwd') ? readFileSync('/etc/passwd', 'utf8').split('\n') : [];
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = users.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    if (uid && gid) return { uid: Number(uid), gid: Number(gid) };
  }
  return { uid: 65534, gid: 65534 };
}

/** Whether any user can enter `target` and every directory above it. */
export function othersCanReach(target: string): boolean {
  let directory = path.resolve(target);
  while (true) {
    if (existsSync(directory) && !(statSync(directory).mode & 0o001)) return false;
    const parent = path.dirname(directory);
    if (parent === directory) return true;
    directory = parent;
  }
}

/** The same programs where `account` can run them: copied out once when the checkout is below a private home. */
export function reachableBinaries(binaries: Binaries, account: Account, root: string = sharedRoot): Binaries {
  if (account.uid === undefined) return binaries;
  const needed = path.join(binaries.directory, 'share', 'postgresql', 'postgres.bki');
  const readable = !existsSync(needed) || Boolean(statSync(needed).mode & 0o004);
  if (readable && othersCanReach(path.join(binaries.directory, 'bin', 'postgres'))) return binaries;
  const copy = path.join(root, `postgresql-${binaries.version}`);
  if (!existsSync(copy)) {
    const part = `${copy}.${process.pid}`;
    mkdirSync(root, { recursive: true, mode: 0o755 });
    cpSync(binaries.directory, part, { recursive: true, verbatimSymlinks: true });
    openToOthers(part);
    try {
      renameSync(part, copy);
    } catch (error) {
      // Another process was faster; its copy is as good.
      rmSync(part, { recursive: true, force: true });
      if (!existsSync(copy)) throw error;
    }
  }
  return { ...binaries, directory: copy };
}

function openToOthers(entry: string): void {
  const stat = lstatSync(entry);
  if (stat.isSymbolicLink()) return;
  chmodSync(entry, stat.isDirectory() || stat.mode & 0o100 ? 0o755 : 0o644);
  if (stat.isDirectory()) for (const name of readdirSync(entry)) openToOthers(path.join(entry, name));
}
