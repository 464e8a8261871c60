import type { ColumnField } from '../model/datamodel.ts';

const isBetween = (least: bigint, greatest: bigint) => (text: string) =>
  /^-?\d{1,19}$/.test(text) && BigInt(text) >= least && BigInt(text) <= greatest;

/** Whether a text could be a count. */
export const isCountText = isBetween(0n, 2n ** 63n - 1n);

/** Whether a text could be a rank, which is finite and not negative. */
export const isRankText = (text: string): boolean => /^\d+(?:\.\d+)?(?:e[+-]?\d{1,2})?$/.test(text);

/** What no number of a `jsonb` is written like: with an exponent, or with more digits than it has room for. */
const beyondJsonb = /\d[eE]|\d{131073}|\.\d{16384}/;
/** What it holds of no text: U+0000, and half of a character. */
const heldByNoText = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/i;

/** Whether PostgreSQL could have written a text for a JSON document other than null. */
export function isJsonText(text: string): boolean {
  if (text === 'null' || heldByNoText.test(text)) return false;
  if (beyondJsonb.test(text.replaceAll(/"(?:\\.|[^"\\])*"/g, '""'))) return false;
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
