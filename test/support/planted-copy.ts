import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { DisposableStack } from '@whatwg-node/disposablestack';
import ts from 'typescript';
import type { startServer } from '../../src/server.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** A mistake to be made in a copy of the engine: in a file of `src/`, the text that stands there and what takes its place. */
export interface Plant {
  file: string;
  right: string;
  wrong: string;
}

/** A copy of the engine, loaded, with whatever was planted in it. */
export interface PlantedCopy extends Disposable {
  start: typeof startServer;
}

/** Copies the engine and makes a mistake in the copy, or none. @throws Error when the mistake's place is not there once */
export async function plantInCopy(plant: Plant | undefined): Promise<PlantedCopy> {
  using stack = new DisposableStack();
  const copy = stack.use(temporaryDirectory());
  // @NOTE what lies in a `node_modules` is loaded by Node itself, which is quicker at it than vitest.
  const directory = path.join(copy.path, 'node_modules', 'planted');
  const src = path.join(directory, 'src');
  cpSync('src/transport/graphiql/client', path.join(src, 'transport/graphiql/client'), { recursive: true });
  for (const entry of ['node_modules', 'package.json']) symlinkSync(path.resolve(entry), path.join(directory, entry));
  for (const [file, text] of engine()) {
    const made = path.join(src, file.replace(/\.ts$/, '.js'));
    mkdirSync(path.dirname(made), { recursive: true });
    writeFileSync(made, file === plant?.file ? withPlant(plant) : text);
  }
  const url = pathToFileURL(path.join(src, 'server.js')).href;
  const server = (await import(url)) as { startServer: typeof startServer };
  const owned = stack.move();
  return { start: server.startServer, [Symbol.dispose]: () => owned.dispose() };
}

function withPlant({ file, right, wrong }: Plant): string {
  const source = readFileSync(path.join('src', file), 'utf8');
  const places = source.split(right).length - 1;
  if (places !== 1) throw new Error(`${file} has ${places} times, and not once: ${right}`);
  return withoutTypes(source.replace(right, () => wrong));
}

let files: Map<string, string> | undefined;

/** The files that a server is made of, without their types. */
function engine(): Map<string, string> {
  files ??= new Map(
    readdirSync('src', { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !/^(generated|cli)\b/.test(file))
      .map((file) => [file, withoutTypes(readFileSync(path.join('src', file), 'utf8'))]),
  );
  return files;
}

const withoutTypes = (source: string): string =>
  ts.transpileModule(source, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      rewriteRelativeImportExtensions: true,
    },
  }).outputText;
