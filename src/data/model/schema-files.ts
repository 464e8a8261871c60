import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { StartupError } from '../../errors.ts';
import { type SchemaBlock, schemaBlocks, settingOf } from './schema-blocks.ts';

/** One `.prisma` file: its path, relative to the project, and its text. */
export interface SchemaFile {
  path: string;
  content: string;
}

/**
 * Reads every `.prisma` file under `<root>/prisma`, in the order of their paths.
 * @throws StartupError when there is none
 */
export async function readSchemaFiles(root: string): Promise<SchemaFile[]> {
  const directory = path.join(root, 'prisma');
  const names = await readdir(directory, { recursive: true }).catch(() => []);
  const files = names.filter((name) => name.endsWith('.prisma')).sort();
  if (files.length === 0) {
    throw new StartupError(`no .prisma file under ${directory}`, 'write your models into prisma/app.prisma');
  }
  return Promise.all(
    files.map(async (name) => ({
      path: path.posix.join('prisma', name.split(path.sep).join('/')),
      content: withoutMark(await readFile(path.join(directory, name), 'utf8')),
    })),
  );
}

/** A file's text without the byte order mark that some editors begin it with, and Prisma's parser stumbles over. */
export const withoutMark = (text: string): string => text.replace(/^\uFEFF/, '');

const platformFile = 'prisma/schema.prisma';
/** No file on disk: where the composed blocks stand. */
const settingsFile = 'prisma/settings of all files';

/** What a datasource says about the models, not about the connection. */
const modelSettings = ['schemas', 'extensions', 'relationMode'];

/**
 * Makes one valid schema of files that were each whole once: a schema brought from elsewhere keeps its own `datasource` and
 * `generator` blocks, and all of them give way to one of each in a file of their own. Lines keep their numbers, so that
 * messages still point at the right place. What a datasource says about the models is kept, of prisma/schema.prisma first.
 * @throws StartupError when a schema is for another database
 */
export function composeSchema(files: readonly SchemaFile[]): SchemaFile[] {
  const ordered = [...files].sort((a, b) => Number(b.path === platformFile) - Number(a.path === platformFile));
  const settings = new Map<string, string>();
  const composed = ordered.map((file) => {
    let content = file.content;
    for (const block of schemaBlocks(file.content)) {
      if (block.keyword !== 'datasource' && block.keyword !== 'generator') continue;
      content = content.slice(0, block.start) + blank(content.slice(block.start, block.end)) + content.slice(block.end);
      if (block.keyword === 'datasource') readSettings(file, block, settings);
    }
    return { path: file.path, content };
  });
  return [...composed, { path: settingsFile, content: setup(settings) }];
}

function readSettings(file: SchemaFile, datasource: SchemaBlock, settings: Map<string, string>): void {
  const provider = settingOf(datasource, 'provider') ?? '"postgresql"';
  if (!/^"postgres(ql)?"$/.test(provider)) {
    throw new StartupError(
      `${file.path} is a schema for ${provider}`,
      'Millrace runs on PostgreSQL: bring the schema there first',
    );
  }
  for (const name of modelSettings) {
    const value = settingOf(datasource, name);
    if (value && !settings.has(name)) settings.set(name, value);
  }
}

const setup = (settings: ReadonlyMap<string, string>): string =>
  [
    'datasource db {',
    '  provider = "postgresql"',
    ...[...settings].map(([name, value]) => `  ${name} = ${value}`),
    '}',
    'generator client {',
    '  provider = "prisma-client"',
    // @NOTE those that more schemas are valid with; the features that a client is generated with are not our matter.
    `  previewFeatures = ["views", "partialIndexes"${settings.has('extensions') ? ', "postgresqlExtensions"' : ''}]`,
    '}',
    '',
  ].join('\n');

// @NOTE a space for each character, so that what follows keeps its place.
const blank = (text: string): string => text.replaceAll(/[^\n]/g, ' ');

interface Diagnostic {
  file_name: string;
  start: number;
  text: string;
  is_warning: boolean;
}

/** So many mistakes are told at once: one often makes a hundred others. */
const mostProblems = 10;

/** The first mistakes that the linter found, each as `prisma/app.prisma:12 what is wrong` with the offending line below. */
export function schemaProblems(files: readonly SchemaFile[], lint: string): string[] {
  const diagnostics = (JSON.parse(lint) as Diagnostic[]).filter((d) => !d.is_warning);
  const rest = diagnostics.length - mostProblems;
  const problems = diagnostics.slice(0, mostProblems).map((diagnostic) => {
    const content = files.find((f) => f.path === diagnostic.file_name)?.content ?? '';
    // @NOTE the linter counts UTF-16 units, as the editors do that it was made for, and not bytes.
    const line = content.slice(0, diagnostic.start).split('\n').length;
    return `${diagnostic.file_name}:${line} ${diagnostic.text}\n    ${content.split('\n')[line - 1]?.trim() ?? ''}`;
  });
  return rest > 0 ? [...problems, `… and ${rest} more`] : problems;
}
