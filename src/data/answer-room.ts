import { MillraceError } from '../errors.ts';

/**
 * How much one request may still be answered with. A text of more than half a gigabyte cannot be held by JavaScript at
 * all, and several of less can fill the memory: either would end the process.
 */
export interface AnswerRoom {
  /**
   * Takes the text of one statement's answer; null stands for one that PostgreSQL found too large to send.
   * @throws TOO_LARGE when it does not fit any more
   */
  take(text: string | null): string;
}

/** The room that a request begins with. */
export function createAnswerRoom(maxBytes: number): AnswerRoom {
  let taken = 0;
  return {
    take(text) {
      taken += text === null ? Number.POSITIVE_INFINITY : Buffer.byteLength(text);
      if (text === null || taken > maxBytes) {
        throw new MillraceError('TOO_LARGE', `the answer is larger than ${maxBytes} bytes; ask for smaller pages`);
      }
      return text;
    },
  };
}
