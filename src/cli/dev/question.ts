import { createInterface } from 'node:readline/promises';

/** Asks on the terminal, or on whatever standard input is; where it has ended, the answer is empty. */
export async function askInTerminal(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const ended = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
    return (await Promise.race([terminal.question(question), ended])).trim().toLowerCase();
  } finally {
    terminal.close();
  }
}
