import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** The parts of GraphiQL as `@graphql-yoga/render-graphiql` publishes them, by the names they are served under. */
export interface BundlePart {
  name: string;
  /** The package's export that holds the text. */
  exportName: string;
  extension: 'js' | 'css';
}

/** What of the package the page needs; its favicon (150 KB) is not among it. */
export const bundleParts: readonly BundlePart[] = [
  { name: 'graphiql', exportName: 'js', extension: 'js' },
  { name: 'graphiql', exportName: 'css', extension: 'css' },
  { name: 'worker-editor', exportName: 'editorWorkerService', extension: 'js' },
  { name: 'worker-json', exportName: 'jsonWorker', extension: 'js' },
  { name: 'worker-graphql', exportName: 'graphqlWorker', extension: 'js' },
];

const require = createRequire(import.meta.url);

/** Version of the installed package: a new one makes new assets. */
export function bundleVersion(): string {
  return (require('@graphql-yoga/render-graphiql/package.json') as { version: string }).version;
}

/** Where the browser's client of graphql-transport-ws is; a file of 10 KB that the package holds but does not export. */
export function socketClientPath(): string {
  return join(require.resolve('graphql-ws/package.json'), '../umd/graphql-ws.min.js');
}

/**
 * Reads the parts' bytes, keyed by export name, in about 60 ms; throws when the package no longer has one of them.
 *
 * @NOTE the module is read as text, not imported: importing it evaluates 9 MB on the event loop in one go and keeps
 * them for the life of the process, because a module is never let go.
 */
export async function readBundle(): Promise<Map<string, Buffer>> {
  const text = await readFile(require.resolve('@graphql-yoga/render-graphiql/graphiql'), 'utf8');
  const parts = new Map<string, Buffer>();
  for (const { exportName } of bundleParts) {
    const start = text.indexOf(`\nexports.${exportName} = "`);
    const end = text.indexOf('\n', start + 1);
    if (start === -1 || end === -1) throw new Error(`@graphql-yoga/render-graphiql no longer exports ${exportName}`);
    const literal = text.slice(text.indexOf('"', start), end).replace(/;\s*$/, '');
    parts.set(exportName, Buffer.from(JSON.parse(literal) as string));
  }
  return parts;
}
