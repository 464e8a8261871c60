import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { type TemporaryDirectory, temporaryDirectory } from './temporary-directory.ts';

/** A copy of the project whose `prisma/` and `app/` a test may change: all else is linked. */
export function copyProject(name?: string): TemporaryDirectory {
  const copy = temporaryDirectory(name);
  for (const entry of ['prisma', 'app', 'prisma.config.ts', 'package.json', 'tsconfig.json']) {
    cpSync(entry, path.join(copy.path, entry), { recursive: true });
  }
  for (const entry of ['node_modules', 'tools']) symlinkSync(path.resolve(entry), path.join(copy.path, entry));
  cpSync('src', path.join(copy.path, 'src'), { recursive: true, filter: (file) => !file.includes('generated') });
  mkdirSync(path.join(copy.path, 'src', 'generated'));
  return copy;
}
