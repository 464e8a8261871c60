// `npm run bench`: Millrace beside a hand-written server, on one PostgreSQL. See README.md.
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import { ticksPerSecond } from './cpu.ts';
import { startDatabase } from './database.ts';
import { endure } from './endurance/endure.ts';
import { type Machine, measure, requireSameAnswers, startLoader, type Task, warmUp } from './measure.ts';
import { type Peer, startPeers } from './peers.ts';
import { formatReport, type Outcome, ratiosOf } from './report.ts';
import { type Asker, chooseMember, describeShapes } from './shapes.ts';

const { values: options } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    shape: { type: 'string', multiple: true },
    role: { type: 'string', multiple: true },
    connections: { type: 'string', multiple: true },
    rounds: { type: 'string' },
    endure: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '10' },
  },
});
const root = path.resolve(import.meta.dirname, '..');
const results = path.join(root, 'bench/results');
const say = (line: string): void => void process.stdout.write(`${line}\n`);

if (options.endure) process.exit((await endure(root, Number(options.minutes), say)) ? 0 : 1);

const rounds = Number(options.rounds ?? (options.short ? 3 : 7));
const share = options.short ? 0.3 : 1;
const connectionCounts = (options.connections ?? (options.short ? ['64'] : ['1', '64'])).map(Number);

await using stack = new AsyncDisposableStack();
const database = stack.use(await startDatabase(root, 100_000));
const member = await chooseMember(database.url);
const shapes = describeShapes(member.taskIds).filter(({ name }) => options.shape?.includes(name) ?? true);
const askers: Asker[] = (['member', 'admin'] as const)
  .filter((role) => options.role?.includes(role) ?? (role === 'member' || !options.short))
  .map((role) => ({ role, sub: member.id }));
const { peers, tokenOf } = await startPeers({
  root,
  databaseUrl: database.url,
  directory: path.join(database.directory, 'millrace'),
  poolSize: 10,
  profile: options.profile ? results : undefined,
});
for (const peer of peers) stack.use(peer);
const loader = stack.use(startLoader());
const machine: Machine = { loader, postmaster: database.postmaster, ticksPerSecond: ticksPerSecond() };

const outcomes: Outcome[] = [];
for (const asker of askers) {
  const token = await tokenOf(asker);
  for (const connections of connectionCounts) {
    for (const shape of shapes) {
      const requests = Math.ceil(shape.requests * share * (connections === 1 ? 0.5 : 1));
      const outcome = await compare(machine, peers, { shape, token, connections, requests });
      outcomes.push({ ...outcome, role: asker.role });
      say(
        `${shape.title}, ${asker.role}, ${connections} connections: CPU × ${ratiosOf(outcomes.at(-1)!).cpu.toFixed(2)}`,
      );
    }
  }
}
say(`\nMillrace ÷ hand-written (CPU of server + PostgreSQL a request; medians of ${rounds} rounds)\n`);
say(formatReport(outcomes));
if (options.json) {
  mkdirSync(results, { recursive: true });
  const file = path.join(results, `${new Date().toISOString().replaceAll(':', '-')}.json`);
  const ratios = outcomes.map((o) => ({ ...o, ratios: ratiosOf(o) }));
  const about = { node: process.version, cpus: os.cpus().length, load: os.loadavg(), rounds };
  writeFileSync(file, `${JSON.stringify({ about, outcomes: ratios }, null, 2)}\n`);
  say(`\n${path.relative(root, file)}`);
}

/** Rounds of one task: both peers in turn, the other one first in every other round. */
async function compare(where: Machine, [millrace, handwritten]: [Peer, Peer], task: Task) {
  const outcome: Outcome = {
    shape: task.shape.name,
    title: task.shape.title,
    role: '',
    connections: task.connections,
    rounds: [],
  };
  for (const peer of [millrace, handwritten]) await warmUp(where, peer, task);
  for (let round = 0; round < rounds; round++) {
    await requireSameAnswers([millrace, handwritten], task);
    if (round % 2 === 0) {
      const ours = await measure(where, millrace, task);
      outcome.rounds.push({ millrace: ours, handwritten: await measure(where, handwritten, task) });
    } else {
      const theirs = await measure(where, handwritten, task);
      outcome.rounds.push({ handwritten: theirs, millrace: await measure(where, millrace, task) });
    }
  }
  return outcome;
}
