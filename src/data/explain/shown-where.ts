import { isRecord } from '../planner/value.ts';
import { unknownValue } from '../rules/verdicts.ts';

/** How a value that was undefined is written: it equals nothing, and so matches no row. */
export const shownUndefined = { $undefined: true } as const;

/** A rule's `where` as JSON: dates and bytes as their texts, exact numbers as texts, what was undefined as `shownUndefined`. */
export function shownWhere(value: unknown): unknown {
  if (value === unknownValue || value === undefined) return shownUndefined;
  if (Array.isArray(value)) return value.map(shownWhere);
  if (isRecord(value)) return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, shownWhere(part)]));
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  return typeof value === 'number' && Number.isFinite(value) ? value : String(value);
}
