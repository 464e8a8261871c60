import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { StartupError } from '../../errors.ts';

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
      content: await readFile(path.join(directory, name), 'utf8'),
    })),
  );
}

const platformFile = 'prisma/schema.prisma';
const block = /^[ \t]*(datasource|generator)[ \t]+\w+[ \t]*\{[^}]*\}/gm;
const obsolete = /^[ \t]*(url|directUrl|shadowDatabaseUrl)[ \t]*=.*$/gm;

/**
 * Makes one valid schema of files that were each whole once: a schema brought from elsewhere may keep its own
 * `datasource` and `generator` blocks, which give way to those of prisma/schema.prisma. Lines keep their numbers, so that
 * messages still point at the right place. What a datasource says about the models (`schemas`, `extensions`,
 * `relationMode`) is kept.
 */
export function composeSchema(files: readonly SchemaFile[]): SchemaFile[] {
  const owner = files.find((f) => f.path === platformFile && hasDatasource(f)) ?? files.find(hasDatasource);
  const others = files.filter((f) => f !== owner);
  const attributes = others.flatMap((f) => datasourceAttributes(f.content));
  const composed = others.map((f) => ({ path: f.path, content: f.content.replaceAll(block, blank) }));
  if (!owner) return [{ path: platformFile, content: datasource(attributes) }, ...composed];
  const content = owner.content
    .replaceAll(obsolete, '')
    .replace(/^([ \t]*datasource[ \t]+\w+[ \t]*\{)/m, (head) => withAttributes(head, owner.content, attributes));
  return [{ path: owner.path, content }, ...composed];
}

const hasDatasource = (file: SchemaFile): boolean => /^[ \t]*datasource[ \t]+\w+[ \t]*\{/m.test(file.content);

const datasource = (attributes: readonly string[]): string =>
  `datasource db {\n  provider = "postgresql"\n  ${attributes.join('\n  ')}\n}\n`;

const blank = (text: string): string => text.replaceAll(/[^\n]/g, '');

function datasourceAttributes(content: string): string[] {
  const body = content.match(/^[ \t]*datasource[ \t]+\w+[ \t]*\{([^}]*)\}/m)?.[1] ?? '';
  return [...body.matchAll(/^[ \t]*((?:schemas|extensions|relationMode)[ \t]*=.*)$/gm)].map((m) => m[1]!);
}

// @NOTE on the head's own line, so that no line moves.
function withAttributes(head: string, content: string, attributes: readonly string[]): string {
  const missing = attributes.filter((a) => !content.includes(`${a.split(/[ =]/)[0]!} `));
  return missing.length === 0 ? head : `${head}\n${missing.join('\n')}\n`;
}

interface Diagnostic {
  file_name: string;
  start: number;
  text: string;
  is_warning: boolean;
}

/** The mistakes that the linter found, each as `prisma/app.prisma:12 what is wrong` with the offending line below. */
export function schemaProblems(files: readonly SchemaFile[], lint: string): string[] {
  const diagnostics = (JSON.parse(lint) as Diagnostic[]).filter((d) => !d.is_warning);
  return diagnostics.map((diagnostic) => {
    const content = files.find((f) => f.path === diagnostic.file_name)?.content ?? '';
    // @NOTE the linter counts bytes, not UTF-16 units.
    const before = Buffer.from(content).subarray(0, diagnostic.start).toString();
    const line = before.split('\n').length;
    return `${diagnostic.file_name}:${line} ${diagnostic.text}\n    ${content.split('\n')[line - 1]?.trim() ?? ''}`;
  });
}
