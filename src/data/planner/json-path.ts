/**
 * Parts of JSON documents, in SQL. A path is structure, not a value: it stands in the statement as it is, so that PostgreSQL
 * finds the index of that expression, and is part of the key that a plan is kept under (see `shape.ts`).
 */
import { invalidInput } from '../../errors.ts';
import type { Value } from './value.ts';

/** How far a path may lead, and how many characters its keys may have together. */
const [maxSegments, maxLength] = [64, 1000];

/** Marks an input that holds a path in its extensions: a plan is made for each. */
export const pathOfSql = { isPathOfSql: true };

/** The keys and positions that a path is made of. @throws INVALID_INPUT for what is none, leads too far, or cannot be stored */
export function segmentsOf({ now, path }: Value): string[] {
  if (!Array.isArray(now) || now.some((segment) => typeof segment !== 'string' && typeof segment !== 'number'))
    throw invalidInput(path, 'must be a list of keys and positions');
  if (now.length > maxSegments) throw invalidInput(path, `may be at most ${maxSegments} keys long`);
  const segments = now.map(String);
  if (segments.join('').length > maxLength) throw invalidInput(path, `may have at most ${maxLength} characters`);
  segments.forEach((segment, i) => {
    if (segment.includes('\0')) throw invalidInput(`${path}.${i}`, 'must not contain the character U+0000');
    if (/\p{Cs}/u.test(segment)) throw invalidInput(`${path}.${i}`, 'holds half of a character');
  });
  return segments;
}

/** The part of a document that the path leads to; null when it is not there. */
export const partSql = (document: string, segments: readonly string[]): string =>
  `(${document} #> ${pathSql(segments)})`;

/** The same as text. */
export const partTextSql = (document: string, segments: readonly string[]): string =>
  `(${document} #>> ${pathSql(segments)})`;

/**
 * A part as rows are ordered and found by it: null stands for JSON's null too. Indexes are made of this expression, so
 * what does not say it in these words does not find them.
 */
export const sortedSql = (part: string): string => `nullif(${part}, 'null'::jsonb)`;

const pathSql = (segments: readonly string[]): string => `array[${segments.map(textSql).join(', ')}]::text[]`;

/**
 * A client's text in SQL. Of ASCII only what can mean nothing there stands as it is: no quote, backslash, or mark of the
 * planner's own is ever in it.
 */
const textSql = (text: string): string =>
  /^[\w -]*$/.test(text)
    ? `'${text}'`
    : // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be found
      `E'${text.replaceAll(/[\x01-\x7f]/g, (c) => (/[\w -]/.test(c) ? c : `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`))}'`;
