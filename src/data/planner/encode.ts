import { invalidInput } from '../../errors.ts';
import type { ColumnField } from '../model/datamodel.ts';
import type { Encode } from './statement.ts';

/** How an API value of this field becomes one that PostgreSQL reads. For a list field: how one element does. */
export function encoderOf(field: ColumnField): Encode {
  if (field.type.kind === 'enum') {
    const labels = new Map(
      field.type.enum.values.flatMap((v) => [[v.label, v.label] as const, [v.name, v.label] as const]),
    );
    return (value, path) => labels.get(String(value)) ?? refuse(path, `not a value of ${field.name}`);
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
      return field.nativeType === 'SmallInt' ? smallInt : plain;
    default:
      return plain;
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

const exactNumbers = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

const plain: Encode = (value) => (typeof value === 'number' || typeof value === 'boolean' ? value : String(value));

const smallInt: Encode = (value, path) =>
  Number(value) >= -32768 && Number(value) <= 32767 ? Number(value) : refuse(path, 'must lie between -32768 and 32767');

/** Any text but one with a NUL, which PostgreSQL cannot hold. */
export const text: Encode = (value, path) => {
  const string = String(value);
  return string.includes('\0') ? refuse(path, nulMessage) : string;
};

const nulMessage = 'must not contain the character U+0000';

/** JSON text. An escaped NUL is refused, as PostgreSQL would; an escaped backslash before `u0000` is not one. */
export const json: Encode = (value, path) => {
  const string = JSON.stringify(value, exactNumbers);
  return /(?<!\\)(?:\\\\)*\\u0000/.test(string) ? refuse(path, nulMessage) : string;
};

const uuidForm = /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;

const uuid: Encode = (value, path) => (uuidForm.test(String(value)) ? String(value) : refuse(path, 'must be a UUID'));

const bytes: Encode = (value) =>
  value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value), 'base64');

const timeOfDay: Encode = (value) => (value instanceof Date ? value.toISOString().slice(11) : String(value));

const instantForm = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:\d{2}))?$/;

/**
 * An instant in UTC, with every digit of its fraction. PostgreSQL ignores the offset of a text it reads as `timestamp`, so
 * the offset is taken off here.
 */
function instant(nativeType: string | undefined): Encode {
  return (value, path) => {
    if (value instanceof Date) return nativeType === 'Date' ? value.toISOString().slice(0, 10) : value.toISOString();
    const match = instantForm.exec(String(value));
    if (!match) return refuse(path, 'must be a date and time in ISO 8601, as 2026-01-31T12:00:00Z');
    const [, date, time = '00:00:00', fraction = '', zone = 'Z'] = match;
    const seconds = new Date(Date.parse(`${date}T${time}${zone}`)).toISOString().slice(0, 19);
    return nativeType === 'Date' ? seconds.slice(0, 10) : `${seconds}${fraction}Z`;
  };
}
