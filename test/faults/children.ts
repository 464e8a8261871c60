import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';

/** A program that the harness started. */
export interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  /** All it has printed, at most the last part. */
  output(): string;
  /** Resolves with the first match in what it prints; rejects when it ends or `patience` ms pass before. */
  waitFor(pattern: RegExp, patience?: number): Promise<RegExpMatchArray>;
  signal(name: NodeJS.Signals): void;
  /** Sends a signal and waits for the end. */
  end(name: NodeJS.Signals): Promise<void>;
  readonly hasEnded: boolean;
}

/** Starts programs, none of which outlives this process: not by its end, not by a signal, not by kill -9. */
export interface Nursery extends AsyncDisposable {
  start(command: string, args: readonly string[], options?: SpawnOptions): Child;
}

const longestOutput = 200_000;

/**
 * Reads process ids, `+1` born and `-1` gone; when the other end of the pipe is closed, kills those that are left and removes
 * the directory that they worked in.
 */
const guardian = `
  trap '' INT TERM HUP; living=' '
  while read -r word; do
    pid=\${word#?}
    case $word in +*) living="$living$pid " ;; -*) living="\${living%% $pid *} \${living#* $pid }" ;; esac
  done
  for pid in $living; do kill -CONT $pid; kill -9 $pid; done 2>/dev/null
  sleep 0.2; rm -rf "$1"`;

/** Opens a nursery for programs that work in this directory, and the guardian that clears up when this process cannot any more. */
export function openNursery(directory: string): Nursery {
  const children = new Set<Child>();
  const guard = spawn('sh', ['-c', guardian, 'guardian', directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.stdin.on('error', () => {});
  return {
    start(command, args, options = {}) {
      const child = follow(spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options }), command);
      children.add(child);
      guard.stdin.write(`+${child.pid}\n`);
      child.process.once('close', () => {
        children.delete(child);
        guard.stdin.write(`-${child.pid}\n`);
      });
      return child;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...children].map((child) => child.end('SIGKILL')));
      const gone = new Promise((resolve) => guard.once('close', resolve));
      guard.stdin.end();
      await gone;
    },
  };
}

function follow(child: ChildProcess, command: string): Child {
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} could not be started`);
  let output = '';
  const listeners = new Set<() => void>();
  const heard = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-longestOutput);
    for (const listener of listeners) listener();
  };
  child.stdout?.on('data', heard);
  child.stderr?.on('data', heard);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  return {
    process: child,
    pid,
    output: () => output,
    waitFor: (pattern, patience = 60_000) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = output.match(pattern);
          if (match) finish(() => resolve(match));
        };
        const fail = (why: string) =>
          finish(() => reject(new Error(`${command}: ${why} before ${pattern} in:\n${output}`)));
        const timer = setTimeout(() => fail(`${patience} ms passed`), patience);
        const finish = (settle: () => void) => {
          clearTimeout(timer);
          listeners.delete(look);
          settle();
        };
        listeners.add(look);
        void ended.then(() => fail('it ended'));
        look();
      }),
    signal: (name) => void child.kill(name),
    async end(name) {
      if (hasEnded()) return ended;
      child.kill('SIGCONT'); // a stopped one would keep every signal but this one and SIGKILL waiting
      child.kill(name);
      await ended;
    },
    get hasEnded() {
      return hasEnded();
    },
  };
}
