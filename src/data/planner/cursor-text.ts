import type { ColumnField } from '../model/datamodel.ts';

const isBetween = (least: bigint, greatest: bigint) => (text: string) =>
  /^-?\d{1,19}$/.test(text) && BigInt(text) >= least && BigInt(text) <= greatest;

/** Whether a text could be a count. */
export const isCountText = isBetween(0n, 2n ** 63n - 1n);

/** Whether a text could be a rank, which is finite and not negative. */
export const isRankText = (text: string): boolean => /^\d+(?:\.\d+)?(?:e[+-]?\d{1,2})?$/.test(text);

/** Digits that a number of a `jsonb` has room for, before its point and behind it. */
const maxDigits = { before: 131_072, behind: 16_383 };
/** What it holds of no text: U+0000, and half of a character. */
const heldByNoText = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/i;

/** Whether PostgreSQL could have written a text for a JSON document other than null. */
export function isJsonText(text: string): boolean {
  // @NOTE first: what is no JSON could hold a quote that nothing closes, and each would be looked for to the end.
  if (!isJson(text) || text === 'null' || heldByNoText.test(text)) return false;
  const bare = text.replaceAll(/"(?:\\.|[^"\\])*"/g, '""');
  return !/\d[eE]/.test(bare) && hasRoom(bare);
}

/** @NOTE run by run: a pattern that counts would begin to count at each of a hundred thousand digits. */
const hasRoom = (text: string): boolean =>
  (text.match(/\.?\d+/g) ?? []).every((digits) =>
    digits.startsWith('.') ? digits.length <= maxDigits.behind + 1 : digits.length <= maxDigits.before,
  );

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether PostgreSQL could have written a text for a value of the column: in a cursor made by hand there may be any other. */
export function isColumnText(field: ColumnField, text: string): boolean {
  if (field.type.kind === 'enum') return field.type.enum.values.some((v) => v.label === text);
  switch (field.type.name) {
    case 'String':
      return field.nativeType !== 'Uuid' || /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/.test(text);
    case 'Boolean':
      return text === 'true' || text === 'false';
    case 'Int':
      return field.nativeType === 'Oid'
        ? isBetween(0n, 2n ** 32n - 1n)(text)
        : isBetween(-(2n ** 31n), 2n ** 31n - 1n)(text);
    case 'BigInt':
      return isBetween(-(2n ** 63n), 2n ** 63n - 1n)(text);
    case 'Float':
      return /^(?:-?\d+(?:\.\d+)?(?:e[+-]?\d{1,3})?|NaN|-?Infinity)$/.test(text);
    case 'Decimal':
      return field.nativeType === 'Money' || /^(?:-?\d+(?:\.\d+)?|NaN|-?Infinity)$/.test(text);
    case 'DateTime':
      return /^(?:\d{4,6}-\d\d-\d\d)?(?: ?\d\d:\d\d:\d\d(?:\.\d+)?(?:[+-]\d\d(?::\d\d)*)?)?(?: BC)?$|^-?infinity$/.test(
        text,
      );
    case 'Bytes':
      return /^\\x(?:[\da-f]{2})*$/.test(text);
    case 'Json':
      return isJsonText(text);
  }
}
