import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import path from 'node:path';
import { openTokens } from '../src/platform/tokens.ts';
import type { HandwrittenOptions } from './handwritten.ts';
import { type Asker, flatRows, type Shape } from './shapes.ts';

/** A server under measurement, in a process of its own. */
export interface Peer extends AsyncDisposable {
  name: 'millrace' | 'handwritten';
  pid: number;
  /** Where a shape is asked for, and with what body. */
  requestsOf(shape: Shape): { url: string; bodies: string[] };
}

/** What both peers stand on. */
export interface PeerOptions {
  root: string;
  databaseUrl: string;
  directory: string;
  poolSize: number;
  /** Writes a CPU profile of Millrace there when it ends. */
  profile?: string;
}

/** Starts both peers; they trust the same key. `tokenOf` signs a token of an asker. */
export async function startPeers(options: PeerOptions): Promise<{ peers: [Peer, Peer]; tokenOf: TokenOf }> {
  const tokens = await openTokens({
    source: { kind: 'local', directory: path.join(options.directory, 'keys') },
    adminRole: 'admin',
  });
  const millrace = await startMillrace(options);
  const handwritten = await startHandwritten(options, {
    url: options.databaseUrl,
    jwks: tokens.jwks(),
    issuer: 'millrace',
    poolSize: options.poolSize,
  });
  const tokenOf: TokenOf = ({ role, sub }) => tokens.mint!({ sub, role, expiresIn: 24 * 3600 });
  return { peers: [millrace, handwritten], tokenOf };
}

type TokenOf = (asker: Asker) => Promise<string>;

async function startMillrace({ root, databaseUrl, directory, poolSize, profile }: PeerOptions): Promise<Peer> {
  const flags = profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : [];
  const env = {
    NODE_ENV: 'production',
    PORT: '0',
    HOST: '127.0.0.1',
    DATABASE_URL: databaseUrl,
    DATABASE_POOL_SIZE: String(poolSize),
    MILLRACE_DIR: directory,
    MAX_PAGE_SIZE: String(flatRows),
    LOG_LEVEL: 'warn',
  };
  const { child, url } = await start([...flags, '--import', 'tsx', path.join(root, 'src/main.ts')], root, env);
  return {
    name: 'millrace',
    pid: child.pid!,
    requestsOf: ({ query, variables }) => ({
      url: `${url}`,
      bodies: variables.map((v) => JSON.stringify({ query, variables: v })),
    }),
    [Symbol.asyncDispose]: () => stop(child),
  };
}

async function startHandwritten({ root }: PeerOptions, options: HandwrittenOptions): Promise<Peer> {
  const file = path.join(root, 'bench/handwritten.ts');
  const env = { NODE_ENV: 'production' };
  const { child, url } = await start(['--import', 'tsx', file, JSON.stringify(options)], root, env);
  return {
    name: 'handwritten',
    pid: child.pid!,
    requestsOf: ({ name, variables }) => ({ url: `${url}/${name}`, bodies: variables.map((v) => JSON.stringify(v)) }),
    [Symbol.asyncDispose]: () => stop(child),
  };
}

/**
 * Starts Node, and resolves with the address that the first line with one names.
 * @param isTold can be sent messages
 */
export function start(
  args: string[],
  cwd: string,
  env: Record<string, string>,
  isTold = false,
): Promise<{ child: ChildProcess; url: string }> {
  return new Promise((resolve, reject) => {
    const stdio: StdioOptions = ['ignore', 'pipe', 'inherit', ...(isTold ? (['ipc'] as const) : [])];
    const child = spawn(process.execPath, args, { cwd, env, stdio });
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
