import { mkdirSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { clusterAccount, reachableBinaries } from '../../src/platform/postgres/account.ts';
import { findBinaries, program } from '../../src/platform/postgres/binaries.ts';
import { ensureCluster } from '../../src/platform/postgres/cluster.ts';
import { clusterHomeAt } from '../../src/platform/postgres/home.ts';
import { freePort } from '../support/redis.ts';
import type { Child, Nursery } from './children.ts';

/** A PostgreSQL of the harness's own, that can be killed and comes back on the same port. */
export interface Postgres {
  /** A connection string for a program that is to be known by this name. */
  url(applicationName: string): string;
  /** Immediate stop: no session is ended in order, no checkpoint is written. */
  crash(): Promise<void>;
  /** Starts it again; resolves when it takes connections. */
  start(): Promise<void>;
}

const database = 'faults';

/**
 * What was committed survives the death of the process: it is handed to the operating system at each commit
 * (`synchronous_commit`), which keeps it (`fsync` would matter if the machine fell).
 */
const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '120',
  shared_buffers: '256MB',
  synchronous_commit: 'on',
  fsync: 'off',
  full_page_writes: 'off',
  max_wal_size: '2GB',
  timezone: 'UTC',
  log_min_messages: 'fatal',
};

/** Makes a cluster in this directory, starts its server, and makes an empty database. */
export async function startPostgres(nursery: Nursery, directory: string): Promise<Postgres> {
  const root = path.join(directory, 'postgres');
  mkdirSync(root, { mode: 0o711 });
  const home = clusterHomeAt(root);
  const account = clusterAccount(home.data);
  const binaries = reachableBinaries(findBinaries(), account);
  await ensureCluster({ binaries, home, account, durable: false });
  const { readFile } = await import('node:fs/promises');
  const password = await readFile(home.password, 'utf8');
  const port = await freePort();
  const urlOf = (name: string, applicationName: string) =>
    `postgresql://postgres:${password}@127.0.0.1:${port}/${name}?application_name=${applicationName}`;
  const args = ['-D', home.data, '-p', `${port}`, ...Object.entries(settings).flatMap(([k, v]) => ['-c', `${k}=${v}`])];

  let child: Child;
  const start = async () => {
    child = nursery.start(program(binaries, 'postgres'), args, {
      ...account,
      cwd: home.data,
      env: { LC_ALL: 'C', TZ: 'UTC' },
    });
    while (!(await answers(urlOf('postgres', 'faults')))) {
      if (child.hasEnded) throw new Error(`PostgreSQL ended:\n${child.output()}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await start();
  await ask(urlOf('postgres', 'faults'), `create database ${database}`);
  return { url: (name) => urlOf(database, name), crash: () => child.end('SIGQUIT'), start };
}

/** Runs statements on a connection of their own; returns the last one's rows. */
export async function ask<Row extends pg.QueryResultRow>(url: string, sql: string, values?: unknown[]): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    const results: pg.QueryResult<Row> | pg.QueryResult<Row>[] = await client.query<Row>(sql, values);
    return Array.isArray(results) ? results.at(-1).rows : results.rows;
  } finally {
    await client.end().catch(() => {});
  }
}

const answers = (url: string): Promise<boolean> =>
  ask(url, 'select 1').then(
    () => true,
    () => false,
  );
