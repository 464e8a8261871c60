import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { schemaBlocks } from '../../data/model/schema-blocks.ts';
import { type SchemaFile, withoutMark } from '../../data/model/schema-files.ts';
import { StartupError } from '../../errors.ts';
import { modernizeSchema } from './modernize-schema.ts';

/** The files of one foreign schema, in today's words. */
export interface ForeignFiles {
  files: SchemaFile[];
  directory: string;
  /** What is said in other words than on disk. */
  changes: string[];
}

/** Reads the schema at `path`, one file or all below a directory; a StartupError when it is none, or more than one. */
export async function readForeignFiles(path: string): Promise<ForeignFiles> {
  const kind = await stat(path).catch(() => undefined);
  const names = kind?.isFile() ? [basename(path)] : kind ? await schemaNames(path) : [];
  if (names.length === 0) {
    throw new StartupError(
      `There is no Prisma schema at ${path}.`,
      'Name a schema.prisma, or a directory of .prisma files.',
    );
  }
  const directory = kind?.isFile() ? dirname(path) : path;
  const changes = new Set<string>();
  const read = async (name: string) => {
    const modern = modernizeSchema(withoutMark(await readFile(join(directory, name), 'utf8')));
    for (const change of modern.changes) changes.add(change);
    return { path: relative(process.cwd(), join(directory, name)), content: modern.text };
  };
  const files = await Promise.all(names.map(read));
  requireOneSource(files);
  return { files, directory, changes: [...changes] };
}

async function schemaNames(directory: string): Promise<string[]> {
  const names = await readdir(directory, { recursive: true });
  return names.filter((name) => name.endsWith('.prisma') && !name.includes('node_modules')).sort();
}

/** A datasource is a database, and the models of two databases are not one schema, whether or not their names collide. */
function requireOneSource(files: readonly SchemaFile[]): void {
  const whole = files.filter(({ content }) => schemaBlocks(content).some(({ keyword }) => keyword === 'datasource'));
  if (whole.length < 2) return;
  throw new StartupError(
    `There are several schemas, each with a datasource of its own: ${whole.map(({ path }) => path).join(', ')}.`,
    'Name the file of one of them.',
  );
}

/** The error that reading `path` came to; where others lie beside a file that needs more than it has, with advice to take all. */
export async function explainPart(error: unknown, path: string, { directory, files }: ForeignFiles): Promise<unknown> {
  const lacksSomething =
    error instanceof StartupError && /neither a built-in type|has no models/.test(error.message) && files.length === 1;
  if (!lacksSomething || (await schemaNames(directory)).length === 1) return error;
  const place = relative(process.cwd(), directory) || '.';
  return new StartupError(
    error.message,
    `If ${basename(path)} is one of several files of a schema, name their directory: npx millrace adopt ${place}`,
    { cause: error },
  );
}
