import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { StartupError } from '../../errors.ts';
import type { Account } from './account.ts';
import { type Binaries, program } from './binaries.ts';
import type { ClusterHome } from './home.ts';
import { cannotRun, explainProblem } from './problems.ts';

/** What making a cluster needs; the lock of its home must be held. */
export interface ClusterSettings {
  binaries: Binaries;
  home: ClusterHome;
  account: Account;
  durable: boolean;
}

const unfinished = 'unfinished-';

/** Makes the cluster when there is none; a cluster of another major version is refused. Returns whether it was made. */
export async function ensureCluster(settings: ClusterSettings): Promise<boolean> {
  const { binaries, home } = settings;
  for (const name of readdirSync(home.root)) {
    // Left by an initdb that was cut off; whoever holds the lock is alone here.
    if (name.startsWith(unfinished)) removeTree(path.join(home.root, name));
  }
  const versionFile = path.join(home.data, 'PG_VERSION');
  if (!existsSync(versionFile)) {
    await createCluster(settings);
    return true;
  }
  const major = readFileSync(versionFile, 'utf8').trim();
  if (major !== binaries.major) {
    throw new StartupError(
      `the database in ${home.root} was made by PostgreSQL ${major}, and this Millrace brings ${binaries.major}`,
      `Dump it with the Millrace that made it and load it here, set DATABASE_URL, or move ${home.root} away to start empty.`,
    );
  }
  if (!existsSync(home.password)) {
    throw new StartupError(
      `the password of the database in ${home.root} is missing`,
      `Restore ${home.password}, or move ${home.root} away to start empty.`,
    );
  }
  return false;
}

async function createCluster(settings: ClusterSettings): Promise<void> {
  const { home, account } = settings;
  const workshop = mkdtempSync(path.join(home.root, unfinished));
  try {
    const password = randomBytes(24).toString('base64url');
    const passwordFile = path.join(workshop, 'password');
    const data = path.join(workshop, 'data');
    writeFileSync(passwordFile, password, { mode: 0o600 });
    mkdirSync(data, { mode: 0o700 });
    for (const entry of [workshop, passwordFile, data]) give(entry, account);
    await runInitdb(settings, data, passwordFile);
    writeFileSync(home.password, password, { mode: 0o600 });
    // Whatever lies there has no PG_VERSION, so it is no cluster.
    removeTree(home.data);
    renameSync(data, home.data);
  } finally {
    removeTree(workshop);
  }
}

function give(entry: string, account: Account): void {
  if (account.uid !== undefined && account.gid !== undefined) chownSync(entry, account.uid, account.gid);
}

async function runInitdb({ binaries, account, durable, home }: ClusterSettings, data: string, passwordFile: string) {
  const file = program(binaries, 'initdb');
  const flags = ['-D', data, '-U', 'postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8'];
  // The built-in locale sorts the same on every machine and after every upgrade of the C library.
  flags.push('--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C', '--no-instructions');
  if (!durable) flags.push('--no-sync');
  const child = spawn(file, flags, {
    ...account,
    cwd: path.dirname(data),
    env: { LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => reject(cannotRun(file, error)));
    child.once('close', resolve);
  });
  if (status !== 0) throw explainProblem('making the database', said, home.root);
}

/** @NOTE with patience: the programs of a start that was killed may still be writing there when the next one cleans up. */
const removeTree = (directory: string): void =>
  rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
