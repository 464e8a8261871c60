import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';

/** A server under measurement, in a process of its own. */
export interface PeerProcess extends AsyncDisposable {
  pid: number;
  /** Where it listens, as `http://127.0.0.1:4000`. */
  url: string;
  /** Collects its garbage; resolves with the bytes that V8 keeps for it, within its heap and beside it. */
  collect(): Promise<number>;
}

/** What a peer's process is started with. */
export interface PeerCommand {
  root: string;
  /** The file and its arguments. */
  run: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Writes a CPU profile there when it ends. */
  profile?: string;
}

/** Starts Node on a file that prints `up at <url>` when it serves. */
export function startPeer({ root, run, env = {}, profile }: PeerCommand): Promise<PeerProcess> {
  const flags = profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : [];
  const collector = path.join(root, 'bench/live/collector.ts');
  const args = ['--expose-gc', ...flags, '--import', 'tsx', '--import', collector, ...run];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      env: { NODE_ENV: 'production', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const url = /up at (http:\/\/\S+)/.exec(said)?.[1];
      if (!url) return;
      resolve({
        pid: child.pid!,
        url,
        collect: () => collect(child),
        [Symbol.asyncDispose]: () => stop(child),
      });
    });
    child.once('exit', (code) => reject(new Error(`a peer ended with ${code}: ${said}`)));
  });
}

function collect(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    let said = '';
    const onData = (text: string) => {
      said += text;
      const kept = /keeps (\d+) bytes/.exec(said)?.[1];
      if (!kept) return;
      child.stdout!.off('data', onData);
      resolve(Number(kept));
    };
    child.stdout!.on('data', onData);
    child.kill('SIGUSR2');
  });
}

function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
    child.once('exit', () => {
      clearTimeout(late);
      resolve();
    });
    child.kill('SIGTERM');
  });
}
