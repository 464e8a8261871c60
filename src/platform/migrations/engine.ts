import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import * as glue from '@prisma/schema-engine-wasm/schema_engine_bg';
import { engineConnections } from './engine-adapter.ts';

export type { SchemaEngine } from '@prisma/schema-engine-wasm/schema_engine_bg';

/** What one run of the engine works on. */
export interface EngineOptions {
  /** The database; without it only schema files can be compared. */
  url?: string;
  /** A shadow database that exists; without it one is made beside the database and dropped afterwards. */
  shadowUrl?: string;
  /** Path and content of the schema files that the engine starts from. */
  datamodels?: [path: string, content: string][];
}

/**
 * Runs `action` on Prisma's schema engine in this process. Each run has an engine and sessions of its own, because the
 * engine keeps its advisory lock until its session ends.
 */
export async function withSchemaEngine<T>(
  { url, shadowUrl, datamodels }: EngineOptions,
  action: (engine: glue.SchemaEngine) => Promise<T>,
): Promise<T> {
  loadEngine();
  await using connections = engineConnections(url, shadowUrl);
  const adapter = bindMigrationAwareSqlAdapterFactory(connections.factory);
  const engine = await glue.SchemaEngine.new({ datamodels }, () => {}, adapter);
  try {
    return await action(engine);
  } finally {
    freeEngine(engine);
  }
}

/** The commit of Prisma's engines that this one was built from. */
export function engineVersion(): string {
  loadEngine();
  return glue.version();
}

interface WebAssemblyRuntime {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: Record<string, unknown>) => { exports: Record<string, unknown> };
}

/** The glue code of the package holds one instance of the module for the whole process; it is made at the first use. */
function loadEngine(): void {
  if (isLoaded()) return;
  const main = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  const bytes = readFileSync(path.join(path.dirname(main), 'schema_engine_bg.wasm'));
  // The compiler knows no WebAssembly without the browser's types.
  const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyRuntime }).WebAssembly;
  const { exports } = new Instance(new Module(bytes), { './schema_engine_bg.js': glue });
  glue.__wbg_set_wasm(exports);
  (exports.__wbindgen_start as () => void)();
}

function isLoaded(): boolean {
  try {
    return glue.version() !== '';
  } catch {
    return false;
  }
}

function freeEngine(engine: glue.SchemaEngine): void {
  try {
    engine.free();
  } catch {
    // After a panic the engine's memory cannot be given back; the panic itself is already on its way to the caller.
  }
}
