import { type ChildProcess, execFile } from 'node:child_process';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** Keeps the types behind the running server, one save at a time. */
export interface TypeChecker {
  /** Generates the client where the schema is new, then has the compiler look over the application's own code. */
  check(save: { isSchemaNew: boolean }): void;
  /** Ends a check under way: what it would say is about a save that is no more. */
  cancel(): void;
}

const shownOfFile = 3;

/** Makes a checker that tells mistakes with file and line. */
export function createTypeChecker(root: string, say: (line: string) => void): TypeChecker {
  let child: ChildProcess | undefined;
  let current = 0;
  // The schema may have changed while nobody followed it: adopted, pulled, copied in.
  let mustGenerate = true;

  const run = (script: string, args: string[]): Promise<{ failed: boolean; output: string }> =>
    new Promise((resolve) => {
      const options = { cwd: root, maxBuffer: 10_000_000 };
      child = execFile(process.execPath, [script, ...args], options, (error, stdout, stderr) => {
        resolve({ failed: error !== null, output: `${stdout}${stderr}`.trim() });
      });
    });

  const check = async (save: number): Promise<void> => {
    if (mustGenerate) {
      const { failed, output } = await run(require.resolve('prisma/build/index.js'), ['generate', '--no-hints']);
      if (save !== current) return;
      if (failed) say(`the types could not be generated:\n${output}`);
      mustGenerate = false;
    }
    const { output } = await run(require.resolve('typescript/bin/tsc'), ['--project', 'app', '--pretty', 'false']);
    if (save !== current) return;
    const mistakes = ofTheApplication(output);
    if (mistakes.length > 0) say(`\n✗ types in app/:\n${mistakes.map((m) => `  ${m}`).join('\n')}`);
  };

  return {
    check({ isSchemaNew }) {
      mustGenerate ||= isSchemaNew;
      current += 1;
      void check(current);
    },
    cancel() {
      current += 1;
      child?.kill();
    },
  };
}

/** The compiler's mistakes in app/, the first few of each file: where, what, and the last line of a chain of reasons. */
function ofTheApplication(output: string): string[] {
  const byFile = new Map<string, string[]>();
  for (const mistake of output.split(/\n(?! )/)) {
    const file = /^(app\/[^(]+)\(/.exec(mistake)?.[1];
    const [what, ...reasons] = mistake.split('\n');
    const reason = reasons.length > 0 ? `\n    ${reasons.at(-1)!.trim()}` : '';
    if (file) byFile.set(file, [...(byFile.get(file) ?? []), `${what}${reason}`]);
  }
  return [...byFile].flatMap(([file, mistakes]) => {
    const rest = mistakes.length - shownOfFile;
    const hint = file === 'app/seed.ts' ? '; if it is still the example’s, empty it or write your own' : '';
    return [...mistakes.slice(0, shownOfFile), ...(rest > 0 ? [`${file}: and ${rest} more${hint}`] : [])];
  });
}
