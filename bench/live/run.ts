// `npm run bench:live`, or `node --import tsx bench/live/run.ts`: what it costs to tell many clients of a change. See ../README.md.
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ticksPerSecond } from '../cpu.ts';
import { median, ratioOfRounds } from '../statistics.ts';
import { openWriters } from './board.ts';
import { measureDelivery, type Scene } from './fan-out.ts';
import { measureLatency } from './latency.ts';
import { measureMemory } from './memory.ts';
import { inRounds } from './rounds.ts';
import { crowdOf, openScenes, type PeerName, peerNames, startPeerOf } from './scenes.ts';
import { openStage } from './stage.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', multiple: true },
    peer: { type: 'string', multiple: true },
    profile: { type: 'boolean', default: false },
  },
});
const root = path.resolve(import.meta.dirname, '../..');
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const rounds = Number(options.rounds);
const isAsked = (part: string) => options.only?.includes(part) ?? true;
const isMeasured = (name: PeerName) => name === 'bare' || (options.peer?.includes(name) ?? true);

await using stage = await openStage(root, options.profile ? path.join(root, 'bench/results') : undefined);
const ticks = ticksPerSecond();

for (const count of [1000, 5000]) {
  if (!isAsked(`${count}`) && !isAsked('burst')) continue;
  const names = (count === 1000 ? peerNames : (['bare', 'millrace'] as const)).filter(isMeasured);
  await using scenes = await openScenes(stage, names, count);
  const events = count === 1000 ? 100 : 30;
  if (isAsked(`${count}`)) await compare(`${count} subscribers`, scenes.all, { events, atOnce: 1 });
  if (isAsked('burst')) {
    const some = scenes.all.filter(({ name }) => name === 'bare' || name.startsWith('millrace'));
    await compare(`${count} subscribers, bursts of 200`, some, { events: count === 1000 ? 400 : 200, atOnce: 200 });
  }
}
if (isAsked('memory')) await compareMemory();
if (isAsked('commits')) await compareCommits();
if (isAsked('latency')) await tellLatency();

/** CPU a delivery of each scene, beside the bare one's. */
async function compare(
  title: string,
  scenes: readonly Scene[],
  load: { events: number; atOnce: number },
): Promise<void> {
  const measured = { ...load, ticksPerSecond: ticks };
  // Connections, plans and compiled code are there before anything is measured.
  for (const scene of scenes)
    await measureDelivery(scene, stage, { ...measured, events: load.atOnce === 1 ? 10 : load.atOnce });
  const results = await inRounds(scenes, rounds, (scene) => measureDelivery(scene, stage, measured));
  const bare = results[0]!;
  say(
    `\n${title}: CPU of the server a delivery (medians of ${rounds} rounds; ${Math.round(scenes[0]!.crowd.size)} bytes)`,
  );
  for (const [n, { name, crowd }] of scenes.entries()) {
    const ratio = ratioOfRounds(
      results[n]!.map(({ server }, round) => ({ ours: server, theirs: bare[round]!.server })),
    );
    const of = (value: 'server' | 'database') => median(results[n]!.map((delivery) => delivery[value])).toFixed(2);
    say(
      `  ${name.padEnd(22)} × ${ratio.toFixed(2).padStart(5)}   ${of('server')} µs, PostgreSQL ${of('database')} µs; ${Math.round(crowd.size)} bytes`,
    );
  }
}

/** Kilobytes that an idle subscription keeps, of fresh servers. */
async function compareMemory(): Promise<void> {
  const names = (['bare', 'millrace', 'millrace own rules', 'millrace sse', 'stock yoga', 'socket.io'] as const).filter(
    isMeasured,
  );
  const results = await inRounds(names, Math.ceil(rounds / 2), async (name) => {
    await using peer = await startPeerOf(stage, name);
    return await measureMemory(peer, crowdOf(stage, name, 2500));
  });
  say('\nmemory of an idle subscription');
  for (const [n, name] of names.entries()) {
    const ratio = ratioOfRounds(results[n]!.map((ours, round) => ({ ours, theirs: results[0]![round]! })));
    say(`  ${name.padEnd(22)} × ${ratio.toFixed(2).padStart(5)}   ${median(results[n]!).toFixed(1)} KB`);
  }
}

/** Commits a second of 16 writers, captured and told, against a database without capture. */
async function compareCommits(): Promise<void> {
  const { peer, board } = await stage.millrace();
  await using _ = peer;
  await using __ = board;
  await using without = await stage.uncaptured();
  await using on = await openWriters(board.url, 16);
  await using off = await openWriters(without.url, 16);
  for (const writers of [on, off]) await writers.run(500);
  const results = await inRounds([on, off], rounds, (writers) => writers.run(3000));
  const ratio = ratioOfRounds(results[0]!.map((ours, round) => ({ ours, theirs: results[1]![round]! })));
  const [captured, free] = results.map((commits) => Math.round(median(commits) / 3));
  say(`\ncommits a second of 16 writers: × ${ratio.toFixed(2)} (${captured} captured, ${free} not)`);
}

/** From commit to client at 500 events a second. */
async function tellLatency(): Promise<void> {
  const { all, [Symbol.asyncDispose]: close, boards } = await openScenes(stage, ['millrace'], 20);
  await using _ = { [Symbol.asyncDispose]: close };
  let from = 0;
  const results = await inRounds(all, rounds + 1, ({ crowd }) => {
    const load = { rate: 500, events: 2000, from };
    from += load.events;
    return measureLatency(boards[0]!, crowd, load);
  });
  const of = (value: 'p50' | 'p99' | 'rate') => median(results[0]!.slice(1).map((r) => r[value])).toFixed(1);
  say(`\ncommit to client at ${of('rate')} events a second: p50 ${of('p50')} ms, p99 ${of('p99')} ms`);
}
