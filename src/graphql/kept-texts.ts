/** Texts that were sent with their hashes, on disk: a restart does not have every document sent again. */
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from '../platform/log.ts';
import { hashOf } from './listed-operations.ts';
import type { Persisted } from './persisted.ts';

const saveEvery = 5 * 60_000;

/** Bytes of a file that is read: several times what is ever written. */
const maxFileBytes = 40_000_000;

/**
 * Puts back what was kept when the process before ended, and saves from time to time and when it is disposed of. What cannot be
 * read or written is told in the log, and done without: clients send their texts again.
 */
export async function keepTexts(directory: string, persisted: Persisted, log: Logger): Promise<AsyncDisposable> {
  const file = path.join(directory, 'texts.json');
  let saved = '[]';
  try {
    saved = await readTexts(file);
    // @NOTE by hashes made anew: a file that was changed cannot put a text under another's hash.
    for (const query of JSON.parse(saved) as string[]) persisted.keep({ asked: { query }, hash: hashOf(query) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') log.warn({ err: error }, `${file} could not be read`);
  }
  const save = async () => {
    const text = JSON.stringify(persisted.texts());
    if (text === saved) return;
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const draft = `${file}.${process.pid}`;
      await writeFile(draft, text, { mode: 0o600 });
      await rename(draft, file);
      saved = text;
    } catch (error) {
      log.warn({ err: error }, `${file} could not be written`);
    }
  };
  const saving = setInterval(() => void save(), saveEvery).unref();
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(saving);
      await save();
    },
  };
}

async function readTexts(file: string): Promise<string> {
  if ((await stat(file)).size > maxFileBytes) throw new Error('it is too large');
  const text = await readFile(file, 'utf8');
  const texts: unknown = JSON.parse(text);
  if (!Array.isArray(texts) || !texts.every((t) => typeof t === 'string')) throw new Error('it is no list of texts');
  return text;
}
