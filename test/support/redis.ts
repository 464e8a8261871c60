import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import path from 'node:path';
import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import { temporaryDirectory } from './temporary-directory.ts';

/** Whether there is a redis-server on this machine; without one its tests are to be skipped. */
export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

/** A Redis of a test's own, on a port of its own, that keeps nothing. */
export interface RedisServer extends AsyncDisposable {
  port: number;
  url: string;
  /** Runs a command without spaces in its words; resolves with the raw answer. */
  ask(command: string): Promise<string>;
  /** kill -9 */
  kill(): Promise<void>;
  /** Starts it on the same port, after `kill`. */
  restart(): Promise<void>;
  freeze(): void;
  thaw(): void;
}

/** Starts redis-server with these settings besides its own, and waits until it takes connections. */
export async function startRedis(settings: string[] = [], port?: number): Promise<RedisServer> {
  const directory = temporaryDirectory('millrace-redis');
  const at = port ?? (await freePort());
  const own = ['--port', `${at}`, '--bind', '127.0.0.1', '--dir', directory.path, '--save', '', '--appendonly', 'no'];
  return runRedis([...own, ...settings], at, directory);
}

/** Starts a sentinel that watches a master under the name `main`, and fails over after half a second of silence. */
export async function startSentinel(master: RedisServer): Promise<RedisServer> {
  const directory = temporaryDirectory('millrace-sentinel');
  const port = await freePort();
  const file = path.join(directory.path, 'sentinel.conf'); // it writes into it
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${directory.path}`,
    `sentinel monitor main 127.0.0.1 ${master.port} 1`,
    'sentinel down-after-milliseconds main 500',
    'sentinel failover-timeout main 1000',
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return runRedis([file, '--sentinel'], port, directory);
}

/** Starts three nodes that make one cluster, without replicas. */
export async function startRedisCluster(): Promise<AsyncDisposable & { nodes: RedisServer[]; url: string }> {
  await using stack = new AsyncDisposableStack();
  const nodes: RedisServer[] = [];
  const buses: number[] = [];
  for (let n = 0; n < 3; n += 1) {
    buses.push(await freePort());
    const settings = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000', '--cluster-port', `${buses[n]}`];
    nodes.push(stack.use(await startRedis(settings)));
  }
  const ranges = ['0 5460', '5461 10922', '10923 16383'];
  for (const [n, node] of nodes.entries()) {
    await node.ask(`CLUSTER ADDSLOTSRANGE ${ranges[n]}`);
    await nodes[0]!.ask(`CLUSTER MEET 127.0.0.1 ${node.port} ${buses[n]}`);
  }
  const isMet = async (node: RedisServer) => /cluster_known_nodes:3/.test(await node.ask('CLUSTER INFO'));
  for (const node of nodes) while (!(await isMet(node))) await new Promise((resolve) => setTimeout(resolve, 50));
  const owned = stack.move();
  const url = `redis://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  return { nodes, url, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function runRedis(args: string[], port: number, directory: Disposable): Promise<RedisServer> {
  let child = await spawnRedis(args);
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGKILL');
    await ended;
  };
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    ask: (command) => askRedis(port, command),
    kill,
    async restart() {
      child = await spawnRedis(args);
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      await kill();
      directory[Symbol.dispose]();
    },
  };
}

async function spawnRedis(args: string[]): Promise<ChildProcess> {
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      output += chunk;
      if (/Ready to accept connections|Sentinel ID is/.test(output)) resolve();
    });
    child.once('error', reject);
    child.once('close', () => reject(new Error(`redis-server ended:\n${output}`)));
  });
  return child;
}

function askRedis(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${command}\r\n`));
    socket.on('error', reject);
    socket.once('data', (answer) => {
      resolve(answer.toString());
      socket.destroy();
    });
  });
}
