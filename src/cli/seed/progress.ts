import { progress } from '@clack/prompts';

/** Shows how far a long work has come: a bar for a person, a line for each part where nobody watches. */
export interface ProgressReport {
  advance(part: string, count: number): void;
  /** Ends it with a last line. */
  stop(message: string): void;
  /** Ends it because something went wrong, which is told elsewhere. */
  abort(): void;
}

/** Begins to show a work of about `total` steps on stdout. */
export function reportProgress(title: string, total: number): ProgressReport {
  // A terminal that does not tell its width would break the bar into a line for each sign.
  const isWide = process.stdout.isTTY && process.stdout.columns >= 60;
  return isWide ? showBar(title, total) : writeLines(title);
}

function showBar(title: string, total: number): ProgressReport {
  const bar = progress({ style: 'block', max: total, size: 40 });
  bar.start(title);
  return {
    advance: (part, count) => bar.advance(count, part),
    stop: (message) => bar.stop(message),
    abort: () => bar.error('Stopped; nothing was stored.'),
  };
}

function writeLines(title: string): ProgressReport {
  const counts = new Map<string, number>();
  const write = (line: string) => process.stdout.write(`${line}\n`);
  const writeParts = () => {
    for (const [part, count] of counts) write(`  ${part} ${count.toLocaleString('en')}`);
  };
  write(title);
  return {
    advance: (part, count) => counts.set(part, (counts.get(part) ?? 0) + count),
    stop: (message) => {
      writeParts();
      write(message);
    },
    abort: writeParts,
  };
}
