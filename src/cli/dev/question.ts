import { createInterface } from 'node:readline';

/** A terminal that is read all the time, so that what was typed before a question cannot answer it. */
export interface Terminal extends Disposable {
  /** The next line after the question; empty where the input ends, or when the question is withdrawn. */
  ask(question: string, withdrawn?: AbortSignal): Promise<string>;
}

/** Opens standard input, whatever it is. */
export function openTerminal(): Terminal {
  const lines = createInterface({ input: process.stdin });
  let hasEnded = false;
  let answer: ((line: string) => void) | undefined;
  lines.on('line', (line) => answer?.(line));
  lines.on('close', () => {
    hasEnded = true;
    answer?.('');
  });
  return {
    async ask(question, withdrawn) {
      // @NOTE first, so that a line that still lies in the buffer is heard, and dropped, before the question can be read.
      await new Promise((resolve) => setTimeout(resolve, 50));
      if (withdrawn?.aborted) return '';
      process.stdout.write(question);
      if (hasEnded) return '';
      const line = await new Promise<string>((resolve) => {
        answer = resolve;
        withdrawn?.addEventListener('abort', () => resolve(''), { once: true });
      });
      answer = undefined;
      return line.trim().toLowerCase();
    },
    [Symbol.dispose]: () => lines.close(),
  };
}
