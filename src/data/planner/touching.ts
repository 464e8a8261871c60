/**
 * Following a rule back from one row: see `sight.ts`. While it is on, parts of a condition tell whether they have led to
 * that row. Of alternatives only those that did are kept, and none that did is negated: what is sought is a way, not a verdict.
 */
import type { Compiler } from './compiler.ts';
import { not } from './statement.ts';

/** A part of a condition. */
export interface Part {
  sql: string;
  /** It has led to the row that is followed. */
  hasLed: boolean;
}

/** Writes a part and tells whether it has led to the row. */
export function partOf({ touching }: Pick<Compiler, 'touching'>, write: () => string): Part {
  if (!touching) return { sql: write(), hasLed: false };
  const before = touching.hit;
  touching.hit = false;
  const sql = write();
  const hasLed = touching.hit;
  touching.hit = hasLed || before;
  return { sql, hasLed };
}

/** The parts of which one must hold. */
export function alternatives(parts: readonly Part[]): string[] {
  const led = parts.filter(({ hasLed }) => hasLed);
  return (led.length > 0 ? led : parts).map(({ sql }) => sql);
}

/** The contrary of a part; one that has led to the row stays as it is. */
export const contrary = ({ sql, hasLed }: Part): string => (hasLed ? sql : not(sql));
