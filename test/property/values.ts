import type { ColumnField } from '../../src/data/model/datamodel.ts';

/** A value of the API as Prisma Client takes it. */
export function toPrisma(field: ColumnField, given: unknown): unknown {
  if (given === null || given === undefined || field.type.kind === 'enum') return given;
  switch (field.type.name) {
    case 'BigInt':
      return BigInt(given as string);
    case 'Bytes':
      return new Uint8Array(Buffer.from(given as string, 'base64'));
    case 'DateTime':
      return new Date(/^\d\d:/.test(given as string) ? `1970-01-01T${given}Z` : (given as string));
    default:
      return given;
  }
}

/**
 * One spelling for a value of either side. Prisma's decimals have no trailing zeros and its dates are JavaScript's; ours
 * are the database's text.
 */
export function normalise(field: ColumnField, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value) && field.isList) return value.map((item) => normalise({ ...field, isList: false }, item));
  if (field.type.kind === 'enum') return value;
  switch (field.type.name) {
    case 'BigInt':
      return String(value);
    case 'Decimal':
      return plainDecimal(String(value));
    case 'Bytes':
      return typeof value === 'string' ? value : Buffer.from(value as Uint8Array).toString('base64');
    case 'DateTime': {
      if (value instanceof Date) return value.toISOString();
      const text = String(value);
      return new Date(/^\d\d:/.test(text) ? `1970-01-01T${text.replace(/[+-]\d\d$/, '')}Z` : text).toISOString();
    }
    default:
      return value;
  }
}

/** `1.50` and `15e-1` alike as digits and an exponent. */
function plainDecimal(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const trimmed = digits.replace(/0+$/, '');
  if (trimmed === '') return '0';
  return `${sign}${trimmed}e${Number(exponent) - fraction.length + (digits.length - trimmed.length)}`;
}
