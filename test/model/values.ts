import { all, not, type Truth } from './truth.ts';
import type { ColumnType } from './world.ts';

type Filter = Readonly<Record<string, unknown>>;

/** Whether something is an object of named parts. */
export const isParts = (value: unknown): value is Filter =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

/** What Prisma's filter of one column comes to for a value; a value in the filter's place asks for equality. */
export function matchesValue(type: ColumnType, value: unknown, filter: unknown): Truth {
  if (!isParts(filter)) return isEqual(type, value, filter, false);
  const { mode, ...operators } = filter;
  return all(
    Object.entries(operators).map(([operator, operand]) =>
      operation(type, value, operator, operand, mode === 'insensitive'),
    ),
  );
}

/** Equality with null asks whether the value is null; any other comparison with it is unknown. */
function isEqual(type: ColumnType, value: unknown, operand: unknown, loosely: boolean): Truth {
  if (operand === null) return value === null;
  if (value === null) return undefined;
  return order(type, value, operand, loosely) === 0;
}

function operation(type: ColumnType, value: unknown, operator: string, operand: unknown, loosely: boolean): Truth {
  const compared = (holds: (order: number) => boolean): Truth =>
    value === null || operand === null ? undefined : holds(order(type, value, operand, loosely));
  const text = (holds: (value: string, part: string) => boolean): Truth =>
    value === null ? undefined : holds(folded(value, loosely), folded(operand, loosely));
  const list = (holds: (values: readonly unknown[]) => boolean): Truth =>
    value === null ? undefined : holds(value as readonly unknown[]);
  switch (operator) {
    case 'equals':
      return isEqual(type, value, operand, loosely);
    case 'not':
      return not(
        matchesValue(type, value, isParts(operand) && loosely ? { ...operand, mode: 'insensitive' } : operand),
      );
    case 'in':
      return operand === null ? undefined : isAmong(type, value, operand as readonly unknown[], loosely);
    case 'notIn':
      return operand === null ? undefined : not(isAmong(type, value, operand as readonly unknown[], loosely));
    case 'lt':
      return compared((o) => o < 0);
    case 'lte':
      return compared((o) => o <= 0);
    case 'gt':
      return compared((o) => o > 0);
    case 'gte':
      return compared((o) => o >= 0);
    case 'contains':
      return text((whole, part) => whole.includes(part));
    case 'startsWith':
      return text((whole, part) => whole.startsWith(part));
    case 'endsWith':
      return text((whole, part) => whole.endsWith(part));
    case 'has':
      return list((values) => values.includes(operand));
    case 'hasSome':
      return list((values) => (operand as unknown[]).some((v) => values.includes(v)));
    case 'hasEvery':
      return list((values) => (operand as unknown[]).every((v) => values.includes(v)));
    case 'isEmpty':
      return list((values) => (values.length === 0) === operand);
    default:
      throw new Error(`the model has no filter ${operator}`);
  }
}

/** Of an empty list even null is no part. */
function isAmong(type: ColumnType, value: unknown, list: readonly unknown[], loosely: boolean): Truth {
  if (list.length === 0) return false;
  if (value === null) return undefined;
  if (list.some((item) => item !== null && order(type, value, item, loosely) === 0)) return true;
  return list.includes(null) ? undefined : false;
}

const folded = (value: unknown, loosely: boolean): string => (loosely ? String(value).toLowerCase() : String(value));

/** Texts by code units, as the collation C has them. */
function order(type: ColumnType, a: unknown, b: unknown, loosely: boolean): number {
  if (type === 'number') return Math.sign(Number(a) - Number(b));
  const spelt = (value: unknown) =>
    type === 'json' || type === 'list' ? JSON.stringify(value) : folded(value, loosely && type === 'text');
  const [left, right] = [spelt(a), spelt(b)];
  return left === right ? 0 : left < right ? -1 : 1;
}
