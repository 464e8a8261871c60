import { type ChildProcess, fork } from 'node:child_process';
import { isDeepStrictEqual } from 'node:util';
import { microsecondsOf, microsecondsOfFamily } from './cpu.ts';
import type { Load, LoadResult } from './load.ts';
import type { Peer } from './peers.ts';
import { percentile } from './statistics.ts';
import { numberMark, type Shape } from './world.ts';

/** What one peer came to in one round; times in microseconds. */
export interface Measurement {
  /** CPU a request, of the server's process and of PostgreSQL's. */
  server: number;
  database: number;
  /** Requests a second. */
  throughput: number;
  median: number;
  p99: number;
  /** Bytes of an answer's body, on average. */
  bytes: number;
}

/** Something to measure: one shape for one asker over so many connections. */
export interface Task {
  shape: Shape;
  token: string;
  connections: number;
  requests: number;
}

/** Where measuring takes place. */
export interface Machine {
  loader: Loader;
  postmaster: number;
  ticksPerSecond: number;
}

/** The process that loads the peers. */
export interface Loader extends Disposable {
  run(load: Load): Promise<LoadResult>;
}

/** Starts the loading process. */
export function startLoader(): Loader {
  const child: ChildProcess = fork(new URL('./load.ts', import.meta.url));
  return {
    run: (load) =>
      new Promise((resolve, reject) => {
        const onExit = () => reject(new Error('the loading process ended'));
        child.once('exit', onExit);
        child.once('message', ({ result, error }: { result?: LoadResult; error?: string }) => {
          child.off('exit', onExit);
          if (result) resolve(result);
          else reject(new Error(error));
        });
        child.send(load);
      }),
    [Symbol.dispose]: () => child.kill(),
  };
}

/** Loads one peer and reads off what it and PostgreSQL have used meanwhile. */
export async function measure(machine: Machine, peer: Peer, task: Task): Promise<Measurement> {
  const { postmaster, ticksPerSecond } = machine;
  const used = () => ({
    server: microsecondsOf(peer.pid, ticksPerSecond),
    database: microsecondsOfFamily(postmaster, ticksPerSecond),
  });
  const before = used();
  const { duration, latencies, bytes } = await machine.loader.run(loadOf(peer, task));
  const after = used();
  return {
    server: (after.server - before.server) / task.requests,
    database: (after.database - before.database) / task.requests,
    throughput: (task.requests / duration) * 1000,
    median: percentile(latencies, 0.5) * 1000,
    p99: percentile(latencies, 0.99) * 1000,
    bytes: bytes / task.requests,
  };
}

/** Runs a task without looking, so that connections, plans and compiled code are there. */
export async function warmUp(machine: Machine, peer: Peer, task: Task): Promise<void> {
  await machine.loader.run(loadOf(peer, { ...task, requests: Math.max(task.connections * 2, task.requests) }));
}

function loadOf(peer: Peer, { shape, token, connections, requests }: Task): Load {
  return { ...peer.requestsOf(shape), headers: headersOf(token), connections, requests };
}

const headersOf = (token: string) => ({
  'content-type': 'application/json',
  accept: 'application/json',
  authorization: `Bearer ${token}`,
});

/** Asks each peer the same, and refuses to go on unless all say the same, and refuse what they have to. */
export async function requireSameAnswers(peers: readonly Peer[], { shape, token }: Task): Promise<void> {
  const index = Math.floor(Math.random() * shape.variables.length);
  const number = String(Math.floor(Math.random() * 10_000_000)).padStart(numberMark.length, '0');
  const ask = async (peer: Peer, asked: Shape, at: number) => {
    const { url, bodies } = peer.requestsOf(asked);
    const body = bodies[at]!.replaceAll(numberMark, number);
    const response = await fetch(url, { method: 'POST', headers: headersOf(token), body });
    const text = await response.text();
    const { data, errors } = parse(text);
    const answer = data && !errors ? peer.formOf(asked, data) : undefined;
    return { text, answer, isRefused: !response.ok || Object.values(answer ?? {})[0] == null };
  };
  const { comparable = (data: unknown) => data, refused } = shape;
  const answers = await Promise.all(
    peers.map(async (peer) => {
      const { text, answer } = await ask(peer, shape, index);
      return { text, data: answer && canonical(comparable(answer as never)) };
    }),
  );
  const [first, ...others] = answers;
  if (!first?.data || !others.every(({ data }) => isDeepStrictEqual(data, first.data))) {
    const shown = answers.map(({ text }, i) => `${peers[i]!.name}: ${text.slice(0, 600)}`);
    throw new Error(`the peers answer ${shape.name} differently:\n${shown.join('\n')}`);
  }
  if (!refused) return;
  for (const peer of peers) {
    const { text, isRefused } = await ask(peer, { ...shape, variables: [refused] }, 0);
    if (!isRefused) throw new Error(`${peer.name} does for ${shape.name} what it has to refuse: ${text.slice(0, 600)}`);
  }
}

function parse(text: string): { data?: object; errors?: unknown } {
  try {
    return JSON.parse(text) as { data?: object };
  } catch {
    return {};
  }
}

/** The same value in one spelling: peers write an instant, and a sum that may be great, in their own ways. */
export function canonical(value: unknown): unknown {
  if (typeof value === 'string') {
    if (/^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(value)) return new Date(value).toISOString();
    return /^\d{1,15}$/.test(value) ? Number(value) : value;
  }
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, canonical(entry)]));
}
