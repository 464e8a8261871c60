import { type ChildProcess, spawn } from 'node:child_process';

/** A started program of the project, and what it has printed so far. */
export interface Program extends AsyncDisposable {
  child: ChildProcess;
  /** Standard output and standard error, in the order of their arrival. */
  output(): string;
  /** Resolves with the first match in the output; rejects when the program ends or `patience` ms pass without one. */
  waitFor(pattern: RegExp, patience?: number): Promise<RegExpMatchArray>;
  /** Resolves with the exit code, or the signal's name. */
  ended: Promise<number | string>;
  write(text: string): void;
}

/** Starts a program in a directory, with these settings and nothing else of Millrace's in its environment. */
export function startProgram(command: string[], cwd: string, settings: Record<string, string> = {}): Program {
  const { PATH, HOME } = process.env;
  // Tests compare whole answers; those of costs ask for them.
  const env = { PATH, HOME, REPORT_COST: 'false', ...settings };
  const child = spawn(command[0]!, command.slice(1), { cwd, env, stdio: 'pipe' });
  let output = '';
  const listeners = new Set<() => void>();
  const heard = (chunk: Buffer) => {
    output += chunk.toString();
    for (const listener of listeners) listener();
  };
  child.stdout.on('data', heard);
  child.stderr.on('data', heard);
  const ended = new Promise<number | string>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal!)),
  );
  return {
    child,
    output: () => output,
    ended,
    write: (text) => void child.stdin.write(text),
    waitFor: (pattern, patience = 25_000) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = output.match(pattern);
          if (match) finish(() => resolve(match));
        };
        const fail = (why: string) =>
          finish(() => reject(new Error(`${why} before ${pattern} appeared in:\n${output}`)));
        const timer = setTimeout(() => fail(`${patience} ms passed`), patience);
        const finish = (settle: () => void) => {
          clearTimeout(timer);
          listeners.delete(look);
          settle();
        };
        listeners.add(look);
        void ended.then(() => fail('the program ended'));
        look();
      }),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      const cut = setTimeout(() => child.kill('SIGKILL'), 12_000);
      await ended;
      clearTimeout(cut);
    },
  };
}

/** The server of a project, as `npm start` runs it, on any free port. */
export const startMain = (cwd: string, settings: Record<string, string> = {}): Program =>
  startProgram([process.execPath, '--import', 'tsx', 'src/main.ts'], cwd, { PORT: '0', ...settings });

/** Where a started server says it is. */
export const urlIn = async (program: Program): Promise<string> =>
  (await program.waitFor(/is up at (http:\S+)\/graphql/))[1]!;

/** Asks a server something, as whoever these headers prove. */
export async function askAs(url: string, token: string | undefined, query: string): Promise<unknown> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify({ query }),
  });
  return response.json();
}

/** A token for the admin role of the project in this directory. */
export async function adminToken(cwd: string): Promise<string> {
  const program = startProgram([process.execPath, 'bin/millrace.mjs', 'token', '--role', 'admin'], cwd);
  await program.ended;
  return program.output().trim();
}
