import { chmodSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** A directory that any user can pass through, removed with all it holds when disposed. */
export interface TemporaryDirectory extends Disposable {
  path: string;
}

/** Makes a directory below the system's temporary one; `name` may hold spaces. */
export function temporaryDirectory(name = 'millrace-test'): TemporaryDirectory {
  const directory = realpathSync(mkdtempSync(path.join(os.tmpdir(), `${name}-`)));
  chmodSync(directory, 0o711); // root's PostgreSQL runs as another user
  return { path: directory, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}
