import { type SchemaBlock, schemaBlocks } from '../../data/model/schema-blocks.ts';

/** A schema in the words of the Prisma that Millrace has. Lines keep their numbers. */
export interface ModernSchema {
  text: string;
  /** What was changed, each as a sentence that could begin with "now". */
  changes: string[];
}

/** Puts what former versions of Prisma took, and this one refuses, in today's words: nothing of it changes the database. */
export function modernizeSchema(text: string): ModernSchema {
  const changes = new Set<string>();
  let modern = text;
  for (const block of schemaBlocks(text).reverse()) {
    const old = text.slice(block.start, block.end);
    modern = modern.slice(0, block.start) + modernizeBlock(block, old, changes) + modern.slice(block.end);
  }
  return { text: modern, changes: [...changes] };
}

function modernizeBlock({ keyword }: SchemaBlock, text: string, changes: Set<string>): string {
  const change = (pattern: RegExp, replacement: (line: string) => string, sentence: string) => (line: string) => {
    const next = pattern.test(withoutRemarks(line)) ? replacement(line) : line;
    if (next !== line) changes.add(sentence);
    return next;
  };
  const steps = {
    datasource: [
      change(
        /^\s*referentialIntegrity\b/,
        (line) => line.replace('referentialIntegrity', 'relationMode'),
        'referentialIntegrity is relationMode',
      ),
    ],
    view: [
      change(/@id\b/, keyOfView, 'keys of views are unique'),
      change(/^\s*@@(?:index|fulltext)\b/, () => '', 'views have no indexes'),
    ],
    model: [change(/^\s*\w+\s+\w+\[\].*@relation\(/, withoutReferences, 'many-to-many relations have no references')],
  };
  const wanted = steps[keyword as keyof typeof steps] ?? [];
  return text
    .split('\n')
    .map((line) => wanted.reduce((done, step) => step(done), line))
    .join('\n');
}

const remarks = /\/\/.*|"(?:\\.|[^"\\])*"/g;

const withoutRemarks = (line: string): string => line.replaceAll(remarks, '');

function keyOfView(line: string): string {
  const isUnique = /(?<!@)@unique\b/.test(withoutRemarks(line));
  return line.replace(/\/\/.*|"(?:\\.|[^"\\])*"|@?@id\b/g, (part) => {
    if (part === '@@id') return '@@unique';
    if (part !== '@id') return part;
    return isUnique ? '' : '@unique';
  });
}

/** Of a list that names no fields of its own: since Prisma 6 such a relation has none to refer to. */
function withoutReferences(line: string): string {
  return line.replace(/[ \t]*@relation\(([^()]*)\)/, (relation, list: string) => {
    if (/\bfields:/.test(list)) return relation;
    const rest = list
      .replace(/\breferences:\s*\[[^\]]*\]/, '')
      .replace(/,\s*(?=,|$)/g, '')
      .replace(/^\s*,\s*/, '');
    if (rest === list) return relation;
    return rest.trim() ? ` @relation(${rest.trim()})` : '';
  });
}
