/** One run: everything is started, written to, listened to, broken and mended, and what came of it is held to the truth. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import { makeAudience } from './audience.ts';
import { type Circumstances, check } from './checker.ts';
import { ResumingClient } from './client.ts';
import { openControl } from './control.ts';
import { faults, type Scene } from './faults.ts';
import { openGround } from './ground.ts';
import type { Issuer } from './identity.ts';
import type { MillraceNode } from './nodes.ts';
import { Pace } from './pace.ts';
import { ask } from './postgres.ts';
import { createRandom, type Random } from './random.ts';
import { Names, Received } from './received.ts';
import { type Episode, RecoveryWatch } from './recovery.ts';
import type { Outcome } from './report.ts';
import { Truth } from './truth.ts';
import { World } from './world.ts';
import type { Writer, WriterCounts } from './writer.ts';
import { ApiWriter, BulkWriter, CascadeWriter, HotWriter, Straggler } from './writers.ts';

/** How a run is done. */
export interface RunOptions {
  isShort: boolean;
  rounds: number;
  /** Names of the faults. */
  only: readonly string[];
  seed: number;
  /** Rows that the writers change in a second, at most. */
  pace: number;
  required: Outcome['required'];
  say: (line: string) => void;
}

const nodeCount = 3;
const hotRows = 40;
/** How long a fault's first deliveries, and at the end the last ones, are waited for, in milliseconds. */
const patience = 20_000;

/** Does a run and takes everything down. */
export async function runFaults(options: RunOptions): Promise<Outcome> {
  const { say, isShort } = options;
  const random = createRandom(options.seed);
  const began = performance.now();
  await using stack = new AsyncDisposableStack();
  const { issuer, postgres, redis, makeNode } = stack.use(await openGround());
  const world = new World();
  const truth = new Truth();
  const nodes: MillraceNode[] = [];
  for (let n = 1; n <= nodeCount; n += 1) nodes.push(await makeNode(`node${n}`));
  await nodes[0]!.start(); // it applies the migrations
  await ask(postgres.url('faults'), world.setup());
  await Promise.all(nodes.slice(1).map((node) => node.start()));
  say(`${nodeCount} nodes are up`);

  const names = new Names();
  const audience = makeAudience(world);
  const tokens = await tokensOf(world, issuer);
  const clients = audience.map(
    (one) =>
      new ResumingClient({
        audience: one,
        token: tokens.get(one.person.name)!,
        nodes,
        world,
        random: random.fork(),
        received: new Received(names),
      }),
  );
  stack.defer(() => {
    for (const client of clients) client.stop();
  });
  await Promise.all(clients.map((client) => client.begun));
  const controlled = [...new Set(audience)].filter(({ person }) => person !== world.people.stranger).slice(0, 5);
  const control = stack.use(await openControl(redis.url, truth, controlled, names));
  const scene: Scene = { nodes, postgres, redis, clients, control, random, isShort, epochs: [] };

  const hot = await makeHotRows(world, truth, random, postgres.url('faults'));
  const pace = new Pace(options.pace);
  const base = (name: string) => ({
    name,
    url: postgres.url(name),
    world,
    truth,
    random: random.fork(),
    pace,
    longest: isShort ? 2000 : 4000,
  });
  const writers: Writer[] = [
    ...['bulk1', 'bulk2', 'bulk3'].map((name) => new BulkWriter(base(name))),
    ...['hot1', 'hot2'].map((name) => new HotWriter(base(name), hot)),
    new Straggler(base('straggler'), hot),
    new CascadeWriter(base('cascade')),
    new ApiWriter(base('api'), nodes, tokens.get('admin')!),
  ];
  say(`${clients.length} clients listen, ${writers.length} writers write`);

  const hears = (client: ResumingClient) => client.audience.person.workspaces.length > 0;
  const episodes: Episode[] = [];
  for (const name of options.only) {
    const fault = faults[name]!;
    for (let round = 1; round <= options.rounds; round += 1) {
      await until(() => clients.every((client) => client.isSubscribed));
      await sleep(700);
      const { since, mend } = await fault.run(scene);
      episodes.push({ fault: fault.title, since });
      const isBack = await until(() =>
        [...since].every(([client, from]) => !hears(client) || client.lastChangeAt > from + 300),
      );
      await mend?.(); // a node that starts takes the processors from those that recover
      for (const node of nodes) if (node.child.hasEnded) await node.start();
      say(`${fault.title}, ${round} of ${options.rounds}${isBack ? '' : ': somebody hears nothing'}`);
    }
  }
  const delivered = () => clients.reduce((sum, { received }) => sum + received.count, 0);
  const lastMoment = performance.now() + 60_000;
  while (delivered() < options.required.deliveries && performance.now() < lastMoment) await sleep(100);

  say('the writers stop');
  await Promise.all(writers.map((writer) => writer.stop()));
  const holes = truth.holes();
  if (holes.length > 0) throw new Error(`the writers do not know what they have done to ${holes.length} tasks`);
  await quiescence(delivered);
  const isDoomed: Circumstances['isDoomed'] = (id) =>
    world.projects[truth.tasks.get(id)?.[0]?.state?.project ?? 0]!.isDoomed;
  const recovery = new RecoveryWatch(episodes, clients);
  const hearings = clients.map((client, n) => ({
    name: `client ${n} (${client.audience.name})`,
    audience: client.audience,
    received: client.received,
    client,
  }));
  const byHearing = new Map(hearings.map((hearing) => [hearing.received, hearing.client]));
  const verdict = check(hearings, truth, { isDoomed, epochs: scene.epochs }, ({ received }, { at }, version) =>
    recovery.take(byHearing.get(received)!, at, version),
  );
  return {
    verdict,
    control: check(control.hearings, truth, { isDoomed: () => false, epochs: [] }),
    isControlTried: options.only.some((name) => faults[name]!.breaksPubSub),
    recoveries: recovery.recoveries((client) => !hears(client)),
    deaths: nodes.flatMap((node) => node.deaths),
    changes: truth.count,
    writers: sumOf(writers),
    resumes: clients.reduce((sum, client) => sum + client.subscriptions - 1, 0),
    seconds: (performance.now() - began) / 1000,
    required: options.required,
  };
}

async function tokensOf({ people }: World, issuer: Issuer): Promise<Map<string, string>> {
  const tokens = Object.values(people).map(async ({ name, id, isAdmin }) => {
    const token = await issuer.mint({ sub: id, ...(isAdmin && { role: 'admin' }) });
    return [name, token] as const;
  });
  return new Map(await Promise.all(tokens));
}

/** Makes the rows that several writers update at the same time. */
async function makeHotRows(world: World, truth: Truth, random: Random, url: string): Promise<string[]> {
  const ids = Array.from({ length: hotRows }, () => randomUUID());
  const projects = ids.map(() => random.pick(world.projects));
  const sentAt = performance.now();
  await ask(
    url,
    `insert into tasks (id, project_id, title, updated_at)
      select id, project, 'hot', now() from unnest($1::uuid[], $2::uuid[]) u(id, project)`,
    [ids, projects.map(({ id }) => id)],
  );
  const state = { status: 'TODO', priority: 0, hasParent: false } as const;
  truth.record(
    ids.map((id, n) => ({ id, version: 1, state: { ...state, project: projects[n]!.number }, sentAt })),
    sentAt,
    performance.now(),
  );
  return ids;
}

/** Waits for something to hold; false when it does not within the harness's patience. */
async function until(holds: () => boolean): Promise<boolean> {
  const deadline = performance.now() + patience;
  while (!holds()) {
    if (performance.now() > deadline) return false;
    await sleep(20);
  }
  return true;
}

/** Resolves when nothing has come for three seconds. */
async function quiescence(delivered: () => number): Promise<void> {
  for (let [last, since] = [-1, performance.now()]; performance.now() - since < 3000; await sleep(100)) {
    if (delivered() !== last) [last, since] = [delivered(), performance.now()];
  }
}

const sumOf = (writers: readonly Writer[]): WriterCounts =>
  writers.reduce(
    (sum, { counts }) => ({
      committed: sum.committed + counts.committed,
      rolledBack: sum.rolledBack + counts.rolledBack,
      failed: sum.failed + counts.failed,
      inDoubt: sum.inDoubt + counts.inDoubt,
    }),
    { committed: 0, rolledBack: 0, failed: 0, inDoubt: 0 },
  );
