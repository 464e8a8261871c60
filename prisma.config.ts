// Read by the Prisma CLI: `npx prisma migrate dev`, `generate`, `studio` …
import { defineConfig } from 'prisma/config';

export default defineConfig({
  schema: 'prisma',
  migrations: { path: 'prisma/migrations' },
  datasource: { url: await databaseUrl() },
});

/** DATABASE_URL; or, for commands that need a database, the embedded one, shared with a running Millrace or started for this command. */
async function databaseUrl(): Promise<string> {
  const command = process.argv[2] ?? '';
  if (!['migrate', 'db', 'studio'].includes(command)) return '';
  const { readConfig } = await import('./src/config/config.ts');
  const { database } = readConfig();
  if (database.kind === 'external') return database.url;
  const { startEmbeddedPostgres } = await import('./src/platform/postgres/embedded.ts');
  const postgres = await startEmbeddedPostgres({ directory: database.directory });
  return postgres.url();
}
