import { MillraceError } from '../errors.ts';

/**
 * How much of the database one request has at a time, and how much it may still be answered with. A text of more than half a gigabyte cannot be held by JavaScript at
 * all, and several of less can fill the memory: either would end the process.
 */
export interface AnswerRoom {
  /** Bytes that are still left. */
  readonly left: number;
  /**
   * Takes the text of one statement's answer; null stands for one that PostgreSQL found too large to send.
   * @throws TOO_LARGE when it does not fit any more
   */
  take(text: string | null): string;
  /** Remembers how much is taken now; what is returned gives back what was taken since, for an answer that nobody gets. */
  mark(): () => void;
  /** Does the work once it is its turn: a request has a few statements at a time, whatever it asks for. */
  turn<T>(work: () => Promise<T>): Promise<T>;
}

/** Statements of one request at a time. @NOTE well below any pool's size: fields that the executor resolves are as many as a document has. */
const maxAtOnce = 3;

/** The room that a request begins with. */
export function createAnswerRoom(maxBytes: number): AnswerRoom {
  let taken = 0;
  let running = 0;
  let waiting: { begin: () => void; giveUp: (error: unknown) => void }[] = [];
  const run = async <T>(work: () => Promise<T>): Promise<T> => {
    running += 1;
    try {
      return await work();
    } catch (error) {
      // What waits would take as long, or find nobody either.
      if (error instanceof MillraceError && error.code === 'UNAVAILABLE') {
        for (const { giveUp } of waiting) giveUp(error);
        waiting = [];
      }
      throw error;
    } finally {
      running -= 1;
      waiting.shift()?.begin();
    }
  };
  return {
    get left() {
      return Math.max(0, maxBytes - taken);
    },
    take(text) {
      taken += text === null ? Number.POSITIVE_INFINITY : Buffer.byteLength(text);
      if (text === null || taken > maxBytes) {
        throw new MillraceError('TOO_LARGE', `the answer is larger than ${maxBytes} bytes; ask for smaller pages`);
      }
      return text;
    },
    mark() {
      const before = taken;
      return () => {
        taken = before;
      };
    },
    turn: (work) =>
      running < maxAtOnce
        ? run(work)
        : new Promise((resolve, reject) => {
            waiting.push({ begin: () => void run(work).then(resolve, reject), giveUp: reject });
          }),
  };
}
