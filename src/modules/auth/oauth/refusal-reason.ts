/** Words of an error that may stand in the log: its codes and our libraries' own sentences, of what the provider or the browser sent nothing. */
export function reasonOf(error: unknown): string {
  const words: string[] = [];
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth += 1) {
    const { code, error: said } = at as { code?: unknown; error?: unknown };
    // What cannot be parsed is quoted by whatever parses it.
    if (!(at instanceof SyntaxError)) words.push(at.message);
    if (typeof code === 'string') words.push(code);
    // Of RFC 6749's errors the names alone: a description may say anything.
    if (typeof said === 'string' && /^[a-z_]{1,40}$/.test(said)) words.push(said);
  }
  return [...new Set(words)].join(' · ').slice(0, 300);
}
