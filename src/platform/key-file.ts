import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StartupError } from '../errors.ts';

/**
 * The text of a secret file that its owner alone may read, made by `make` when there is none; of two processes that make it
 * at once, both get the first. @throws StartupError that calls it by `what`
 */
export async function openKeyFile(
  what: string,
  directory: string,
  name: string,
  make: () => Promise<string>,
): Promise<string> {
  const path = join(directory, name);
  try {
    return (await readIfThere(path)) ?? (await createKeyFile(directory, path, await make()));
  } catch (error) {
    const { message } = error as Error;
    throw new StartupError(
      `${what} ${path} cannot be read or made: ${message}`,
      'Let this user read and write that directory, or set MILLRACE_DIR to another one.',
      { cause: error },
    );
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function createKeyFile(directory: string, path: string, text: string): Promise<string> {
  // @NOTE the parent is made openly: others' data lives beside ours, and an embedded PostgreSQL may run as another user.
  await mkdir(dirname(directory), { recursive: true });
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const draft = join(directory, `.${randomUUID()}.tmp`);
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(`${text}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    // @NOTE link, not rename: it fails where the name is taken, so a key that another start has shown is never replaced.
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
  return readFile(path, 'utf8');
}
