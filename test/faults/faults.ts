import { setTimeout as sleep } from 'node:timers/promises';
import type { ResumingClient } from './client.ts';
import type { Control } from './control.ts';
import { leaderOf, type MillraceNode } from './nodes.ts';
import { ask, type Postgres } from './postgres.ts';
import type { Random } from './random.ts';
import type { Redis } from './redis.ts';

/** What faults are done to. */
export interface Scene {
  nodes: readonly MillraceNode[];
  postgres: Postgres;
  redis: Redis;
  clients: readonly ResumingClient[];
  control: Control;
  random: Random;
  isShort: boolean;
  /** When each new epoch began. */
  epochs: number[];
}

/** What came of a fault. */
export interface Aftermath {
  /** For the clients whose first delivery is measured: from when on. */
  since: ReadonlyMap<ResumingClient, number>;
  /** Whatever has to be done before the next fault. */
  mend?: () => Promise<void>;
}

/** Something that goes wrong. */
export interface Fault {
  title: string;
  /** It leaves pub/sub without a link for a while: then the control must lose something. */
  breaksPubSub?: boolean;
  /** Resolves when the fault is over, or, where the rest of the system stays up, has begun. */
  run(scene: Scene): Promise<Aftermath>;
}

const all = ({ clients }: Scene, since = performance.now()) => new Map(clients.map((client) => [client, since]));

/** All faults, by the names that `--only` takes. */
export const faults: Record<string, Fault> = {
  'node-kill': {
    title: 'a node is killed (-9)',
    run: async (scene) => killNode(scene, await follower(scene)),
  },
  'leader-kill': {
    title: 'the leading node is killed (-9)',
    run: async (scene) => killNode(scene, await leaderOf(scene.nodes, scene.postgres)),
  },
  'redis-kill': {
    title: 'Redis is killed (-9) and starts again',
    breaksPubSub: true,
    run: (scene) => redisDown(scene, 0),
  },
  'redis-down': {
    title: 'Redis is down for a while',
    breaksPubSub: true,
    run: (scene) => redisDown(scene, scene.isShort ? 3000 : 30_000),
  },
  'redis-stop': {
    title: 'Redis hangs (SIGSTOP) for 5 s',
    async run(scene) {
      scene.redis.freeze();
      await sleep(5000);
      scene.redis.thaw();
      return { since: all(scene) };
    },
  },
  'postgres-crash': {
    title: 'PostgreSQL is stopped at once and starts again',
    async run(scene) {
      await scene.postgres.crash();
      await sleep(scene.random.below(1000));
      await scene.postgres.start();
      return { since: all(scene) };
    },
  },
  'node-stop': {
    title: 'a node hangs (SIGSTOP)',
    run: async (scene) => stopNode(scene, await follower(scene)),
  },
  'leader-stop': {
    title: 'the leading node hangs (SIGSTOP)',
    run: async (scene) => stopNode(scene, await leaderOf(scene.nodes, scene.postgres)),
  },
  'clients-cut': {
    title: 'all clients are cut',
    breaksPubSub: true,
    async run(scene) {
      const since = all(scene);
      for (const client of scene.clients) client.cut();
      scene.control.cutAll();
      return { since };
    },
  },
  rolling: {
    title: 'the nodes are restarted (SIGTERM), one by one',
    async run({ nodes, clients }) {
      const since = new Map<ResumingClient, number>();
      for (const node of nodes) {
        const now = performance.now();
        for (const client of clients) if (client.node === node && !since.has(client)) since.set(client, now);
        await node.end('SIGTERM');
        await sleep(500); // the next process may be elsewhere: its start is not to slow down those that go on
        await node.start();
      }
      return { since };
    },
  },
  'clients-pause': {
    title: 'half of the clients read nothing for a while',
    async run({ clients, isShort }) {
      const paused = clients.filter((_, n) => n % 2 === 0);
      for (const client of paused) client.pause();
      await sleep(isShort ? 3000 : 20_000);
      for (const client of paused) client.resume();
      const now = performance.now();
      return { since: new Map(paused.map((client) => [client, now])) };
    },
  },
  epoch: {
    title: 'a new epoch begins',
    async run(scene) {
      const now = performance.now();
      scene.epochs.push(now);
      await ask(scene.postgres.url('faults'), 'update millrace.event_head set epoch = gen_random_uuid()::text');
      return { since: all(scene, now) };
    },
  },
};

/** A node that does not lead. */
async function follower({ nodes, postgres, random }: Scene): Promise<MillraceNode> {
  const leader = await leaderOf(nodes, postgres);
  return random.pick(nodes.filter((node) => node !== leader));
}

async function killNode(scene: Scene, node: MillraceNode): Promise<Aftermath> {
  const since = all(scene);
  await node.end('SIGKILL');
  return { since, mend: () => node.start() };
}

async function redisDown(scene: Scene, pause: number): Promise<Aftermath> {
  await scene.redis.kill();
  await sleep(pause);
  await scene.redis.start();
  return { since: all(scene) };
}

/** The clients of the node wait for its return, the others for the next leader if it was one. */
async function stopNode(scene: Scene, node: MillraceNode): Promise<Aftermath> {
  const since = all(scene);
  node.child.signal('SIGSTOP');
  const held = scene.clients.filter((client) => client.node === node);
  await sleep(scene.isShort ? 3000 : 6000);
  node.child.signal('SIGCONT');
  const now = performance.now();
  for (const client of held) since.set(client, now);
  return { since };
}
