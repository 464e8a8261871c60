import type { Config } from '../config/config.ts';
import { startEmbeddedPostgres } from '../platform/postgres/embedded.ts';

/** Works on the project's database; an embedded one is started for it, and stopped where nobody else uses it. */
export async function withProjectDatabase<T>({ database }: Config, work: (url: string) => Promise<T>): Promise<T> {
  if (database.kind === 'external') return work(database.url);
  const postgres = await startEmbeddedPostgres({ directory: database.directory });
  try {
    return await work(postgres.url());
  } finally {
    await postgres.stop();
  }
}
