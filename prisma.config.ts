// Read by the Prisma CLI: `npx prisma migrate dev`, `generate`, `studio` …
import { defineConfig } from 'prisma/config';

export default defineConfig({
  schema: 'prisma',
  migrations: { path: 'prisma/migrations' },
  datasource: { url: await databaseUrl() },
});

/** DATABASE_URL, or for commands that need a database the embedded one, shared with a running Millrace or started for this command. */
async function databaseUrl(): Promise<string> {
  if (process.env.DATABASE_URL) return process.env.DATABASE_URL;
  const command = process.argv[2] ?? '';
  if (!['migrate', 'db', 'studio'].includes(command)) return '';
  const { startEmbeddedPostgres } = await import('./src/platform/postgres/embedded.ts');
  try {
    return (await startEmbeddedPostgres({ directory: '.millrace' })).url();
  } catch (error) {
    // The command line shows a message and nothing else of an error.
    if (error instanceof Error && 'remedy' in error) throw new Error(`${error.message}. ${error.remedy}`);
    throw error;
  }
}
