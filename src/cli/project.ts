import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { StartupError } from '../errors.ts';

/** The project that the command was called in: the working directory, which must hold `prisma/`. */
export function findProject(directory: string = process.cwd()): string {
  if (existsSync(join(directory, 'prisma'))) return directory;
  throw new StartupError(`There is no prisma/ in ${directory}.`, 'Call this in the directory of a Millrace project.');
}
