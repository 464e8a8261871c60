/**
 * What may be a password, by NIST SP 800-63B-4 §3.1.1.2: long, any characters of Unicode, in NFC, and not one of those that are
 * tried first. No composition is asked for.
 */
import { invalidInput } from '../../../errors.ts';

/** What is known about whose password it is. */
export interface PasswordPolicy {
  /** Characters (code points) that it must have. */
  minLength: number;
  /** Words that whoever guesses would begin with: the service's name, the person's, the address. */
  about: readonly string[];
}

/** Looks at a password that somebody chooses, and returns it as it is to be hashed. @throws INVALID_INPUT */
export type ReadNewPassword = (password: string, policy: PasswordPolicy, path?: string) => Promise<string>;

/** Characters that a password must have by itself, and beside a second factor. */
export const minLengths = { alone: 15, besideSecondFactor: 8 };
const most = { characters: 256, bytes: 1024 };

/** A password as it is hashed; undefined where it cannot be anybody's, which costs nothing to see. */
export function readPassword(password: string): string | undefined {
  if (password.length > most.bytes || isMalformed.test(password)) return undefined;
  const normal = password.normalize('NFC');
  return isTooLong(normal) ? undefined : normal;
}

/** Half of a character of UTF-16 (a lone surrogate), for which UTF-8 has no bytes. */
const isMalformed = /\p{Cs}/u;
const isTooLong = (text: string) => Buffer.byteLength(text) > most.bytes || lengthOf(text) > most.characters;
const lengthOf = (text: string) => [...text].length;

/** Makes the check of new passwords; the list of common ones is read at its first use. */
export function createPasswordPolicy(): ReadNewPassword {
  let list: Promise<ReadonlySet<string>> | undefined;
  return async (password, { minLength, about }, path = 'password') => {
    const refuse = (why: string) => invalidInput(path, why);
    if (password.length > most.bytes) throw refuse(`must have at most ${most.characters} characters`);
    // What Unicode does not assign yet may be normalised differently by a later version (UAX #15 §12.1).
    if (/[\p{Cs}\p{Cn}]/u.test(password)) throw refuse('has characters that Unicode does not know');
    const normal = readPassword(password);
    if (normal === undefined) throw refuse(`must have at most ${most.characters} characters`);
    if (lengthOf(normal) < minLength) throw refuse(`must have at least ${minLength} characters`);
    list ??= readCommonPasswords();
    if (isEasilyGuessed(normal, await list, wordsOf(about))) {
      throw refuse(
        'is one of those that are tried first: choose another, such as four words that have nothing in common',
      );
    }
    return normal;
  };
}

async function readCommonPasswords(): Promise<ReadonlySet<string>> {
  const { dictionary } = await import('@zxcvbn-ts/language-common'); // at the first need: it unpacks 49,000 words
  return new Set(dictionary['passwords-common']);
}

const fold = (text: string) => text.normalize('NFKC').toLowerCase();

/** The words of names and addresses, the longest first; of three letters and less each password has some. */
function wordsOf(about: readonly string[]): string[] {
  const words = about.map(fold).flatMap((text) => [text, ...text.split(/[^\p{L}\p{M}\p{N}]+/u)]);
  return [...new Set(words)].filter((word) => word.length > 3).sort((one, other) => other.length - one.length);
}

/**
 * Whether fewer than four characters are left of a password when the words about the account, one common password and whatever
 * only goes on are taken out of it. The whole is judged, not a part of it: a common word in a long password does no harm.
 */
function isEasilyGuessed(password: string, common: ReadonlySet<string>, words: readonly string[]): boolean {
  const text = fold(password);
  if (common.has(text)) return true;
  const unit = repeatedUnit(text);
  if (unit !== undefined) return lengthOf(unit) < 5 || isEasilyGuessed(unit, common, words);
  return countUnknown(text, common, words) < 4;
}

/** What a text repeats, one and a half times at least. */
function repeatedUnit(text: string): string | undefined {
  for (let size = 1; size <= text.length / 1.5; size += 1) {
    if (text.startsWith(text.slice(size))) return text.slice(0, size);
  }
  return undefined;
}

/** The sizes of common passwords that are looked for; in less than four letters each password has some. */
const sizes = { least: 4, most: 32 };

/** The fewest characters that remain, wherever in the text the words and runs are taken to be. */
function countUnknown(text: string, common: ReadonlySet<string>, words: readonly string[]): number {
  // By place, from the end: what remains of the text from there on, with the one common password still to come or not.
  const withIt = [0];
  const without = [0];
  for (let at = text.length - 1; at >= 0; at -= 1) {
    const tail = text.length - at; // `withIt[tail - n]` is of the place n further on
    const known = [
      ...words.filter((word) => text.startsWith(word, at)).map((word) => word.length),
      ...runsAt(text, at),
    ];
    const bestOf = (from: readonly number[]) =>
      known.reduce((best, size) => Math.min(best, from[tail - size]!), from[tail - 1]! + 1);
    without[tail] = bestOf(without);
    let best = bestOf(withIt);
    for (let size = sizes.least; size <= Math.min(sizes.most, tail); size += 1) {
      if (without[tail - size]! < best && common.has(text.slice(at, at + size))) best = without[tail - size]!;
    }
    withIt[tail] = best;
  }
  return withIt[text.length]!;
}

const rows = ['qwertyuiop', 'asdfghjkl', 'zxcvbnm', 'qwertzuiop', 'yxcvbnm', 'azertyuiop', 'qsdfghjklm', '1234567890'];

const steps = [isNext(0), isNext(1), isNext(-1), isBeside(1), isBeside(-1)];

/** The sizes of what only goes on from a place: three letters and more, each of which follows from the one before (`aaa`, `4321`, `qwert`). */
function runsAt(text: string, at: number): number[] {
  return steps.flatMap((follows) => {
    let end = at + 1;
    while (end < text.length && follows(text[end - 1]!, text[end]!)) end += 1;
    return end - at < 3 ? [] : [end - at];
  });
}

type Follows = (one: string, next: string) => boolean;

function isNext(step: number): Follows {
  return (one, next) => next.charCodeAt(0) - one.charCodeAt(0) === step;
}

function isBeside(step: number): Follows {
  return (one, next) => rows.some((row) => row.includes(one) && row[row.indexOf(one) + step] === next);
}
