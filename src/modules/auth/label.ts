import { invalidInput } from '../../errors.ts';

/** Reads what something is called: one line, without what is not drawn. @throws INVALID_INPUT */
export function readLabel(given: string, path: string, most = 100): string {
  const label = given.trim();
  if (label === '') throw invalidInput(path, 'must not be empty');
  if (label.length > most) throw invalidInput(path, `must have at most ${most} characters`);
  if (/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(label)) throw invalidInput(path, 'must be one line of text');
  return label;
}
