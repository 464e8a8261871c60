import { invalidInput } from '../../errors.ts';
import type { ColumnField } from '../model/datamodel.ts';
import type { Encode } from './statement.ts';

/** How an API value of this field becomes one that PostgreSQL reads. For a list field: how one element does. */
export function encoderOf(field: ColumnField): Encode {
  if (field.type.kind === 'enum') {
    const { values } = field.type.enum;
    // @NOTE names after labels: one value's label may be another one's name, and the API and rules speak of names.
    const labels = new Map([
      ...values.map((v) => [v.label, v.label] as const),
      ...values.map((v) => [v.name, v.label] as const),
    ]);
    return (value, path) => labels.get(String(value)) ?? refuse(path, 'is none of the values of its type');
  }
  switch (field.type.name) {
    case 'Json':
      return json;
    case 'Bytes':
      return bytes;
    case 'DateTime':
      return field.nativeType === 'Time' || field.nativeType === 'Timetz' ? timeOfDay : instant(field.nativeType);
    case 'String':
      return field.nativeType === 'Uuid' ? uuid : text;
    case 'Int':
      return wholeNumber(...(intRanges[field.nativeType ?? ''] ?? intRanges.Integer!));
    case 'BigInt':
      return wholeNumber(-(2n ** 63n), 2n ** 63n - 1n);
    case 'Float':
      return finiteNumber;
    case 'Decimal':
      return decimal;
    case 'Boolean':
      return boolean;
  }
}

/** Encodes each element of a list. */
export const eachOf =
  (encode: Encode): Encode =>
  (value, path) =>
    (Array.isArray(value) ? value : [value]).map((item, i) => (item === null ? null : encode(item, `${path}.${i}`)));

function refuse(path: string, message: string): never {
  throw invalidInput(path, message);
}

const intRanges: Record<string, [least: bigint, greatest: bigint]> = {
  SmallInt: [-32_768n, 32_767n],
  Integer: [-2_147_483_648n, 2_147_483_647n],
  Oid: [0n, 4_294_967_295n],
};

// @NOTE clients' values have the right type by now; those of rules, which may come from a token, need not.
const wholeNumber =
  (least: bigint, greatest: bigint): Encode =>
  (value, path) => {
    const text = String(value);
    const isInside = /^[+-]?\d{1,19}$/.test(text) && BigInt(text) >= least && BigInt(text) <= greatest;
    return isInside ? text : refuse(path, `must be a whole number between ${least} and ${greatest}`);
  };

const finiteNumber: Encode = (value, path) => {
  const isNumber = typeof value !== 'string' || value.trim() !== '';
  return isNumber && Number.isFinite(Number(value)) ? Number(value) : refuse(path, 'must be a number');
};

const decimal: Encode = (value, path) =>
  /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,3})?$/i.test(String(value))
    ? String(value)
    : refuse(path, 'must be a decimal number');

const boolean: Encode = (value, path) => (typeof value === 'boolean' ? value : refuse(path, 'must be true or false'));

/**
 * Any text that PostgreSQL can hold: none with a NUL, and none with half of a surrogate pair, which has no UTF-8 and would
 * silently become another character.
 */
export const text: Encode = (value, path) => {
  const string = String(value);
  if (string.includes('\0')) refuse(path, nulMessage);
  return /\p{Surrogate}/u.test(string) ? refuse(path, 'holds half of a character') : string;
};

const nulMessage = 'must not contain the character U+0000';

/**
 * JSON text. What PostgreSQL cannot hold is refused: an escaped NUL (an escaped backslash before `u0000` is none) and
 * half of a surrogate pair; so is a number too great for JavaScript, which would become null.
 */
export const json: Encode = (value, path) => {
  const string = JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'number' && !Number.isFinite(part)) refuse(path, 'holds a number that is too great');
    return typeof part === 'bigint' ? String(part) : part;
  });
  if (/(?<!\\)(?:\\\\)*\\u0000/.test(string)) refuse(path, nulMessage);
  if (/(?<!\\)(?:\\\\)*\\ud[89a-f]/.test(string)) refuse(path, 'holds half of a character');
  return string;
};

const uuidForm = /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;

const uuid: Encode = (value, path) => (uuidForm.test(String(value)) ? String(value) : refuse(path, 'must be a UUID'));

const bytes: Encode = (value) =>
  value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value), 'base64');

const timeOfDay: Encode = (value, path) => {
  if (value instanceof Date) return isoOf(value, path).slice(11);
  return /^\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}(?::?\d{2})?)?$/.test(String(value))
    ? String(value)
    : refuse(path, 'must be a time of day, as 12:30:00');
};

const isoOf = (date: Date, path: string): string =>
  Number.isNaN(date.getTime()) ? refuse(path, instantMessage) : date.toISOString();

const instantMessage = 'must be a date and time in ISO 8601, as 2026-01-31T12:00:00Z';

const instantForm = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:\d{2}))?$/;

/**
 * An instant in UTC, with every digit of its fraction. PostgreSQL ignores the offset of a text it reads as `timestamp`, so
 * the offset is taken off here.
 */
function instant(nativeType: string | undefined): Encode {
  return (value, path) => {
    if (value instanceof Date) return nativeType === 'Date' ? isoOf(value, path).slice(0, 10) : isoOf(value, path);
    const match = instantForm.exec(String(value));
    if (!match) return refuse(path, instantMessage);
    const [, date, time = '00:00:00', fraction = '', zone = 'Z'] = match;
    const seconds = isoOf(new Date(`${date}T${time}${zone}`), path).slice(0, 19);
    if (!/^(?!0000)\d{4}-/.test(seconds)) return refuse(path, 'must lie in the years 1 to 9999');
    return nativeType === 'Date' ? seconds.slice(0, 10) : `${seconds}${fraction}Z`;
  };
}
