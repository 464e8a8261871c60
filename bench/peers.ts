import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import path from 'node:path';
import { openTokens } from '../src/platform/tokens.ts';
import type { PeerServerOptions } from './peer-server.ts';
import type { Asker, OtherPeer, Shape, World } from './world.ts';

/** Who is measured. */
export type PeerName = 'millrace' | 'handwritten' | OtherPeer;

/** What a peer is called in reports. */
export const peerTitles: Record<PeerName, string> = {
  millrace: 'Millrace',
  handwritten: 'hand-written',
  postgraphile: 'PostGraphile 5',
  mercurius: 'Mercurius',
  stock: 'Yoga + Pothos + Prisma',
};

/** A server under measurement, in a process of its own. */
export interface Peer extends AsyncDisposable {
  name: PeerName;
  pid: number;
  /** Where a shape is asked for, and with what body. */
  requestsOf(shape: Shape): { url: string; bodies: string[] };
  /** Its answer's data in the form of Millrace's. */
  formOf(shape: Shape, data: unknown): unknown;
}

/** What all peers stand on. */
export interface PeerOptions {
  root: string;
  world: World;
  databaseUrl: string;
  directory: string;
  poolSize: number;
  /** The Node that runs every peer. */
  node: string;
  /** Writes a CPU profile of Millrace there when it ends. */
  profile?: string;
}

/** Starts peers, Millrace first; they trust the same key. `tokenOf` signs a token of an asker. */
export async function startPeers(
  options: PeerOptions,
  others: readonly Exclude<PeerName, 'millrace'>[],
): Promise<{ peers: Peer[]; tokenOf: (asker: Asker) => Promise<string> }> {
  const tokens = await openTokens({
    source: { kind: 'local', directory: path.join(options.directory, 'keys') },
    adminRole: 'admin',
  });
  const given: PeerServerOptions = {
    world: options.world.name,
    url: options.databaseUrl,
    jwks: tokens.jwks(),
    issuer: 'millrace',
    poolSize: options.poolSize,
  };
  const peers = [await startMillrace(options)];
  for (const name of others) {
    peers.push(
      name === 'handwritten' ? await startHandwritten(options, given) : await startOther(name, options, given),
    );
  }
  return { peers, tokenOf: ({ role, sub }) => tokens.mint!({ sub, role, expiresIn: 24 * 3600 }) };
}

async function startMillrace(options: PeerOptions): Promise<Peer> {
  const { root, world, databaseUrl, directory, poolSize, profile } = options;
  const flags = profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : [];
  const env = {
    NODE_ENV: 'production',
    PORT: '0',
    HOST: '127.0.0.1',
    DATABASE_URL: databaseUrl,
    DATABASE_POOL_SIZE: String(poolSize),
    MILLRACE_DIR: directory,
    AUTH_SECRET: 'a secret of the bench alone, which opens nothing',
    MAX_PAGE_SIZE: '1000', // the rows of the shape `flat`
    LOG_LEVEL: 'warn',
  };
  const started = await start(options.node, [...flags, ...typescript(root, 'src/main.ts')], world.project, env);
  return graphqlPeer('millrace', started);
}

async function startHandwritten({ root, node }: PeerOptions, given: PeerServerOptions): Promise<Peer> {
  const args = [...typescript(root, 'bench/handwritten.ts'), JSON.stringify(given)];
  const { child, url } = await start(node, args, root, { NODE_ENV: 'production' });
  return {
    name: 'handwritten',
    pid: child.pid!,
    requestsOf: ({ name, variables }) => ({ url: `${url}/${name}`, bodies: variables.map((v) => JSON.stringify(v)) }),
    formOf: (_shape, data) => data,
    [Symbol.asyncDispose]: () => stop(child),
  };
}

async function startOther(name: OtherPeer, { root, node }: PeerOptions, given: PeerServerOptions): Promise<Peer> {
  const args = [...typescript(root, `bench/peers/${name}.ts`), JSON.stringify(given)];
  // PostGraphile and graphql-js check less where NODE_ENV says production.
  return graphqlPeer(name, await start(node, args, root, { NODE_ENV: 'production', GRAPHILE_ENV: 'production' }));
}

function graphqlPeer(name: 'millrace' | OtherPeer, { child, url }: Started): Peer {
  return {
    name,
    pid: child.pid!,
    requestsOf: ({ query, queries, variables }) => {
      const asked = name === 'millrace' ? query : (queries?.[name] ?? query);
      return { url, bodies: variables.map((v) => JSON.stringify({ query: asked, variables: v })) };
    },
    formOf: (shape, data) => {
      const form = name === 'millrace' ? undefined : shape.forms?.[name];
      return form ? form(data as never) : data;
    },
    [Symbol.asyncDispose]: () => stop(child),
  };
}

interface Started {
  child: ChildProcess;
  url: string;
}

// @NOTE by its path: a peer's working directory may lie where no `tsx` is found, or another one.
const typescript = (root: string, file: string): string[] => [
  '--import',
  path.join(root, 'node_modules/tsx/dist/loader.mjs'),
  path.join(root, file),
];

/**
 * Starts Node, and resolves with the address that the first line with one names.
 * @param isTold can be sent messages
 */
export function start(
  node: string,
  args: string[],
  cwd: string,
  env: Record<string, string>,
  isTold = false,
): Promise<Started> {
  return new Promise((resolve, reject) => {
    const stdio: StdioOptions = ['ignore', 'pipe', 'inherit', ...(isTold ? (['ipc'] as const) : [])];
    const child = spawn(node, args, { cwd, env, stdio });
    let said = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const url = /up at (http:\/\/\S+)/.exec(said)?.[1];
      if (url) resolve({ child, url });
    });
    child.once('exit', (code) => reject(new Error(`a peer ended with ${code}: ${said}`)));
  });
}

/** Ends a process as an operator would, and waits for it. */
export function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}
