import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { StartupError } from '../../errors.ts';

/** One migration as it lies in the migrations directory. */
export interface Migration {
  name: string;
  sql: string;
}

/** The migrations of a directory in the order of their names, which is the order they run in. */
export function readMigrations(directory: string): Migration[] {
  if (!existsSync(directory)) return [];
  const entries = readdirSync(directory, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return names.sort().map((name) => {
    const file = path.join(directory, name, 'migration.sql');
    if (!existsSync(file)) {
      throw new StartupError(`the migration ${name} has no migration.sql`, `Restore ${file}, or remove its directory.`);
    }
    return { name, sql: readFileSync(file, 'utf8') };
  });
}

/** Prisma's checksum of a migration. */
export function checksumOf(sql: string): string {
  return createHash('sha256').update(sql).digest('hex');
}

/** Whether a migration is still the one that was applied; Git's line endings do not count as a change. */
export function matchesChecksum(sql: string, checksum: string): boolean {
  const unix = sql.replaceAll('\r\n', '\n');
  return [sql, unix, unix.replaceAll('\n', '\r\n')].some((text) => checksumOf(text) === checksum);
}
