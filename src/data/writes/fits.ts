import type { ColumnField } from '../model/datamodel.ts';

/**
 * Says why a value, encoded for PostgreSQL, has no room in its column; undefined when it has. PostgreSQL would refuse it
 * too, but without a word about which of the values it was.
 */
export function misfitOf(field: ColumnField, value: unknown): string | undefined {
  if (value === null || field.type.kind === 'enum') return undefined;
  switch (field.type.name) {
    case 'String':
      return textMisfit(field, String(value));
    case 'Decimal':
      return decimalMisfit(field, String(value));
    case 'Float':
      return field.nativeType === 'Real' && Math.abs(Number(value)) > greatestReal ? 'is too great' : undefined;
    default:
      return undefined;
  }
}

const greatestReal = 3.4028235e38;

function textMisfit({ nativeType, nativeArgs }: ColumnField, text: string): string | undefined {
  const given = nativeArgs[0] === undefined ? undefined : Number(nativeArgs[0]);
  switch (nativeType) {
    case 'Char':
    case 'VarChar': {
      const most = given ?? (nativeType === 'Char' ? 1 : Number.POSITIVE_INFINITY);
      // Blanks at the end are cut off by PostgreSQL, as SQL says.
      const isTooLong = text.length > most && [...withoutBlanks(text)].length > most;
      return isTooLong ? `must be at most ${most} characters long` : undefined;
    }
    case 'Bit':
    case 'VarBit': {
      if (!/^[01]*$/.test(text)) return 'must be made of 0 and 1';
      const length = given ?? (nativeType === 'Bit' ? 1 : undefined);
      if (length === undefined) return undefined;
      if (nativeType === 'Bit' && text.length !== length) return `must be ${length} bits long`;
      return text.length > length ? `must be at most ${length} bits long` : undefined;
    }
    default:
      return undefined;
  }
}

/** @NOTE no pattern: it would begin anew at each of a million blanks that something follows. */
function withoutBlanks(text: string): string {
  let end = text.length;
  while (text[end - 1] === ' ') end -= 1;
  return text.slice(0, end);
}

function decimalMisfit({ nativeType, nativeArgs }: ColumnField, text: string): string | undefined {
  const [precision, scale] =
    nativeType === 'Money' ? [19, 2] : [Number(nativeArgs[0] ?? 65), Number(nativeArgs[1] ?? (nativeArgs[0] ? 0 : 30))];
  const most = precision - scale;
  return wholeDigits(text) > most ? `must have at most ${most} digits before the point` : undefined;
}

/** Digits before the decimal point, without leading zeros; the exponent is taken into account. */
function wholeDigits(text: string): number {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.replace(/^[+-]/, '').split('.');
  const digits = (whole + fraction).replace(/^0+/, '');
  const leadingZeros = whole.length + fraction.length - digits.length;
  return digits === '' ? 0 : whole.length - leadingZeros + Number(exponent);
}
