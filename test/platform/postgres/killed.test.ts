import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startEmbeddedPostgres } from '../../../src/platform/postgres/embedded.ts';
import { ask } from '../../support/postgres.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { expectNoServer, killed, listens, spawnHolder, startHolder } from './holder-process.ts';

it('leaves no server behind and loses no committed row when its process is killed', async () => {
  using place = temporaryDirectory();
  using holder = await startHolder(place.path, 'rows');
  while (holder.lines.length < 100) await sleep(10);
  await holder.kill();
  await expectNoServer(place.path);
  const acknowledged = holder.lines.length;
  await using postgres = await startEmbeddedPostgres({ directory: place.path });
  const [row] = await ask(postgres.url('postgres'), 'SELECT count(*)::int AS rows FROM acknowledged');
  expect(row?.rows).toBeGreaterThanOrEqual(acknowledged);
});

it('goes on for the second process when the first, which started it, is killed', async () => {
  using place = temporaryDirectory();
  using first = await startHolder(place.path);
  using second = await startHolder(place.path);
  expect([first.startedHere, second.startedHere]).toEqual([true, false]);
  expect(second.port).toBe(first.port);
  await first.kill();
  await sleep(1_500); // more than the first one's watchdog needs to look around
  expect(await listens(second.port)).toBe(true);
  await second.kill();
  await expectNoServer(place.path);
});

it('is stopped when its last user ends in order after another was killed', async () => {
  using place = temporaryDirectory();
  using first = await startHolder(place.path);
  const postgres = await startEmbeddedPostgres({ directory: place.path });
  await first.kill();
  await postgres.stop();
  expect(await listens(postgres.port)).toBe(false);
});

it.each([250, 450, 650, 850])(
  'leaves nothing and starts again when it is killed %i ms after its launch',
  async (delay) => {
    using place = temporaryDirectory();
    const child = spawnHolder(place.path);
    await sleep(delay);
    await killed(child);
    await sleep(1_000); // a server that was being started may still come up before it is taken down
    await expectNoServer(place.path);
    await using postgres = await startEmbeddedPostgres({ directory: place.path });
    expect(await ask(postgres.url('postgres'), 'SELECT 1 AS alive')).toEqual([{ alive: 1 }]);
  },
);

it('starts once when several processes start it at the same time', async () => {
  using place = temporaryDirectory();
  const holders = await Promise.all([1, 2, 3].map(() => startHolder(place.path)));
  expect(new Set(holders.map(({ port }) => port)).size).toBe(1);
  expect(holders.filter(({ startedHere }) => startedHere)).toHaveLength(1);
  await Promise.all(holders.map((holder) => holder.kill()));
  await expectNoServer(place.path);
});
