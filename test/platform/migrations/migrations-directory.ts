import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Writes migrations as they lie in `prisma/migrations`: name → SQL. */
export function writeMigrations(directory: string, migrations: Record<string, string>): void {
  for (const [name, sql] of Object.entries(migrations)) {
    mkdirSync(path.join(directory, name), { recursive: true });
    writeFileSync(path.join(directory, name, 'migration.sql'), sql);
  }
}
