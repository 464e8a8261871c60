import { createRequire } from 'node:module';
import { schemaBlocks } from '../../data/model/schema-blocks.ts';
import { StartupError } from '../../errors.ts';

/** A foreign schema, taken apart: what is the application's, and what it said to Prisma about it. */
export interface ForeignSchema {
  /** Models, enums, views and types: the text without its datasource and generators. */
  models: string;
  /** Lines of its datasource that say something about the models: `schemas`, `extensions`, `relationMode`. */
  attributes: string[];
  /** Preview features that Prisma still has. */
  previewFeatures: string[];
  /** Names of generators other than Prisma Client's; they do not come along. */
  generators: string[];
}

const list = String.raw`\[[^\]]*\]`;

/** Takes a schema apart; a StartupError where it is for another database than PostgreSQL, or has nothing in it. */
export function readForeignSchema(text: string): ForeignSchema {
  const blocks = schemaBlocks(text).filter(({ keyword }) => keyword === 'datasource' || keyword === 'generator');
  const source = blocks.find(({ keyword }) => keyword === 'datasource')?.body ?? '';
  const generators = blocks.filter(({ keyword }) => keyword === 'generator');
  const provider = settingOf(source, 'provider', '"[^"]*"') ?? '"postgresql"';
  if (!/^"postgres(ql)?"$/.test(provider)) {
    throw new StartupError(
      `That schema is for ${provider}.`,
      'Millrace runs on PostgreSQL: bring the schema there first.',
    );
  }
  const models = blocks
    .reduceRight((rest, { start, end }) => `${rest.slice(0, start)}${rest.slice(end).replace(/^[^\n]*\n?/, '')}`, text)
    .replace(/\n{3,}/g, '\n\n')
    .trim();
  if (!/^[ \t]*(model|view)[ \t]+\w+/m.test(models)) {
    throw new StartupError('That schema has no models.', 'Name a file, or a directory of files, that has some.');
  }
  return {
    models: `${models}\n`,
    attributes: ['schemas', 'extensions', 'relationMode'].flatMap((name) => {
      const value = settingOf(source, name, `(?:${list}|"[^"]*")`);
      return value ? [`${name} = ${value.replace(/\s+/g, ' ').replace('[ ', '[').replace(' ]', ']')}`] : [];
    }),
    previewFeatures: livingFeatures(generators.map(({ body }) => body)),
    generators: generators.filter(({ body }) => !/"prisma-client(-js)?"/.test(body)).map(({ name }) => name),
  };
}

function settingOf(body: string, name: string, value: string): string | undefined {
  return new RegExp(`^[ \\t]*${name}[ \\t]*=[ \\t]*(${value})`, 'm').exec(body)?.[1];
}

function livingFeatures(bodies: string[]): string[] {
  const parser: typeof import('@prisma/prisma-schema-wasm') = createRequire(import.meta.url)(
    '@prisma/prisma-schema-wasm',
  );
  const known = JSON.parse(parser.preview_features()) as string[];
  const named = bodies.flatMap((body) => [...(settingOf(body, 'previewFeatures', list) ?? '').matchAll(/"(\w+)"/g)]);
  return [...new Set(named.map(([, name]) => name!))].filter((name) => known.includes(name));
}

/** Millrace's `prisma/schema.prisma` with what the foreign schema said to Prisma, in place of what it said before. */
export function adaptPlatformSchema(text: string, { attributes, previewFeatures }: ForeignSchema): string {
  const plain = text.replaceAll(
    new RegExp(
      `^[ \\t]*(schemas|extensions|relationMode|previewFeatures)[ \\t]*=[ \\t]*(${list}|"[^"]*")[ \\t]*\\n`,
      'gm',
    ),
    '',
  );
  const features = previewFeatures.map((name) => `"${name}"`).join(', ');
  const withFeatures = features ? addToBlock(plain, 'generator', [`previewFeatures = [${features}]`]) : plain;
  return addToBlock(withFeatures, 'datasource', attributes);
}

function addToBlock(text: string, kind: string, lines: string[]): string {
  return text.replace(new RegExp(`^([ \\t]*${kind}[ \\t]+\\w+[ \\t]*\\{[^}]*)\\}`, 'm'), (_, head: string) => {
    return `${head}${lines.map((line) => `  ${line}\n`).join('')}}`;
  });
}
