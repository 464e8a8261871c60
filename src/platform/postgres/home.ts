import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readlinkSync, realpathSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { StartupError } from '../../errors.ts';
import { othersCanReach, sharedRoot } from './account.ts';

/** Where the parts of one cluster lie. */
export interface ClusterHome {
  root: string;
  /** PostgreSQL's own data directory. */
  data: string;
  /** The superuser's password, readable by whoever started the cluster first. */
  password: string;
  /** What the server says. */
  log: string;
  /** Held while the server is started or stopped. */
  lock: string;
  /** One file for each process that uses the server. */
  leases: string;
  /** Exists while a server is being started: until then it has no pid file by which it could be found and stopped. */
  starting: string;
}

/** The names inside a cluster's directory, which must exist already. */
export function clusterHomeAt(root: string): ClusterHome {
  const inside = (name: string) => path.join(root, name);
  return {
    root,
    data: inside('data'),
    password: inside('password'),
    log: inside('server.log'),
    lock: inside('lock'),
    leases: inside('leases'),
    starting: inside('starting'),
  };
}

/**
 * Finds or makes `postgres/` in `directory`. Root's unprivileged server cannot enter a directory below a private home
 * such as /root: there `postgres` is a symbolic link to a directory of its own below /var/lib/millrace.
 */
export function openClusterHome(directory: string, elsewhere: string = sharedRoot): ClusterHome {
  const asRoot = process.getuid?.() === 0;
  const parent = path.resolve(directory);
  const place = path.join(parent, 'postgres');
  mkdirSync(parent, { recursive: true });
  if (!existsSync(place)) {
    if (asRoot && !othersCanReach(parent)) linkTo(place, elsewhere);
    else mkdirSync(place, { recursive: true, mode: 0o700 });
  }
  const root = realpathSync(place);
  // Others may pass through, not look around: the server's user needs its data directory, which is private again.
  if (asRoot) chmodSync(root, 0o711);
  if (asRoot && !othersCanReach(root)) {
    throw new StartupError(
      `PostgreSQL cannot run as root, and no other user can enter ${root}`,
      'Make the directories above it enterable (chmod o+x), move the project, or set DATABASE_URL.',
    );
  }
  const home = clusterHomeAt(root);
  mkdirSync(home.leases, { recursive: true, mode: 0o700 });
  return home;
}

function linkTo(place: string, elsewhere: string): void {
  const target = path.join(elsewhere, randomUUID());
  try {
    symlinkSync(target, place);
    mkdirSync(target, { recursive: true, mode: 0o711 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // A link whose target is gone, or one that another process made just now.
    mkdirSync(path.resolve(path.dirname(place), readlinkSync(place)), { recursive: true, mode: 0o711 });
  }
}
