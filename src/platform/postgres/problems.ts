import { StartupError } from '../../errors.ts';

/** What PostgreSQL's or the operating system's words mean for the person at the terminal. */
export function explainProblem(what: string, words: string, directory: string): StartupError {
  if (/No space left on device|ENOSPC|Disk quota exceeded|EDQUOT/.test(words)) {
    return new StartupError(
      `the disk that holds ${directory} is full: ${what} failed`,
      'Free some space (a new database needs about 60 MB) and start again; nothing that was committed is lost.',
    );
  }
  if (/EROFS|Read-only file system/.test(words)) {
    return new StartupError(
      `${directory} is on a read-only file system`,
      'Run from a writable directory, or set DATABASE_URL.',
    );
  }
  if (/EACCES|EPERM|Permission denied|has wrong ownership/.test(words)) {
    return new StartupError(
      `${directory} belongs to another user: ${what} failed`,
      'Start as the user who started it first, or give the directory to yourself (chown -R).',
    );
  }
  if (/Cannot allocate memory|could not map anonymous shared memory/.test(words)) {
    return new StartupError(
      `there is too little memory: ${what} failed`,
      'PostgreSQL needs about 200 MB; free some, or set DATABASE_URL.',
    );
  }
  const line =
    words.split('\n').find((text) => /FATAL|PANIC|error:/.test(text)) ?? words.trim().split('\n').at(-1) ?? '';
  const reason = line.replace(/^.*?(FATAL|PANIC|error):\s*/, '').trim();
  return new StartupError(
    `${what} failed: ${reason || 'no reason given'}`,
    `See ${directory}/server.log, or set DATABASE_URL.`,
  );
}

/** A program of the package that could not even be loaded: on Linux this is a system without glibc, as Alpine. */
export function cannotRun(program: string, cause: NodeJS.ErrnoException): StartupError {
  return new StartupError(
    `${program} does not run on this system${cause.code === 'ENOENT' ? ' (it needs glibc)' : ` (${cause.code})`}`,
    'Set DATABASE_URL to a PostgreSQL of your own (14 or newer), or use a glibc-based image such as Debian.',
    { cause },
  );
}

/** Whether an error is the operating system's word about a file. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}
