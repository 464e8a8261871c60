import { execFileSync } from 'node:child_process';
import { mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { StartupError } from '../../../src/errors.ts';
import { findBinaries } from '../../../src/platform/postgres/binaries.ts';
import { ensureCluster } from '../../../src/platform/postgres/cluster.ts';
import { startEmbeddedPostgres } from '../../../src/platform/postgres/embedded.ts';
import { openClusterHome } from '../../../src/platform/postgres/home.ts';
import { withLock } from '../../../src/platform/postgres/lock.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { expectNoServer } from './holder-process.ts';

const failureOf = (action: Promise<unknown>): Promise<StartupError> =>
  action.then(
    () => expect.unreachable('it succeeded'),
    (error) => error,
  );

describe('a system without an embedded PostgreSQL', () => {
  it.each([
    ['sunos', 'x64'],
    ['linux', 'mips'],
    ['win32', 'x64'],
  ])('%s on %s is told to set DATABASE_URL', (platform, arch) => {
    const attempt = () => findBinaries(platform, arch);
    expect(attempt).toThrow(StartupError);
    expect(attempt).toThrow(expect.objectContaining({ remedy: expect.stringContaining('Set DATABASE_URL') }));
  });

  it('without glibc is told so', async () => {
    using place = temporaryDirectory();
    const directory = path.join(place.path, 'native');
    mkdirSync(path.join(directory, 'bin'), { recursive: true });
    // What the kernel answers when a program's loader is missing is the same for a script's interpreter.
    writeFileSync(path.join(directory, 'bin', 'initdb'), '#!/lib/no-such-loader.so\n', { mode: 0o755 });
    const home = openClusterHome(path.join(place.path, '.millrace'));
    const binaries = { directory, version: '18.0.0', major: '18' };
    const failure = await failureOf(ensureCluster({ binaries, home, account: {}, durable: false }));
    expect(failure).toBeInstanceOf(StartupError);
    expect(failure.message).toContain('glibc');
    expect(failure.remedy).toContain('Set DATABASE_URL');
  });
});

describe.skipIf(!canMount())('a full disk', () => {
  it('is named when a database is made', async () => {
    using disk = smallDisk('12m');
    const failure = await failureOf(startEmbeddedPostgres({ directory: path.join(disk.path, '.millrace') }));
    expect(failure).toBeInstanceOf(StartupError);
    expect(failure.message).toMatch(/^the disk that holds .* is full/);
    expect(failure.remedy).toContain('Free some space');
  });

  it('is named when the server starts, and once there is space everything is as it was', async () => {
    using disk = smallDisk('120m');
    const directory = path.join(disk.path, '.millrace');
    await (await startEmbeddedPostgres({ directory })).stop();
    const filler = path.join(disk.path, 'filler');
    const { bavail, bsize } = statfsSync(disk.path);
    writeFileSync(filler, Buffer.alloc(bavail * bsize));
    const failure = await failureOf(startEmbeddedPostgres({ directory }));
    expect(failure).toBeInstanceOf(StartupError);
    expect(failure.message).toMatch(/^the disk that holds .* is full/);
    writeFileSync(filler, '');
    await (await startEmbeddedPostgres({ directory })).stop();
    await expectNoServer(directory);
  });
});

describe('the lock of a directory', () => {
  it('is held by one at a time', async () => {
    using place = temporaryDirectory();
    const file = path.join(place.path, 'lock');
    let inside = 0;
    const visits = Array.from({ length: 8 }, () =>
      withLock(file, async () => {
        expect(++inside).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 5));
        inside--;
      }),
    );
    await Promise.all(visits);
  });

  it.each(['4194000 started 1', `${process.pid} started 1`])(
    'is taken from a holder that has ended (%s)',
    async (holder) => {
      using place = temporaryDirectory();
      const file = path.join(place.path, 'lock');
      writeFileSync(file, holder);
      expect(await Promise.all([withLock(file, async () => 'one'), withLock(file, async () => 'two')])).toEqual([
        'one',
        'two',
      ]);
    },
  );
});

function canMount(): boolean {
  if (process.getuid?.() !== 0 || process.platform !== 'linux') return false;
  try {
    using _ = smallDisk('1m');
    return true;
  } catch {
    return false;
  }
}

function smallDisk(size: string): { path: string } & Disposable {
  const place = temporaryDirectory();
  const mount = path.join(place.path, 'disk');
  mkdirSync(mount);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0755`, 'tmpfs', mount], { stdio: 'pipe' });
  return {
    path: mount,
    [Symbol.dispose]: () => {
      execFileSync('umount', ['-l', mount]);
      place[Symbol.dispose]();
    },
  };
}
