// `npm run bench`: Millrace beside its peers, on one PostgreSQL. See README.md.
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import { measureSignIns } from './accounts/sign-ins.ts';
import { blog } from './blog/world.ts';
import { ticksPerSecond } from './cpu.ts';
import { startDatabase } from './database.ts';
import { endure } from './endurance/endure.ts';
import { judge } from './gates.ts';
import { type Machine, measure, requireSameAnswers, startLoader, type Task, warmUp } from './measure.ts';
import { peersNode, preparePeers } from './peer-packages.ts';
import { type Peer, peerTitles, startPeers } from './peers.ts';
import { formatReport, type Outcome, othersOf, type Round, ratiosOf } from './report.ts';
import { tracker } from './tracker/world.ts';
import type { OtherPeer } from './world.ts';

const { values: options } = parseArgs({
  options: {
    world: { type: 'string', default: 'blog' },
    short: { type: 'boolean', default: false },
    gate: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    peer: { type: 'string', multiple: true },
    shape: { type: 'string', multiple: true },
    role: { type: 'string', multiple: true },
    connections: { type: 'string', multiple: true },
    rounds: { type: 'string' },
    endure: { type: 'boolean', default: false },
    accounts: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '10' },
  },
});
const root = path.resolve(import.meta.dirname, '..');
const results = path.join(root, 'bench/results');
const say = (line: string): void => void process.stdout.write(`${line}\n`);

if (options.accounts) process.exit((await measureSignIns(root, say)) ? 0 : 1);
if (options.endure) process.exit((await endure(root, Number(options.minutes), say)) ? 0 : 1);

const world = [blog, tracker].find(({ name }) => name === options.world);
if (!world) throw new Error(`there is no world ${options.world}; there are blog and tracker`);
const rounds = Number(options.rounds ?? 7);
const share = options.short ? 0.3 : 1;
const connectionCounts = (options.connections ?? (options.short ? ['64'] : ['1', '64'])).map(Number);
const chosen = options.peer ?? ['handwritten', ...(options.short ? [] : world.others)];
const others = world.others.filter((name) => chosen.includes(name));
if (others.length > 0) preparePeers(root, say);
// All by one Node, for it is a part of what is measured.
const node = others.includes('postgraphile') ? peersNode(root) : process.execPath;

await using stack = new AsyncDisposableStack();
const database = stack.use(await startDatabase(world.furnish));
const described = await world.describe(database.url);
const shapes = described.shapes.filter(({ name }) => options.shape?.includes(name) ?? true);
const askers = described.askers.filter(
  ({ role }) => options.role?.includes(role) ?? (role === 'member' || !options.short),
);
const { peers: all, tokenOf } = await startPeers(
  {
    root,
    world,
    databaseUrl: database.url,
    directory: path.join(database.directory, 'millrace'),
    poolSize: 10,
    node,
    profile: options.profile ? results : undefined,
  },
  [...(chosen.includes('handwritten') ? (['handwritten'] as const) : []), ...others],
);
for (const peer of all) stack.use(peer);
const loader = stack.use(startLoader());
const machine: Machine = { loader, postmaster: database.postmaster, ticksPerSecond: ticksPerSecond() };

const outcomes: Outcome[] = [];
for (const asker of askers) {
  const token = await tokenOf(asker);
  for (const connections of connectionCounts) {
    for (const shape of shapes) {
      const requests = Math.ceil(shape.requests * share * (connections === 1 ? 0.5 : 1));
      const outcome = await compare({ shape, token, connections, requests }, asker.role);
      outcomes.push(outcome);
      const found = othersOf(outcome).map(
        (peer) => `${ratiosOf(outcome, peer).cpu.toFixed(2)} of ${peerTitles[peer]}’s`,
      );
      say(`${shape.title}, ${asker.role}, ${connections} connections: CPU × ${found.join(', ')}`);
    }
  }
}
say(`\nMillrace ÷ peer (CPU of server + PostgreSQL a request; medians of ${rounds} rounds)\n`);
say(formatReport(outcomes));
if (world === blog) {
  const judgments = judge(outcomes);
  if (judgments.length > 0) say(`\n${judgments.map(({ line }) => line).join('\n')}`);
  if (options.gate && !(judgments.length > 0 && judgments.every(({ isMissed }) => !isMissed))) process.exitCode = 1;
}
if (options.json) {
  mkdirSync(results, { recursive: true });
  const file = path.join(results, `${new Date().toISOString().replaceAll(':', '-')}.json`);
  const ratios = outcomes.map((outcome) => ({
    ...outcome,
    ratios: Object.fromEntries(othersOf(outcome).map((peer) => [peer, ratiosOf(outcome, peer)])),
  }));
  const about = { node, cpus: os.cpus().length, load: os.loadavg(), rounds, world: world.name };
  writeFileSync(file, `${JSON.stringify({ about, outcomes: ratios }, null, 2)}\n`);
  say(`\n${path.relative(root, file)}`);
}

/** Rounds of one task: all peers in turn, another one first in each round. */
async function compare(task: Task, role: string): Promise<Outcome> {
  const { name, title } = task.shape;
  const outcome: Outcome = { shape: name, title, role, connections: task.connections, rounds: [] };
  const peers = all.filter((peer) => !task.shape.without?.includes(peer.name as OtherPeer));
  for (const peer of peers) await warmUp(machine, peer, taskOf(peer, task));
  for (let n = 0; n < rounds; n++) {
    await requireSameAnswers(peers, task);
    const round: Round = {};
    const first = n % peers.length;
    for (const peer of [...peers.slice(first), ...peers.slice(0, first)]) {
      round[peer.name] = await measure(machine, peer, taskOf(peer, task));
    }
    outcome.rounds.push(round);
  }
  return outcome;
}

/** Peers that take several times as long tell as much by fewer requests. */
function taskOf({ name }: Peer, task: Task): Task {
  const isQuick = name === 'millrace' || name === 'handwritten';
  return isQuick ? task : { ...task, requests: Math.max(Math.ceil(task.requests / 4), task.connections * 2) };
}
