/** A block of a Prisma schema: `datasource db { … }`, with where it stands in the text. */
export interface SchemaBlock {
  /** `model`, `view`, `enum`, `type`, `datasource` or `generator`. */
  keyword: string;
  name: string;
  /** What stands between its braces. */
  body: string;
  start: number;
  end: number;
}

// Whatever may hold a brace that is none, and the braces themselves.
const tokens = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|[{}]/g;
const head = /^[ \t]*(\w+)[ \t]+([\w-]+)[ \t]*$/;

/** The blocks of a schema's text, in order. Braces in comments and strings are none; blocks do not nest in Prisma. */
export function schemaBlocks(text: string): SchemaBlock[] {
  const blocks: SchemaBlock[] = [];
  let opened: { keyword: string; name: string; start: number; bodyStart: number } | undefined;
  for (const { 0: token, index } of text.matchAll(tokens)) {
    if (token === '{' && !opened) {
      const start = text.lastIndexOf('\n', index) + 1;
      const [, keyword, name] = head.exec(text.slice(start, index)) ?? [];
      if (keyword && name) opened = { keyword, name, start, bodyStart: index + 1 };
    } else if (token === '}' && opened) {
      const { keyword, name, start, bodyStart } = opened;
      blocks.push({ keyword, name, body: text.slice(bodyStart, index), start, end: index + 1 });
      opened = undefined;
    }
  }
  return blocks;
}

/** The value of a setting of a `datasource` or `generator` block as it is written, without the comment behind it. */
export function settingOf({ body }: SchemaBlock, name: string): string | undefined {
  const line = new RegExp(`^[ \\t]*${name}[ \\t]*=[ \\t]*(.*)$`, 'm').exec(body)?.[1];
  return line?.match(/^(?:"(?:\\.|[^"\\])*"|(?!\/\/)[^"])*/)?.[0].trim();
}
