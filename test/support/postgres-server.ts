// The one PostgreSQL server of a test run: started before the first test file, gone after the last.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../../src/platform/postgres/embedded.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The maintenance database of the run's server. */
    postgresUrl: string;
  }
}

export default async function startServer(project: TestProject): Promise<() => Promise<void>> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'millrace-test-'));
  chmodSync(directory, 0o711); // root's server runs as another user
  const postgres = await startEmbeddedPostgres({ directory, durable: false });
  project.provide('postgresUrl', postgres.url('postgres'));
  return async () => {
    await postgres.stop();
    rmSync(directory, { recursive: true, force: true });
  };
}
