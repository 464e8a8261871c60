import { readFileSync } from 'node:fs';

/** A query in a page of the documentation, and what the page says of it. */
export interface DocumentedQuery {
  line: number;
  query: string;
  /** Who asks, `<!-- as: ben -->`; ann unless said. */
  as: string;
  /** The answer, where the page shows one. */
  answer?: unknown;
  /** The error's code, where the page says that it fails: `<!-- fails: INVALID_INPUT -->`. */
  fails?: string;
}

const block =
  /^```graphql\n(?<query>[\s\S]*?)^```\n(?:\n<!-- as: (?<as>\w+) -->)?(?:\n<!-- fails: (?<fails>\w+) -->)?(?:\n+```json\n(?<answer>[\s\S]*?)^```)?/gm;

/** The queries of a page, in order. */
export function documentedQueries(file: string): DocumentedQuery[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(block)].map((match) => {
    const { query, as, fails, answer } = match.groups as Record<string, string | undefined>;
    const line = text.slice(0, match.index).split('\n').length;
    return {
      line,
      query: query!,
      as: as ?? 'ann',
      fails,
      answer: answer === undefined ? undefined : JSON.parse(answer),
    };
  });
}
