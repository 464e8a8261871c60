import { isRecord } from '../../data/planner/value.ts';
import { unknownValue } from '../../data/rules/verdicts.ts';
import type { Placeholder } from './sample-viewers.ts';

/** When a rule was asked, in milliseconds. */
type Moment = number;

/**
 * A rule's `where` in one line, as it would stand in app/rules.ts, with what stands for the viewer's values by its name.
 * @param again what the same rule returned a moment later: a time that has moved on is printed as one that is relative to
 *   the moment, and anything else that differs as what it is, so that the text is the same whenever it is made
 */
export function whereText(value: unknown, again: unknown, asked: Moment, placeholders: readonly Placeholder[]): string {
  const write = (one: unknown, other: unknown): string => {
    if (Array.isArray(one) && Array.isArray(other) && one.length === other.length) {
      return `[${one.map((item, i) => write(item, other[i])).join(', ')}]`;
    }
    if (isRecord(one) && isRecord(other) && sameKeys(one, other)) {
      const parts = Object.keys(one).map((key) => `${keyText(key)}: ${write(one[key], other[key])}`);
      return parts.length > 0 ? `{ ${parts.join(', ')} }` : '{}';
    }
    if (isNested(one) || isNested(other)) return varying;
    const [text, later] = [leafText(one, placeholders), leafText(other, placeholders)];
    if (text === later) return text;
    return one instanceof Date && other instanceof Date ? relativeText(one.getTime() - asked) : varying;
  };
  return write(value, again);
}

/** Stands for a value that is another one each time. */
const varying = '<differs each time>';

const isNested = (value: unknown): boolean => Array.isArray(value) || isRecord(value);

const sameKeys = (a: object, b: object): boolean => Object.keys(a).join('\0') === Object.keys(b).join('\0');

const keyText = (key: string): string => (/^[A-Za-z_$][\w$]*$/.test(key) ? key : quoted(key));

const quoted = (text: string): string =>
  `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;

function leafText(value: unknown, placeholders: readonly Placeholder[]): string {
  if (value === unknownValue) return 'undefined';
  if (typeof value === 'string') return stringText(value, placeholders);
  if (typeof value === 'number' || typeof value === 'bigint') {
    const known = placeholders.find((placeholder) => placeholder.value === String(value));
    if (known) return `${typeof value === 'number' ? 'Number' : 'BigInt'}(${known.name})`;
    return typeof value === 'number' ? String(value) : `${value}n`;
  }
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof Uint8Array) return `base64 ${Buffer.from(value).toString('base64')}`;
  return String(value);
}

function stringText(text: string, placeholders: readonly Placeholder[]): string {
  const whole = placeholders.find(({ value }) => value === text);
  if (whole) return whole.name;
  const held = placeholders.filter(({ value }) => text.includes(value));
  if (held.length === 0) return quoted(text);
  const filled = held.reduce(
    (made, { value, name }) => made.replaceAll(value, `\${${name}}`),
    JSON.stringify(text).slice(1, -1),
  );
  return `\`${filled}\``;
}

const units: [name: string, milliseconds: number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
];

/** A time that moves on with the moment. */
function relativeText(milliseconds: number): string {
  const rounded = Math.round(milliseconds / 1000) * 1000;
  if (rounded === 0) return 'now';
  const [unit, size] = units.find(([, size]) => rounded % size === 0)!;
  return `now ${rounded < 0 ? '-' : '+'} ${Math.abs(rounded) / size} ${unit}`;
}
