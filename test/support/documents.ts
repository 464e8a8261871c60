import { readFileSync } from 'node:fs';

/** A query in a page of the documentation, and what the page says of it. */
export interface DocumentedQuery {
  line: number;
  query: string;
  /** Who asks, `<!-- as: ben -->`; ann unless said. With `session` it is ann, who has just signed in. */
  as: string;
  /** The answer, where the page shows one; the first one of what goes on answering. */
  answer?: unknown;
  /** What the last stream above is told of it, where the page shows that: `<!-- told -->`. */
  told?: unknown;
  /** The errors' codes, where the page says that it fails: `<!-- fails: INVALID_INPUT -->`; several with commas between. */
  fails?: string[];
}

const block =
  /^```graphql\n(?<query>[\s\S]*?)^```\n(?:\n<!-- as: (?<as>\w+) -->)?(?:\n<!-- fails: (?<fails>[\w, ]+) -->)?(?<told>\n<!-- told -->)?(?:\n+```json\n(?<answer>[\s\S]*?)^```)?/gm;

/** The queries of a page, in order. */
export function documentedQueries(file: string): DocumentedQuery[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(block)].map((match) => {
    const { query, as, fails, told, answer } = match.groups as Record<string, string | undefined>;
    const line = text.slice(0, match.index).split('\n').length;
    const shown: unknown = answer === undefined ? undefined : JSON.parse(answer);
    return {
      line,
      query: query!,
      as: as ?? 'ann',
      fails: fails?.split(', '),
      ...(told ? { told: shown } : { answer: shown }),
    };
  });
}
