import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, statSync } from 'node:fs';
import path from 'node:path';

/** Where the peers' own packages are, which nobody needs who does not measure. */
const directoryOf = (root: string): string => path.join(root, 'bench/peers');

/** Installs what the other peers stand on, unless it is there, and has Prisma generate the stock stack's client. */
export function preparePeers(root: string, say: (line: string) => void): void {
  const directory = directoryOf(root);
  const installed = path.join(directory, 'node_modules/.package-lock.json');
  if (!isNewer(installed, path.join(directory, 'package-lock.json'))) {
    say('installing the peers’ packages into bench/peers …');
    run(directory, 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  }
  copyFileSync(path.join(root, 'bench/blog/prisma/app.prisma'), path.join(directory, 'prisma/app.prisma'));
  run(directory, 'npx', ['--no-install', 'prisma', 'generate']); // which finds the generators of both directories
}

/** The Node that PostGraphile takes: this one from 22 on, otherwise the one among the peers' packages. */
export function peersNode(root: string): string {
  if (Number(process.versions.node.split('.')[0]) >= 22) return process.execPath;
  const file = path.join(directoryOf(root), `node_modules/node-linux-${process.arch}/bin/node`);
  if (!existsSync(file)) throw new Error(`no package brings a newer Node for ${process.platform} ${process.arch}`);
  return file;
}

const isNewer = (file: string, than: string): boolean =>
  existsSync(file) && (!existsSync(than) || statSync(file).mtimeMs >= statSync(than).mtimeMs);

function run(cwd: string, program: string, args: string[]): void {
  try {
    execFileSync(program, args, { cwd, stdio: 'pipe' });
  } catch (error) {
    const { stderr, stdout } = error as { stderr?: Buffer; stdout?: Buffer };
    throw new Error(`${path.basename(program)} ${args[0]} failed: ${stderr ?? ''}${stdout ?? ''}`, { cause: error });
  }
}
