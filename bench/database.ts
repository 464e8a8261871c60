import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import { startEmbeddedPostgres } from '../src/platform/postgres/embedded.ts';
import { clusterHomeAt } from '../src/platform/postgres/home.ts';
import { findPostmaster } from '../src/platform/postgres/postmaster.ts';

/** The one PostgreSQL that all peers ask: a cluster of the run's own. */
export interface BenchDatabase extends AsyncDisposable {
  url: string;
  postmaster: number;
  /** A directory that goes with the cluster. */
  directory: string;
}

/**
 * Makes the cluster and has it furnished with tables and rows.
 * @param durable commits wait for the disk; not where only reads are measured, for it holds nothing worth keeping
 */
export async function startDatabase(furnish: (url: string) => Promise<void>, durable = false): Promise<BenchDatabase> {
  await using stack = new AsyncDisposableStack();
  const directory = mkdtempSync(path.join(os.tmpdir(), 'millrace-bench-'));
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  chmodSync(directory, 0o711); // root's server runs as another user
  const postgres = stack.use(await startEmbeddedPostgres({ directory, durable }));
  const url = postgres.url();
  await furnish(url);
  const postmaster = findPostmaster(clusterHomeAt(path.join(directory, 'postgres')));
  if (!postmaster) throw new Error('the cluster has no server');
  const owned = stack.move();
  return { url, postmaster: postmaster.pid, directory, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
