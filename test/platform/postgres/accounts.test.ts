import { chmodSync, chownSync, existsSync, mkdirSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { othersCanReach, reachableBinaries } from '../../../src/platform/postgres/account.ts';
import { startEmbeddedPostgres } from '../../../src/platform/postgres/embedded.ts';
import { ask } from '../../support/postgres.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { expectNoServer, startHolder } from './holder-process.ts';

const asRoot = process.getuid?.() === 0;
const nobody = 65534;

describe.skipIf(!asRoot)('started by root', () => {
  it('runs PostgreSQL as another user', async () => {
    using place = temporaryDirectory();
    await using _ = await startEmbeddedPostgres({ directory: place.path, durable: false });
    expect(statSync(path.join(place.path, 'postgres', 'data')).uid).not.toBe(0);
  });

  it('keeps the data outside a private home, behind a link', async () => {
    using place = temporaryDirectory();
    chmodSync(place.path, 0o700);
    const directory = path.join(place.path, '.millrace');
    const link = path.join(directory, 'postgres');
    try {
      await using postgres = await startEmbeddedPostgres({ directory, durable: false });
      expect(await ask(postgres.url('postgres'), 'SELECT 1 AS alive')).toEqual([{ alive: 1 }]);
      expect(othersCanReach(realpathSync(link))).toBe(true);
    } finally {
      rmSync(realpathSync(link), { recursive: true });
    }
  });

  it('copies the programs out of a private home, once', () => {
    using place = temporaryDirectory();
    using shared = temporaryDirectory();
    const directory = path.join(place.path, 'node_modules', 'native');
    mkdirSync(path.join(directory, 'bin'), { recursive: true });
    writeFileSync(path.join(directory, 'bin', 'postgres'), 'program', { mode: 0o700 });
    chmodSync(place.path, 0o700);
    const binaries = { directory, version: '18.0.0', major: '18' };
    const copied = reachableBinaries(binaries, { uid: nobody, gid: nobody }, shared.path);
    expect(copied.directory).toBe(path.join(shared.path, 'postgresql-18.0.0'));
    expect(statSync(path.join(copied.directory, 'bin', 'postgres')).mode & 0o777).toBe(0o755);
    expect(reachableBinaries(binaries, { uid: nobody, gid: nobody }, shared.path)).toEqual(copied);
    expect(reachableBinaries(binaries, {}, shared.path)).toBe(binaries);
  });

  it('serves a plain user just as well, and root after that on the same data', async () => {
    using place = temporaryDirectory();
    const directory = path.join(place.path, 'theirs');
    mkdirSync(directory);
    chownSync(directory, nobody, nobody);
    const prefix = ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'];
    using holder = await startHolder(directory, 'rows', prefix);
    while (holder.lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(statSync(path.join(directory, 'postgres', 'data')).uid).toBe(nobody);
    await holder.kill();
    await expectNoServer(directory);
    await using postgres = await startEmbeddedPostgres({ directory });
    const [row] = await ask(postgres.url('postgres'), 'SELECT count(*) > 0 AS kept FROM acknowledged');
    expect(row?.kept).toBe(true);
    expect(existsSync(path.join(directory, 'postgres', 'data', 'PG_VERSION'))).toBe(true);
  });
});
