import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(import.meta.url);

/** Generates the typed client anew, from which app/rules.ts has its types; says so when it cannot. */
export async function generateTypes(root: string, say: (line: string) => void): Promise<void> {
  const { code, output } = await run(root, require.resolve('prisma/build/index.js'), ['generate', '--no-hints']);
  if (code !== 0) say(`the types could not be generated:\n${output}`);
}

/** Has the compiler look over the application's own code, in the background; mistakes are told with file and line. */
export async function checkTypes(root: string, say: (line: string) => void): Promise<void> {
  const { output } = await run(root, require.resolve('typescript/bin/tsc'), ['--noEmit', '--pretty', 'false']);
  const mistakes = output.split('\n').filter((line) => line.startsWith(`app${path.posix.sep}`));
  if (mistakes.length > 0) say(`\n✗ types in app/:\n${mistakes.map((m) => `  ${m}`).join('\n')}`);
}

function run(cwd: string, script: string, args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], { cwd, maxBuffer: 10_000_000 }, (error, stdout, stderr) => {
      resolve({ code: error ? 1 : 0, output: `${stdout}${stderr}`.trim() });
    });
  });
}
