import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { DisposableStack } from '@whatwg-node/disposablestack';
import type { startServer } from '../../src/server.ts';
import { copyProject } from './project-copy.ts';

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
  const copy = stack.use(copyProject());
  if (plant) {
    const file = path.join(copy.path, 'src', plant.file);
    const source = readFileSync(file, 'utf8');
    const places = source.split(plant.right).length - 1;
    if (places !== 1) throw new Error(`${plant.file} has ${places} times, and not once: ${plant.right}`);
    writeFileSync(
      file,
      source.replace(plant.right, () => plant.wrong),
    );
  }
  const url = pathToFileURL(path.join(copy.path, 'src', 'server.ts')).href;
  const server = (await import(url)) as { startServer: typeof startServer };
  const owned = stack.move();
  return { start: server.startServer, [Symbol.dispose]: () => owned.dispose() };
}
