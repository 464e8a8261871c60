/**
 * PostgreSQL without an installation: a cluster in a directory, its server shared by every process that asks for it.
 *
 * - A *home* is the directory of one cluster: data, password, log, leases, lock.
 * - A *lease* says that a process uses the server. The server ends with the last living lease.
 * - A *watchdog* gives the lease of a killed process back, so no server outlives its users.
 *
 * Invariants: the server is started and stopped under the home's lock only; a lease and its watchdog exist before the
 * server that they keep; a cluster appears under its name only when it is whole.
 */
import { readFileSync } from 'node:fs';
import { StartupError } from '../../errors.ts';
import { clusterAccount, reachableBinaries } from './account.ts';
import { findBinaries } from './binaries.ts';
import { ensureCluster } from './cluster.ts';
import { type ClusterHome, openClusterHome } from './home.ts';
import { releaseLease, takeLease } from './lease.ts';
import { withLock } from './lock.ts';
import { findPostmaster, type Postmaster, settlePostmaster, startPostmaster } from './postmaster.ts';
import { explainProblem, isSystemError } from './problems.ts';
import { startWatchdog } from './watchdog.ts';

/** Where and how the embedded server runs. */
export interface EmbeddedPostgresOptions {
  /** Keeps `postgres/`, made when missing: usually `.millrace`. */
  directory: string;
  /** False for tests: faster, and a crash of the machine may lose or break everything. Default true. */
  durable?: boolean;
  /** Starts a server that has fallen again, where it was; for those who stay. Default false. */
  watch?: boolean;
  /** Told what takes its time, one line each. */
  log?: (line: string) => void;
}

/** A share in a running server. */
export interface EmbeddedPostgres extends AsyncDisposable {
  port: number;
  /** A connection string, password included: never print it. The database (default `millrace`) need not exist. */
  url(database?: string): string;
  /** False when another process had started the server. */
  startedHere: boolean;
  /** Gives the share back; the last one stops the server and waits for its end. */
  stop(): Promise<void>;
}

/** Starts PostgreSQL in `directory` or shares the one that runs there; a failure is a StartupError. */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  try {
    const home = openClusterHome(options.directory);
    const lease = takeLease(home);
    const watchdog = startWatchdog(home, lease);
    let released: Promise<void> | undefined;
    let guard: NodeJS.Timeout | undefined;
    const stop = () => {
      clearInterval(guard);
      released ??= releaseLease(home, lease).finally(() => watchdog.dismiss());
      return released;
    };
    try {
      const { postmaster, startedHere } = await withLock(home.lock, () => shareOrStart(home, options));
      if (options.watch) guard = keepUp(home, options, postmaster.port, () => released !== undefined);
      const password = readFileSync(home.password, 'utf8');
      const url = (database = 'millrace') =>
        `postgresql://postgres:${password}@127.0.0.1:${postmaster.port}/${encodeURIComponent(database)}`;
      return { port: postmaster.port, url, startedHere, stop, [Symbol.asyncDispose]: stop };
    } catch (error) {
      await stop().catch(() => {}); // the first failure is the one to tell
      throw error;
    }
  } catch (error) {
    if (isSystemError(error)) throw explainProblem('starting PostgreSQL', String(error), options.directory);
    throw error;
  }
}

const watchEvery = 1000;

/** Looks after the server: one that is gone is started on the port where its users look for it. */
function keepUp(
  home: ClusterHome,
  options: EmbeddedPostgresOptions,
  port: number,
  isOver: () => boolean,
): NodeJS.Timeout {
  let isBusy = false;
  const timer = setInterval(async () => {
    if (isBusy || findPostmaster(home)) return;
    isBusy = true;
    try {
      await withLock(home.lock, async () => {
        if (isOver()) return;
        const { startedHere } = await shareOrStart(home, options, port);
        if (startedHere) options.log?.('PostgreSQL had fallen and is up again');
      });
    } catch {
      // It is tried again; until then whoever asks is told that the database is down.
    } finally {
      isBusy = false;
    }
  }, watchEvery);
  return timer.unref();
}

async function shareOrStart(
  home: ClusterHome,
  { durable = true, log = () => {} }: EmbeddedPostgresOptions,
  port?: number,
) {
  const running = findPostmaster(home);
  const postmaster: Postmaster | undefined = running && (await settlePostmaster(home));
  if (postmaster) {
    if (!postmaster.ready) throw new StartupError(`PostgreSQL in ${home.root} does not get ready`, `See ${home.log}.`);
    return { postmaster, startedHere: false };
  }
  const account = clusterAccount(home.data);
  const settings = { binaries: reachableBinaries(findBinaries(), account), home, account, durable };
  if (await ensureCluster(settings)) log(`made a PostgreSQL ${settings.binaries.major} database in ${home.root}`);
  return { postmaster: await startPostmaster(settings, port), startedHere: true };
}
