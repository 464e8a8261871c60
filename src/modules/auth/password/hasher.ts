import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { hash, parseOptions, verify } from '@node-rs/argon2';
import { MillraceError } from '../../../errors.ts';

/** What one hash costs, and how many may be made. */
export interface HasherOptions {
  /** KiB of memory. */
  memory?: number;
  passes?: number;
  /** Hashes made at once, each on a thread of its own. */
  atOnce?: number;
  /** Tries that may wait for their turn. */
  waiting?: number;
}

/** Makes and checks argon2id hashes (RFC 9106) off the main thread. Expects passwords as `readPassword` leaves them. */
export interface Hasher {
  /** A PHC string. @throws UNAVAILABLE with `retryAfter` where too many wait */
  hash(password: string): Promise<string>;
  /** Whether a password is the one of a hash; without a hash it is not, at the same cost. @throws UNAVAILABLE with `retryAfter` where too many wait */
  verify(hash: string | undefined, password: string): Promise<boolean>;
  /** Whether a hash was made at less cost than one is made now: make another when the password is there to make it of. */
  isOutdated(hash: string): boolean;
}

/** OWASP's and RFC 9106's second choice: 64 MiB, 3 passes; one lane, since lanes would take threads from each other. */
const preset = { memory: 65_536, passes: 3 };

/** Makes a hasher. */
export function createHasher(options: HasherOptions = {}): Hasher {
  const { memory = preset.memory, passes = preset.passes, atOnce = defaultAtOnce(), waiting = 100 } = options;
  const cost = { memoryCost: memory, timeCost: passes, parallelism: 1 }; // of argon2id, the library's own choice
  const inTurn = createTurns(atOnce, waiting);
  const nobodys = neverMatching(memory, passes);
  return {
    hash: (password) => inTurn(() => hash(password, cost)),
    verify: (known, password) => inTurn(async () => (await verify(known ?? nobodys, password)) && known !== undefined),
    isOutdated(known) {
      const made = parseOptions(known);
      return !known.startsWith('$argon2id$') || made.memoryCost < memory || made.timeCost < passes;
    },
  };
}

/**
 * A core remains for the event loop.
 * @NOTE and a thread: hashes are made in the four that Node has for files and look-ups of names too, which would wait for them.
 */
const defaultAtOnce = (): number => Math.min(Math.max(1, availableParallelism() - 1), 3);

/** A hash that nothing is known to have, and that costs what any other does. */
function neverMatching(memory: number, passes: number): string {
  const word = (bytes: number) => randomBytes(bytes).toString('base64').replaceAll('=', '');
  return `$argon2id$v=19$m=${memory},t=${passes},p=1$${word(16)}$${word(32)}`;
}

/** Runs work in the order in which it comes, so much at once; refuses what would have to wait behind too much. */
function createTurns(atOnce: number, waiting: number): <T>(work: () => Promise<T>) => Promise<T> {
  const queue: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running < atOnce) running += 1;
    else if (queue.length >= waiting) {
      throw new MillraceError('UNAVAILABLE', 'too many passwords are checked at once: try again', { retryAfter: 5 });
    } else await new Promise<void>((resolve) => queue.push(resolve));
    try {
      return await work();
    } finally {
      // The turn is handed on, so that nobody who comes just now overtakes.
      const next = queue.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
